#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The UDP forwarder in a process of its own, between sockets of this test.

usage: forwarder_test.py UDP_FORWARDER RING_EXPORTER
"""
import signal
import socket

from harness import shown, start_forwarder, totals_of
from place import DEADLINE_S, main, run, wait_until
from programs import page_once


def udp(port=0):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", port))
    sock.settimeout(DEADLINE_S)
    return sock


def port_of(sock):
    return sock.getsockname()[1]


def exchange(client, port, server, payload):
    """One datagram to the server and its echo back."""
    client.sendto(payload, ("127.0.0.1", port))
    data, upstream = server.recvfrom(65536)
    assert data == payload
    server.sendto(data, upstream)
    assert client.recvfrom(65536) == (payload, ("127.0.0.1", port))


def until_all_are_accounted_for(place, sent):
    wait_until(lambda: shown(place, "forward_packets_total", direction="to_server") +
               shown(place, "forward_drops_total", direction="to_server") == sent,
               f"all {sent} counted")


def answers_find_their_client_and_all_is_counted(place):
    with udp() as first, udp() as second, udp() as server:
        forwarder, ports = start_forwarder(place, {"a": port_of(server)}, "--threads", 2)
        for i in range(100):
            exchange(first, ports["a"], server, b"x" * i)
            exchange(second, ports["a"], server, b"y" * (2 * i))
        own = totals_of(forwarder)
    for direction in "to_server", "to_client":
        assert own["a"][direction]["packets"] == 200, own
        assert own["a"][direction]["bytes"] == 3 * sum(range(100)), own
        assert not any(own["a"][direction]["drops"].values()), own


def clients_in_one_batch_are_kept_apart(place):
    count = 30
    with udp() as first, udp() as second, udp() as server:
        forwarder, ports = start_forwarder(place, {"a": port_of(server)}, "--threads", 1)
        forwarder.send_signal(signal.SIGSTOP)
        for i in range(count):
            first.sendto(b"first %d" % i, ("127.0.0.1", ports["a"]))
            second.sendto(b"second %d" % i, ("127.0.0.1", ports["a"]))
        forwarder.send_signal(signal.SIGCONT)
        for _ in range(2 * count):
            server.sendto(*server.recvfrom(65536))
        for client, name in (first, b"first"), (second, b"second"):
            assert [client.recv(65536) for _ in range(count)] == \
                [b"%s %d" % (name, i) for i in range(count)]
        totals_of(forwarder)


def metrics_agree_with_what_the_forwarder_counts_itself(place):
    with udp() as client, udp() as server:
        forwarder, ports = start_forwarder(place, {"a": port_of(server), "b": port_of(server)})
        for i in range(50):
            exchange(client, ports["a"], server, b"x" * i)
        client.sendto(bytes(5000), ("127.0.0.1", ports["b"]))
        wait_until(lambda: shown(place, "forward_drops_total", channel="b") == 1, "the drop shows")
        own = totals_of(forwarder)
    page = page_once(place)
    for channel in "a", "b":
        for direction in "to_server", "to_client":
            labels, mine = {"channel": channel, "direction": direction}, own[channel][direction]
            assert page.total("forward_packets_total", **labels) == mine["packets"]
            assert page.total("forward_bytes_total", **labels) == mine["bytes"]
            assert page.total("forward_latency_seconds_count", **labels) == mine["packets"]
            for reason, count in mine["drops"].items():
                assert page.total("forward_drops_total", reason=reason, **labels) == count


def too_long_a_datagram_is_dropped_and_counted(place):
    with udp() as client, udp() as server:
        forwarder, ports = start_forwarder(place, {"a": port_of(server)})
        client.sendto(bytes(4097), ("127.0.0.1", ports["a"]))
        exchange(client, ports["a"], server, bytes(4096))
        own = totals_of(forwarder)["a"]["to_server"]
    assert own["drops"]["truncated"] == 1 and own["packets"] == 1, own


def a_full_flow_table_drops_and_counts(place):
    with udp() as first, udp() as second, udp() as server:
        forwarder, ports = start_forwarder(place, {"a": port_of(server)},
                                           "--threads", 1, "--flows", 1)
        exchange(first, ports["a"], server, b"first")
        second.sendto(b"second", ("127.0.0.1", ports["a"]))
        exchange(first, ports["a"], server, b"first again")
        own = totals_of(forwarder)["a"]["to_server"]
    assert own["drops"]["no_flow"] == 1 and own["packets"] == 2, own


def an_idle_flow_makes_room(place):
    with udp() as first, udp() as second, udp() as server:
        forwarder, ports = start_forwarder(place, {"a": port_of(server)},
                                           "--threads", 1, "--flows", 1, "--idle-ms", 1)
        exchange(first, ports["a"], server, b"first")
        second.settimeout(0.1)
        server.settimeout(0.1)

        def served():
            try:
                exchange(second, ports["a"], server, b"second")
                return True
            except TimeoutError:
                return False
        wait_until(served, "the second client is served")
        totals_of(forwarder)


def what_the_kernel_drops_is_counted(place):
    sent = 5000
    with udp() as client, udp() as server:
        forwarder, ports = start_forwarder(place, {"a": port_of(server)})
        forwarder.send_signal(signal.SIGSTOP)
        for _ in range(sent):
            client.sendto(b"too many", ("127.0.0.1", ports["a"]))
        forwarder.send_signal(signal.SIGCONT)
        until_all_are_accounted_for(place, sent)
        own = totals_of(forwarder)["a"]["to_server"]
    assert own["drops"]["queue_full"] > 0 and own["packets"] > 0, own
    assert own["drops"]["queue_full"] + own["packets"] == sent, own


def what_cannot_be_sent_is_counted(place):
    # The first datagram of a batch fails for the ICMP error that the last one before it caused.
    sent = 200
    with udp() as client:
        with udp() as server:
            closed_port = port_of(server)
        forwarder, ports = start_forwarder(place, {"a": closed_port}, "--threads", 1)
        forwarder.send_signal(signal.SIGSTOP)
        for _ in range(sent):
            client.sendto(b"nobody there", ("127.0.0.1", ports["a"]))
        forwarder.send_signal(signal.SIGCONT)
        until_all_are_accounted_for(place, sent)
        own = totals_of(forwarder)["a"]["to_server"]
    assert own["drops"]["send_failed"] > 0, own
    assert own["drops"]["send_failed"] + own["packets"] == sent, own


def without_a_segment_it_forwards_and_says_so_once(place):
    with udp() as client, udp() as server:
        forwarder, ports = start_forwarder(place, {"a": port_of(server)},
                                           "--dir", "/proc/nowhere")
        exchange(client, ports["a"], server, b"unobserved")
        own = totals_of(forwarder)["a"]
    assert own["to_client"]["packets"] == 1, own
    complaints = [line for line in forwarder.said().splitlines() if "listening" not in line]
    assert len(complaints) == 1 and "/proc/nowhere" in complaints[0], complaints


def a_second_forwarder_of_that_name_forwards_unobserved(place):
    with udp() as client, udp() as server:
        first, _ = start_forwarder(place, {"a": port_of(server)})
        second, ports = start_forwarder(place, {"a": port_of(server)})
        second.await_word("(forwarding unobserved)")
        exchange(client, ports["a"], server, b"unobserved")
        assert shown(place, "forward_packets_total") == 0
        assert totals_of(second)["a"]["to_server"]["packets"] == 1
        assert totals_of(first)["a"]["to_server"]["packets"] == 0


def totals_go_on_after_a_restart(place):
    with udp() as client, udp() as server:
        for expected in 1, 2:
            forwarder, ports = start_forwarder(place, {"a": port_of(server)})
            exchange(client, ports["a"], server, b"once")
            wait_until(lambda: shown(place, "forward_packets_total", direction="to_client")
                       == expected, f"{expected} packets")
            totals_of(forwarder)


def bad_arguments_end_it_with_one_line(_place):
    route = "--route=a=127.0.0.1:0,127.0.0.1:9"
    for arguments in ([], ["--segment", "s"], [route], ["--segment", "s", route, "--threads", "0"],
                      ["--segment", "s", route, "--threads", "1x"], ["--segment"], ["--nonsense"],
                      ["--segment", "s", "--route=a"], ["--segment", "s", "--route=a=b"],
                      ["--segment", "s", '--route=a"=127.0.0.1:0,127.0.0.1:9'],
                      ["--segment", "s", "--route=a=127.0.0.1:0,127.0.0.1"],
                      ["--segment", "s", "--route=a=127.0.0.1:0,127.0.0.1:x"],
                      ["--segment", "s", "--route=a=192.0.2.1:9,127.0.0.1:9"],
                      ["--segment", "s", route, "more"]):
        done = run("udp_forwarder", *arguments, text=True)
        assert done.returncode == 2, (arguments, done)
        assert done.stderr.startswith("udp_forwarder: ") and done.stderr.count("\n") == 1, done
        assert done.stdout == "", done


main([
    answers_find_their_client_and_all_is_counted,
    clients_in_one_batch_are_kept_apart,
    metrics_agree_with_what_the_forwarder_counts_itself,
    too_long_a_datagram_is_dropped_and_counted,
    a_full_flow_table_drops_and_counts,
    an_idle_flow_makes_room,
    what_the_kernel_drops_is_counted,
    what_cannot_be_sent_is_counted,
    without_a_segment_it_forwards_and_says_so_once,
    a_second_forwarder_of_that_name_forwards_unobserved,
    totals_go_on_after_a_restart,
    bad_arguments_end_it_with_one_line,
])
