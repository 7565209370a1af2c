#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the exporter costs as a process, as bench.py runs programs.

usage: process.py BUILD [--rounds N] [--brief]

Beside it run the data plane of plane_main.c and, where prometheus-cpp is at hand, the server of
peers/exposer.cpp. The servers have the last core that is allowed; the data plane and this script,
which is the client, have the first. A figure counts only if in the end the exporter's page has
exactly what the data plane says it has recorded.
"""
import argparse
import contextlib
import glob
import json
import os
import socket
import subprocess
import sys
import time

sys.path.append(sys.path[0] + "/../support")  # where place and programs are
import place as places
from place import Place, Program, wait_until
from programs import Exporter

SCRAPE_SERIES = 10000
FOLLOWERS, PERIOD_MS = 10000, 10
SNAPSHOT_S = 0.15  # in which there is sure to be a new one


CORES = sorted(os.sched_getaffinity(0))
OURS, THEIRS = CORES[0], CORES[-1]  # the client's and the data plane's core, and the servers'


@contextlib.contextmanager
def on_core_of_servers():
    """What is started within runs there."""
    os.sched_setaffinity(0, {THEIRS})
    try:
        yield
    finally:
        os.sched_setaffinity(0, {OURS})


class Machine:
    """What there is to say about the core of the servers, and how often these were preempted."""

    def __init__(self):
        self.preempted = 0
        with on_core_of_servers():
            self.program = subprocess.Popen([places.PATHS["look"], "process"], text=True,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def look(self):
        self.program.stdin.write("\n")
        self.program.stdin.flush()

    def add(self, process):
        """A server that is about to end."""
        for path in glob.glob(f"/proc/{process.pid}/task/*/status"):
            with open(path, encoding="ascii") as status:
                self.preempted += next(int(line.split()[1]) for line in status
                                       if line.startswith("nonvoluntary_ctxt_switches:"))

    def report(self):
        output, _ = self.program.communicate()
        assert self.program.returncode == 0
        for line in map(json.loads, output.splitlines()):
            if "machine" in line:
                line["machine"]["cores"] = len(CORES)
                line["machine"]["preempted"] = self.preempted
            print(json.dumps(line), flush=True)


class Plane(Program):
    """A running bench_plane."""

    def __init__(self, place, segments, rings, series, rate, *mode):
        super().__init__(place, "plane", place.segments, segments, rings, series, rate, *mode,
                         stdin=subprocess.PIPE)
        assert self.stdout.readline() == "up\n", self.said()

    def totals(self):
        """Stops it; returns the samples written, the sum of the counters, the observations."""
        self.stdin.close()
        return [int(word) for word in self.stdout.readline().split()]


class Connection:
    """HTTP as a scraper speaks it, with as little of the client's own time as can be."""

    def __init__(self, port):
        self.port, self.socket, self.buffer = port, None, bytearray(16 << 20)

    def is_closed(self):
        """By the server: prometheus-cpp's keeps none open. Connecting again is not timed."""
        try:
            return not self.socket or not self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False

    def scrape(self):
        """(seconds from the request to the last byte, body)."""
        if self.is_closed():
            self.socket = socket.create_connection(("127.0.0.1", self.port))
        started = time.perf_counter()
        self.socket.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        have = head = 0
        length = len(self.buffer)
        while not head or have < head + length:
            got = self.socket.recv_into(memoryview(self.buffer)[have:])
            have += got
            if not got:
                break
            if not head and (end := self.buffer.find(b"\r\n\r\n", 0, have)) >= 0:
                head = end + 4
                fields = dict(line.lower().split(b": ", 1)
                              for line in bytes(self.buffer[:end]).split(b"\r\n")[1:])
                length = int(fields.get(b"content-length", length))
        seconds = time.perf_counter() - started
        assert self.buffer.startswith(b"HTTP/1.1 200"), self.buffer[:200]
        return seconds, bytes(self.buffer[head:have]).decode()


def report(case, who, unit, rounds):
    print(json.dumps({"bench": "process", "case": case, "who": who, "unit": unit,
                      "rounds": rounds}), flush=True)


