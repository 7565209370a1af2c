#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole path with real processes: ringload writes, the exporter serves, and Prometheus'
own tools read.

usage: exporter_e2e.py RING_EXPORTER RINGLOAD RINGSTAT LABELS_WRITER
"""
import os
import signal
import socket
import subprocess

from prometheus_client.parser import text_string_to_metric_families

from harness import Totals, label, totals_of_seg
from place import Program, main, run, wait_until
from programs import Exporter, Load, Prometheus, export_once, page_once, written

SOME = ("--cores", 2, "--slots", 256, "--samples", 20000, "--series", 3)
SLOW = ("--cores", 2, "--slots", 256, "--samples", 4000, "--rate", 4000, "--series", 3)


def T4_totals_on_the_page_are_exact_though_the_rings_lapped(place):
    exporter = Exporter(place)
    totals = totals_of_seg(place, *SOME)
    page = exporter.page_when(
        lambda page: totals.are_on(page) and page.total("ring_segments", state="dead") == 1,
        "the page shows what was written, and that its writer is gone")
    assert page.total("ring_samples_dropped_total") > 0


def page_satisfies_promtool_and_the_strict_parser(place):
    label(place, "odd", 100, b"x", b'q"b\\n\nr\re\xff')
    totals = totals_of_seg(place, *SOME)
    exporter = Exporter(place)
    text = exporter.page_when(totals.are_on, "the page shows what was written").text
    lint = run("promtool", "check", "metrics", input=text.encode())
    assert (lint.returncode, lint.stderr) == (0, b""), lint
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert len({id(family) for family in families.values()}) == text.count("# TYPE ")
    for family in families.values():
        assert family.documentation and family.type != "unknown", family
    for channel in ("c0", "c1", "c2"):
        [value] = [sample.value for sample in families["load_events"].samples
                   if sample.labels == {"channel": channel}]
        assert value == totals.events(channel)


def R6_channels_are_sorted_and_families_have_one_header(place):
    label(place, "odd", 100, b"b", b"a10", b"a1", b"B", b"")
    label(place, "other", 100, b"ab", b"a1")
    text = page_once(place).text
    lines = [line for line in text.splitlines() if line.startswith("odd_names_total")]
    assert lines == [f'odd_names_total{{channel="{c}"}} {n}' for c, n in
                     (("", 1), ("B", 1), ("a1", 2), ("a10", 1), ("ab", 1), ("b", 1))], lines
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")]
    assert len(names) == len(set(names))
    assert names == [line.split()[2] for line in text.splitlines() if line.startswith("# HELP ")]
    for line in text.splitlines():  # every line belongs to the header before it
        if line.startswith("# TYPE "):
            family = line.split()[2]
        elif not line.startswith("#"):
            assert line.startswith(family), (family, line)


def R2_names_past_the_budget_share_one_overflow_series(place):
    label(place, "odd", 3, *(b"n%d" % i for i in range(10)))
    lines = page_once(place).lines("odd_names_total{")
    assert sorted(lines) == ['odd_names_total{channel="__overflow__"} 7'] + \
        [f'odd_names_total{{channel="n{i}"}} 1' for i in range(3)], lines


def R7_odd_label_values_come_out_escaped(place):
    label(place, "odd", 100, b'q"b\\n\nr\re', b"bad\xff\xc0\x80")
    lines = export_once(place).stdout.split(b"\n")
    assert b'odd_names_total{channel="q\\"b\\\\n\\nr\re"} 1' in lines
    assert b'odd_names_total{channel="bad' + 3 * "\ufffd".encode() + b'"} 1' in lines


def T6_exporter_killed_and_restarted_is_exact_and_the_writer_notices_nothing(place):
    load = Load(place, "seg", *SLOW, "--hold")
    for _ in range(3):
        exporter = Exporter(place)
        exporter.page_when(lambda page: page.total("ring_samples_drained_total") > 100, "traffic")
        assert exporter.end(signal.SIGKILL) == -signal.SIGKILL
    totals = load.totals()
    assert written(totals) == 2 * 4000
    Exporter(place).page_when(Totals(totals).are_on, "the new exporter shows what was written")


def stopped_exporter_catches_up_and_its_accounts_add_up(place):
    exporter = Exporter(place)
    totals = totals_of_seg(place, *SOME)
    before = exporter.page_when(totals.are_on, "first run")
    exporter.send_signal(signal.SIGSTOP)
    totals += totals_of_seg(place, *SOME)
    exporter.send_signal(signal.SIGCONT)
    page = exporter.page_when(totals.are_on, "the page shows what was written")
    lost = [p.total("ring_samples_dropped_total") for p in (before, page)]
    assert lost[1] - lost[0] >= 2 * (20000 - 256), lost


COUNTERS = ("load_events_total", "load_latency_seconds_count", "load_latency_seconds_bucket",
            "ring_samples_written_total", "ring_samples_drained_total",
            "ring_samples_dropped_total")


def T4_what_a_burst_has_not_published_is_counted_all_the_same(place):
    os.makedirs(place.segments)
    exporter = Exporter(place)
    writer = Program(place, "labels_writer", "--burst", place.segments, "seg", 3, "a", "a",
                     stdin=subprocess.PIPE)
    assert writer.stdout.readline() == "up\n"
    exporter.page_when(lambda page: page.lines('ring_samples_written_total{segment="seg"'), "attached")
    writer.stdin.write("go\n")
    writer.stdin.flush()
    assert writer.stdout.readline() == "counted\n"
    for how in (None, signal.SIGKILL):
        if how:
            writer.end(how)
        page = exporter.page_when(lambda page: page.total("odd_names_total", channel="a") == 2,
                              "tallies are read")
        assert page.total("ring_samples_written_total", segment="seg") == 0


def watch_monotonic(exporter, done, what):
    """Polls until `done`, and demands that no counter ever goes back."""
    before = exporter.page()

    def look(page):
        nonlocal before
        for (name, labels), value in before.values.items():
            if name in COUNTERS:
                now = page.values.get((name, labels))
                assert now is not None and now >= value, (what, name, labels, value, now)
        before = page
        return done(page)
    exporter.page_when(look, what)


def producers_in_a_row(place, rules):
    """Producers of one name, each with its merge rule; another rule is another schema."""
    exporter = Exporter(place)
    totals = totals_of_seg(place, *SOME)
    exporter.page_when(totals.are_on, "first run")
    for rule in rules:
        load = Load(place, "seg", *SLOW, "--merge", rule, "--hold")
        watch_monotonic(exporter, lambda page: page.total("ring_segments", state="live") == 1,
                        rule)
        totals += Totals(load.totals())
        watch_monotonic(exporter, totals.are_on, rule)
        load.end()


def counters_go_on_when_the_producer_restarts(place):
    producers_in_a_row(place, ("sum", "sum", "sum"))


def counters_go_on_when_another_schema_follows(place):
    producers_in_a_row(place, ("max", "min", "max"))


def counters_stay_when_the_producer_is_killed_and_its_file_removed(place):
    exporter = Exporter(place)
    load = Load(place, "seg", "--cores", 2, "--slots", 256, "--series", 3, "--rate", 20000)
    exporter.page_when(lambda page: page.total("ring_samples_drained_total") > 1000, "traffic")
    load.end(signal.SIGKILL)
    exporter.page_when(lambda page: page.total("ring_segment_up", segment="seg") == 0
                   and page.total("ring_segments", state="dead") == 1, "its owner is gone")
    dead = exporter.page().lines("load_events_total{")
    os.unlink(place.path("seg"))
    page = exporter.page_when(lambda page: page.total("ring_segments", state="dead") == 0, "gone")
    assert page.lines("load_events_total{") == dead
    assert not page.lines("load_level{")
    assert not page.lines("ring_segment_up{")


def junk(place):
    """Puts a file of each bad kind into the directory; returns how many for each reason."""
    with open(place.path("seg"), "rb") as file:
        good = file.read()

    def put(name, data):
        with open(os.path.join(os.fsencode(place.segments), name), "wb") as file:
            file.write(data)

    os.mkfifo(place.path("fifo"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(place.path("socket"))
    os.mkdir(place.path("folder"))
    os.symlink("seg", place.path("link"))
    put(b"empty", b"")
    put(b"noise", os.urandom(8192))
    put(b"major", good[:12] + b"\xff\xff" + good[14:])
    put(b"endian", good[:8] + good[8:12][::-1] + good[12:])
    put(b"cut", good[:len(good) // 2])
    put(b'quote"line\n', good)
    put(b"bad\xff\xfe", good)
    put(b"copied", good)
    with open(place.path("sparse"), "wb") as file:
        file.write(good[:4096])
        file.truncate(len(good))
    return {"not_regular": 3, "symlink": 1, "too_short": 1, "bad_magic": 1, "bad_version": 1,
            "foreign_endian": 1, "truncated": 1, "bad_file_name": 2, "duplicate": 1, "sparse": 1}


def junk_gets_its_reasons_and_changes_no_line_of_the_good_segment(place):
    totals = totals_of_seg(place, *SOME)
    exporter = Exporter(place, "--log.level=debug")
    before = exporter.page_when(totals.are_on, "the page shows what was written")
    reasons = junk(place)
    page = exporter.page_when(lambda page: page.total("ring_segments_quarantined")
                          == sum(reasons.values()), "all junk is seen")
    for reason, count in reasons.items():
        assert page.total("ring_segments_quarantined", reason=reason) == count, reason
    for prefix in ("load_", "ring_samples_", "ring_segment_up"):
        assert page.lines(prefix) == before.lines(prefix) != []
    lint = run("promtool", "check", "metrics", input=page.text.encode())
    assert lint.returncode == 0, lint
    assert page_once(place).lines("load_") == before.lines("load_")


def segment_truncated_under_the_exporter_leaves_the_others_alone(place):
    totals = totals_of_seg(place, *SOME)
    exporter = Exporter(place)
    exporter.page_when(totals.are_on, "the page shows what was written")
    victim = Load(place, "victim", "--cores", 1, "--series", 3, "--mix", "1:0:0", "--rate", 1000)
    exporter.page_when(lambda page: page.total("ring_segments", state="live") == 1, "the victim")
    victim.end(signal.SIGKILL)
    os.truncate(place.path("victim"), 8192)
    page = exporter.page_when(
        lambda page: page.total("ring_segments_quarantined", reason="truncated") == 1, "cut")
    for channel in ("c0", "c1", "c2"):
        assert page.total("load_events_total", channel=channel) >= totals.events(channel)
    assert page.total("ring_segment_up", segment="seg") == 0


def two_exporters_and_ringstat_disturb_nobody(place):
    exporters = [Exporter(place), Exporter(place)]
    load = Load(place, "seg", *SLOW, "--hold")
    for _ in range(10):
        shown = run("ringstat", "list", "--dir", place.segments, "--json")
        assert shown.returncode == 0, shown
    totals = Totals(load.totals())
    for exporter in exporters:
        exporter.page_when(totals.are_on, "both show what was written")


def real_prometheus_answers_with_the_exact_count(place):
    exporter = Exporter(place)
    prometheus = Prometheus(place, exporter)
    totals = totals_of_seg(place, *SOME)
    for channel in ("c0", "c1", "c2"):
        for metric, total in (("load_events_total", totals.events(channel)),
                              ("load_latency_seconds_count", totals.observed(channel))):
            series = f'{metric}{{channel="{channel}"}}'
            wait_until(lambda s=series, t=total: prometheus.value_of(s) == t, series)
    assert prometheus.value_of("up") == 1


main([
    T4_totals_on_the_page_are_exact_though_the_rings_lapped,
    page_satisfies_promtool_and_the_strict_parser,
    R6_channels_are_sorted_and_families_have_one_header,
    R2_names_past_the_budget_share_one_overflow_series,
    R7_odd_label_values_come_out_escaped,
    T6_exporter_killed_and_restarted_is_exact_and_the_writer_notices_nothing,
    stopped_exporter_catches_up_and_its_accounts_add_up,
    T4_what_a_burst_has_not_published_is_counted_all_the_same,
    counters_go_on_when_the_producer_restarts,
    counters_go_on_when_another_schema_follows,
    counters_stay_when_the_producer_is_killed_and_its_file_removed,
    junk_gets_its_reasons_and_changes_no_line_of_the_good_segment,
    segment_truncated_under_the_exporter_leaves_the_others_alone,
    two_exporters_and_ringstat_disturb_nobody,
    real_prometheus_answers_with_the_exact_count,
], at_once=4)
