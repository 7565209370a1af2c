#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The exporter's paths besides its whole page, and what it says of its own work.

usage: endpoints_e2e.py RING_EXPORTER RINGLOAD LABELS_WRITER
"""
import collections
import html.parser
import json
import os
import re
import socket

from prometheus_client import parser as text_parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from credentials import PASSWORD, TOKEN, basic, bcrypt, token_file, users, write
from harness import label, totals_of_seg
from place import main, run, wait_until
from programs import Exporter, Page, Prometheus
import exposition

OPENMETRICS = "application/openmetrics-text"
REQUESTS = "ring_exporter_http_requests_total"

FILTERS = ["name[]=load_events_total", "name[]=load_latency_seconds", "name[]=no_such",
           "segment=seg", "segment=seg&core=0", "core=1", "segment=other", "collect[]=data",
           "collect[]=segments", "collect[]=exporter&collect[]=process", "collect[]=replication",
           "exclude[]=data", "name[]=ring_segment_up&segment=seg",
           "name[]=ring_exporter_build_info&name[]=ring_families_left_out"]


class Counting(Exporter):
    """An exporter of which we know what we have got from it."""

    def __init__(self, *arguments, **options):
        self.statuses = collections.Counter()
        super().__init__(*arguments, **options)

    def get(self, path="/metrics", method="GET", **headers):
        answer = super().get(path, method, **headers)
        self.statuses[answer[0]] += 1
        return answer


def ends_well(exporter):
    """Sanitizers have nothing to say either."""
    assert exporter.end() == 0, exporter.said()


def samples(text, openmetrics=False):
    return set(exposition.series_of(exposition.read(text, openmetrics)))


def filtered_pages_are_parts_of_the_whole_one_and_pass_every_parser(place):
    totals = totals_of_seg(place, "--samples", 1000, "--cores", 2)
    label(place, "labels", 10, b'segment="seg"', b"\xff\n\\")
    exporter = Exporter(place)
    whole = exporter.page_when(totals.are_on, "the page shows what was written")
    sizes = set()
    for query in FILTERS:
        for accept, parser in (("text/plain", text_parser), (OPENMETRICS, openmetrics_parser)):
            status, headers, body = exporter.get(f"/metrics?{query}", Accept=accept)
            assert status == 200 and headers["Content-Type"].startswith(accept), (query, headers)
            part = samples(body.decode(), accept == OPENMETRICS)
            assert part <= samples(whole.text), query
            theirs = {(sample.name, frozenset(sample.labels))
                      for family in parser.text_string_to_metric_families(body.decode())
                      for sample in family.samples}
            assert len(theirs) <= len(part) and bool(theirs) == bool(part), query
            sizes.add(len(part))
        lint = run("promtool", "check", "metrics", input=exporter.get(f"/metrics?{query}")[2])
        assert (lint.returncode, lint.stderr) == (0, b""), (query, lint)
    assert 0 in sizes and len(sizes) > 6, sizes
    data = Page(exporter.get("/metrics?collect[]=data")[2].decode())
    rest = Page(exporter.get("/metrics?exclude[]=data")[2].decode())
    assert data.values.keys() | rest.values.keys() == whole.values.keys()
    assert not data.values.keys() & rest.values.keys()
    ends_well(exporter)


def metrics_say_when_the_exporter_started_and_are_not_kept(place):
    exporter = Exporter(place)
    for path in ("/metrics", "/metrics?name[]=process_start_time_seconds"):
        for method in ("GET", "HEAD"):
            _, headers, _ = exporter.get(path, method)
            assert headers["Cache-Control"] == "no-store", headers
            assert headers["X-Content-Type-Options"] == "nosniff", headers
            assert headers["Vary"] == "Accept, Accept-Encoding", headers
    started = Page(exporter.get(path)[2].decode()).values["process_start_time_seconds", ""]
    assert int(headers["Process-Start-Time-Unix"]) == int(started)


def answers(page):
    """How many there were of each status."""
    return {int(re.search(r'code="(\d+)"', labels)[1]): int(value)
            for (name, labels), value in page.values.items() if name == REQUESTS}


def check_counts(exporter, **headers):
    """Every answer that we have had is counted once."""
    before = sum(exporter.statuses.values())

    def look():
        expected = exporter.statuses.copy()
        page = Page(exporter.get(**headers)[2].decode())
        found = answers(page)
        accepted = page.values["ring_exporter_http_connections_accepted_total", ""]
        assert sum(found.values()) <= accepted <= sum(expected.values()) + 1, (found, expected)
        assert found[200] <= expected[200], (found, expected)
        return page if sum(found.values()) >= before else None

    page = wait_until(look, "all answers are counted")
    for status, count in answers(page).items():
        assert status == 200 or count == exporter.statuses[status], (status, count)
    assert set(exporter.statuses) <= set(answers(page)), exporter.statuses
    return page


def answers_are_counted_by_status(place):
    exporter = Counting(place)
    for path in ("/no", "/no", "/no", "/metrics?collect[]=no", "/metrics?name[]=x", "/-/healthy"):
        exporter.get(path)
    for method in ("POST", "DELETE", "HEAD"):
        exporter.get(method=method)
    exporter.get("/replication/clear", "POST")
    exporter.get("/replication?follower=x")
    page = check_counts(exporter)
    found = answers(page)
    assert (found[400], found[403], found[404], found[405]) == (1, 1, 4, 2), found
    assert page.total("ring_exporter_http_connections") >= 0
    assert page.total("ring_exporter_http_connections_evicted_total") == 0


def denied_and_limited_requests_are_counted_as_such(place):
    config = write(place, "web.yml", users(alice=bcrypt(PASSWORD)))
    exporter = Counting(place, "--web.config.file", config)
    right = {"Authorization": basic("alice", PASSWORD)}
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": basic("alice", "wrong")}):
        assert exporter.get(**headers)[0] == 401
    assert answers(check_counts(exporter, **right))[401] == 3
    ends_well(exporter)
    exporter = Counting(place, "--web.rate-limit", 20)
    while exporter.get()[0] != 429:
        pass

    def look():
        status, _, body = exporter.get()
        return status == 200 and answers(Page(body.decode()))[429] >= 1
    wait_until(look, "a 429 is counted")


def exporter_metrics_can_be_left_out(place):
    totals_of_seg(place, "--samples", 10)
    exporter = Exporter(place, "--web.disable-exporter-metrics")
    page = exporter.page_when(lambda page: page.lines("ring_segment_up"), "the segment is there")
    assert not page.lines("ring_exporter_") and not page.lines("process_")
    assert page.lines("ring_segment_last_drain_timestamp_seconds")


def flood_of_log_lines_is_cut_and_what_is_wrong_is_on_the_page(place):
    os.makedirs(place.segments)
    for index in range(300):
        with open(place.path(f"junk{index}"), "wb") as file:
            file.write(b"x")
    exporter = Exporter(place)
    page = exporter.page_when(
        lambda page: page.total("ring_exporter_log_lines_suppressed_total") > 200, "suppressed")
    assert page.total("ring_segment_quarantined") == 300
    (labels,) = [labels for name, labels in page.values
                 if name == "ring_segment_quarantined" and 'segment="junk7"' in labels]
    reason = re.search(r'reason="(\w+)"', labels)[1]
    assert page.total("ring_segments_quarantined", reason=reason) == 300
    lines = exporter.said().splitlines()
    quarantined = [line for line in lines if "segment quarantined" in line]
    assert 32 <= len(quarantined) <= 100, len(quarantined)
    assert page.total("ring_exporter_log_lines_suppressed_total") >= 300 - len(quarantined)
    os.unlink(place.path("junk7"))
    exporter.page_when(lambda page: page.total("ring_segment_quarantined") == 299, "one is gone")
    ends_well(exporter)


def segment_is_told_from_what_is_none_as_often_as_it_changes(place):
    totals_of_seg(place, "--samples", 10)
    with open(place.path("seg"), "rb") as file:
        sound = file.read()
    exporter = Exporter(place)

    def await_state(attached, quarantined):
        exporter.page_when(lambda page: (bool(page.total("ring_segment_series", segment="seg")),
                                         page.total("ring_segment_quarantined", segment="seg"))
                           == (attached, quarantined), f"{attached}, {quarantined}")
    await_state(True, 0)
    for content, attached in ((b"x", False), (b"x" * 10000, False), (sound, True), (b"", False)):
        with open(place.path("new"), "wb") as file:
            file.write(content)
        os.rename(place.path("new"), place.path("seg"))
        await_state(attached, not attached)
    ends_well(exporter)


def connections_are_counted_and_so_are_those_that_had_to_go(place):
    exporter = Exporter(place, "--web.max-connections", 8)
    silent = [socket.create_connection((exporter.host, exporter.port)) for _ in range(20)]
    page = exporter.page_when(
        lambda page: page.total("ring_exporter_http_connections_evicted_total") >= 16, "evicted")
    assert page.total("ring_exporter_http_connections_accepted_total") >= 20
    assert 1 <= page.total("ring_exporter_http_connections") <= 8
    for client in silent:
        client.close()
    exporter.page_when(lambda page: page.total("ring_exporter_http_connections") <= 1, "closed")
    ends_well(exporter)


class Tags(html.parser.HTMLParser):
    """The tags and links of a page, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.links, self.words = set(), [], []
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data):
        self.words.append(data)


