#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The replication set from a data plane's calls to the page: replication_writer records, the
exporter shows.

usage: replication_e2e.py RING_EXPORTER RINGSTAT REPLICATION_WRITER
"""
import re

from prometheus_client.parser import text_string_to_metric_families

from harness import Replicator
from place import main, run, wait_until
from programs import Exporter, Prometheus, export_once, page_once

LAG = "replication_lag_seconds"
LAG_HELP = "Replica's tail_seq lag behind leader, per role."
COUNTERS = {  # the call: what it counts, as the source document has it
    "sync_bytes": ("replication_sync_bytes_total", "Cumulative bytes shipped via SYNC_RESPONSE."),
    "leader_change": ("leader_changes_total", "Number of leader elections completed."),
    "under_capacity": ("replication_under_capacity_total",
                       "Times the channel hit UnderCapacity policy."),
    "skip_ahead": ("replication_skip_ahead_total",
                   "Times a replica skipped instead of replaying a large gap."),
    "election_thrash": ("replication_election_thrash_total",
                        "Elections triggered within 30 s of the previous one (saturation "
                        "indicator)."),
    "witness_withdrawal": ("replication_witness_withdrawals_total",
                           "Times a peer replica issued a witness Mesh::withdraw_chain for a "
                           "deposed leader's tag."),
    "announce_divergence": ("replication_announce_divergence_total",
                            "Times a coordinator transitioned to Idle but its mesh-side "
                            "withdraw_chain call failed; non-zero values mean the mesh may still "
                            "advertise this node as a chain holder."),
}
PREFIX = "dataforts_"
NAMES = [PREFIX + LAG] + [PREFIX + name for name, _ in COUNTERS.values()]
CHANNELS_MAX = 1024
OVERFLOW = "__overflow__"


def record_everything(writer, channel):
    """Each call of the set that a channel has."""
    writer.tell("leader_lag", channel, 250000000)
    writer.tell("replica_lag", channel, 2000000000)
    for number, call in enumerate(COUNTERS, 1):
        writer.tell(call, channel, number)


def channels_of(page, name):
    """The channels that a metric is shown for, and how often."""
    shown = [re.search(r'channel="([^"]*)"', line)[1] for line in page.lines(name + "{")]
    return {channel: shown.count(channel) for channel in shown}


def R1_one_name_is_one_series_and_two_names_share_none(place):
    writer = Replicator(place, "seg")
    for channel in ("a", "b", "a"):
        record_everything(writer, channel)
    writer.tell("shipped", "f", 7)
    writer.tell("shipped", "f", 8)
    page = page_once(place)
    for name, times in ((NAMES[0], 2), *((name, 1) for name in NAMES[1:])):
        assert channels_of(page, name) == {"a": times, "b": times}, page.lines(name)
    for number, name in enumerate(NAMES[1:], 1):
        once = number if name.endswith("bytes_total") else 1
        assert page.total(name, channel="a") == 2 * once
        assert page.total(name, channel="b") == once
    assert page.lines("replication_shipped_seqno{") == ['replication_shipped_seqno{follower="f"} 8']


def R2_past_the_budget_all_series_of_a_channel_fold_together(place):
    writer = Replicator(place, "seg", PREFIX, 3, 2)
    for i in range(6):
        record_everything(writer, f"c{i}")
        writer.tell("applied", f"f{i}", i)
    record_everything(writer, "c0")
    page = page_once(place)
    own = ["c0", "c1", "c2"]
    for name, times in ((NAMES[0], 2), *((name, 1) for name in NAMES[1:])):
        assert channels_of(page, name) == dict.fromkeys([OVERFLOW, *own], times), name
    assert [page.total(NAMES[2], channel=c) for c in [OVERFLOW, *own]] == [3, 2, 1, 1]
    assert page.lines(NAMES[0] + '{channel="__') == [
        f'{NAMES[0]}{{channel="{OVERFLOW}",role="leader"}} 0.25',
        f'{NAMES[0]}{{channel="{OVERFLOW}",role="replica"}} 2']
    assert page.lines("replication_applied_seqno{") == [
        'replication_applied_seqno{follower="__overflow__"} 5',
        'replication_applied_seqno{follower="f0"} 0', 'replication_applied_seqno{follower="f1"} 1']


def R2_until_the_budget_is_spent_there_is_no_overflow_series(place):
    writer = Replicator(place, "seg", PREFIX, 3)
    for i in range(3):
        record_everything(writer, f"c{i}")
    assert OVERFLOW not in page_once(place).text


def check_budget(page):
    """No more names than there may be, and each with all its metrics."""
    own = [{c for c in channels_of(page, name) if c != OVERFLOW} for name in NAMES[1:]]
    assert all(channels == own[0] for channels in own)
    assert len(own[0]) <= CHANNELS_MAX, len(own[0])
    lags = channels_of(page, NAMES[0])
    assert set(lags) - {OVERFLOW} <= own[0]
    assert not page.lines(NAMES[0] + f'{{channel="{OVERFLOW}",role="{OVERFLOW}"')
    return len(own[0])


def R2_racing_threads_of_two_processes_never_exceed_the_budget(place):
    exporter = Exporter(place)
    writers = [Replicator(place, "a"), Replicator(place, "b")]
    for first, writer in ((0, writers[0]), (1000, writers[1])):  # 3000 names in all
        writer.stdin.write(f"now race 8 {first} {first + 1999}\n")
        writer.stdin.flush()
    total = 2 * 8 * 2000

    def look(page):
        check_budget(page)
        return page.total(NAMES[2]) == total
    page = exporter.page_when(look, "every record is counted")
    for writer in writers:
        assert writer.stdout.readline() == "ok\n"
    assert check_budget(page) == CHANNELS_MAX
    own = channels_of(page, NAMES[0])
    assert own[OVERFLOW] == 2 and len(own) == CHANNELS_MAX + 1
    assert check_budget(page_once(place)) == CHANNELS_MAX
    alone = sum(page.total(NAMES[2], channel=c) for c in own if c != OVERFLOW)
    assert page.total(NAMES[2], channel=OVERFLOW) == total - alone > 0


def R3_lag_is_in_seconds_without_trailing_zeros_and_absent_if_never_observed(place):
    writer = Replicator(place, "seg")
    for channel, lag_ns in (("quarter", 250000000), ("two", 2000000000), ("half_ms", 500000),
                            ("none", 0), ("one_ns", 1), ("month", 2592000 * 10**9 + 1000),
                            ("longest", 2**64 - 1)):
        writer.tell("leader_lag", channel, lag_ns)
    writer.tell("leader_change", "unseen")
    lines = page_once(place).lines(PREFIX + LAG + "{")
    shown = {re.search(r'channel="(\w+)",role="leader"', line)[1]: line.split()[1]
             for line in lines}
    assert shown == {"quarter": "0.25", "two": "2", "half_ms": "0.0005", "none": "0",
                     "one_ns": "1e-09", "month": "2592000.000001",
                     "longest": "18446744073.709553"}, shown
    assert len(lines) == len(shown)


def R4_counters_have_the_documents_names_and_helps_under_any_prefix(place):
    for name, prefix in (("a", "dataforts_"), ("b", "store_"), ("c", "")):
        writer = Replicator(place, name, prefix)
        for number, call in enumerate(COUNTERS, 1):
            for _ in range(number):
                writer.tell(call, "payments", 1)
        text = page_once(place).text
        for number, (metric, words) in enumerate(COUNTERS.values(), 1):
            assert f"# HELP {prefix}{metric} {words}\n# TYPE {prefix}{metric} counter\n" \
                f'{prefix}{metric}{{channel="payments"}} {number}\n' in text, (prefix, metric)
    lint = run("promtool", "check", "metrics", input=text.encode())
    assert (lint.returncode, lint.stderr) == (0, b""), lint


def R5_lag_is_a_gauge_for_each_role(place):
    writer = Replicator(place, "seg")
    writer.tell("leader_lag", "payments", 125000000)
    writer.tell("leader_lag", "refunds", 1)
    writer.tell("leader_lag", "refunds", 10000000)
    writer.tell("replica_lag", "payments", 2000000000)
    name = PREFIX + LAG
    assert f"# HELP {name} {LAG_HELP}\n# TYPE {name} gauge\n" \
        f'{name}{{channel="payments",role="leader"}} 0.125\n' \
        f'{name}{{channel="payments",role="replica"}} 2\n' \
        f'{name}{{channel="refunds",role="leader"}} 0.01\n' in page_once(place).text


def R5_the_newest_lag_of_all_processes_wins(place):
    first, second = Replicator(place, "a"), Replicator(place, "b")
    second.tell("leader_lag", "c", 2000000000, at=2000)
    first.tell("leader_lag", "c", 9000000000, at=1000)
    line = f'{PREFIX}{LAG}{{channel="c",role="leader"}} '
    assert page_once(place).lines(line) == [line + "2"]
    first.tell("leader_lag", "c", 3000000000, at=3000)
    assert page_once(place).lines(line) == [line + "3"]


def R6_channels_are_sorted_and_families_have_one_header(place):
    writers = [Replicator(place, "a"), Replicator(place, "b")]
    for writer, channels in zip(writers, (("zebra", "alpha", "delta"), ("bravo", "alpha"))):
        for channel in channels:
            record_everything(writer, channel)
    text = page_once(place).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for name in NAMES:
        assert text.count(f"# HELP {name} ") == text.count(f"# TYPE {name} ") == 1
        family = families[name.removesuffix("_total")]
        shown = [sample.labels["channel"] for sample in family.samples]
        assert shown == sorted(shown) and set(shown) == {"alpha", "bravo", "delta", "zebra"}
        begin = text.index(f"# TYPE {name} ")
        block = text[begin:].split("# HELP", 1)[0]
        assert block.count(f"\n{name}{{") == text.count(f"\n{name}{{") == len(shown)


def R7_odd_channels_come_out_escaped(place):
    writer = Replicator(place, "seg")
    for channel in (b'q"b\\n\nr\re', b"bad\xff\xc0\x80", b"a b%41"):
        writer.tell("leader_change", channel)
        writer.tell("leader_lag", channel, 10**9)
    page = export_once(place).stdout
    for shown in (b'q\\"b\\\\n\\nr\re', b"bad" + 3 * "\ufffd".encode(), b"a b%41"):
        assert b'\n%sleader_changes_total{channel="%s"} 1\n' % (PREFIX.encode(), shown) in page
        assert b'{channel="%s",role="leader"} 1\n' % shown in page


def R7_a_name_too_long_is_refused_and_records_nothing(place):
    writer = Replicator(place, "seg")
    writer.tell("leader_change", "x" * 255)
    writer.stdin.write("now leader_change " + "x" * 256 + "\n")
    writer.stdin.flush()
    assert writer.stdout.readline().endswith("a label value has at most 255 bytes\n")
    page = page_once(place)
    assert channels_of(page, NAMES[2]) == {"x" * 255: 1}
    assert page.total("ring_segment_labels_refused", segment="seg") == 1


def R8_totals_across_channels_are_a_sum_in_exporter_and_tool(place):
    writers = [Replicator(place, "a"), Replicator(place, "b")]
    for writer, channel in zip((*writers, writers[0]), ("a", "b", "c")):
        record_everything(writer, channel)
    exporter = Exporter(place)
    page = exporter.page_when(lambda page: page.total(NAMES[2]) == 3, "all is read")
    totals = [line.split() for name in ("a", "b")
              for line in run("ringstat", "show", "--total", "--dir", place.segments, name,
                              text=True).stdout.splitlines()]
    assert sorted(name for name, _ in totals) == sorted(2 * NAMES[1:]), totals
    prometheus = Prometheus(place, exporter)
    for number, name in enumerate(NAMES[1:], 1):
        total = 3 * (number if name.endswith("bytes_total") else 1)
        assert page.total(name) == total
        assert total == sum(int(value) for found, value in totals if found == name)
        wait_until(lambda n=name, t=total: prometheus.value_of(f"sum({n})") == t, f"sum({name})")


def recorded(page):
    """What producers say of followers, without what the exporter makes of it."""
    return [line for kind in ("applied_seqno", "recorded_lag_seconds", "shipped_seqno")
            for line in page.lines(f"replication_{kind}{{")]


def follower_is_shown_as_recorded_and_no_more_when_it_is_gone(place):
    writer = Replicator(place, "seg")
    writer.tell("shipped", "f", 2**53)
    writer.tell("applied", "f", 100)
    writer.tell("recorded_lag", "f", 1500000000)
    assert recorded(page_once(place)) == [
        'replication_applied_seqno{follower="f"} 100',
        'replication_recorded_lag_seconds{follower="f"} 1.5',
        'replication_shipped_seqno{follower="f"} 9007199254740992']
    writer.tell("follower_gone", "f")
    assert recorded(page_once(place)) == []
    writer.tell("applied", "f", 0)
    assert recorded(page_once(place)) == ['replication_applied_seqno{follower="f"} 0']


main([
    R1_one_name_is_one_series_and_two_names_share_none,
    R2_past_the_budget_all_series_of_a_channel_fold_together,
    R2_until_the_budget_is_spent_there_is_no_overflow_series,
    R2_racing_threads_of_two_processes_never_exceed_the_budget,
    R3_lag_is_in_seconds_without_trailing_zeros_and_absent_if_never_observed,
    R4_counters_have_the_documents_names_and_helps_under_any_prefix,
    R5_lag_is_a_gauge_for_each_role,
    R5_the_newest_lag_of_all_processes_wins,
    R6_channels_are_sorted_and_families_have_one_header,
    R7_odd_channels_come_out_escaped,
    R7_a_name_too_long_is_refused_and_records_nothing,
    R8_totals_across_channels_are_a_sum_in_exporter_and_tool,
    follower_is_shown_as_recorded_and_no_more_when_it_is_gone,
])
