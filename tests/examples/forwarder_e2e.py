#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole path on real traffic: dnsperf asks nsd through the forwarder, and what Prometheus
answers about it is what dnsperf says it has sent.

usage: forwarder_e2e.py FORWARDER EXPORTER DNS_SERVER
"""
import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request

import lab as lab_module
from lab import DEADLINE_S, totals_of, until

FORWARDER, EXPORTER, DNS_SERVER = sys.argv[1:]
CHANNELS = "dns-a", "dns-b"


def dns_server(lab, channel):
    """Starts nsd; returns its directory."""
    folder = os.path.join(lab.folder, channel)
    os.mkdir(folder)
    lab.start(DNS_SERVER, folder)

    def started():
        try:
            with open(os.path.join(folder, "log"), encoding="utf-8") as log:
                return "nsd started" in log.read()
        except FileNotFoundError:
            return False
    until(started, "nsd answers")
    return folder


def port_in(folder):
    with open(os.path.join(folder, "port"), encoding="utf-8") as file:
        return int(file.read())


def prometheus(lab, target):
    """Starts a Prometheus that scrapes `target`; returns a function that queries it."""
    config = os.path.join(lab.folder, "prometheus.yml")
    with open(config, "w", encoding="utf-8") as file:
        json.dump({"global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
                   "scrape_configs": [{"job_name": "ring",
                                       "static_configs": [{"targets": [target]}]}]}, file)
    program = lab.start("prometheus", f"--config.file={config}",
                        f"--storage.tsdb.path={lab.folder}/tsdb",
                        "--web.listen-address=127.0.0.1:0")
    port = program.await_word(r"Listening on.*address=127\.0\.0\.1:(\d+)")

    def query(expression):
        """The value of an instant query, or None where there is none yet."""
        url = f"http://127.0.0.1:{port}/api/v1/query?" + \
            urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:
                result = json.load(answer)["data"]["result"]
        except OSError:
            return None
        return float(result[0]["value"][1]) if result else None
    return query


def prometheus_answers_with_the_exact_count_that_dnsperf_sent(lab):
    folders = {channel: dns_server(lab, channel) for channel in CHANNELS}
    servers = {channel: port_in(folder) for channel, folder in folders.items()}
    forwarder, ports = lab.forwarder(servers, "--threads", 2)
    exporter = lab.start(EXPORTER, "--dir", lab.segments, "--web.listen-address", "127.0.0.1:0")
    target = exporter.await_word(r"(127\.0\.0\.1:[1-9]\d*)")
    query = prometheus(lab, target)

    loads = {channel: subprocess.Popen(
        ["dnsperf", "-s", "127.0.0.1", "-p", str(ports[channel]), "-d", folder + "/queries",
         "-c", "4", "-Q", "4000", "-l", "4"], stdout=subprocess.PIPE, text=True)
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
            until(lambda: query("forward_packets_total" + labels) == sent[channel],
                  f"Prometheus counts {sent[channel]} for {labels}")
            assert query("forward_latency_seconds_count" + labels) == sent[channel]
    assert query("sum(forward_drops_total)") == 0
    assert query("sum(ring_samples_written_total)") == \
        query("sum(ring_samples_drained_total) + sum(ring_samples_dropped_total) + "
              "sum(ring_samples_pending)")

    own = totals_of(forwarder)
    assert {c: own[c]["to_server"]["packets"] for c in CHANNELS} == sent, own
    exporter.end()


lab_module.run([prometheus_answers_with_the_exact_count_that_dnsperf_sent], FORWARDER, EXPORTER)
