#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two machines with a data plane and an exporter each, and everything that may watch them: two
Prometheus servers, and by remote write to a VictoriaMetrics a Prometheus agent and a vmagent. All
of it on loopback, in a temporary folder, and gone when this ends.

While all of them look, a data plane is restarted and an exporter killed. At the end the data planes
say what they have recorded, and each engine what it has counted; status 0 means: the same.
"""
import argparse
import json
import os
import secrets
import socket
import sys
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(HERE + "/..")  # where scratch is
from scratch import DEADLINE_S, Site, end_in_order, free_port, wait_until

SCRAPES = "200ms"  # apart; nobody wants to wait for those of the files
LOAD = "--cores", "2", "--rate", "20000", "--samples"  # of each core, and at most a second
LAST = "sum by (node) (last_over_time(%s{%%s}[1h]))"  # though a scrape may just have failed
EVENTS, OBSERVED, SAMPLES = (LAST % name for name in (
    "load_events_total", "load_latency_seconds_count", "ring_samples_written_total"))
RESETS = "max by (node) (resets(load_events_total{%s}[1h]))"


class Node:
    """A machine: data planes, one after the other, and an exporter on a port that stays."""

    def __init__(self, site, name):
        self.site, self.name, self.port = site, name, free_port()
        self.planes = name + "-data-plane"
        self.plane = self.exporter = None

    def record(self, count):
        self.plane = self.site.start(
            self.planes, self.site.built("tools/ringload"), "--dir", self.site.path(self.name),
            "--name", "forwarder", "--seed", str(self.port), *LOAD, str(count))

    def export(self):
        self.exporter = self.site.listen(
            self.name + "-exporter", self.port, self.site.built("exporter/ring-exporter"),
            "--dir", self.site.path(self.name), f"--web.listen-address=127.0.0.1:{self.port}",
            f"--web.config.file={self.site.path('web.yml')}",
            f"--web.token-file={self.site.path('token')}")

    def totals(self):
        """Events, observations and samples of all data planes that there have been here."""
        self.plane.wait(DEADLINE_S)
        with open(self.site.path(self.planes + ".log"), encoding="utf-8") as log:
            said = [one for one in map(json.loads, log) if "cores" in one]
        return (sum(sum(one["load_events_total"].values()) for one in said),
                sum(series["count"] for one in said
                    for series in one["load_latency_seconds"].values()),
                sum(core["written"] for one in said for core in one["cores"]))


class Engine:
    """What answers queries about the series with some labels."""

    def __init__(self, name, url, labels=""):
        self.name, self.url, self.labels = name, url, labels

    def ask(self, query):
        """Values by node; none while there is no answer."""
        parameters = urllib.parse.urlencode({"query": query % self.labels})
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/query?{parameters}",
                                        timeout=DEADLINE_S) as answer:
                found = json.load(answer)["data"]["result"]
        except OSError:
            return {}
        return {one["metric"]["node"]: int(one["value"][1]) for one in found}

    def counts(self, node):
        return tuple(self.ask(query).get(node) for query in (EVENTS, OBSERVED, SAMPLES))


class Fleet(Site):
    """The nodes, and the engines, which have copies of the files beside this one."""

    def __init__(self, build):
        self.build, self.nodes = build, []

    def built(self, program):
        return os.path.join(self.build, program)

    def begin(self):
        self.call("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                  "ec_paramgen_curve:P-256", "-nodes", "-keyout", "node.key", "-out", "node.pem",
                  "-days", "2", "-subj", "/CN=node", "-addext", "subjectAltName=IP:127.0.0.1")
        self.call("cp", "node.pem", "ca.pem")  # it has signed itself
        with open(os.open(self.path("token"), os.O_CREAT | os.O_WRONLY, mode=0o600), "w",
                  encoding="utf-8") as token:
            token.write(secrets.token_hex(32) + "\n")
        self.nodes = [Node(self, "node-1"), Node(self, "node-2")]
        for name in "prometheus.yml", "agent.yml", "web.yml":
            self.call("cp", os.path.join(HERE, name), ".")
            self.adapt(name, "15s", SCRAPES)
        self.call("cp", os.path.join(HERE, "nodes.yml"), ".")
        for node in self.nodes:
            self.adapt("nodes.yml", f"{node.name}.example:10750", f"127.0.0.1:{node.port}")

    def adapt(self, name, there, here):
        """Changes a copy of one of the files to what this machine has."""
        with open(self.path(name), "r+", encoding="utf-8") as file:
            text = file.read()
            file.seek(0)
            file.truncate()
            file.write(text.replace(there, here))

    def listen(self, name, port, *command):
        """Starts a server that is told its port, and waits for it."""
        server = self.start(name, *command)

        def is_up():
            if server.poll() is not None:
                with open(self.path(name + ".log"), encoding="utf-8") as log:
                    raise RuntimeError(f"{name}: {log.read()}")
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", port)) == 0
        wait_until(is_up, f"{name} listens")
        return server

    def engines(self):
        """Starts them; what is written to ends after those who write."""
        storage, vmagent = free_port(), free_port()
        self.adapt("agent.yml", "victoria.example:8428", f"127.0.0.1:{storage}")
        self.listen("victoria-metrics", storage, "victoria-metrics",
                    f"-httpListenAddr=127.0.0.1:{storage}",
                    f"-storageDataPath={self.path('storage')}", "-search.latencyOffset=0s")
        servers = [Engine(name, self.serve(name, "prometheus", "--config.file=prometheus.yml",
                                           f"--storage.tsdb.path={self.path(name)}"))
                   for name in ("prometheus-a", "prometheus-b")]
        self.serve("agent", "prometheus", "--enable-feature=agent", "--config.file=agent.yml",
                   f"--storage.agent.path={self.path('agent')}")
        self.listen("vmagent", vmagent, "vmagent", "-promscrape.config=prometheus.yml",
                    f"-httpListenAddr=127.0.0.1:{vmagent}", "-remoteWrite.label=agent=vmagent",
                    f"-remoteWrite.url=http://127.0.0.1:{storage}/api/v1/write",
                    f"-remoteWrite.tmpDataPath={self.path('vmagent')}")
        return servers + [
            Engine(f"{agent} to VictoriaMetrics", f"http://127.0.0.1:{storage}",
                   f'agent="{agent}"') for agent in ("prometheus", "vmagent")]


def all_have(engines, node):
    """Waits until each engine has counted what the data planes of a node have recorded."""
    totals = node.totals()
    for engine in engines:
        wait_until(lambda one=engine: one.counts(node.name) == totals,
                   f"{engine.name}: {node.name}: the data plane recorded {totals}")


def play(fleet, engines):
    """What all engines have to live through."""
    first, second = fleet.nodes
    for node in fleet.nodes:
        node.export()
        node.record(10000)
    for node in fleet.nodes:
        all_have(engines, node)
    first.record(20000)
    before = engines[0].counts(second.name)
    second.record(20000)
    wait_until(lambda: engines[0].counts(second.name) != before, "more is counted")
    second.exporter.kill()
    second.exporter.wait()
    second.export()
    for node in fleet.nodes:
        all_have(engines, node)


def table(fleet, engines):
    """What everybody says in the end, and whether no counter has ever fallen."""
    falls = 0
    for node in fleet.nodes:
        print(f"{node.name}: events, observations, samples; resets")
        print(f"  {'data planes':30}", *node.totals())
        for engine in engines:
            resets = engine.ask(RESETS)[node.name]
            print(f"  {engine.name:30}", *engine.counts(node.name), resets)
            falls += resets
    return falls == 0


def main():
    build = os.path.join(HERE, "../../../build/gcc")
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=build, help="where the programs are (build/gcc)")
    build = os.path.abspath(parser.parse_args().build)
    if not os.path.exists(f"{build}/tools/ringload"):
        parser.exit(2, f"run.py: {build}: not built; see ./dev build\n")

    end_in_order()
    try:
        with Fleet(build) as fleet:
            engines = fleet.engines()
            play(fleet, engines)
            if not table(fleet, engines):
                parser.exit(1, "run.py: a counter has fallen\n")
    except (RuntimeError, TimeoutError) as reason:
        parser.exit(1, f"run.py: {reason}\n")


if __name__ == "__main__":
    main()
