#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real replication, PostgreSQL's and Redis', through the collectors to the exporter's page and to
an Alertmanager.

usage: replication_e2e.py POSTGRES_COLLECTOR REDIS_COLLECTOR RING_EXPORTER RUN_PY
"""
import contextlib
import functools
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
sys.path.append(sys.path[0] + "/../../docs/examples/replication")
from alertmanager import Alertmanager
from databases import Postgres, Redis
from place import PATHS, Program, main, run, wait_until
from programs import Exporter, Page

SHIPPED, APPLIED, RECORDED = ("replication_shipped_seqno", "replication_applied_seqno",
                              "replication_recorded_lag_seconds")
LAG, LAG_SECONDS = "replication_lag_seqno", "replication_follower_lag_seconds"
SEVERITIES = "normal", "warning", "critical", "stalled"


def start_collector(place, database, *options):
    return Program(place, database.collector, "--connect", database.target(), "--dir",
                   place.segments, "--interval-ms", 50, *options, env=database.environment)


def followers_of(page, metric):
    return {re.fullmatch(r'follower="(.*)"', labels)[1]: value
            for (name, labels), value in page.values.items() if name == metric}


def shown(page):
    """(shipped, applied) by follower."""
    shipped, applied = followers_of(page, SHIPPED), followers_of(page, APPLIED)
    return {follower: (shipped[follower], applied[follower])
            for follower in shipped.keys() & applied.keys()}


def lag(page):
    """Of the only follower, in bytes; 0 while it is unknown."""
    return next(iter(followers_of(page, LAG).values()), 0)


def severity_of(page, follower):
    found, = (word for word in SEVERITIES
              if page.total("replication_follower_severity", follower=follower, severity=word))
    return found


def agreed(exporter, *databases, behind=None):
    """Waits until the page says exactly what the databases say before and after, with all
    followers behind or none, in bytes and in time, if that is told; returns that page."""
    def look():
        before = [database.progress() for database in databases]
        page = exporter.page()
        said = {name: one for progress in before for name, one in progress.items()}
        lags = {name: shipped - applied for name, (shipped, applied) in said.items()}
        same = (all(before) and shown(page) == said and followers_of(page, LAG) == lags
                and before == [database.progress() for database in databases])
        found = {lag > 0 for metric in (LAG, LAG_SECONDS)
                 for lag in followers_of(page, metric).values()}
        return page if same and (behind is None or found == {behind}) else None
    return wait_until(look, "the page and the databases agree")


@contextlib.contextmanager
def writes_to(databases):
    loads = [database.write_load() for database in databases]
    try:
        yield
    finally:
        for database, load in zip(databases, loads):
            database.end(load)


@contextlib.contextmanager
def paused_replicas_of(databases):
    try:
        for database in databases:
            database.pause(database.replica)
        yield
    finally:
        for database in databases:
            database.resume(database.replica)


def M9_paused_replicas_raise_alerts_until_they_catch_up(postgres, redis, place):
    databases = postgres, redis
    alertmanager = Alertmanager(place)
    for database in databases:
        start_collector(place, database)
    exporter = Exporter(place, "--replication.warning=2s", "--replication.critical=4s",
                        "--replication.cooldown=1ms", f"--alert.url={alertmanager.url}")
    page = agreed(exporter, *databases, behind=False)
    course = {follower: [] for follower in followers_of(page, LAG)}
    told = {}

    def all_are(severity):
        """Whether they are, on the page and by what the Alertmanager has been told."""
        page, alerts = exporter.page(), alertmanager.alerts()
        for follower, seen in course.items():
            seen.append((severity_of(page, follower), followers_of(page, LAG)[follower],
                         followers_of(page, LAG_SECONDS)[follower]))
        told.update(alerts)
        wanted = {(follower, severity) for follower in course if severity != "normal"}
        return alerts.keys() == wanted and all(seen[-1][0] == severity for seen in course.values())
    wait_until(lambda: all_are("normal"), "all are normal")

    with paused_replicas_of(databases):
        with writes_to(databases):
            wait_until(lambda: all_are("critical"), "all are critical")
        agreed(exporter, *databases, behind=True)
    for follower, seen in course.items():
        words, lags, ages = zip(*seen)
        assert list(dict.fromkeys(words)) == ["normal", "warning", "critical"], words
        warned = words.index("warning")
        assert 2 <= ages[warned] < 4 <= ages[-1], ages
        assert lags[0] < lags[warned] < lags[-1], lags
        assert (follower, "warning") in told and (follower, "critical") in told, told
    wait_until(lambda: all_are("normal"), "all are normal again")
    page = agreed(exporter, *databases, behind=False)
    assert page.total("ring_exporter_alerts_failed_total") == 0, page.text


def a_replica_that_goes_away_is_taken_back(database, place):
    start_collector(place, database)
    exporter = Exporter(place)
    agreed(exporter, database)
    database.end(database.replica)
    exporter.page_when(lambda page: not shown(page), "no follower shows")
    database.start_replica()
    agreed(exporter, database, behind=False)


def a_database_that_goes_away_is_said_once_and_found_again(database, place):
    def samples(page):
        return page.total("ring_samples_written_total")

    collector = start_collector(place, database)
    exporter = Exporter(place)
    agreed(exporter, database)
    database.end(database.primary)
    away = exporter.page_when(lambda page: not shown(page), "no follower shows")
    exporter.page_when(lambda page: samples(page) > samples(away) + 2, "it has tried again")
    assert exporter.page().total("replication_source_up") == 0
    database.start_primary()
    agreed(exporter, database, behind=False)
    exporter.page_when(lambda page: page.total("replication_source_up") == 1, "the source is up")
    up, reason, again = collector.said().splitlines()
    assert up == again and up.endswith(": source is up"), collector.said()
    assert reason.startswith(up.removesuffix("source is up")), reason


def a_database_that_hangs_is_given_up_and_does_not_keep_the_collector(database, place):
    collector = start_collector(place, database)
    exporter = Exporter(place)
    agreed(exporter, database)
    database.pause(database.primary)
    try:
        collector.await_word("no answer")
        exporter.page_when(lambda page: not shown(page), "no follower shows")
        assert collector.end() == 0, collector.said()
    finally:
        database.resume(database.primary)


def a_collector_that_ends_takes_everything_back(database, place):
    collector = start_collector(place, database, "--prefix", "a b/", "--segment", "own")
    exporter = Exporter(place)
    follower, = database.progress()
    exporter.page_when(lambda page: list(shown(page)) == ["a b/" + follower], "the follower")
    exporter.page_when(lambda page: page.total("replication_source_up", source="own") == 1,
                       "the source is up")
    assert collector.end() == 0, collector.said()
    exporter.page_when(lambda page: not any(map(page.lines, (SHIPPED, APPLIED, RECORDED,
                                                             "replication_source_up"))),
                       "nothing shows")


def too_long_a_name_is_left_out_and_said_once(database, place):
    collector = start_collector(place, database, "--prefix", "x" * 250)
    exporter = Exporter(place)
    page = exporter.page_when(lambda page: page.total("ring_samples_written_total") > 5,
                              "it has asked several times")
    assert page.total("replication_source_up") == 1 and not shown(page), page.text
    follower, = database.progress()
    left_out, up = collector.said().splitlines()
    assert left_out == f"{database.collector}: {follower}: name too long, left out", left_out
    assert up.endswith("source is up"), up


def a_measured_lag_counts_as_long_as_it_is_news(postgres, place):
    start_collector(place, postgres)
    exporter = Exporter(place)
    load = postgres.write_load()
    measured = exporter.page_when(lambda page: followers_of(page, RECORDED), "a measured lag")
    assert 0 < followers_of(measured, RECORDED)["standby"] < 20, measured.text
    postgres.pause(postgres.replica)
    old = exporter.page_when(lambda page: lag(page) > 5000 and not followers_of(page, RECORDED),
                             "what was measured is old")
    later = exporter.page_when(lambda page: lag(page) > lag(old) + 5000, "the lag rises on")
    assert not followers_of(later, RECORDED), later.text
    assert followers_of(later, LAG_SECONDS)["standby"] > followers_of(old, LAG_SECONDS)["standby"]
    postgres.end(load)
    postgres.resume(postgres.replica)
    exporter.page_when(lambda page: lag(page) == 0 and not followers_of(page, RECORDED),
                       "nothing to apply is no lag")


def what_a_collector_may_not_see_is_said(postgres, redis, place):
    postgres.ask("CREATE ROLE visitor LOGIN")
    for program, target, reason in (
            ("postgres_collector", f"host={postgres.folder} user=visitor dbname=postgres",
             "postgresql: .* needs pg_monitor"),
            ("redis_collector", redis.target(), "redis: NOAUTH .*")):
        collector = Program(place, program, "--dir", place.segments, "--connect", target)
        collector.await_word(f"^{program}: {reason}\n$")


def bad_arguments_end_a_collector_with_one_line(place):
    for program in "postgres_collector", "redis_collector":
        for arguments in (["--nonsense"], ["--connect"], ["more"], ["--interval-ms", "1x"],
                          ["--interval-ms", "0"], ["--interval-ms", ""], ["--segment", "a/b"],
                          ["--segment", "s", "--dir", "/proc/nowhere"]):
            done = run(program, "--dir", place.segments, *arguments, text=True)
            assert done.returncode == 2, (arguments, done)
            assert done.stderr.startswith(program + ": ") and done.stderr.count("\n") == 1, done
            assert done.stdout == "", done
        done = run(program, "--help", text=True)
        assert done.returncode == 0 and done.stdout.startswith(f"usage: {program} "), done


def processes_about(word):
    def line(path):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""
    return [text for text in map(line, glob.glob("/proc/[0-9]*/cmdline")) if word in text]


@contextlib.contextmanager
def script_with(place, *options):
    """The script, what it says is where, and the folder of all its folders."""
    build = os.path.dirname(os.path.dirname(PATHS["ring-exporter"]))
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)  # the databases' users have theirs in it
        script = Program(place, "run.py", "--build", build, *options, stdin=subprocess.PIPE,
                         env={**os.environ, "TMPDIR": folder})
        places = dict(line.strip().split(maxsplit=1)
                      for line in iter(script.stdout.readline, "\n"))
        assert "Enter pauses" in script.stdout.readline() and "Ctrl-C" in script.stdout.readline()
        yield script, places, folder


def page_at(url):
    with urllib.request.urlopen(url) as answer:
        return Page(answer.read().decode())


def both_pause_and_resume(script, url):
    def lags_when(condition, what):
        def look():
            lags = followers_of(page_at(url), LAG).values()
            return len(lags) == 2 and condition(lags)
        wait_until(look, what)

    for word, condition in ("paused", lambda lags: min(lags) > 50000), \
            ("resumed", lambda lags: max(lags) < 50000):
        script.stdin.write("\n")
        script.stdin.flush()
        assert script.stdout.readline().startswith(word), script.said()
        lags_when(condition, f"both followers are {word}")


def the_script_shows_all_of_it_and_leaves_nothing(place):
    with script_with(place) as (script, places, folder):
        both_pause_and_resume(script, places["metrics"])
        assert page_at(places["metrics"]).total(
            "ring_exporter_alertmanager_up", alertmanager=places["Alertmanager"]) == 1
        with urllib.request.urlopen(places["status"]) as answer:
            text = answer.read().decode()
            assert "postgres/standby" in text and "redis/127.0.0.1:" in text, text
        for database, word in ("PostgreSQL", "standby"), ("Redis", "role:master"):
            assert word in run("sh", "-c", places[database], text=True).stdout, places
        assert any("pgbench" in line for line in processes_about(folder))
        assert script.end(signal.SIGINT) == 128 + signal.SIGINT, script.said()
        assert script.stdout.read().startswith("\nstopping")
        assert script.said() == "" and not processes_about(folder) and not os.listdir(folder)


def the_script_takes_its_programs_along_when_it_is_killed(place):
    with script_with(place, "--idle") as (script, _, folder):
        running = processes_about(folder)
        assert running and not any("pgbench" in line for line in running), running
        script.end(signal.SIGKILL)
        wait_until(lambda: not processes_about(folder), "all have ended")


def the_script_needs_a_build(place):
    done = run("run.py", "--build", place.folder, text=True)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert re.fullmatch(r"run\.py: .*: not built; .*\n", done.stderr), done


def case(test, *databases):
    """The test with these databases, under a name that tells them."""
    found = functools.partial(test, *databases)
    found.__name__ = "_".join([test.__name__, *(type(one).__name__ for one in databases)])
    return found


with Postgres() as POSTGRES, Redis() as REDIS:
    main([
        case(M9_paused_replicas_raise_alerts_until_they_catch_up, POSTGRES, REDIS),
        *(case(test, database) for test in (
            a_replica_that_goes_away_is_taken_back,
            a_database_that_goes_away_is_said_once_and_found_again,
            a_database_that_hangs_is_given_up_and_does_not_keep_the_collector,
            a_collector_that_ends_takes_everything_back,
            too_long_a_name_is_left_out_and_said_once) for database in (POSTGRES, REDIS)),
        case(a_measured_lag_counts_as_long_as_it_is_news, POSTGRES),
        case(what_a_collector_may_not_see_is_said, POSTGRES, REDIS),
        bad_arguments_end_a_collector_with_one_line,
        the_script_shows_all_of_it_and_leaves_nothing,
        the_script_takes_its_programs_along_when_it_is_killed,
        the_script_needs_a_build,
    ])
