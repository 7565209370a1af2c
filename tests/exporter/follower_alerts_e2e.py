#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The lag monitor from what is recorded to /metrics, /replication and a real Alertmanager.

usage: follower_alerts_e2e.py RING_EXPORTER REPLICATION_WRITER
"""
import json
import re
import time
import urllib.request

from harness import Replicator
from alertmanager import Alertmanager
from place import DEADLINE_S, main, wait_until
from programs import Exporter

SEVERITIES = ["normal", "warning", "critical", "stalled"]
SECOND_NS = 10**9


class Status(Exporter):
    """An exporter and its pages of followers."""

    def request(self, path, method="GET", **headers):
        """(status, object) of a request for JSON."""
        request = urllib.request.Request(
            f"http://{self.host}:{self.port}{path}", method=method,
            headers={"Accept": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, None

    def status(self):
        status, page = self.request("/replication")
        assert status == 200
        return page

    def node(self, follower):
        status, node = self.request(f"/replication?follower={follower}")
        assert status == 200
        return node

    def status_when(self, condition, what):
        def look():
            status = self.status()
            return status if condition(status) else None
        return wait_until(look, what)


class Watch(Status):
    """One with short thresholds."""

    def __init__(self, place, *arguments):
        # A lag that grows passes from one to the other in more than the second between samples.
        super().__init__(place, "--replication.warning=1s", "--replication.critical=3s",
                         "--replication.cooldown=4s", *arguments)


def value_of(page, name, follower):
    return page.values.get((f"replication_{name}", f'follower="{follower}"'))


def severity_of(page, follower):
    for word in SEVERITIES:
        if page.values.get(("replication_follower_severity",
                            f'follower="{follower}",severity="{word}"')) == 1:
            return word
    return None


def becomes(exporter, follower, severity):
    return exporter.page_when(lambda page: severity_of(page, follower) == severity,
                              f"{follower} is {severity}")


def totals_are(exporter, **totals):
    """Of all followers, which are made once a second; none may have been higher."""
    def reached(page):
        have = {name: page.total(f"replication_{name}_total") for name in totals}
        assert all(have[name] <= totals[name] for name in totals), have
        return have == totals
    exporter.page_when(reached, f"{totals}")


def active(status):
    return [(alert["follower"], alert["severity"]) for alert in status["alerts"]]


def alerts_are(*wanted):
    return lambda alerts: set(alerts) == set(wanted)


def M6_alert_is_raised_held_back_by_the_cooldown_and_resolved(place):
    alertmanager = Alertmanager(place)
    leader = Replicator(place, "leader")
    watch = Watch(place, f"--alert.url={alertmanager.url}")
    leader.tell("shipped", "f", 7)
    becomes(watch, "f", "warning")
    alertmanager.alerts_when(alerts_are(("f", "warning")), "the warning is there")
    becomes(watch, "f", "critical")
    totals_are(watch, alerts=1, alerts_suppressed=1)
    assert active(watch.status()) == [("f", "warning")]
    # It still holds when the cooldown is over.
    alerts = alertmanager.alerts_when(alerts_are(("f", "critical")), "then it is critical")
    totals_are(watch, alerts=2, alerts_suppressed=1)
    assert active(watch.status()) == [("f", "critical")]
    history = watch.node("f")["alerts"]
    assert [alert["severity"] for alert in history] == ["warning", "critical"], history
    first, second = history
    assert first["resolved"] == second["raised"] and second["resolved"] is None
    summary = alerts["f", "critical"]["annotations"]["summary"]
    assert summary.startswith("CRITICAL replication lag: 7 entries, "), summary
    leader.tell("applied", "f", 7)
    becomes(watch, "f", "normal")
    assert active(watch.status()) == []
    alertmanager.alerts_when(alerts_are(), "it has ended")
    totals_are(watch, alerts=2, alerts_suppressed=1)


def M6_change_that_is_over_before_the_cooldown_is_no_alert(place):
    leader = Replicator(place, "leader")
    watch = Watch(place, "--replication.cooldown=1h")
    leader.tell("recorded_lag", "f", int(1.5 * SECOND_NS))
    becomes(watch, "f", "warning")
    for times in (1, 2):
        leader.tell("recorded_lag", "f", 5 * SECOND_NS)
        becomes(watch, "f", "critical")
        leader.tell("recorded_lag", "f", 0)
        becomes(watch, "f", "normal")
        totals_are(watch, alerts=1, alerts_suppressed=times)


def M7_lists_and_clearing_of_alerts(place):
    alertmanager = Alertmanager(place)
    leader = Replicator(place, "leader")
    watch = Watch(place, f"--alert.url={alertmanager.url}", "--web.enable-admin-api",
                  "--replication.cooldown=1ms")
    for name in ("a", "b", "c"):
        leader.tell("recorded_lag", name, 5 * SECOND_NS)
    leader.tell("recorded_lag", "d", int(1.5 * SECOND_NS))
    leader.tell("shipped", "e", 0)
    status = watch.status_when(lambda status: len(status["nodes"]) == 5, "all are watched")
    assert [node["follower"] for node in status["nodes"]] == list("abcde")
    assert status["critical"] == list("abc")
    assert active(status) == [(name, "critical") for name in "abc"] + [("d", "warning")]
    everything = [(name, "critical") for name in "abc"] + [("d", "warning")]
    alertmanager.alerts_when(alerts_are(*everything), "all alerts are there")

    assert watch.request("/replication/clear?follower=b", "POST") == (200, {"cleared": 1})
    assert active(watch.status()) == [alert for alert in everything if alert[0] != "b"]
    alertmanager.alerts_when(lambda alerts: ("b", "critical") not in alerts, "b is cleared")
    assert watch.request("/replication/clear?follower=b", "POST") == (200, {"cleared": 0})
    assert watch.request("/replication/clear", "POST") == (200, {"cleared": 3})
    assert re.findall(r'msg="([a-z ]* cleared)" (.*)', watch.said()) == [
        ("alerts cleared", 'count="1" follower="b"'), ("all alerts cleared", 'count="3"')]
    assert active(watch.status()) == []
    alertmanager.alerts_when(alerts_are(), "all are cleared")
    assert watch.status()["critical"] == list("abc")

    leader.tell("recorded_lag", "d", 5 * SECOND_NS)  # another severity, another alert
    alertmanager.alerts_when(alerts_are(("d", "critical")), "d is critical")
    leader.tell("recorded_lag", "a", 0)
    becomes(watch, "a", "normal")
    leader.tell("recorded_lag", "a", 5 * SECOND_NS)
    alertmanager.alerts_when(alerts_are(("a", "critical"), ("d", "critical")), "a comes back")


def M7_nothing_is_cleared_unless_that_is_allowed(place):
    leader = Replicator(place, "leader")
    watch = Watch(place)
    leader.tell("recorded_lag", "f", 5 * SECOND_NS)
    watch.status_when(active, "there is an alert")
    assert watch.request("/replication/clear", "POST")[0] == 403
    assert active(watch.status()) == [("f", "critical")]


def M8_statistics_are_the_same_on_both_pages(place):
    leader = Replicator(place, "leader")
    watch = Watch(place)
    lags_s = {"n1": 0.25, "n2": 0.75, "w1": 1.5, "c1": 3.25, "c2": 9.25}
    for name, lag_s in lags_s.items():
        leader.tell("recorded_lag", name, int(lag_s * SECOND_NS))
    leader.tell("applied", "nobody", 3)

    def agree():
        statistics, page = watch.status()["statistics"], watch.page()
        shown = {word: page.total("replication_followers", severity=word) for word in SEVERITIES}
        shown |= {
            "nodes": page.total("replication_followers"),
            "lag_mean_seconds": page.total("replication_lag_mean_seconds"),
            "lag_max_seconds": page.total("replication_lag_max_seconds"),
            "alerts": page.total("replication_alerts_total"),
            "suppressed": page.total("replication_alerts_suppressed_total"),
            "ignored": page.total("replication_records_ignored_total"), "turned_away": 0}
        return statistics == shown == {
            "nodes": 5, "normal": 2, "warning": 1, "critical": 2, "stalled": 0,
            "lag_mean_seconds": 3, "lag_max_seconds": 9.25, "alerts": 3, "suppressed": 0,
            "ignored": 0, "turned_away": 0}
    wait_until(agree, "all are counted")


def M9_what_is_sent_is_counted_on_metrics(place):
    alertmanager = Alertmanager(place)
    leader = Replicator(place, "leader")
    watch = Watch(place, f"--alert.url={alertmanager.url}", "--alert.label=dc=north",
                  "--alert.resend=1s")
    leader.tell("recorded_lag", "f", int(1.5 * SECOND_NS))
    alerts = alertmanager.alerts_when(alerts_are(("f", "warning")), "it has arrived")
    labels = alerts["f", "warning"]["labels"]
    assert labels == {"alertname": "ReplicationLag", "follower": "f", "severity": "warning",
                      "dc": "north"}, labels

    def sent(page):
        return page.total("ring_exporter_alerts_sent_total", alertmanager=alertmanager.url)
    page = watch.page_when(lambda page: sent(page) >= 3, "it is sent again and again")
    totals_are(watch, alerts=1)
    assert page.total("ring_exporter_alertmanager_up", alertmanager=alertmanager.url) == 1
    assert page.total("ring_exporter_alerts_failed_total") == 0
    alertmanager.kill()
    alertmanager.wait()
    page = watch.page_when(lambda page: page.total("ring_exporter_alerts_failed_total") > 0,
                           "it cannot be sent")
    assert page.total("ring_exporter_alertmanager_up") == 0
    # The drain does not mind.
    leader.tell("applied", "f", 1)
    leader.tell("shipped", "f", 5)
    watch.page_when(lambda page: value_of(page, "lag_seqno", "f") == 4, "samples are drained")


def M4_far_behind_and_not_moving_is_stalled(place):
    writer = Replicator(place, "both")
    watch = Watch(place, "--replication.warning=1h", "--replication.critical=2h")
    begin = time.monotonic()
    for name in ("still", "near", "slow"):
        writer.tell("shipped", name, 1000)
        writer.tell("applied", name, 900 if name == "near" else 1)
    seqno = 1

    def stalled(page):
        nonlocal seqno
        seqno += 1
        writer.tell("applied", "slow", min(seqno, 890))
        return severity_of(page, "still") == "stalled"
    page = watch.page_when(stalled, "the one that does not move is stalled")
    assert time.monotonic() - begin >= 10
    assert severity_of(page, "near") == "normal" and severity_of(page, "slow") == "normal"
    assert value_of(page, "follower_rate", "still") == 0
    assert value_of(page, "follower_rate", "slow") > 1
    assert watch.status()["critical"] == ["still"]
    watch.page_when(lambda page: page.total("replication_followers", severity="stalled") == 1,
                    "it is counted")
    writer.tell("applied", "still", 1000)
    becomes(watch, "still", "normal")


def M5_linear_growth_is_predicted_on_metrics(place):
    writer = Replicator(place, "leader")
    exporter = Exporter(place)
    now_ns = time.monotonic_ns()
    writer.tell("shipped", "growing", 10, at=now_ns - 10 * SECOND_NS)
    for second in range(8):
        writer.tell("recorded_lag", "constant", 4 * SECOND_NS)
        writer.tell("recorded_lag", "shrinking", (20 - 2 * second) * SECOND_NS)
        time.sleep(max(0, now_ns / SECOND_NS + second + 1 - time.monotonic()))
    page = exporter.page_when(lambda page: value_of(page, "follower_predicted_lag_seconds",
                                                    "growing") is not None, "a prediction")
    lag = value_of(page, "follower_lag_seconds", "growing")
    predicted = value_of(page, "follower_predicted_lag_seconds", "growing")
    assert abs(predicted - (lag + 60)) <= 0.01 * (lag + 60), (lag, predicted)
    until = value_of(page, "follower_until_critical_seconds", "growing")
    assert abs(until - (30 - lag)) <= 0.5, (lag, until)
    constant = value_of(page, "follower_predicted_lag_seconds", "constant")
    assert abs(constant - 4) < 1e-6, constant
    assert value_of(page, "follower_predicted_lag_seconds", "shrinking") == 0


def M1_thresholds_are_the_documents_unless_configured(place):
    writer = Replicator(place, "seg")
    for follower in ("f", "slow/f"):
        writer.tell("recorded_lag", follower, 29 * SECOND_NS)
    standard = Status(place)
    lowered = Status(place, "--replication.warning=10s", "--replication.critical=20s",
                     "--replication.thresholds=slow/*:critical=1m")
    for watch, follower, warning, critical, severity in (
            (standard, "f", 5, 30, "warning"), (standard, "slow/f", 5, 30, "warning"),
            (lowered, "f", 10, 20, "critical"), (lowered, "slow/f", 10, 60, "warning")):
        becomes(watch, follower, severity)
        node = watch.node(follower)
        assert (node["warning_seconds"], node["critical_seconds"]) == (warning, critical), node


def M2_node_comes_and_goes_with_its_records(place):
    writer = Replicator(place, "both")
    watch = Watch(place)
    assert watch.request("/replication?follower=f")[0] == 404
    writer.tell("shipped", "f", 5)
    watch.status_when(lambda status: len(status["nodes"]) == 1, "it is registered")
    assert watch.node("f")["lag_entries"] == 5
    writer.tell("shipped", b"\xff" * 100, 7)  # as UTF-8 it would be too long
    page = watch.page_when(lambda page: page.total("replication_records_ignored_total",
                                                   reason="refused") > 0, "it is counted")
    assert page.total("replication_followers") == 1
    writer.tell("follower_gone", "f")
    status = watch.status_when(lambda status: not status["nodes"], "it is gone")
    assert status["statistics"]["nodes"] == 0 and active(status) == []
    assert watch.request("/replication?follower=f")[0] == 404


def M3_history_is_what_was_recorded(place):
    writer = Replicator(place, "both")
    watch = Watch(place)
    for seqno in (10, 20, 30):
        writer.tell("shipped", "f", seqno)
        writer.tell("applied", "f", seqno - 5)
        watch.page_when(lambda page, wanted=seqno: any(
            sample["leader_seqno"] == wanted for sample in
            (watch.request("/replication?follower=f")[1] or {"history": []})["history"]),
            f"{seqno} is history")
    history = watch.node("f")["history"]
    assert [sample["leader_seqno"] for sample in history] == \
        sorted(sample["leader_seqno"] for sample in history)
    for sample in history:
        assert sample["leader_seqno"] - sample["follower_seqno"] == 5, sample
        assert sample["lag_seconds"] >= 0
    assert [sample["time"] for sample in history] == sorted(sample["time"] for sample in history)


main([
    M1_thresholds_are_the_documents_unless_configured,
    M2_node_comes_and_goes_with_its_records,
    M3_history_is_what_was_recorded,
    M4_far_behind_and_not_moving_is_stalled,
    M5_linear_growth_is_predicted_on_metrics,
    M6_alert_is_raised_held_back_by_the_cooldown_and_resolved,
    M6_change_that_is_over_before_the_cooldown_is_no_alert,
    M7_lists_and_clearing_of_alerts,
    M7_nothing_is_cleared_unless_that_is_allowed,
    M8_statistics_are_the_same_on_both_pages,
    M9_what_is_sent_is_counted_on_metrics,
], at_once=4)