def landing_page_shows_segments_whatever_their_names(place):
    odd = [b"<script>", b"&lt;", b"a\nb", b"\xff", "\u202e".encode(), b"\"'> <a href=x>"]
    totals_of_seg(place, "--samples", 1000)
    for name in odd:
        with open(os.path.join(os.fsencode(place.segments), name), "wb"):
            pass
    exporter = Exporter(place)
    exporter.page_when(lambda page: page.total("ring_segment_quarantined") == len(odd), "odd")
    status, headers, body = exporter.get("/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8"), headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'"), headers
    assert headers["Cache-Control"] == "no-store", headers
    found = Tags(body)
    assert found.tags == {"html", "head", "meta", "title", "link", "body", "h1", "ul", "li", "a",
                          "table", "thead", "tbody", "tr", "th", "td", "bdi"}, found.tags
    for word in ("seg", "dead", *(name.decode(errors="replace") for name in odd)):
        assert word in found.words, (word, found.words)
    for link in found.links:
        assert exporter.get("/" + link.removeprefix("./"))[0] == 200, link
    assert {"./metrics", "./sd", "./replication", "./-/healthy"} <= set(found.links), found.links
    compressed = exporter.get("/", **{"Accept-Encoding": "gzip"})
    assert compressed[1]["Content-Encoding"] == "gzip" and len(compressed[2]) < len(body)
    for path in ("/", "/sd", "/style.css"):
        status, headers, _ = exporter.get(path, "HEAD")
        assert status == 200 and int(headers["Content-Length"]) > 50, (path, headers)
        status, headers, _ = exporter.get(path, "POST")
        assert (status, headers["Allow"]) == (405, "GET, HEAD"), path
    ends_well(exporter)


