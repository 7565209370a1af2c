#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernel's network devices and CPUs, polled: files in its form, and its own.

usage: collectors_kernel_e2e.py POLL_KERNEL RING_EXPORTER
"""
import os
import subprocess

from polling import after_polls, none_falls, poller, polls
from place import Place, Program, main, wait_until
from programs import Exporter
from tap import Skip


class Proc:
    """Files in the form of the kernel's, which are never half written."""

    heading = ("Inter-|   Receive                                                |  Transmit\n"
               " face |bytes    packets errs drop fifo frame compressed multicast|"
               "bytes    packets errs drop fifo colls carrier compressed\n")

    def __init__(self, place):
        self.folder = place.folder
        os.mkdir(f"{self.folder}/net")
        self.devices()
        self.write("softnet_stat", "00000000 " * 13 + "\n")

    def write(self, name, text):
        with open(f"{self.folder}/new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(f"{self.folder}/new", f"{self.folder}/net/{name}")

    def devices(self, **devices):
        """As net/dev has them, from the first of 16 numbers on."""
        self.write("dev", self.heading + "".join(
            f"{name:>6}: {' '.join(str(first + i) for i in range(16))}\n"
            for name, first in devices.items()))


RECEIVE = "bytes", "packets", "errors", "drops", "fifo_errors", "frame_errors", \
    "compressed_packets", "multicast_packets"
TRANSMIT = "bytes", "packets", "errors", "drops", "fifo_errors", "collisions", "carrier_errors", \
    "compressed_packets"
DEVICE_COLUMNS = [(f"kernel_network_{name}_total", direction)
                  for names, direction in ((RECEIVE, "receive"), (TRANSMIT, "transmit"))
                  for name in names]


def device_totals(page, device):
    return [page.values.get((metric, f'device="{device}",direction="{direction}"'))
            for metric, direction in DEVICE_COLUMNS]


def from_on(first):
    return list(range(first, first + 16))


def X8_devices_come_and_go_and_no_counter_goes_back(place):
    proc = Proc(place)
    proc.devices(lo=100, eth0=200)
    collector = poller(place, "poll_kernel", proc.folder)
    exporter = Exporter(place)

    def see(**devices):
        proc.devices(**devices)
        return after_polls(exporter, "net/dev")
    page = see(lo=100, eth0=200)
    assert [device_totals(page, name) for name in ("lo", "eth0")] == [from_on(100), from_on(200)]
    page = see(lo=100, wan0=230)
    assert [device_totals(page, name) for name in ("wan0", "eth0")] == [from_on(230), from_on(200)]
    page = see(lo=100, wan0=230, eth0=5)
    assert device_totals(page, "eth0") == from_on(200), page.text
    page = see(lo=100, wan0=230, eth0=9)
    assert device_totals(page, "eth0") == from_on(204), page.text
    page = see(lo=2**40)
    assert device_totals(page, "lo") == from_on(2**40), page.text
    assert collector.end() == 0 and collector.said() == "", collector.said()


def X8_the_interval_is_5_s_where_none_is_given(place):
    proc = Proc(place)
    Program(place, "poll_kernel", "--dir", place.segments, proc.folder)
    exporter = Exporter(place)

    def polled_beyond(count):
        page = exporter.page_when(lambda page: polls(page, "all", "net/dev") > count,
                                  f"more polls than {count}")
        return (polls(page, "all", "net/dev"),
                page.total("poller_last_answer_timestamp_seconds", source="net/dev"))
    first, begun = polled_beyond(0)
    last, ended = polled_beyond(first)
    assert 4 < (ended - begun) / (last - first) < 8, (first, begun, last, ended)


def X10_devices_past_the_budget_keep_their_direction(place):
    proc = Proc(place)
    devices = {f"veth{i}": i for i in range(600)}
    proc.devices(**devices)
    poller(place, "poll_kernel", proc.folder)
    exporter = Exporter(place)
    page = after_polls(exporter, "net/dev")
    for direction, more in ("receive", 0), ("transmit", 8):
        total = page.total("kernel_network_bytes_total", direction=direction)
        assert total == sum(i + more for i in range(600)), page.text
        assert page.total("kernel_network_bytes_total", direction=direction, device="_other") > 0


def softnet_values(page, cpu):
    return {name.removeprefix("kernel_softnet_"): value
            for (name, labels), value in page.values.items()
            if name.startswith("kernel_softnet_") and labels == f'cpu="{cpu}"'}


def each_kernel_has_other_columns_of_softnet_stat(place):
    proc = Proc(place)
    known = {"packets_total": 1, "drops_total": 2, "squeezes_total": 3}
    steered = {**known, "steered_total": 10}
    limited = {**steered, "flow_limited_total": 11}
    backlog = {**limited, "backlog_packets": 12}
    for count, cpu, wanted in ((9, 0, known), (10, 0, steered), (11, 0, limited), (12, 0, backlog),
                               (13, 13, backlog), (15, 13, backlog), (20, 13, backlog)):
        proc.write("softnet_stat", " ".join(f"{i + 1:08x}" for i in range(count)) + "\n")
        with Place() as another:
            collector = poller(another, "poll_kernel", proc.folder)
            exporter = Exporter(another)
            page = after_polls(exporter, "net/softnet_stat")
            found = softnet_values(page, cpu)
            assert found == wanted, (count, found)
            assert collector.end() == 0 and collector.said() == "", collector.said()


def X8_counters_of_32_bits_go_on_beyond_them(place):
    proc = Proc(place)
    collector = poller(place, "poll_kernel", proc.folder)
    exporter = Exporter(place)
    seen = total = 0

    def count(packets):
        nonlocal seen
        seen = (seen + packets) % 2**32
        proc.write("softnet_stat", f"{seen:08x} " + "00000000 " * 12 + "\n")
    for step in 0xffffff00, 0x200, 0xfffffff0, 0x123:
        total += step
        count(step)
        page = after_polls(exporter, "net/softnet_stat")
        assert softnet_values(page, 0)["packets_total"] == total, (total, page.text)
    assert collector.end() == 0, collector.said()
    count(0x321)  # while nobody looks, and beyond 32 bits
    poller(place, "poll_kernel", proc.folder)
    for step in 0, 0x456:
        total += step
        count(step)
        page = after_polls(exporter, "net/softnet_stat")
        assert softnet_values(page, 0)["packets_total"] == total, (total, page.text)


def X11_a_backlog_below_0_is_0(place):
    proc = Proc(place)
    poller(place, "poll_kernel", proc.folder)
    exporter = Exporter(place)
    for column, depth in ("0000002a", 42), ("ffffffff", 0):
        proc.write("softnet_stat", "00000000 " * 11 + column + " 00000000\n")
        page = after_polls(exporter, "net/softnet_stat")
        assert softnet_values(page, 0)["backlog_packets"] == depth, page.text


def a_file_of_another_form_is_no_answer_and_said_once(place):
    proc = Proc(place)
    collector = poller(place, "poll_kernel", proc.folder)
    exporter = Exporter(place)
    columns = "00000001 " * 8
    said = ""
    for name, texts in (
            ("softnet_stat", ["", "\n", columns + "\n", columns + "0000000g\n", columns + "-1\n", columns + "0x1\n",
                              columns + "100000000\n", columns * 9 + "\n", columns * 2 + "\n\n",
                              columns + "0 0 0 0 00000400\n"]),
            ("dev", ["", "x\ny\n", Proc.heading + "eth0: 1 2\n", Proc.heading + "eth0\n",
                     Proc.heading + f"eth0: {'1 ' * 17}\n", Proc.heading + f"eth0: {'1 ' * 15}x\n",
                     Proc.heading.replace("drop", "lost") + f"eth0: {'1 ' * 16}\n",
                     Proc.heading + f"eth0: {'1 ' * 15}18446744073709551616\n"])):
        with open(f"{proc.folder}/net/{name}", encoding="utf-8") as file:
            fine = file.read()
        before = after_polls(exporter, f"net/{name}").lines("kernel_")
        for text in texts:
            proc.write(name, text)
            page = after_polls(exporter, f"net/{name}", "none", 2)
            assert page.lines("kernel_") == before, (text, page.text)
            proc.write(name, fine)
            after_polls(exporter, f"net/{name}")
            said += (f"poll_kernel: net/{name}: not in a format that is known here\n"
                     f"poll_kernel: net/{name}: answers again\n")
            assert collector.said() == said, (text, collector.said())
        os.symlink(proc.folder, f"{proc.folder}/new")
        os.rename(f"{proc.folder}/new", f"{proc.folder}/net/{name}")
        collector.await_word(f"net/{name}: Is a directory\n")
        proc.write(name, fine)
        after_polls(exporter, f"net/{name}")
        os.unlink(f"{proc.folder}/net/{name}")
        collector.await_word(f"net/{name}: No such file or directory\n")
        proc.write(name, fine)
        after_polls(exporter, f"net/{name}")
        said = collector.said()


def kernel_totals(folder):
    """What net/dev says, by device."""
    with open(f"{folder}/net/dev", encoding="utf-8") as file:
        return {name.strip(): [int(word) for word in rest.split()]
                for name, _, rest in (line.partition(":") for line in file.readlines()[2:])}


def X8_real_devices_are_counted_as_the_kernel_counts(place):
    """In a network of its own, where nobody else sends."""
    network = Program(place, "unshare", "--user", "--map-root-user", "--net", "bash",
                      stdin=subprocess.PIPE)

    def tell(*commands):
        print(*commands, "echo done", sep="\n", file=network.stdin, flush=True)
        if network.stdout.readline() != "done\n":
            raise Skip(f"no network of its own: {network.said()}")
    tell("ip link set lo up", "ip link add v0 type veth peer name v1", "ip link show v1 >&2")
    if "v1" not in network.said() or "Error" in network.said():
        raise Skip(f"no devices to try: {network.said()}")
    folder = f"/proc/{network.pid}"
    poller(place, "poll_kernel", folder)
    exporter = Exporter(place)

    def agreed(*devices):
        """The page says of these what the kernel says, of all 16 columns."""
        def look():
            page, totals = exporter.page(), kernel_totals(folder)
            return totals.keys() == set(devices) and \
                all(device_totals(page, name) == totals[name] for name in devices) and page
        return wait_until(look, f"the page and {folder}/net/dev agree")
    idle = agreed("lo", "v0", "v1")
    tell(*["echo something > /dev/udp/127.0.0.1/9"] * 20)
    busy = agreed("lo", "v0", "v1")
    assert device_totals(busy, "lo")[1] >= device_totals(idle, "lo")[1] + 20, busy.text
    assert busy.total("kernel_softnet_packets_total") > 0, busy.text
    tell("ip link set v1 name wan0")
    agreed("lo", "v0", "wan0")
    tell("ip link del v0")
    page = agreed("lo")
    none_falls(busy, page, "kernel_")
    network.stdin.close()


main([
    X8_devices_come_and_go_and_no_counter_goes_back,
    X8_the_interval_is_5_s_where_none_is_given,
    X10_devices_past_the_budget_keep_their_direction,
    each_kernel_has_other_columns_of_softnet_stat,
    X8_counters_of_32_bits_go_on_beyond_them,
    X11_a_backlog_below_0_is_0,
    a_file_of_another_form_is_no_answer_and_said_once,
    X8_real_devices_are_counted_as_the_kernel_counts,
])
