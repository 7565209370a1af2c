#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""State sets, from the call that records one to the page, the parsers and ringstat.

usage: stateset_e2e.py RING_EXPORTER RINGSTAT STATES_WRITER
"""
import json
import os
import subprocess

from prometheus_client.openmetrics.parser import text_string_to_metric_families

import harness  # noqa: F401, says where the others are
from place import Program, main, run, wait_until
from programs import Exporter, Messages, Page

SYNC, NOSYNC, HALF = "sync", "nosync", '"half"'
STATES = [SYNC, NOSYNC, HALF]
PAGES = 40


class Store(Program):
    """A running states_writer, with its segment up."""

    def __init__(self, place, name, default=0):
        os.makedirs(place.segments, exist_ok=True)
        super().__init__(place, "states_writer", place.segments, name, default,
                         stdin=subprocess.PIPE)
        self.hear("up")

    def hear(self, wanted):
        while (word := self.stdout.readline()).startswith("#"):
            pass  # the seed
        assert word == wanted + "\n", (word, self.said())

    def tell(self, *words):
        self.stdin.write(" ".join(map(str, words)) + "\n")
        self.stdin.flush()
        self.hear("ok")


def openmetrics(exporter):
    text = exporter.get(Accept="application/openmetrics-text")[2].decode()
    Page(text, openmetrics=True)
    return text


def modes_in_openmetrics(exporter):
    """By volume, as the client library's strict parser has them: the states that are 1."""
    family = next(family for family in text_string_to_metric_families(openmetrics(exporter))
                  if family.name == "store_mode")
    assert (family.type, family.unit) == ("stateset", ""), family
    return modes_of((sample.labels, sample.value) for sample in family.samples)


def modes_of(samples):
    found = {}
    for labels, value in samples:
        assert sorted(labels) == ["store_mode", "volume"] and value in (0, 1), labels
        found.setdefault(labels["volume"], {})[labels["store_mode"]] = value
    for states in found.values():
        assert list(states) == STATES and sum(states.values()) == 1, found
    return {volume: max(states, key=states.get) for volume, states in found.items()}


def modes_in_text(page):
    family = next(family for family in page.families if family.name == "store_mode")
    assert family.type == "gauge", family
    return modes_of(({key: value.replace('\\"', '"') for key, value in sample.labels},
                     int(sample.value)) for sample in family.samples)


def modes_in_protobuf(exporter):
    return modes_in_text(Messages(exporter.get(Accept="application/vnd.google.protobuf")[2]))


def X12_exactly_one_state_is_1_in_every_format(place):
    store, exporter = Store(place, "store", default=1), Exporter(place)
    steps = [(0, SYNC), (2, HALF), (1, NOSYNC), (0, SYNC), (3, NOSYNC), (2, HALF),
             (2 ** 32, NOSYNC), (2, HALF), (2 ** 64 - 1, NOSYNC)]
    for number, state in steps:
        store.tell("set", "a", number)
        page = exporter.page_when(
            lambda p, s=state: "store_mode{" in p.text and modes_in_text(p) == {"a": s}, state)
        assert modes_in_openmetrics(exporter) == modes_in_protobuf(exporter) == {"a": state}
    lint = run("promtool", "check", "metrics", input=page.text.encode())
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, b"", b""), lint


def X12_state_holds_while_a_core_changes_it_all_the_time(place):
    store, exporter = Store(place, "store"), Exporter(place)
    store.tell("spin", "a")
    exporter.page_when(lambda page: "store_mode{" in page.text, "the states are there")
    seen = []

    def look():
        seen.append(modes_in_text(exporter.page())["a"])
        seen.append(modes_in_openmetrics(exporter)["a"])
        return len(seen) >= PAGES and set(seen) == set(STATES)
    wait_until(look, "each state was seen")


def the_last_segment_to_set_a_state_says_which_holds(place):
    one, two, exporter = Store(place, "one"), Store(place, "two"), Exporter(place)
    for store, number, state in ((one, 1, NOSYNC), (two, 2, HALF), (one, 0, SYNC), (two, 1, NOSYNC)):
        store.tell("set", "a", number)
        exporter.page_when(
            lambda p, s=state: "store_mode{" in p.text and modes_in_text(p) == {"a": s}, state)


def segment_of_another_default_is_a_conflict(place):
    one, exporter = Store(place, "one"), Exporter(place)
    one.tell("set", "a", 2)
    exporter.page_when(lambda page: "store_mode{" in page.text, "the first one's states")
    two = Store(place, "two", default=1)
    two.tell("set", "b", 0)
    page = exporter.page_when(
        lambda page: page.total("ring_segment_metrics_conflicting", segment="two") == 1, "a conflict")
    assert modes_in_text(page) == {"a": HALF}


def ringstat_tells_states_by_name(place):
    store = Store(place, "store", default=1)
    store.tell("set", "a", 2)
    store.tell("set", "a", 7)
    store.tell("set", "b", 0)

    def ringstat(*arguments):
        done = run("ringstat", *arguments)
        assert (done.returncode, done.stderr) == (0, b""), done
        return done.stdout.decode()

    path = place.path("store")
    shown = ringstat("show", path)
    assert "# store_mode, stateset, merged by last, 2 of 1024 series: How the volume writes.\n" in shown, shown
    assert 'store_mode{volume="a"} nosync\n' in shown, shown
    metric, = json.loads(ringstat("show", "--json", path))["metrics"]
    assert (metric["kind"], metric["states"]) == ("stateset", STATES), metric
    assert [series["value"] for series in metric["series"]] == [NOSYNC, SYNC], metric
    assert ringstat("show", "--total", path) == ""
    assert NOSYNC in ringstat("watch", "--count", 1, "--interval", 0.01, path)
    samples = map(json.loads, ringstat("tail", "--from-start", "--count", 3, "--json",
                                       path).splitlines())
    assert [sample["value"] for sample in samples] == [HALF, NOSYNC, SYNC]


main([
    X12_exactly_one_state_is_1_in_every_format,
    X12_state_holds_while_a_core_changes_it_all_the_time,
    the_last_segment_to_set_a_state_says_which_holds,
    segment_of_another_default_is_a_conflict,
    ringstat_tells_states_by_name,
])
