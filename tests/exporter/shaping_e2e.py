#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How metrics are shown where an operator says so: labels, names, cores and segments, limits.

usage: shaping_e2e.py RING_EXPORTER RINGLOAD LABELS_WRITER REPLICATION_WRITER
"""
import os

from harness import Replicator, Totals, label, totals_of_seg
from place import main, wait_until
from programs import Exporter, Load, Page, Prometheus, export_once, loaded, page_once

NODE = ("--label", "node=n\"1", "--label", "site=fra")
OPENMETRICS = "application/openmetrics-text"
OWN = ("ring_", "process_", "replication_")


def override(text):
    return "--metrics.override", text


def sums(page, name, key="channel"):
    """A metric's values, added up over all labels but this one."""
    values = {dict(labels)[key]: 0 for family in page.families for sample in family.samples
              for labels in [sample.labels] if sample.name == name}
    return {value: page.total(name, **{key: value}) for value in values}


def samples(page):
    return [sample for family in page.families for sample in family.samples]


def X5_node_labels_are_on_every_line_of_every_format_and_of_once(place):
    Replicator(place, "leader").tell("shipped", "f", 7)
    loaded(place, "seg", "--samples", 1000)
    exporter = Exporter(place, *NODE)
    exporter.page_when(lambda page: page.lines("replication_follower_severity{"), "followers")
    openmetrics = exporter.get(Accept=OPENMETRICS)[2].decode()
    keys = set()
    for sample in samples(Page(exporter.get("/metrics?collect[]=exporter")[2].decode())):
        assert sample.labels[-2:] == (("node", r'n\"1'), ("site", "fra")), sample
    for page in (exporter.page(), Page(openmetrics, True),
                 page_once(place, *NODE)):
        names = {sample.name for sample in samples(page)}
        assert {"load_events_total", "load_latency_seconds_bucket", "load_level", "ring_segment_up",
                "ring_samples_written_total", "process_cpu_seconds_total", "replication_lag_seqno",
                "ring_exporter_build_info", "ring_families_left_out"} <= names, names
        for sample in samples(page):
            labels = [pair for pair in sample.labels if pair[0] != "le"]
            assert labels[-2:] == [("node", r'n\"1'), ("site", "fra")], sample
            keys |= {key for key, _ in labels[:-2] if sample.name.startswith(OWN)}
    assert keys >= {"segment", "core", "follower", "severity", "state", "reason", "version"}, keys
    for key in keys:  # else they would be there twice
        done = export_once(place, "--label", f"{key}=x")
        assert done.returncode == 2 and b"the exporter's own metrics" in done.stderr, (key, done)


def metric_that_has_the_nodes_label_is_left_out_and_counted(place):
    loaded(place, "seg", "--samples", 1000)
    page = page_once(place, "--label", "channel=x")
    assert page.total("ring_segment_metrics_conflicting", segment="seg", channel="x") == 3
    assert not page.lines("load_")


def cores_apart_add_up_to_what_they_are_together_and_go_on_after_a_restart(place):
    load = Load(place, "seg", "--cores", 3, "--samples", 5000, "--hold")
    totals = Totals(load.totals())
    exporter = Exporter(place, *override("load_*:labels=core+segment"))
    page = exporter.page_when(totals.are_on, "all is counted")
    together = page_once(place)
    for name in ("load_events_total", "load_latency_seconds_count", "load_latency_seconds_bucket"):
        assert sums(page, name) == sums(together, name)
    assert set(sums(page, "load_events_total", "core")) == {"0", "1", "2"}
    assert set(sums(page, "load_events_total", "segment")) == {"seg"}
    before = sums(page, "load_events_total", "core")
    part = Page(exporter.get("/metrics?segment=seg&core=1")[2].decode())
    assert sums(part, "load_events_total", "core") == {"1": before["1"]}
    assert load.end() == 0
    totals += totals_of_seg(place, "--cores", 2, "--samples", 100)  # without core 2
    channels = sums(together, "load_events_total")
    page = exporter.page_when(
        lambda page: all(page.total("load_events_total", channel=channel) == totals.events(channel)
                         and page.total("load_latency_seconds_count", channel=channel)
                         == totals.observed(channel) for channel in channels),
        "the successor goes on")
    after = sums(page, "load_events_total", "core")
    assert set(after) == {"0", "1"}
    assert after["0"] >= before["0"] + before["2"] and after["1"] >= before["1"]


