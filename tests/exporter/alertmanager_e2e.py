#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Alerts in a real Alertmanager, and what becomes of them where there is none.

usage: alertmanager_e2e.py NOTIFIER
"""
import datetime
import os
import re
import subprocess
import sys
import time

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
from alertmanager import Alertmanager, Server, free_port
from place import Program, main, wait_until

WARNING, CRITICAL, WELL = 10, 40, 0  # seconds of lag
HOUR_MS = 3600 * 1000


class Notifier(Program):
    """A running notifier, started unless told."""

    def __init__(self, place, *arguments, start=True, **options):
        super().__init__(place, "notifier", *arguments, stdin=subprocess.PIPE, bufsize=1, **options)
        if start:
            self.tell("start")

    def tell(self, line):
        self.stdin.write(line + "\n")
        answer = self.stdout.readline()
        assert answer.endswith("\n"), (line, self.said())
        return answer.strip()

    def figures(self, index=0):
        """(sent, failed, up) of one Alertmanager."""
        words = self.tell("figures").split()[4 * index:]
        return int(words[0]), int(words[1]), words[2] == "1"

    def figures_when(self, condition, what, index=0):
        def look():
            figures = self.figures(index)
            return figures if condition(*figures) else None
        return wait_until(look, what)

    def events(self):
        return re.findall(r'msg="([^"]*)"', self.said())

    def stops_at_once(self):
        assert int(self.tell("stop")) < 2000
        self.stdin.close()
        assert self.wait(5) == 0, self.said()


def is_on(*wanted):
    return lambda alerts: sorted(alerts) == sorted(wanted)


def ends_at(alert):
    return datetime.datetime.fromisoformat(alert["endsAt"].replace("Z", "+00:00"))


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def M9_alert_arrives_with_numbers_in_annotations_only(place):
    alertmanager = Alertmanager(place)
    notifier = Notifier(place, "--label", 'site=a "b" \\é', "--external-url", "http://x:1/p",
                        alertmanager.url)
    notifier.tell(f"lag 1 {WARNING}")
    alerts = alertmanager.alerts_when(is_on(("node00000", "warning")), "the alert is there")
    alert = alerts["node00000", "warning"]
    assert alert["labels"] == {"alertname": "ReplicationLag", "follower": "node00000",
                               "severity": "warning", "site": 'a "b" \\é'}, alert
    assert alert["annotations"]["lag_seconds"] == "10", alert
    assert alert["annotations"]["lag_entries"] == "10", alert
    assert "10.0s" in alert["annotations"]["summary"], alert
    assert alert["generatorURL"] == "http://x:1/p/replication", alert
    left = (ends_at(alert) - now()).total_seconds()
    assert 230 < left <= 240, alert  # four times the minute after which it is told again


def M9_alert_that_holds_is_told_again(place):
    alertmanager = Alertmanager(place)
    notifier = Notifier(place, "--resend-ms", 300, alertmanager.url)
    notifier.tell(f"lag 1 {WARNING}")
    first = alertmanager.alerts_when(len, "the alert is there")["node00000", "warning"]
    later = alertmanager.alerts_when(
        lambda alerts: ends_at(alerts["node00000", "warning"]) > ends_at(first)
        + datetime.timedelta(seconds=1), "its end moves on")["node00000", "warning"]
    assert abs(ends_at(later) - now()).total_seconds() < 2
    assert later["startsAt"][:18] == first["startsAt"][:18], (first, later)


def M9_change_of_severity_ends_the_old_alert_and_wellness_the_new(place):
    alertmanager = Alertmanager(place)
    notifier = Notifier(place, alertmanager.url)
    for lag, *wanted in ((WARNING, ("node00000", "warning")), (CRITICAL, ("node00000", "critical")),
                         (WARNING, ("node00000", "warning")), (WELL,)):
        notifier.tell(f"lag 1 {lag}")
        alertmanager.alerts_when(is_on(*wanted), f"{wanted} alone is there")
    # Nothing but being told of the end ends it here: it would hold for minutes.
    notifier.tell(f"lag 1 {CRITICAL}")
    alertmanager.alerts_when(len, "it is there once more")
    notifier.tell("gone 1")
    alertmanager.alerts_when(is_on(), "a follower that is gone has no alert")


def alertmanager_that_has_forgotten_gets_all_again(place):
    alertmanager = Alertmanager(place)
    notifier = Notifier(place, "--resend-ms", 2000, alertmanager.url)
    notifier.tell(f"lag 3 {WARNING}")
    alertmanager.alerts_when(lambda alerts: len(alerts) == 3, "the alerts are there")
    alertmanager.end()
    reborn = Alertmanager(place, alertmanager.port)
    reborn.alerts_when(lambda alerts: len(alerts) == 3, "the alerts are there again")


def nothing_is_lost_while_an_alertmanager_is_down(place):
    port = free_port()
    notifier = Notifier(place, "--resend-ms", HOUR_MS, f"http://127.0.0.1:{port}")
    notifier.tell(f"lag 200 {WARNING}")
    notifier.figures_when(lambda sent, failed, up: failed > 0 and not up, "it has been tried")
    notifier.tell(f"lag 100 {CRITICAL}")
    notifier.tell(f"lag 10 {WELL}")
    assert notifier.events() == ["alertmanager cannot be told"], notifier.said()
    alertmanager = Alertmanager(place, port)
    alerts = alertmanager.alerts_when(lambda alerts: len(alerts) == 190, "all have come")
    assert sum(severity == "critical" for _, severity in alerts) == 90
    notifier.figures_when(lambda sent, failed, up: up, "it is up")
    wait_until(lambda: len(notifier.events()) == 2, "it says so")
    assert notifier.events()[1] == "alertmanager takes alerts"


def every_alertmanager_gets_every_alert_whatever_the_others_do(place):
    with Server(lambda handler: handler.server.released.wait()) as hanging:
        one, other = Alertmanager(place), Alertmanager(place, prefix="/am")
        slow = "http://slow.invalid:9093"
        notifier = Notifier(place, hanging.url, one.url, slow, other.url + "/",
                            f"http://u:secret@127.0.0.1:{free_port()}")
        wait_until(lambda: hanging.bodies, "it hangs")

        def all_know_at_once(lag, count):
            begin = time.monotonic()
            notifier.tell(f"lag 5 {lag}")
            for alertmanager in (one, other):
                alertmanager.alerts_when(lambda alerts: len(alerts) == count, "all know")
            assert time.monotonic() - begin < 3
        all_know_at_once(WARNING, 5)
        notifier.await_word("Resolving timed out")  # though the name is still looked up
        all_know_at_once(WELL, 0)
        notifier.figures_when(lambda sent, failed, up: failed, "it gives up on what hangs")
        assert [notifier.figures(i)[2] for i in range(5)] == [False, True, False, True, False]
        assert "secret" not in notifier.said() + notifier.tell("figures")
        tried = len(hanging.bodies)
        wait_until(lambda: len(hanging.bodies) > tried, "it hangs once more")
        notifier.stops_at_once()


def ten_thousand_alerts_go_in_batches(place):
    alertmanager = Alertmanager(place)
    with Server(lambda handler: handler.answer(200)) as server:
        notifier = Notifier(place, "--resend-ms", HOUR_MS, alertmanager.url, server.url,
                            start=False)
        notifier.tell(f"lag 10000 {WARNING}")
        notifier.tell("start")
        notifier.figures_when(lambda sent, failed, up: sent == 10000, "all are sent")
        notifier.figures_when(lambda sent, failed, up: sent == 10000, "also to the other", 1)
        assert len(alertmanager.alerts()) == 10000
        sizes = [len(body) for _, _, body in server.bodies]
        assert max(sizes) <= 64 and sum(sizes) == 10000 and len(sizes) < 400, sizes
        notifier.tell(f"lag 10000 {WELL}")
        alertmanager.alerts_when(is_on(), "all have ended")


def request_is_as_the_api_has_it(place):
    with Server(lambda handler: handler.answer(200)) as server:
        url = server.url.replace("//", "//user:pass@")
        notifier = Notifier(place, url)
        notifier.figures_when(lambda sent, failed, up: up, "it has said that it is here")
        notifier.tell(f"lag 1 {WARNING}")
        notifier.figures_when(lambda sent, failed, up: sent == 1, "it is sent")
        path, headers, body = server.bodies[-1]
        assert path == "/api/v2/alerts" and headers["Content-Type"] == "application/json"
        assert headers["Authorization"] == "Basic dXNlcjpwYXNz"
        assert server.bodies[0][2] == [] and len(body) == 1  # nothing to tell at first
        assert server.url in notifier.tell("figures") and "pass" not in notifier.tell("figures")


def refused_alerts_wait_for_the_next_time(place):
    def behave(handler):
        handler.answer(400, b'"start time must be before end time"\nmore') \
            if len(handler.server.bodies[-1][2]) == 1 else handler.answer(200)
    with Server(behave) as server:
        notifier = Notifier(place, "--resend-ms", 3000, server.url)
        notifier.figures_when(lambda sent, failed, up: up, "nothing is refused yet")
        notifier.tell(f"lag 1 {WARNING}")
        notifier.figures_when(lambda sent, failed, up: failed == 1, "it is refused")
        notifier.figures_when(lambda sent, failed, up: failed == 3, "again, and again")
        assert notifier.events() == ["alertmanager takes alerts", "alertmanager refuses alerts"]
        assert 'reason="status 400: \\"start time must be before end time\\""' in notifier.said()
        assert notifier.figures() == (0, 3, False)
        assert len(server.bodies) <= 5, server.bodies


def failures_are_counted_and_said_once_and_tried_again_ever_more_seldom(place):
    times = []

    def behave(handler):
        times.append(time.monotonic())
        handler.answer(500 if len(times) <= 4 else 200)
    with Server(behave) as server:
        notifier = Notifier(place, "--resend-ms", HOUR_MS, server.url, start=False)
        notifier.tell(f"lag 2 {WARNING}")
        notifier.tell("start")
        assert notifier.figures_when(lambda sent, failed, up: up, "it recovers") == (2, 8, True)
        assert notifier.events() == ["alertmanager cannot be told", "alertmanager takes alerts"]
        pauses = [after - before for before, after in zip(times, times[1:])]
        assert all(n <= pause < n + 1 for n, pause in zip((1, 2, 4, 8), pauses)), pauses


def close_early(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    handler.close_connection = True


def close_at_once(handler):
    handler.close_connection = True


def talk_nonsense(handler):
    handler.wfile.write(b"\x16\x03\x01\x00 what?\r\n" * 100)
    handler.close_connection = True


def talk_without_end(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not handler.server.released.is_set():
        handler.wfile.write(b"x" * 65536)


def answers_that_are_none_are_failures(place):
    with Server(lambda handler: handler.answer(200)) as victim:
        def redirect(handler):
            handler.answer(307, Location=victim.url + "/api/v2/alerts")
        cases = ((close_early, "remaining to read"), (close_at_once, "Empty reply"),
                 (talk_nonsense, "Received HTTP/0.9"), (talk_without_end, "does not end"),
                 (redirect, "status 307"), (lambda handler: handler.answer(404), "status 404"))
        for behave, reason in cases:
            with Server(behave) as server:
                notifier = Notifier(place, server.url, start=False)
                assert notifier.tell("probe").startswith("0 "), behave
                notifier.tell(f"lag 2 {WARNING}")
                notifier.tell("start")
                notifier.figures_when(lambda sent, failed, up: failed == 4, "it fails twice")
                assert notifier.figures() == (0, 4, False)
                assert notifier.events() == ["alertmanager cannot be told"], notifier.said()
                assert reason in notifier.said(), notifier.said()
                notifier.stops_at_once()
        assert victim.bodies == []


def surroundings_do_not_say_where_alerts_go(place):
    with Server(lambda handler: handler.answer(200)) as server, \
            Server(lambda handler: handler.answer(200)) as proxy:
        with open(place.folder + "/.netrc", "w", encoding="ascii") as netrc:
            netrc.write("machine 127.0.0.1 login user password secret\n")
        Notifier(place, server.url, env={"http_proxy": proxy.url, "HOME": place.folder})
        wait_until(lambda: server.bodies, "it is told")
        assert proxy.bodies == [] and "Authorization" not in server.bodies[0][1]


def probe_finds_the_first_that_is_not_well(place):
    alertmanager = Alertmanager(place)
    probed = Notifier(place, alertmanager.url, start=False)
    assert probed.tell("probe") == "-1"
    probed = Notifier(place, alertmanager.url, f"http://127.0.0.1:{free_port()}", start=False)
    assert re.match(r"1 .*connect to 127", probed.tell("probe"))
    with Server(lambda handler: handler.server.released.wait()) as hanging:
        probed = Notifier(place, hanging.url, "http://slow.invalid", start=False)
        begin = time.monotonic()
        assert re.match(r"0 .*timed out", probed.tell("probe"))
        assert time.monotonic() - begin < 5


def memory_stays_the_same_round_after_round(place):
    down = f"http://127.0.0.1:{free_port()}"
    # Memory that AddressSanitizer keeps from being used again is not ours.
    env = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}
    with Server(lambda handler: handler.answer(200)) as server:
        notifier = Notifier(place, "--resend-ms", 1, server.url, down, env=env)

        def memory_after(sent):
            """In KiB, when so many alerts more have been sent."""
            for lag in (WARNING, CRITICAL) * 2:
                enough = notifier.figures()[0] + sent / 4
                notifier.tell(f"lag 500 {lag}")
                notifier.figures_when(lambda sent, *_: sent >= enough, "rounds go by")
            return int(notifier.tell("rss"))
        before, after = memory_after(10000), memory_after(30000)
        assert after <= before + 1024, (before, after)
        notifier.stops_at_once()


main([
    M9_alert_arrives_with_numbers_in_annotations_only,
    M9_alert_that_holds_is_told_again,
    M9_change_of_severity_ends_the_old_alert_and_wellness_the_new,
    alertmanager_that_has_forgotten_gets_all_again,
    nothing_is_lost_while_an_alertmanager_is_down,
    every_alertmanager_gets_every_alert_whatever_the_others_do,
    ten_thousand_alerts_go_in_batches,
    request_is_as_the_api_has_it,
    refused_alerts_wait_for_the_next_time,
    failures_are_counted_and_said_once_and_tried_again_ever_more_seldom,
    answers_that_are_none_are_failures,
    surroundings_do_not_say_where_alerts_go,
    probe_finds_the_first_that_is_not_well,
    memory_stays_the_same_round_after_round,
], at_once=4)
