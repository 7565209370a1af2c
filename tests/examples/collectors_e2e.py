#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""RocksDB stores that are polled, and what holds for all programs that poll.

usage: collectors_e2e.py POLL_REDIS POLL_KERNEL POLL_ROCKSDB RING_EXPORTER RUN_PY
"""
import json
import os
import re
import signal

from polling import Redis, after_polls, none_falls, poller
from place import PATHS, Program, main, run, wait_until
from programs import Exporter

POLLERS = "poll_redis", "poll_kernel", "poll_rocksdb"


def X9_a_store_may_be_closed_and_opened_while_it_is_polled(place):
    folder = f"{place.folder}/stores"
    os.mkdir(folder)
    program = poller(place, "poll_rocksdb", "--interval-ms", 500, folder)
    exporter = Exporter(place)
    pages = [exporter.page()]

    def await_gauges(count):
        def look():
            page = exporter.page()
            none_falls(pages[-1], page, "rocksdb_")
            pages.append(page)
            return len(page.lines("rocksdb_keys{")) == count
        wait_until(look, f"gauges of {count} stores")
    for _ in range(2):
        await_gauges(2)
        await_gauges(1)
        assert pages[-1].lines("rocksdb_level_files{")
        assert not any('store="sessions"' in labels and not name.endswith("_total")
                       for name, labels in pages[-1].values if name.startswith("rocksdb_"))
        assert pages[-1].total("rocksdb_keys_written_total", store="sessions") > 0
    await_gauges(2)
    assert program.end() == 0 and program.said() == "", program.said()
    did = json.loads(program.stdout.read())
    assert did["sessions"]["opened"] >= 3 and did["orders"]["opened"] == 1, did
    page = exporter.page_when(lambda page: not page.lines("rocksdb_keys{"), "gauges are gone")
    none_falls(pages[-1], page, "rocksdb_")
    for store, one in did.items():
        assert page.total("rocksdb_keys_written_total", store=store) == one["written"], page.text
        assert page.total("rocksdb_keys_read_total", store=store) == one["read"], page.text
        assert page.total("rocksdb_flush_written_bytes_total", store=store) > 0, page.text


def pages_please_promtool(place):
    redis = Redis(place)
    os.mkdir(f"{place.folder}/stores")
    redis.polled()
    poller(place, "poll_kernel")
    poller(place, "poll_rocksdb", f"{place.folder}/stores")
    exporter = Exporter(place)
    for source in "cache", "net/dev", "net/softnet_stat", "orders", "sessions":
        page = after_polls(exporter, source)
    done = run("promtool", "check", "metrics", input=page.text, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done


def bad_arguments_end_a_poller_with_one_line(place):
    fine = {"poll_redis": ["a=/nowhere"], "poll_kernel": [place.folder],
            "poll_rocksdb": [place.folder]}
    for name in POLLERS:
        wrong = [["--nonsense"], ["--dir"], ["--interval-ms", "9"], ["--interval-ms", "1x"],
                 ["--segment", "a/b", *fine[name]], ["--dir", "/proc/nowhere", *fine[name]]]
        wrong += {"poll_redis": [[], ["x"], ["a=/x", "a=/y"], ["=/x"], ["a=/x"] * 65],
                  "poll_kernel": [["/proc", "more"]],
                  "poll_rocksdb": [[], ["a", "b"], ["/proc/nowhere"]]}[name]
        for arguments in wrong:
            done = run(name, "--dir", place.segments, *arguments, text=True)
            assert done.returncode == 2, (arguments, done)
            assert re.search(f"^{name}: .*\n\\Z", done.stderr, re.M), (arguments, done)
            assert done.stdout == "", done
        done = run(name, "--help", text=True)
        assert done.returncode == 0 and done.stdout.startswith(f"usage: {name} "), done


def script(place, *options):
    build = os.path.dirname(os.path.dirname(PATHS["ring-exporter"]))
    os.chmod(place.folder, 0o711)  # Redis' user has a folder in it
    return Program(place, "run.py", "--build", build, *options,
                   env={**os.environ, "TMPDIR": place.folder})


def left_over(place):
    return [name for name in os.listdir(place.folder) if name.startswith("ring-example-")]


def the_script_shows_all_sources_and_leaves_nothing(place):
    output, messages = script(place, "--once").rest()
    assert messages == "" and not left_over(place), messages
    for line in ("kernel_network_bytes_total{", "kernel_softnet_packets_total{",
                 'redis_role{server="primary",redis_role="master"} 1',
                 'redis_role{server="replica",redis_role="slave"} 1',
                 'redis_command_latency_seconds{command="',
                 'rocksdb_keys_written_total{store="orders"}', "poller_polls_total{"):
        assert f"\n{line}" in "\n" + output, (line, output)
    assert re.search(r"\n\nhttp://127\.0\.0\.1:\d+/metrics\n$", output), output
    one = script(place)
    for line in one.stdout:
        if "Ctrl-C" in line:
            break
    assert one.end(signal.SIGINT) == 128 + signal.SIGINT, one.said()
    assert one.said() == "" and not left_over(place), one.said()


def the_script_needs_a_build(place):
    done = run("run.py", "--build", place.folder, text=True)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert re.fullmatch(r"run\.py: .*: not built; .*\n", done.stderr), done


main([
    X9_a_store_may_be_closed_and_opened_while_it_is_polled,
    pages_please_promtool,
    bad_arguments_end_a_poller_with_one_line,
    the_script_shows_all_sources_and_leaves_nothing,
    the_script_needs_a_build,
])