def prometheus_discovers_the_exporter_and_scrapes_it(place):
    totals = totals_of_seg(place, "--samples", 1000)
    token = token_file(place, "tokens", TOKEN)
    exporter = Exporter(place, "--web.telemetry-path=/figures", "--web.token-file", token)
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    status, headers, body = exporter.get("/sd", **bearer)
    assert (status, headers["Content-Type"]) == (200, "application/json"), headers
    assert json.loads(body) == [{"targets": [f"{exporter.host}:{exporter.port}"], "labels": {
        "__scheme__": "http", "__metrics_path__": "/figures"}}], body
    assert exporter.get("/sd")[0] == 401
    authorization = {"type": "Bearer", "credentials": TOKEN}
    prometheus = Prometheus(place, authorization=authorization, http_sd_configs=[
        {"url": f"http://{exporter.host}:{exporter.port}/sd", "authorization": authorization,
         "refresh_interval": "1s"}])
    wait_until(lambda: prometheus.value_of("up") == 1, "the target is up")
    written = totals.runs[0]
    wait_until(lambda: prometheus.value_of("sum(ring_samples_written_total)")
               == sum(core["written"] for core in written["cores"]), "its metrics are stored")
    (labels, _), = prometheus.series("up")
    assert labels["instance"] == f"{exporter.host}:{exporter.port}", labels


def external_url_is_the_target(place):
    exporter = Exporter(place, "--web.external-url=https://front.example/ring/")
    (found,) = json.loads(exporter.get("/sd")[2])
    assert found == {"targets": ["front.example"], "labels": {
        "__scheme__": "https", "__metrics_path__": "/ring/metrics"}}, found


main([
    landing_page_shows_segments_whatever_their_names,
    prometheus_discovers_the_exporter_and_scrapes_it,
    external_url_is_the_target,
    filtered_pages_are_parts_of_the_whole_one_and_pass_every_parser,
    metrics_say_when_the_exporter_started_and_are_not_kept,
    answers_are_counted_by_status,
    denied_and_limited_requests_are_counted_as_such,
    exporter_metrics_can_be_left_out,
    flood_of_log_lines_is_cut_and_what_is_wrong_is_on_the_page,
    segment_is_told_from_what_is_none_as_often_as_it_changes,
    connections_are_counted_and_so_are_those_that_had_to_go,
], at_once=4)
