#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole path on real traffic: dnsperf asks nsd through the forwarder, and what Prometheus
answers about it is what dnsperf says it has sent.

usage: forwarder_e2e.py UDP_FORWARDER RING_EXPORTER DNS_SERVER
"""
import os
import re

from harness import start_forwarder, totals_of
from place import DEADLINE_S, Program, main, wait_until
from programs import Exporter, Prometheus

CHANNELS = "dns-a", "dns-b"


def dns_server(place, channel):
    """Starts nsd; returns its directory."""
    folder = os.path.join(place.folder, channel)
    os.mkdir(folder)
    Program(place, "dns_server", folder)

    def started():
        try:
            with open(os.path.join(folder, "log"), encoding="utf-8") as log:
                return "nsd started" in log.read()
        except FileNotFoundError:
            return False
    wait_until(started, "nsd answers")
    return folder


def port_in(folder):
    with open(os.path.join(folder, "port"), encoding="utf-8") as file:
        return int(file.read())


def prometheus_answers_with_the_exact_count_that_dnsperf_sent(place):
    folders = {channel: dns_server(place, channel) for channel in CHANNELS}
    servers = {channel: port_in(folder) for channel, folder in folders.items()}
    forwarder, ports = start_forwarder(place, servers, "--threads", 2)
    exporter = Exporter(place)
    value_of = Prometheus(place, exporter).value_of

    loads = {channel: Program(place, "dnsperf", "-s", "127.0.0.1", "-p", ports[channel],
                              "-d", folder + "/queries", "-c", 4, "-Q", 4000, "-l", 4)
             for channel, folder in folders.items()}
    sent = {}
    for channel, load in loads.items():
        report = load.communicate(timeout=DEADLINE_S)[0]
        sent[channel] = int(re.search(r"Queries sent: +(\d+)", report)[1])
        assert re.search(r"Queries lost: +0 ", report), report

    for channel in CHANNELS:
        assert sent[channel] > 1000, sent
        for direction in "to_server", "to_client":
            labels = f'{{channel="{channel}",direction="{direction}"}}'
            wait_until(lambda: value_of("forward_packets_total" + labels) == sent[channel],
                       f"Prometheus counts {sent[channel]} for {labels}")
            assert value_of("forward_latency_seconds_count" + labels) == sent[channel]
    assert value_of("sum(forward_drops_total)") == 0
    assert value_of("sum(ring_samples_written_total)") == \
        value_of("sum(ring_samples_drained_total) + sum(ring_samples_dropped_total) + "
                 "sum(ring_samples_pending)")

    own = totals_of(forwarder)
    assert {c: own[c]["to_server"]["packets"] for c in CHANNELS} == sent, own
    assert exporter.end() == 0


main([prometheus_answers_with_the_exact_count_that_dnsperf_sent])
