#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long and how much clients may have, and how the exporter ends with requests in flight.

usage: limits_e2e.py RING_EXPORTER RINGLOAD LABELS_WRITER
"""
import contextlib
import http.client
import os
import signal
import socket
import time

import harness  # noqa: F401, says where the others are
from connections import (MIB, REQUEST, answer_of, connect, fds, is_open, label_much, resident_bytes,
                         unread_bytes, warmed_up)
from place import DEADLINE_S, main, run, wait_until
from programs import Exporter, Load, Page

REQUEST_S_MAX, FINISH_S_MAX = 10, 5
HELD_MIB_MAX = 256


def request_has_an_absolute_deadline(place):
    exporter = Exporter(place)
    start = time.monotonic()
    clients = [connect(exporter, REQUEST) for _ in range(20)]
    while any(map(is_open, clients)):
        assert time.monotonic() - start < REQUEST_S_MAX + 3
        for client in filter(is_open, clients):
            client.send(b"x")
        time.sleep(0.2)  # between two bytes of a client that drips
    assert time.monotonic() - start > REQUEST_S_MAX - 1


def address_that_takes_many_drives_out_its_own(place):
    exporter = Exporter(place, "--web.max-connections", 20)
    quiet = connect(exporter)
    greedy = [connect(exporter, REQUEST, "127.0.0.2") for _ in range(50)]
    wait_until(lambda: not any(map(is_open, greedy[:40])), "the greedy one's oldest are gone")
    assert all(map(is_open, greedy[40:])) and is_open(quiet)
    greedy[-1].sendall(b"\r\n")
    assert greedy[-1].recv(12) == b"HTTP/1.1 200"
    quiet.sendall(REQUEST + b"\r\n")
    assert quiet.recv(12) == b"HTTP/1.1 200"


def address_that_asks_too_often_is_told_to_wait(place):
    exporter = Exporter(place, "--web.rate-limit", 5)
    connection = http.client.HTTPConnection(exporter.host, exporter.port,
                                            source_address=("127.0.0.2", 0))

    def ask():
        connection.request("GET", "/-/healthy")
        answer = connection.getresponse()
        answer.read()
        return answer
    answers = [ask() for _ in range(20)]
    refused = [answer for answer in answers if answer.status == 429]
    assert all(answer.status == 200 for answer in answers[:10]) and len(refused) >= 8
    assert {answer.getheader("Retry-After") for answer in refused} == {"1"}
    assert exporter.get("/-/healthy")[0] == 200  # from elsewhere
    wait_until(lambda: ask().status == 200, "it may ask again")


def without_descriptors_the_oldest_has_to_go(place):
    exporter = Exporter(place)
    run("prlimit", "--pid", exporter.pid, f"--nofile={fds(exporter) + 10}")
    clients = [connect(exporter, REQUEST) for _ in range(40)]
    assert exporter.get()[0] == 200
    assert not is_open(clients[0])
    before = exporter.page().total("process_cpu_seconds_total")
    time.sleep(1.5)  # in which a loop that spins would take as much CPU
    assert exporter.page().total("process_cpu_seconds_total") - before < 0.5


def descriptors(exporter):
    """What each is, by number."""
    folder, found = f"/proc/{exporter.pid}/fd", {}
    for number in os.listdir(folder):
        with contextlib.suppress(OSError):  # it was open for a moment
            found[int(number)] = os.readlink(f"{folder}/{number}")
    return found


def packed(place):
    """(exporter, how many descriptors it has); None if one among them was in use at the start."""
    exporter = Exporter(place)
    wait_until(lambda: sum("socket" in what for what in descriptors(exporter).values()) == 1,
               "only the listener is left")
    used = descriptors(exporter)
    if len(used) == max(used) + 1:
        return exporter, len(used)
    exporter.end()
    return None


def without_any_descriptor_whoever_comes_is_dropped(place):
    exporter, count = wait_until(lambda: packed(place), "descriptors without a gap")
    run("prlimit", "--pid", exporter.pid, f"--nofile={count}:")
    for _ in range(3):
        client = connect(exporter, REQUEST + b"\r\n")
        wait_until(lambda c=client: not is_open(c), "it is dropped")
    run("prlimit", "--pid", exporter.pid, f"--nofile={count + 10}:")
    assert exporter.get()[0] == 200


def readers_that_hold_much_memory_have_to_go(place):
    label_much(place)
    exporter = warmed_up(place, "--web.max-connections", 1000)
    writer = Load(place, "seg", "--cores", 1, "--rate", 1000)
    readers = []
    for _ in range(90):  # each has a page of its own
        readers.append(connect(exporter, REQUEST + b"\r\n", window=4096))
        time.sleep(0.11)  # the next snapshot, and so the next page, is a tenth of a second off
        assert exporter.get("/-/healthy")[0] == exporter.get()[0] == 200
    assert 100 << 10 < unread_bytes(exporter) <= 512 << 10, unread_bytes(exporter)
    used = resident_bytes(exporter)
    print(f"# {used / MIB:.1f} MiB")
    assert used < HELD_MIB_MAX * MIB and writer.poll() is None
    assert answer_of(readers[-1])[0] == 200
    try:
        answer_of(readers[0])
        assert False, "it has been read"
    except http.client.IncompleteRead:
        pass


def in_flight(exporter):
    name = "ring_exporter_http_requests_in_flight"
    return Page(exporter.get(f"/metrics?name[]={name}")[2].decode()).total(name)


def X3_requests_in_flight_are_finished_at_the_end(place):
    label_much(place)
    exporter = warmed_up(place)
    readers = [connect(exporter, REQUEST + b"\r\n", window=4096) for _ in range(5)]
    for reader in readers:
        wait_until(lambda r=reader: r.recv(1, socket.MSG_PEEK), "the answer has begun")
    wait_until(lambda: in_flight(exporter) >= len(readers), "they are counted")
    exporter.send_signal(signal.SIGSTOP)
    late = connect(exporter, REQUEST + b"\r\n", window=4096)  # the kernel has taken it
    later = [connect(exporter, b"GET /sd HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(40)]
    exporter.send_signal(signal.SIGTERM)
    exporter.send_signal(signal.SIGCONT)
    exporter.await_word("stopping")
    for reader in [*readers, late]:
        status, size = answer_of(reader)  # all that has been announced
        assert status == 200 and size > MIB
    assert {answer_of(client)[0] for client in later} == {200}
    assert exporter.wait(DEADLINE_S) == 0


def X3_reader_that_does_not_read_delays_the_end_for_a_bounded_time(place):
    label_much(place)
    exporter = warmed_up(place)
    reader = connect(exporter, REQUEST + b"\r\n", window=4096)
    wait_until(lambda: reader.recv(1, socket.MSG_PEEK), "the answer has begun")
    start = time.monotonic()
    assert exporter.end() == 0
    assert FINISH_S_MAX - 1 < time.monotonic() - start < FINISH_S_MAX + 2


def X3_who_has_not_asked_does_not_delay_the_end(place):
    exporter = Exporter(place)
    clients = [connect(exporter, said) for said in (b"", b"G", REQUEST, REQUEST + b"\r\n") * 5]
    for client in clients[3::4]:
        assert answer_of(client)[0] == 200  # and is still connected
    start = time.monotonic()
    assert exporter.end() == 0
    assert time.monotonic() - start < FINISH_S_MAX / 2
    spoken = [client for i, client in enumerate(clients) if i % 4]  # the kernel keeps the others
    assert not any(map(is_open, spoken))


if __name__ == "__main__":
    main([
        request_has_an_absolute_deadline,
        address_that_takes_many_drives_out_its_own,
        address_that_asks_too_often_is_told_to_wait,
        without_descriptors_the_oldest_has_to_go,
        without_any_descriptor_whoever_comes_is_dropped,
        readers_that_hold_much_memory_have_to_go,
        X3_requests_in_flight_are_finished_at_the_end,
        X3_reader_that_does_not_read_delays_the_end_for_a_bounded_time,
        X3_who_has_not_asked_does_not_delay_the_end,
    ], at_once=4)
