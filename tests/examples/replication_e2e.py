#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real replication, PostgreSQL's and Redis', through the collectors to the exporter's page.

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
from databases import Postgres, Redis
from place import PATHS, Program, main, run, wait_until
from programs import Exporter, Page

SHIPPED, APPLIED, RECORDED = ("replication_shipped_seqno", "replication_applied_seqno",
                              "replication_recorded_lag_seconds")


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
    """Of the only follower, in bytes."""
    (shipped, applied), = shown(page).values()
    return shipped - applied


def agreed(exporter, database, condition=lambda lag_bytes: True):
    """Waits until the page says exactly what the database says before and after, with a lag that
    satisfies the condition; returns that page."""
    def look():
        before = database.progress()
        page = exporter.page()
        same = before and before == shown(page) == database.progress()
        return page if same and condition(lag(page)) else None
    return wait_until(look, f"the page and {database.collector[:-10]} agree")


def a_paused_replica_lags_by_what_the_database_says_and_catches_up(database, place):
    start_collector(place, database)
    exporter = Exporter(place)
    agreed(exporter, database, lambda lag_bytes: lag_bytes == 0)

    load = database.write_load()
    database.pause(database.replica)
    some = exporter.page_when(lambda page: lag(page) > 5000, "the lag rises")
    more = exporter.page_when(lambda page: lag(page) > lag(some) + 5000, "the lag rises on")
    assert followers_of(some, APPLIED) == followers_of(more, APPLIED)
    database.end(load)
    at_rest = agreed(exporter, database)
    assert lag(at_rest) >= lag(more), (at_rest.text, more.text)

    database.resume(database.replica)
    agreed(exporter, database, lambda lag_bytes: lag_bytes == 0)


def a_replica_that_goes_away_is_taken_back(database, place):
    start_collector(place, database)
    exporter = Exporter(place)
    agreed(exporter, database)
    database.end(database.replica)
    exporter.page_when(lambda page: not shown(page), "no follower shows")
    database.start_replica()
    agreed(exporter, database, lambda lag_bytes: lag_bytes == 0)


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
    agreed(exporter, database, lambda lag_bytes: lag_bytes == 0)
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
    """The script, where its page is, and where all its folders are."""
    build = os.path.dirname(os.path.dirname(PATHS["ring-exporter"]))
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)  # the databases' users have theirs in it
        script = Program(place, "run.py", "--build", build, *options, stdin=subprocess.PIPE,
                         env={**os.environ, "TMPDIR": folder})
        url, psql, redis_cli, _ = (script.stdout.readline().strip() for _ in range(4))
        assert psql.startswith(f"psql -h {folder}/") and "redis-cli -p" in redis_cli, script.said()
        yield script, url, folder


def watch(script, url):
    """Sees both followers paused and resumed."""

    def page_when(condition, what):
        def look():
            with urllib.request.urlopen(url) as answer:
                page = Page(answer.read().decode())
            lags = [shipped - applied for shipped, applied in shown(page).values()]
            return len(lags) == 2 and condition(lags)
        wait_until(look, what)

    for word, condition in ("paused", lambda lags: min(lags) > 50000), \
            ("resumed", lambda lags: max(lags) < 50000):
        script.stdin.write("\n")
        script.stdin.flush()
        assert script.stdout.readline() == word + "\n", script.said()
        page_when(condition, f"both followers are {word}")


def the_script_shows_all_of_it_and_leaves_nothing(place):
    with script_with(place) as (script, url, folder):
        watch(script, url)
        assert any("pgbench" in line for line in processes_about(folder))
        assert script.end(signal.SIGINT) == 128 + signal.SIGINT, script.said()
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
    found.__name__ = "_".join([*(type(one).__name__ for one in databases), test.__name__])
    return found


with Postgres() as POSTGRES, Redis() as REDIS:
    main([
        *(case(test, database) for test in (
            a_paused_replica_lags_by_what_the_database_says_and_catches_up,
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