def gauges_merge_as_the_operator_says(place):
    loaded(place, "seg", "--cores", 3, "--samples", 2000)
    apart = page_once(place, *override("load_level:labels=core"))
    values = [[apart.total("load_level", channel=channel, core=core) for core in "012"]
              for channel in ("c0", "c1", "c2", "c3")]
    for rule, merge in {"sum": sum, "min": min, "max": max}.items():
        page = page_once(place, *override(f"load_l*:merge={rule}"))
        shown = [page.total("load_level", channel=f"c{i}") for i in range(4)]
        assert shown == [merge(cores) for cores in values], (rule, shown, values)


def names_begin_as_the_operator_says_or_are_left_out(place):
    loaded(place, "seg", "--samples", 1000)
    page = page_once(place, *override("load_*:rename=dns_"), *override("load_events_total:series=1"))
    plain = page_once(place)
    assert not page.lines("load_")
    for name in ("events_total", "latency_seconds_count", "level"):
        assert sums(page, f"dns_{name}") == sums(plain, f"load_{name}")
    for text in ("load_*:rename=ring_", "load_*:rename=load_ms_"):
        page = page_once(place, *override(text))
        assert page.total("ring_segment_metrics_conflicting", segment="seg") == 3, text
    page = page_once(place, *override("load_events_total:rename=load_level"))  # no _total
    assert page.total("ring_segment_metrics_conflicting", segment="seg") == 1


def series_of_a_vanished_segment_go_after_their_time_in_prometheus_too(place):
    for name in ("stays", "goes"):
        label(place, name, 10, b"both", name.encode())
    exporter = Exporter(place, "--series.retention", "300ms")
    prometheus = Prometheus(place, exporter)
    query = 'odd_names_total{channel="goes"}'
    wait_until(lambda: prometheus.value_of(query) == 1, "it is scraped")
    os.unlink(place.path("goes"))
    page = exporter.page_when(lambda page: page.total("ring_series_forgotten_total") == 1, "it goes")
    assert page.total("odd_names_total", channel="both") == 2
    assert page.total("odd_names_total", channel="stays") == 1
    assert not page.lines('odd_names_total{channel="goes"}')
    wait_until(lambda: prometheus.value_of(query) is None, "it is stale")
    assert prometheus.value_of('odd_names_total{channel="stays"}') == 1


def past_the_limit_of_series_sums_stay_exact(place):
    label(place, "a", 10, b"x", b"y", b"z")
    label(place, "b", 10, b"z", b"v", b"w")
    page = page_once(place, "--limit.series", 3, *NODE)
    assert page.total("odd_names_total") == 6
    assert page.total("odd_names_total", channel="__overflow__", site="fra") == 2
    assert page.total("ring_series") == 3
    assert page.total("ring_series_overflowed_total") == 2


def page_is_no_longer_than_its_limit(place):
    label(place, "a", 2000, *(b"%0200d" % i for i in range(1000)))
    loaded(place, "seg", "--samples", 100)
    limited = ("--limit.page-bytes", "64KiB")
    exporter = Exporter(place, *limited)
    done = export_once(place, *limited, "--log.level=error")
    for text in (exporter.get()[2], exporter.get(Accept=OPENMETRICS)[2], done.stdout):
        assert len(text) <= 64 << 10
        page = Page(text.decode(), b"# EOF" in text)
        assert page.total("ring_families_left_out") == 1
        assert page.lines("load_level{") and not page.lines("odd_names_total{")
    assert page_once(place, "--limit.page-bytes", "1MiB").total("odd_names_total") == 1000


main([
    X5_node_labels_are_on_every_line_of_every_format_and_of_once,
    metric_that_has_the_nodes_label_is_left_out_and_counted,
    cores_apart_add_up_to_what_they_are_together_and_go_on_after_a_restart,
    gauges_merge_as_the_operator_says,
    names_begin_as_the_operator_says_or_are_left_out,
    series_of_a_vanished_segment_go_after_their_time_in_prometheus_too,
    past_the_limit_of_series_sums_stay_exact,
    page_is_no_longer_than_its_limit,
], at_once=4)
