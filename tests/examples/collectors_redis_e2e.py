#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A real Redis, polled, and one that only acts like it.

usage: collectors_redis_e2e.py POLL_REDIS RING_EXPORTER
"""
import os
import re
import socketserver
import threading

from polling import Redis, after_polls, none_falls, poller, polls
from place import main, wait_until
from programs import Exporter


def calls(page, command, server="cache"):
    return page.total("redis_command_calls_total", command=command, server=server)


def pairs(text):
    return {key: float(value) for key, value in (one.split("=") for one in text.split(","))}


def redis_series(info):
    """What the page is to say of that; nothing that polling itself changes."""
    found = {(metric, 'server="cache"'): float(info[key]) for key, metric in (
        ("maxclients", "redis_clients_limit"), ("maxmemory", "redis_memory_limit_bytes"),
        ("connected_slaves", "redis_replicas"), ("blocked_clients", "redis_clients_blocked"),
        ("rdb_changes_since_last_save", "redis_changes_unsaved"),
        ("total_connections_received", "redis_connections_total"),
        ("rejected_connections", "redis_connections_rejected_total"),
        ("total_error_replies", "redis_error_replies_total"),
        ("keyspace_hits", "redis_lookups_hit_total"),
        ("keyspace_misses", "redis_lookups_missed_total"),
        ("expired_keys", "redis_keys_expired_total"),
        ("evicted_keys", "redis_keys_evicted_total"))}
    for key, value in info.items():
        kind, _, name = key.partition("_")
        if kind == "cmdstat" and name != "info":
            stats, labels = pairs(value), f'command="{name}",server="cache"'
            found["redis_command_calls_total", labels] = stats["calls"]
            found["redis_command_rejected_total", labels] = stats["rejected_calls"]
            found["redis_command_failed_total", labels] = stats["failed_calls"]
            found["redis_command_busy_seconds", labels] = stats["usec"] / 1e6
        elif key.startswith("latency_percentiles_usec_") and not key.endswith("_info"):
            command = key.removeprefix("latency_percentiles_usec_")
            for percentile, latency in pairs(value).items():
                found["redis_command_latency_seconds", f'command="{command}",percentile='
                      f'"{percentile[1:]}",server="cache"'] = latency / 1e6
        elif re.fullmatch(r"db\d+", key):
            labels = f'db="{key[2:]}",server="cache"'
            found["redis_keys", labels] = pairs(value)["keys"]
            found["redis_keys_expiring", labels] = pairs(value)["expires"]
    return found


def X8_what_Redis_says_of_itself_is_on_the_page(place):
    redis = Redis(place)
    redis.polled()
    exporter = Exporter(place)
    for words in (["SET", "a", "1", "EX", "1000"], ["SET", "b", "2"], ["GET", "a"], ["GET", "none"],
                  ["LPUSH", "a", "not a list"], ["SET", "c"], ["CONFIG", "GET", "port"],
                  ["-n", "3", "SET", "d", "4"], ["SET", "e", "5", "PX", "1"], ["NO", "SUCH"]):
        redis.ask(*words)
    wait_until(lambda: redis.ask("EXISTS", "e") == "0\n", "a key has expired")
    wanted = redis_series(redis.info())
    assert {"set", "config|get", "lpush"} <= {
        re.match(r'command="(.*?)"', labels)[1] for name, labels in wanted if "command" in labels}
    wanted["redis_clients", 'server="cache"'] = 1  # when all but the poller's have gone
    page = exporter.page_when(lambda page: wanted.items() <= page.values.items(),
                              "the page says what INFO says")
    assert page.total("redis_role", redis_role="master", server="cache") == 1, page.text
    assert page.total("redis_command_failed_total", command="lpush") == 1, page.text
    assert page.total("redis_command_rejected_total", command="set") == 1, page.text
    assert page.lines("redis_command_latency_seconds{"), page.text
    before = calls(page, "set")
    redis.ask("CONFIG", "SET", "latency-tracking-info-percentiles", "")
    exporter.page_when(lambda page: not page.lines("redis_command_latency_seconds{"),
                       "X9: no percentile is left")
    redis.ask("SET", "f", "6")
    exporter.page_when(lambda page: calls(page, "set") == before + 1, "all else goes on")


def X9_a_Redis_that_is_gone_moves_nothing_and_its_next_life_counts_on(place):
    redis = Redis(place)
    collector = redis.polled()
    exporter = Exporter(place)
    for key in "abc":
        redis.ask("SET", key, "1")
    exporter.page_when(lambda page: calls(page, "set") == 3, "three commands")
    redis.server.kill()
    redis.server.wait()
    gone = after_polls(exporter, "cache", "none", 1)
    later = after_polls(exporter, "cache", "none", 10)
    assert later.lines("redis_") == gone.lines("redis_") and calls(later, "set") == 3, later.text
    assert polls(later, "all", "cache") == polls(gone, "all", "cache"), later.text

    redis.start()
    redis.ask("SET", "d", "1")
    redis.ask("SET", "e", "1")
    page = exporter.page_when(lambda page: calls(page, "set") == 5, "two more")
    none_falls(later, page, "redis_")
    assert page.total("redis_keys", db="0") == 2, page.text
    redis.ask("FLUSHALL")
    exporter.page_when(lambda page: not page.lines("redis_keys{"), "X9: no database is left")
    redis.ask("CONFIG", "RESETSTAT")
    page = after_polls(exporter, "cache")
    assert calls(page, "set") == 5, page.text
    reason, again = collector.said().splitlines()
    assert re.fullmatch("poll_redis: cache: .+", reason), reason
    assert again == "poll_redis: cache: answers again", again


def X8_what_Redis_counted_before_is_not_counted_twice(place):
    redis = Redis(place)
    collector = redis.polled()
    exporter = Exporter(place)
    redis.ask("SET", "a", "1")
    exporter.page_when(lambda page: calls(page, "set") == 1, "a command")
    assert collector.end() == 0 and collector.said() == "", collector.said()
    redis.ask("SET", "a", "2")
    page = exporter.page_when(lambda page: not page.lines("redis_uptime"), "no gauge is left")
    assert calls(page, "set") == 1, page.text
    redis.polled()
    exporter.page_when(lambda page: page.lines("redis_uptime"), "it is polled again")
    page = after_polls(exporter, "cache")
    assert calls(page, "set") == 2, page.text


class Answer(socketserver.StreamRequestHandler):
    """Reads commands, each a line that ends with its last word, and answers what it is told."""

    def handle(self):
        for line in self.rfile:
            if line.strip() in (b"all", b"ALL"):
                self.server.asked += 1
                if self.server.hangs.is_set():
                    self.server.ends.wait()
                    return
                self.wfile.write(self.server.answer)


class FakeRedis(socketserver.ThreadingUnixStreamServer):
    """What says it is Redis, and gives to INFO the answer that it was told."""

    daemon_threads = True

    def __init__(self, place, name):
        self.path, self.asked = f"{place.folder}/{name}", 0
        self.hangs, self.ends = threading.Event(), threading.Event()
        self.tell("run_id:1")
        super().__init__(self.path, Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def tell(self, *lines):
        text = "".join(line + "\r\n" for line in lines).encode()
        self.answer = b"$%d\r\n%b\r\n" % (len(text), text)

    def __exit__(self, *_):
        self.ends.set()
        self.shutdown()
        self.server_close()


def X10_commands_past_the_budget_share_a_series_and_the_sum_is_exact(place):
    def told(redis, more):
        redis.tell("run_id:1", *(f"cmdstat_c{i}:calls={i + more},usec=1" for i in range(600)))
        return sum(i + more for i in range(600))

    with FakeRedis(place, "fake") as redis:
        wanted = told(redis, 0)
        collector = poller(place, "poll_redis", f"fake={redis.path}")
        exporter = Exporter(place)
        for more in 1, 7:
            page = exporter.page_when(lambda page: page.total("redis_command_calls_total") == wanted,
                                      "the sum is exact")
            assert calls(page, "_other", "fake") > 0, page.text
            assert len(page.lines("redis_command_calls_total{")) == 513, page.text
            assert round(page.total("redis_command_busy_seconds"), 9) == 600e-6, page.text
            wanted = told(redis, more)
        exporter.page_when(lambda page: page.total("redis_command_calls_total") == wanted,
                           "the sum is exact")
        assert collector.end() == 0, collector.said()
        poller(place, "poll_redis", f"fake={redis.path}")
        page = after_polls(exporter, "fake")
        assert page.total("redis_command_calls_total") == wanted, page.text


def an_answer_that_is_not_understood_is_none_and_said_once(place):
    fine = ["# Server", "run_id:1", "", "new_field:x:y", "connected_clients:3", "maxmemory:0",
            "keyspace_hits:10", "cmdstat_get:calls=5,usec=7,usec_per_call=1.40",
            "latency_percentiles_usec_get:p50=1.003,p99.9=2.007", "db0:keys=1,expires=0,avg_ttl=0"]
    with FakeRedis(place, "fake") as redis:
        redis.tell(*fine)
        collector = poller(place, "poll_redis", f"fake={redis.path}")
        exporter = Exporter(place)
        first = exporter.page_when(lambda page: calls(page, "get", "fake") == 5, "what is fine")
        assert first.total("redis_lookups_hit_total") == 10, first.text
        said = ""
        for bad in ("no colon", "keyspace_hits:", "keyspace_hits:-1", "keyspace_hits:11x",
                    "keyspace_hits:18446744073709551616", "connected_clients:nan",
                    "connected_clients: 3", "cmdstat_get:calls=6,usec=x", "cmdstat_get:calls",
                    "cmdstat_get:calls=", "cmdstat_get:calls=0x6", "maxmemory:0x1", "latency_percentiles_usec_get:p50=inf",
                    "latency_percentiles_usec_get:50=1", "db0:keys=1e999", "run_id:" + "x" * 64):
            redis.tell("keyspace_hits:12", *fine[:-1], bad)
            page = after_polls(exporter, "fake", "none", 2)
            assert page.lines("redis_") == first.lines("redis_"), (bad, page.text)
            key = bad.partition(":")[0]
            said += f"poll_redis: fake: INFO: {key}: not understood\n"
            assert collector.said() == said, collector.said()
            redis.tell(*fine)
            after_polls(exporter, "fake")
            said += "poll_redis: fake: answers again\n"
        for answer, reason in ((b"-LOADING dataset\r\n", "LOADING dataset"),
                               (b":1\r\n", "INFO: not text"),
                               (b"$5\r\na\0b:c\r\n", "INFO: not text"),
                               (b"$5\r\nx:yzu\r\n", "INFO: no run_id: not understood"),
                               (b"nonsense\r\n", "Protocol error.*")):
            redis.answer = answer
            after_polls(exporter, "fake", "none", 2)
            last = collector.said().splitlines()[-1]
            assert re.fullmatch(f"poll_redis: fake: {reason}", last), last
            redis.tell(*fine)
            after_polls(exporter, "fake")
        assert exporter.page().lines("redis_lookups_hit") == first.lines("redis_lookups_hit")


def X12_a_role_that_is_not_known_is_the_default(place):
    with FakeRedis(place, "fake") as redis:
        poller(place, "poll_redis", f"fake={redis.path}")
        exporter = Exporter(place)
        for role, shown in ("slave", "slave"), ("sentinel", "unknown"), ("master", "master"):
            redis.tell("run_id:1", f"role:{role}")
            page = after_polls(exporter, "fake")
            holding = [line for line in page.lines("redis_role{") if line.endswith(" 1")]
            assert holding == [f'redis_role{{server="fake",redis_role="{shown}"}} 1'], page.text


def what_keeps_a_server_from_answering_is_said(place):
    redis = Redis(place)
    for target, password, reason in (
            (redis.path, None, "NOAUTH .*"), (redis.path, "wrong", "WRONGPASS .*"),
            (f"{place.folder}/none", None, "No such file or directory"),
            ("127.0.0.1:1", None, "Connection refused"),
            ("127.0.0.1:x", None, "not HOST:PORT, nor a path"),
            (":6379", None, "not HOST:PORT, nor a path")):
        environment = {key: value for key, value in os.environ.items() if key != "REDISCLI_AUTH"}
        if password:
            environment["REDISCLI_AUTH"] = password
        collector = poller(place, "poll_redis", f"one={target}", env=environment)
        collector.await_word(f"^poll_redis: one: {reason}\n$")
        assert collector.end() == 0


def X8_a_server_that_hangs_is_given_up_and_keeps_no_other(place):
    with FakeRedis(place, "slow") as slow, FakeRedis(place, "quick") as quick:
        collector = poller(place, "poll_redis", f"slow={slow.path}", f"quick={quick.path}")
        exporter = Exporter(place)
        after_polls(exporter, "slow")
        slow.hangs.set()
        exporter.page_when(lambda page: page.total("poller_overdue", source="slow") == 1,
                           "it is overdue")
        after_polls(exporter, "quick", count=5)
        collector.await_word("poll_redis: slow: no answer in time\n")
        slow.hangs.clear()
        slow.ends.set()
        after_polls(exporter, "slow")
        collector.await_word("poll_redis: slow: answers again\n")
        exporter.page_when(lambda page: page.total("poller_overdue") == 0, "it is not overdue")
        slow.ends.clear()
        slow.hangs.set()
        exporter.page_when(lambda page: page.total("poller_overdue") == 1, "it is overdue again")
        assert collector.end() == 0, collector.said()


main([
    X8_what_Redis_says_of_itself_is_on_the_page,
    X9_a_Redis_that_is_gone_moves_nothing_and_its_next_life_counts_on,
    X8_what_Redis_counted_before_is_not_counted_twice,
    X10_commands_past_the_budget_share_a_series_and_the_sum_is_exact,
    an_answer_that_is_not_understood_is_none_and_said_once,
    X12_a_role_that_is_not_known_is_the_default,
    what_keeps_a_server_from_answering_is_said,
    X8_a_server_that_hangs_is_given_up_and_keeps_no_other,
])
