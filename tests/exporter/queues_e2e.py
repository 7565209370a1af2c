#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Series that come and go within a budget, from the call that forgets one to the page and ringstat.

usage: queues_e2e.py RING_EXPORTER RINGSTAT QUEUES_WRITER
"""
import json
import os
import subprocess
import threading

import harness  # noqa: F401, says where the others are
from place import Program, main, run, wait_until
from programs import Exporter

FAST, PACED, PACE, LIVE, BUDGET = 300_000, 12_000, 4, 100, 256
MEMORY_SLACK = 8 << 20
# What AddressSanitizer keeps of memory that is free is not the exporter's.
NO_QUARANTINE = {**os.environ,
                 "ASAN_OPTIONS": "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}


class Queues(Program):
    """A running queues_writer, with its segment up."""

    def __init__(self, place, name, budget):
        os.makedirs(place.segments, exist_ok=True)
        super().__init__(place, "queues_writer", place.segments, name, budget,
                         stdin=subprocess.PIPE)
        self.hear("up")

    def hear(self, wanted):
        word = self.stdout.readline()
        assert word == wanted + "\n", (word, self.said())

    def say(self, *words):
        self.stdin.write(" ".join(map(str, words)) + "\n")
        self.stdin.flush()

    def tell(self, *words):
        self.say(*words)
        self.hear("ok")


def by_queue(page, name):
    """The values of a metric with the label queue, by that."""
    found = {}
    for (have, labels), value in page.values.items():
        if have == name:
            found[dict(pair.split("=", 1) for pair in labels.split(","))["queue"].strip('"')] = value
    return found


def depths(page):
    return by_queue(page, "queue_depth")


def ringstat(*arguments):
    done = run("ringstat", *arguments)
    assert (done.returncode, done.stderr) == (0, b""), done
    return done.stdout.decode()


def X10_queue_that_is_forgotten_is_gone_from_the_page(place):
    queues, exporter = Queues(place, "seg", 2), Exporter(place)
    queues.tell("set", "a", 1)
    queues.tell("set", "b", 2)
    exporter.page_when(lambda page: depths(page) == {"a": 1, "b": 2}, "both queues")
    queues.tell("forget", "a")
    page = exporter.page_when(lambda page: depths(page) == {"b": 2}, "one queue is gone")
    assert 'queue="a"' not in page.text, page.text
    assert page.total("ring_metric_series", metric="queue_mode") <= 2

    def place_is_free():
        queues.tell("set", "c", 3)
        return "c" in depths(exporter.page())
    wait_until(place_is_free, "the place has cooled down")
    page = exporter.page_when(lambda page: depths(page) == {"b": 2, "c": 3}, "another queue's place")
    assert page.total("ring_samples_rejected_total") == 0
    assert page.total("ring_series_forgotten_total") == 0


def X10_no_value_is_ever_under_another_name(place):
    """And memory is flat, no sample is rejected, and nothing that was counted is lost."""
    queues, exporter = Queues(place, "seg", BUDGET), Exporter(place, env=NO_QUARANTINE)
    queues.tell("churn", FAST, LIVE, 0)  # most of them do not find a place that has cooled down
    memory = exporter.page().total("process_resident_memory_bytes")
    queues.say("churn", PACED, LIVE, PACE)
    over = threading.Thread(target=queues.hear, args=["ok"])
    over.start()
    seen = set()
    while over.is_alive():
        shown = depths(exporter.page())
        for queue, depth in shown.items():
            assert queue in (f"q{depth:.0f}", "_other"), (queue, depth)
        assert len(shown) <= BUDGET + 1
        seen.update(shown)
    over.join()
    assert len(seen - {"_other"}) > LIVE, len(seen)
    page = exporter.page_when(lambda page: not depths(page), "all queues are gone")
    assert not by_queue(page, "queue_mode")
    page = exporter.page_when(
        lambda page: page.total("ring_metric_series", metric="queue_depth") == 0, "so is the usage")
    assert page.total("queue_operations_total") == FAST + PACED
    assert page.total("ring_samples_rejected_total") == 0
    assert page.total("process_resident_memory_bytes") < memory + MEMORY_SLACK
    assert ringstat("check", place.path("seg")).endswith("sound\n")


def X10_past_the_budget_the_kind_is_kept_and_sums_are_exact(place):
    one, two, exporter = Queues(place, "one", 2), Queues(place, "two", 2), Exporter(place)
    for number, queue in enumerate("abcd"):
        one.tell("count", queue, "get", 1 << number)
        two.tell("count", queue + "2", "put", 16 << number)
    page = exporter.page_when(lambda page: page.total("queue_operations_total") == 255, "all is counted")
    assert page.total("queue_operations_total", kind="get") == 15
    assert page.total("queue_operations_total", kind="put") == 240
    assert page.total("queue_operations_total", queue="_other", kind="get") >= 12
    assert page.total("queue_operations_total", kind="_other") == 0
    assert len(page.lines("queue_operations_total{")) == 2 + 2


def X10_usage_is_on_the_page_and_satisfies_promtool(place):
    queues, exporter = Queues(place, "seg", 2), Exporter(place)
    for queue in ("a", "b", 'c"\\'):
        queues.tell("count", queue, "get", 1)
    page = exporter.page_when(
        lambda page: page.total("ring_metric_overflowed_resolutions",
                                metric="queue_operations_total") == 1, "one found no room")
    of = {"segment": "seg", "metric": "queue_operations_total"}
    assert page.total("ring_metric_series", **of) == 2
    assert page.total("ring_metric_series_limit", **of) == 2
    assert page.lines("ring_metric_refused{") == [
        r'ring_metric_refused{segment="seg",metric="queue_operations_total",'
        r'labels="queue=\"c\\\"\\\\\",kind=\"get\""} 1'], page.text
    lint = run("promtool", "check", "metrics", input=page.text.encode())
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, b"", b""), lint


def X10_ringstat_tells_what_is_used_and_what_had_no_room(place):
    queues, path = Queues(place, "seg", 1), place.path("seg")
    queues.tell("set", "a", 1)
    queues.tell("set", "b", 2)
    queues.tell("forget", "a")
    shown = ringstat("show", path)
    assert "# queue_depth, gauge, merged by last, 0 of 1 series, 1 resolutions overflowed: " \
        "Entries in the queue.\n# no room for {queue=\"b\"}\n" in shown, shown
    assert "# queue_operations_total, counter, merged by sum, 0 of 1 series: " in shown, shown
    assert 'queue="a"' not in shown, shown
    metric = json.loads(ringstat("show", "--json", path))["metrics"][0]
    assert (metric["series_used"], metric["series_max"], metric["overflowed"]) == (0, 1, 1), metric
    assert metric["refused"] == [{"queue": "b"}], metric
    assert [series["labels"] for series in metric["series"]] == [{"queue": "_other"}], metric
    row, = json.loads(ringstat("list", "--dir", place.segments, "--json"))["segments"]
    assert row["series"] == 2, row
    assert 'queue="a"' not in ringstat("watch", "--count", 1, "--interval", 0.01, path)
    lines = ringstat("tail", "--from-start", "--count", 4, path).splitlines()
    assert [line.split()[2:4] for line in lines] == [
        ["queue_depth{forgotten}", "1"], ["queue_mode{forgotten}", "open"],
        ['queue_depth{queue="_other"}', "2"], ['queue_mode{queue="_other"}', "open"]], lines
    samples = list(map(json.loads, ringstat("tail", "--from-start", "--count", 2, "--json",
                                            "--metric", "queue_depth", path).splitlines()))
    assert [(sample["labels"], sample["value"]) for sample in samples] == [
        (None, 1), ({"queue": "_other"}, 2)], samples
    assert ringstat("check", path).endswith("sound\n")


main([
    X10_queue_that_is_forgotten_is_gone_from_the_page,
    X10_no_value_is_ever_under_another_name,
    X10_past_the_budget_the_kind_is_kept_and_sums_are_exact,
    X10_usage_is_on_the_page_and_satisfies_promtool,
    X10_ringstat_tells_what_is_used_and_what_had_no_room,
])
