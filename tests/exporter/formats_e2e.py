#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the parsers of this world make of the exporter's pages, in each format and coding.

usage: formats_e2e.py RING_EXPORTER RINGLOAD ODD_WRITER
"""
import gzip
import http.client
import http.server
import os
import re
import struct
import threading

from prometheus_client import parser as text_parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from harness import totals_of_seg
from place import DEADLINE_S, main, run, wait_until
from programs import Exporter, Messages, Page, Prometheus
import exposition

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
MESSAGES = ("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
            "encoding=delimited")
PARSERS = {TEXT: text_parser, OPENMETRICS: openmetrics_parser}

# What clients send, word by word, and what they get.
PROTOBUF = ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
            "encoding=delimited")
PROMETHEUS = ("application/openmetrics-text;version=1.0.0,"
              "application/openmetrics-text;version=0.0.1;q=0.75,"
              "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
CLIENTS = {
    PROMETHEUS: OPENMETRICS,
    PROTOBUF + ",application/openmetrics-text;version=1.0.0;q=0.8,"
    "application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1": MESSAGES,
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2": OPENMETRICS,
    PROTOBUF + ";q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1": MESSAGES,
    "text/plain;version=0.0.4;q=1,*/*;q=0.1": TEXT,
    "*/*": TEXT,
}
SEED = int(os.environ.get("RING_SEED", "20240229"))
ROUNDS, SEGMENTS = 15, 3
UNESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def page_in(exporter, kind):
    """The page of that Content-Type, as text."""
    status, headers, body = exporter.get(Accept=kind.partition(";")[0])
    assert (status, headers["Content-Type"]) == (200, kind), headers
    return body.decode()


def odd_segments(place, seed):
    """A few segments of odd metrics, with names that others have too."""
    os.makedirs(place.segments, exist_ok=True)
    for index in range(SEGMENTS):
        done = run("odd_writer", place.segments, f"odd{index}", seed * SEGMENTS + index)
        assert done.returncode == 0, done


def of_segments(families):
    """The series of metrics that data planes have, which stand still."""
    return {series: value for series, value in exposition.series_of(families).items()
            if not series[0].startswith(("ring_", "process_"))}


def created_of(path):
    """When a segment was created, as its header says it, in milliseconds."""
    with open(path, "rb") as file:
        return struct.unpack_from("=Q", file.read(512), 176)[0] // 10 ** 6 / 1000


def number(value):
    """To be compared, NaN too. There are those to whom -0 is 0."""
    return repr(float(value) + 0.0)


def parsed(kind, text):
    """What a foreign parser sees: values by name and labels."""
    return {(sample.name, frozenset(sample.labels.items())): number(sample.value)
            for family in PARSERS[kind].text_string_to_metric_families(text)
            for sample in family.samples}


def unescaped(series):
    """The same of our own reader."""
    def plain(value):
        return re.sub(r"\\.", lambda escape: UNESCAPED[escape[0]], value)
    return {(name, frozenset((key, plain(value)) for key, value in labels)): number(spelled)
            for (name, labels), spelled in series.items()}


def check_odd_page(exporter, seed):
    """All parsers take the pages, and see the same on them. Returns what was odd."""
    families = {}
    for kind in PARSERS:
        text = page_in(exporter, kind)
        families[kind] = Page(text, kind == OPENMETRICS).families
        theirs, ours = parsed(kind, text), unescaped(exposition.series_of(families[kind]))
        assert theirs == ours, (seed, kind, theirs.items() ^ ours.items())
        if kind == TEXT:
            lint = run("promtool", "check", "metrics", input=text.encode())
            assert (lint.returncode, lint.stderr) == (0, b""), (seed, lint)
    plain, strict = (of_segments(families[kind]) for kind in (TEXT, OPENMETRICS))
    assert len(plain) > 20, (seed, len(plain))
    assert strict.items() <= plain.items(), seed
    left_out = plain.keys() - strict.keys()
    for name, _ in left_out:
        assert name.endswith(("_sum", "_count")), (seed, name)
    return {family.type for family in families[OPENMETRICS]} | ({"left out"} if left_out else set())


def odd_names_labels_and_values_pass_every_parser(place):
    found = set()
    for seed in range(SEED, SEED + ROUNDS):
        odd_segments(place, seed)
        exporter = Exporter(place)
        found |= check_odd_page(exporter, seed)
        exporter.end()
        for name in os.listdir(place.segments):
            os.unlink(place.path(name))
    assert found == {"counter", "gauge", "histogram", "info", "stateset", "unknown",
                     "left out"}, found


def clients_get_what_they_prefer(place):
    totals = totals_of_seg(place, "--samples", 1000)
    exporter = Exporter(place)
    exporter.page_when(totals.are_on, "the page shows what was written")
    for accept, kind in CLIENTS.items():
        for coding in ("gzip", "identity"):
            status, headers, body = exporter.get(Accept=accept, **{"Accept-Encoding": coding})
            assert (status, headers["Content-Type"]) == (200, kind), (accept, headers)
            assert headers["Vary"] == "Accept, Accept-Encoding", headers
            assert headers.get("Content-Encoding", "identity") == coding, headers
            page = gzip.decompress(body) if coding == "gzip" else body
            assert totals.are_on(Messages(page) if kind == MESSAGES
                                 else Page(page.decode(), kind == OPENMETRICS)), accept


def formats_show_the_same_series(place):
    totals = totals_of_seg(place, "--samples", 1000)
    exporter = Exporter(place)
    exporter.page_when(totals.are_on, "the page shows what was written")
    plain, strict = (Page(page_in(exporter, kind), kind == OPENMETRICS) for kind in PARSERS)
    assert of_segments(plain.families) == of_segments(strict.families)
    assert plain.values.keys() == strict.values.keys()
    types = {family.name: (family.type, family.unit) for family in strict.families}
    assert types["load_events"] == ("counter", None)
    assert types["load_latency_seconds"] == ("histogram", "seconds")
    assert types["ring_exporter_drain_busy_seconds"] == ("counter", "seconds")
    assert types["ring_exporter_build"] == ("info", None)


def created_lines_are_for_who_wants_them(place):
    odd_segments(place, SEED)
    pages = {}
    for arguments in ((), ("--web.openmetrics-created",)):
        exporter = Exporter(place, *arguments)
        text = page_in(exporter, OPENMETRICS)
        pages[arguments] = Page(text, True).families
        assert parsed(OPENMETRICS, text) == unescaped(exposition.series_of(pages[arguments]))
        part = exporter.get("/metrics?collect[]=data", Accept=OPENMETRICS)[2].decode()
        assert ("_created{" in part) == bool(arguments), part
        exporter.end()
    without, strict = map(of_segments, pages.values())
    more = {series: value for series, value in strict.items() if series not in without}
    assert without.items() <= strict.items()
    assert len(more) > 10 and all(name.endswith("_created") for name, _ in more), more
    created = {float(value) for value in more.values()}
    assert created <= {created_of(place.path(name)) for name in os.listdir(place.segments)}, created


class Relay(http.server.ThreadingHTTPServer):
    """Between a scraper and an exporter: says in the scraper's name what shall be asked for."""
    daemon_threads = True

    def __init__(self, exporter, **headers):
        self.exporter, self.headers, self.seen = exporter, headers, []
        super().__init__(("127.0.0.1", 0), RelayHandler)
        self.host, self.port = self.server_address
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class RelayHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        relay = self.server
        asked = {**dict(self.headers), **relay.headers}
        connection = http.client.HTTPConnection(relay.exporter.host, relay.exporter.port,
                                                timeout=DEADLINE_S)
        connection.request("GET", self.path, headers=asked)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        relay.seen.append((dict(self.headers), dict(answer.getheaders())))
        self.send_response(answer.status)
        for name in ("Content-Type", "Content-Encoding"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def stored(prometheus, relay):
    """What Prometheus has from there: values by name and labels."""
    found = prometheus.series(f'{{__name__=~"(odd|load_).*",instance="{relay.host}:{relay.port}"}}')
    series = {}
    for labels, value in found:
        name = labels.pop("__name__")
        labels = {key: value for key, value in labels.items() if key not in ("instance", "job")}
        series[name, frozenset(labels.items())] = number(value)
    return series


def real_prometheus_stores_the_same_whatever_the_format(place):
    odd_segments(place, SEED)
    totals = totals_of_seg(place, "--samples", 1000)
    exporter = Exporter(place)
    exporter.page_when(totals.are_on, "the page shows what was written")
    relays = {OPENMETRICS: Relay(exporter), TEXT: Relay(exporter, Accept="text/plain")}
    plain = Relay(exporter, **{"Accept": "text/plain", "Accept-Encoding": "identity"})
    prometheus = Prometheus(place, *relays.values(), plain)
    for relay in (*relays.values(), plain):
        up = f'up{{instance="{relay.host}:{relay.port}"}}'
        wait_until(lambda query=up: prometheus.value_of(query) == 1, up)
    for kind, relay in relays.items():
        # An empty label is none, for Prometheus.
        wanted = {(name, frozenset((key, value) for key, value in labels if value)): value
                  for (name, labels), value in unescaped(of_segments(
                      Page(page_in(exporter, kind), kind == OPENMETRICS).families)).items()}
        assert wanted
        wait_until(lambda r=relay, w=wanted: stored(prometheus, r) == w, f"all series: {kind}")
        asked, answered = relay.seen[0]
        assert (asked["Accept"], asked["Accept-Encoding"]) == (PROMETHEUS, "gzip"), asked
        assert (answered["Content-Type"], answered["Content-Encoding"]) == (kind, "gzip"), answered
    wait_until(lambda: stored(prometheus, plain) == stored(prometheus, relays[TEXT]), "plain text")
    assert "Content-Encoding" not in plain.seen[0][1]


print(f"# RING_SEED={SEED}")
main([
    clients_get_what_they_prefer,
    formats_show_the_same_series,
    created_lines_are_for_who_wants_them,
    odd_names_labels_and_values_pass_every_parser,
    real_prometheus_stores_the_same_whatever_the_format,
])
