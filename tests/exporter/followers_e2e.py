#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Followers from what leader and follower record, in processes of their own, to the page.

usage: followers_e2e.py RING_EXPORTER REPLICATION_WRITER
"""
import os
import re
import signal
import time

from harness import Replicator
from place import main, wait_until
from programs import Exporter, page_once

LAG = "replication_lag_seqno"
SECONDS = "replication_follower_lag_seconds"
SEVERITY = "replication_follower_severity"
SEVERITIES = ["normal", "warning", "critical", "stalled"]
SECOND_NS = 10**9
PREFIX = "dataforts_"  # of what is not about followers


def value_of(page, name, follower):
    """None where nothing is shown."""
    return page.values.get((name, f'follower="{follower}"'))


def severity_of(page, follower):
    """The one that is 1; there must be all four."""
    shown = {word: page.values.get((SEVERITY, f'follower="{follower}",severity="{word}"'))
             for word in SEVERITIES}
    assert sorted(shown.values()) == [0, 0, 0, 1], shown
    return max(shown, key=shown.get)


def total_is(exporter, total, name, **labels):
    """Of all followers, which is made once a second."""
    return exporter.page_when(lambda page: page.total(name, **labels) == total,
                              f"{name} {labels} is {total}")


def lag_is(exporter, follower, lag):
    return exporter.page_when(lambda page: value_of(page, LAG, follower) == lag,
                              f"{follower} is {lag} behind")


def L4_leader_ships_a_hundred_and_the_follower_applies_them(place):
    leader, follower = Replicator(place, "leader"), Replicator(place, "follower")
    exporter = Exporter(place)
    for seqno in range(1, 101):
        leader.tell("shipped", "f1", seqno)
    lag_is(exporter, "f1", 100)
    for seqno in range(1, 101):
        follower.tell("applied", "f1", seqno)
    page = lag_is(exporter, "f1", 0)
    assert value_of(page, SECONDS, "f1") == 0
    assert severity_of(page, "f1") == "normal"


def L4_sixty_four_followers_and_their_leader_dies_and_comes_back(place):
    names = [f"f{i:02}" for i in range(64)]
    leader = Replicator(place, "leader")
    followers = [Replicator(place, name) for name in names]
    exporter = Exporter(place)
    for name in names:
        leader.tell("shipped", name, 100)
    for i, (name, follower) in enumerate(zip(names, followers)):
        follower.tell("applied", name, i)
    lags = lambda page: [value_of(page, LAG, name) for name in names]
    exporter.page_when(lambda page: lags(page) == [100 - i for i in range(64)], "all lags")

    leader.kill()
    leader.wait()
    followers[0].tell("applied", names[0], 100)
    lag_is(exporter, names[0], 0)
    leader = Replicator(place, "leader")
    for name in names:
        leader.tell("shipped", name, 200)
    exporter.page_when(
        lambda page: lags(page) == [100] + [200 - i for i in range(1, 64)], "the new leader's")

    followers[1].kill()
    followers[1].wait()
    leader.tell("shipped", names[1], 300)
    lag_is(exporter, names[1], 299)
    Replicator(place, names[1]).tell("applied", names[1], 300)
    lag_is(exporter, names[1], 0)


def L1_a_follower_ahead_of_its_leader_has_a_negative_lag_and_no_alert(place):
    writer = Replicator(place, "both")
    exporter = Exporter(place)
    writer.tell("applied", "early", 5000)
    writer.tell("shipped", "late", 1)
    # Between two samples of one follower each other one has its turn.
    page = exporter.page_when(
        lambda page: value_of(page, "replication_follower_rate", "late") is not None,
        "a round of turns is over")
    assert value_of(page, LAG, "early") is None
    writer.tell("shipped", "early", 10)
    page = lag_is(exporter, "early", -4990)
    assert value_of(page, SECONDS, "early") == 0
    assert severity_of(page, "early") == "normal"
    assert page.total("replication_alerts_total") == 0


def L2_a_follower_that_goes_away_is_no_longer_shown(place):
    leader, other = Replicator(place, "leader"), Replicator(place, "other")
    exporter = Exporter(place)
    leader.tell("shipped", "stays", 3)
    leader.tell("shipped", "goes", 3)
    other.tell("shipped", "dies", 3)
    for name in ("stays", "goes", "dies"):
        lag_is(exporter, name, 3)
    leader.tell("follower_gone", "goes")
    other.end()
    os.remove(place.path("other"))
    page = exporter.page_when(lambda page: value_of(page, LAG, "goes") is None
                              and value_of(page, LAG, "dies") is None, "both are gone")
    assert value_of(page, LAG, "stays") == 3
    assert [line for line in page.lines("replication_follower") if "stays" not in line
            and not line.startswith("replication_followers")] == []
    total_is(exporter, 1, "replication_followers")


def L3_what_is_not_known_is_not_shown(place):
    Replicator(place, "leader").tell("recorded_lag", "f", 7 * SECOND_NS)
    page = page_once(place)
    assert value_of(page, LAG, "f") is None
    assert value_of(page, SECONDS, "f") == 7
    assert value_of(page, "replication_follower_predicted_lag_seconds", "f") is None
    assert severity_of(page, "f") == "warning"


def L3_without_followers_nothing_is_said_of_them(place):
    Replicator(place, "channels").tell("leader_change", "c")
    page = page_once(place)
    assert page.total("dataforts_leader_changes_total") == 1
    assert page.lines("replication_") == []


def M3_the_lag_in_time_is_the_age_of_the_first_entry_missed(place):
    leader = Replicator(place, "leader")
    now_ns = time.monotonic_ns()
    for age_s, seqno in ((100, 10), (60, 20), (20, 30)):
        leader.tell("shipped", "f", seqno, at=now_ns - age_s * SECOND_NS)
    exporter = Exporter(place)
    for applied, age_s in ((0, 100), (9, 100), (10, 60), (19, 60), (20, 20), (29, 20)):
        leader.tell("applied", "f", applied)
        page = lag_is(exporter, "f", 30 - applied)
        seconds = value_of(page, SECONDS, "f") - (time.monotonic_ns() - now_ns) / SECOND_NS
        assert age_s - 2 < seconds <= age_s, (applied, seconds)
    leader.tell("applied", "f", 30)
    assert value_of(lag_is(exporter, "f", 0), SECONDS, "f") == 0


def M4_severity_follows_the_thresholds_that_are_configured(place):
    leader = Replicator(place, "leader")
    exporter = Exporter(place, "--replication.warning=2s", "--replication.critical=4s",
                        "--replication.thresholds=slow/*:warning=1h,critical=2h")
    for name in ("fast", "slow/1"):
        leader.tell("shipped", name, 1)
    seen = []

    def critical(page):
        if value_of(page, LAG, "fast") is None:
            return False
        word = severity_of(page, "fast")
        if word not in seen:
            seen.append(word)
        return word == "critical"
    page = exporter.page_when(critical, "fast is critical")
    assert seen == ["normal", "warning", "critical"], seen
    assert severity_of(page, "slow/1") == "normal"
    page = total_is(exporter, 1, "replication_followers", severity="critical")
    assert page.values["replication_followers", 'severity="normal"'] == 1
    assert page.total("replication_lag_max_seconds") >= 4
    assert page.total("replication_alerts_total") == 1
    assert page.total("replication_alerts_suppressed_total") == 1


def M3_exporter_that_is_restarted_has_its_history_from_the_rings(place):
    leader, follower = Replicator(place, "leader"), Replicator(place, "follower")
    now_ns = time.monotonic_ns()
    for age_s, seqno in ((300, 10), (200, 20), (100, 30)):
        leader.tell("shipped", "f", seqno, at=now_ns - age_s * SECOND_NS)
    follower.tell("applied", "f", 10, at=now_ns - 250 * SECOND_NS)
    for round in range(2):
        exporter = Exporter(place)
        page = lag_is(exporter, "f", 20 - 10 * round)
        age_s = (200, 100)[round] + (time.monotonic_ns() - now_ns) / SECOND_NS
        assert age_s - 2 < value_of(page, SECONDS, "f") <= age_s
        assert page.total("replication_records_ignored_total") == 0
        assert exporter.end() == 0
        follower.tell("applied", "f", 20)


def M4_pause_of_the_exporter_is_no_lag_and_no_alert(place):
    leader, follower = Replicator(place, "leader"), Replicator(place, "follower")
    exporter = Exporter(place, "--replication.warning=2s", "--replication.critical=2s")
    leader.tell("shipped", "f", 1)
    follower.tell("applied", "f", 1)
    lag_is(exporter, "f", 0)
    exporter.send_signal(signal.SIGSTOP)
    begin, seqno = time.monotonic(), 1
    while time.monotonic() < begin + 4:  # more than the threshold
        seqno += 1
        leader.tell("shipped", "f", seqno)
        follower.tell("applied", "f", seqno)
        time.sleep(0.001)
    leader.tell("shipped", "f", seqno + 7)
    exporter.send_signal(signal.SIGCONT)
    page = lag_is(exporter, "f", 7)
    assert value_of(page, SECONDS, "f") < 2 and severity_of(page, "f") == "normal"
    assert page.total("replication_alerts_total") == 0
    exporter.page_when(lambda page: severity_of(page, "f") == "critical", "that is lag")
    total_is(exporter, 1, "replication_alerts_total")


def L2_recorded_lag_ends_with_its_owner_although_a_new_series_comes_first(place):
    leader, collector = Replicator(place, "leader"), Replicator(place, "collector")
    exporter = Exporter(place)
    leader.tell("shipped", "f", 1)
    collector.tell("recorded_lag", "f", 100 * SECOND_NS)
    exporter.page_when(lambda page: value_of(page, SECONDS, "f") == 100, "it is believed")
    exporter.send_signal(signal.SIGSTOP)
    collector.tell("recorded_lag", "new", 100 * SECOND_NS)
    collector.kill()
    collector.wait()
    exporter.send_signal(signal.SIGCONT)
    exporter.page_when(lambda page: value_of(page, SECONDS, "f") < 100
                       and value_of(page, SECONDS, "new") is None, "neither is, any more")


def followers_shown(exporter):
    return len(re.findall(rb"^replication_lag_seqno{", exporter.get()[2], re.MULTILINE))


def M3_ten_thousand_followers_are_shown_and_twenty_thousand_keep_to_the_budget(place):
    names = [f"f{i:05}" for i in range(20000)]
    one = Replicator(place, "one", PREFIX, 1, 10000)
    exporter = Exporter(place)
    one.tell_each("shipped", names[:10000], 5)
    wait_until(lambda: followers_shown(exporter) == 10000, "all of the first ones are shown")
    page = total_is(exporter, 10000, "replication_followers")
    assert page.total("replication_records_ignored_total") == 0
    other = Replicator(place, "other", PREFIX, 1, 10000)
    other.tell_each("shipped", names[10000:], 6)
    wait_until(lambda: followers_shown(exporter) == 16384, "as many as there may be")
    page = total_is(exporter, 16384, "replication_followers")
    assert {value_of(page, LAG, name) for name in names[:10000]} == {5}
    assert {value_of(page, LAG, name) for name in names[10000:16384]} == {6}
    # Each has three series.
    assert page.total("replication_records_ignored_total", reason="refused") == 3 * (20000 - 16384)
    assert page.total("replication_records_ignored_total", reason="stale") == 0


def followers_that_come_and_go_by_thousands_leave_no_memory(place):
    # Memory that AddressSanitizer keeps from being used again is not ours.
    env = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}
    exporter = Exporter(place, env=env)
    resident = []
    for round in range(6):
        writer = Replicator(place, f"round{round}", PREFIX, 1, 4000)
        writer.tell_each("shipped", [f"r{round}-{i}" for i in range(4000)], 5)
        wait_until(lambda: followers_shown(exporter) == 4000, "they are shown")
        writer.end()
        os.remove(place.path(f"round{round}"))
        wait_until(lambda: followers_shown(exporter) == 0, "they are gone")
        with open(f"/proc/{exporter.pid}/statm", encoding="ascii") as statm:
            resident.append(int(statm.read().split()[1]))
    assert max(resident[3:]) <= 1.1 * max(resident[:3]), resident


main([
    L4_leader_ships_a_hundred_and_the_follower_applies_them,
    L4_sixty_four_followers_and_their_leader_dies_and_comes_back,
    L1_a_follower_ahead_of_its_leader_has_a_negative_lag_and_no_alert,
    L2_a_follower_that_goes_away_is_no_longer_shown,
    L3_what_is_not_known_is_not_shown,
    L3_without_followers_nothing_is_said_of_them,
    M3_the_lag_in_time_is_the_age_of_the_first_entry_missed,
    M4_severity_follows_the_thresholds_that_are_configured,
    M3_exporter_that_is_restarted_has_its_history_from_the_rings,
    M4_pause_of_the_exporter_is_no_lag_and_no_alert,
    L2_recorded_lag_ends_with_its_owner_although_a_new_series_comes_first,
    M3_ten_thousand_followers_are_shown_and_twenty_thousand_keep_to_the_budget,
    followers_that_come_and_go_by_thousands_leave_no_memory,
], at_once=4)