def cpu_ns(process):
    """Time that all its threads have run."""
    total = 0
    for path in glob.glob(f"/proc/{process.pid}/task/*/schedstat"):
        with open(path, encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


def cpu_percent(process, seconds):
    before, started = cpu_ns(process), time.monotonic()
    time.sleep(seconds)
    return (cpu_ns(process) - before) / (time.monotonic() - started) / 1e7


def peak_mib(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def check(plane, exporter):
    """Ends the plane and waits for a page with all that it has recorded; returns that."""
    written, counted, observed = plane.totals()
    return exporter.page_when(
        lambda page: page.total("ring_samples_written_total") == written
        and page.total("bench_packets_total") == counted
        and page.total("bench_latency_seconds_count") == observed, "the page has all of it")


def follow(case, options, machine, segments, rings, series, rate):
    """CPU and peak memory of an exporter beside a plane of that size, and what it lost."""
    percents, peaks, dropped = [], [], []
    for _ in range(options.rounds):
        with Place() as place:
            machine.look()
            plane = Plane(place, segments, rings, series, rate)
            with on_core_of_servers():
                exporter = Exporter(place)
            time.sleep(SNAPSHOT_S)
            percents.append(cpu_percent(exporter, options.seconds))
            page = check(plane, exporter)
            assert page.total("ring_segments") == segments, page.lines("ring_segments")
            peaks.append(peak_mib(exporter))
            dropped.append(page.total("ring_samples_dropped_total"))
            machine.add(exporter)
    report(case, "CPU", "%", percents)
    report(case, "peak memory", "MiB", peaks)
    report(case, "samples dropped", "", dropped)


class Replicas(Program):
    """A running data plane of replicas.c."""

    def __init__(self, place, count, period_ms, who):
        super().__init__(place, "replicas", place.segments, count, period_ms, who,
                         stdin=subprocess.PIPE)
        assert self.stdout.readline() == "up\n", self.said()

    def totals(self):
        """Stops it; returns the samples written, and how far all followers are behind."""
        self.stdin.close()
        return [int(word) for word in self.stdout.readline().split()]


def resident_mib(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def replicate(options, machine, who):
    """The same as `follow`, beside FOLLOWERS that record each PERIOD_MS."""
    percents, resident, dropped = [], [], []
    for _ in range(options.rounds):
        with Place() as place:
            machine.look()
            plane = Replicas(place, FOLLOWERS, PERIOD_MS, who)
            with on_core_of_servers():
                exporter = Exporter(place)
            page = exporter.page_when(
                lambda page: page.total("replication_followers") == FOLLOWERS, "all are watched")
            dropped_before = page.total("ring_samples_dropped_total")
            percents.append(cpu_percent(exporter, options.seconds))
            resident.append(resident_mib(exporter))
            written, behind = plane.totals()
            page = exporter.page_when(
                lambda page: page.total("ring_samples_written_total") == written
                and page.total("replication_lag_seqno") == behind, "the page has all of it")
            assert page.total("replication_records_ignored_total") == 0
            dropped.append(page.total("ring_samples_dropped_total") - dropped_before)
            machine.add(exporter)
    case = f"10 k followers, {who}"
    report(case, "CPU", "%", percents)
    report(case, "memory", "MiB", resident)
    report(case, "samples dropped", "", dropped)


def counters(body):
    """How many there are on the page, and their sum."""
    values = [float(line.rpartition(" ")[2]) for line in body.split("\n")
              if line.startswith("bench_packets_total{")]
    return len(values), sum(values)


class Scrapes:
    """Scrapes of one server, each of them checked."""

    def __init__(self, connection):
        self.connection, self.us = connection, []

    def add(self, least, most=float("inf")):
        """One more; the counters together must be in that range, and are returned."""
        seconds, body = self.connection.scrape()
        count, total = counters(body)
        assert count == SCRAPE_SERIES and least <= total <= most, (count, least, total, most)
        self.us.append(seconds * 1e6)
        return total


def scrape(options, machine):
    """A whole scrape of pages that are new each time, ours and prometheus-cpp's in turn."""
    with Place() as place:
        plane = Plane(place, 1, 1, SCRAPE_SERIES, 10000, "counters")
        with on_core_of_servers():
            exporter = Exporter(place)
        exporter.page_when(lambda page: len(page.lines("bench_packets_total{")) == SCRAPE_SERIES,
                           "all series")
        ours, same = (Scrapes(Connection(int(exporter.port))) for _ in range(2))
        theirs = None
        if "exposer" in places.PATHS:
            with on_core_of_servers():
                peer = Program(place, "exposer", SCRAPE_SERIES, stdin=subprocess.PIPE)
            theirs = Scrapes(Connection(int(peer.stdout.readline())))
        first = total = SCRAPE_SERIES // 1000 * sum(range(1, 1001))
        for _ in range(10 * options.rounds):
            time.sleep(SNAPSHOT_S)
            total = ours.add(total + 1)
            same.add(total)
            if theirs:
                theirs.add(first, first)
        check(plane, exporter)
        machine.add(exporter)
    report("scrape", "ring", "us", ours.us)
    report("scrape", "ring, same page", "us", same.us)
    if theirs:
        report("scrape", "prometheus-cpp", "us", theirs.us)


def options_of(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--brief", action="store_true")
    options = parser.parse_args(arguments)
    options.seconds = 0.5 if options.brief else 10
    return options


def main():
    options = options_of(sys.argv[1:])
    for path in ("exporter/ring-exporter", "tests/bench/plane", "tests/bench/look",
                 "tests/bench/replicas",
                 "tests/bench/exposer"):
        path = os.path.join(options.build, path)
        if os.path.exists(path):
            places.PATHS[os.path.basename(path)] = path
    os.sched_setaffinity(0, {OURS})
    machine = Machine()
    follow("64 idle rings of 1 segment", options, machine, 1, 64, 1000, 0)
    follow("64 idle rings of 64 segments", options, machine, 64, 1, 1000, 0)
    follow("64 rings at 1 M samples/s", options, machine, 1, 64, 1000, 1000000)
    replicate(options, machine, "applied")
    replicate(options, machine, "both")
    scrape(options, machine)
    machine.report()


if __name__ == "__main__":
    main()
