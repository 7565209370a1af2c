#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ringstat tail and watch beside a running writer."""

import collections
import json
import os
import pty
import re
import signal
import termios
import time

from harness import Image, follow, ringstat, ringstat_json, totals_of, values
from place import DEADLINE_S, Program, main
from programs import Load, loaded, written

OLDER = re.compile(r": (\d+) older samples are overwritten\n")
LOST = re.compile(r": (\d+) samples lost so far, overwritten before they were read\n")


def samples_of(output):
    return [json.loads(line) for line in output.splitlines()]


def lost_in(messages):
    """What was gone before it began, and the last figure of what went later, which is the sum."""
    return sum(int((["0"] + figure.findall(messages))[-1]) for figure in (OLDER, LOST))


def tail_prints_every_sample_of_a_dead_segment(place):
    path, totals = loaded(place, "a", "--cores", 3, "--samples", 2000, "--series", 2)
    result = ringstat("tail", "--from-start", "--json", path)
    samples = samples_of(result.stdout)
    assert (result.returncode, result.stderr, len(samples)) == (0, b"", 6000)
    last = collections.defaultdict(dict)
    observed = collections.Counter()
    for sample in samples:
        channel = sample["labels"]["channel"]
        if sample["metric"] == "load_events_total":
            assert sample["value"] > last[sample["core"]].get(channel, 0), "a total went back"
            last[sample["core"]][channel] = sample["value"]
        elif sample["metric"] == "load_latency_seconds":
            observed[channel] += 1
    events = collections.Counter()
    for core in last.values():
        events.update(core)
    assert events == totals["load_events_total"]
    assert observed == {c: v["count"] for c, v in totals["load_latency_seconds"].items()}


def tail_interleaves_cores_by_time(place):
    path, _ = loaded(place, "a", "--cores", 2, "--samples", 200, "--rate", 5000)
    times = [s["timestamp_ns"] for s in samples_of(ringstat("tail", "--from-start", "--json",
                                                            path).stdout)]
    assert len(times) == 400 and times == sorted(times)


def tail_prints_the_same_for_people(place):
    path, _ = loaded(place, "a", "--samples", 300, "--mix", "1:1:1")
    lines = ringstat("tail", "--from-start", path).stdout.decode().splitlines()
    samples = samples_of(ringstat("tail", "--from-start", "--json", path).stdout)
    assert len(lines) == len(samples) == 300
    for line, sample in zip(lines, samples):
        core, timestamp, series, value, tag = line.split()
        assert int(core) == sample["core"] and int(tag) == sample["tag"] == 0
        assert int(timestamp.replace(".", "")) == sample["timestamp_ns"]
        assert series == '%s{channel="%s"}' % (sample["metric"], sample["labels"]["channel"])
        assert float(value) == sample["value"]


def tail_picks_core_metric_and_count(place):
    path, _ = loaded(place, "a", "--cores", 2, "--samples", 500)
    every = samples_of(ringstat("tail", "--from-start", "--json", path).stdout)

    def picked(*arguments):
        return samples_of(ringstat("tail", "--from-start", "--json", path, *arguments).stdout)

    assert picked("--core", "1") == [s for s in every if s["core"] == 1]
    gauges = [s for s in every if s["metric"] == "load_level"]
    assert picked("--metric", "load_level") == gauges != []
    assert picked("--metric", "load_level", "--count", "3") == gauges[:3]
    assert picked("--metric", "load_leve") == []


def T4_what_tail_printed_and_what_it_lost_is_all_that_was_written(place):
    # A dead ring that was lapped, then one that is being lapped while tail reads it.
    path, totals = loaded(place, "a", "--cores", 2, "--samples", 1000, "--slots", 128)
    result = ringstat("tail", "--from-start", path)
    assert result.stdout.count(b"\n") == 2 * 64
    assert lost_in(result.stderr.decode()) == written(totals) - 2 * 64
    one = Load(place, "b", "--cores", 2, "--seconds", 0.5, "--slots", 1024)
    output, messages = follow(place, "tail", "--from-start", one.path).rest()
    totals = one.totals()
    one.end()
    assert lost_in(messages) > 0, "nothing was lost: this tested nothing"
    assert output.count("\n") + lost_in(messages) == written(totals)


def tail_begins_with_what_comes_next(place):
    one = Load(place, "a", "--rate", 2000)
    result = ringstat("tail", one.path, "--count", 5, "--json")
    samples = samples_of(result.stdout)
    assert result.returncode == 0 and len(samples) == 5 and result.stderr == b""
    one.end()
    path, _ = loaded(place, "b", "--samples", 100)
    result = ringstat("tail", path)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def T6_two_tails_disturb_neither_the_writer_nor_each_other(place):
    one = Load(place, "a", "--cores", 2, "--rate", 4000, "--samples", 2000, "--slots", 8192)
    tails = [follow(place, "tail", "--from-start", "--json", one.path) for _ in range(2)]
    for _ in range(5):
        ringstat_json("show", one.path)
    totals = one.totals()
    assert one.end() == 0
    seen = []
    for tail in tails:
        output, messages = tail.rest()
        assert (tail.returncode, messages) == (0, "")
        seen.append(collections.Counter(output.splitlines()))
    assert written(totals) == 4000 == sum(seen[0].values())
    assert seen[0] == seen[1]
    assert values(ringstat_json("show", one.path)) == totals_of(totals)


def tail_reads_to_the_end_after_kill_9(place):
    one = Load(place, "a", "--rate", 2000, "--slots", 65536)
    tail = follow(place, "tail", "--from-start", one.path)
    for _ in range(50):
        tail.stdout.readline()
    one.end(signal.SIGKILL)
    output, messages = tail.rest()
    assert (tail.returncode, messages) == (0, "")
    assert 50 + output.count("\n") == ringstat_json("show", one.path)["cores"][0]["written"]


def tail_stops_when_asked(place):
    one = Load(place, "a", "--rate", 1000)
    for how in (signal.SIGTERM, signal.SIGINT):
        tail = follow(place, "tail", one.path)
        tail.stdout.readline()
        tail.send_signal(how)
        tail.rest()
        assert tail.returncode == 0
    one.end()


def truncation_under_the_feet_of_tail_and_watch_is_a_verdict(place):
    one = Load(place, "a", "--samples", 100, "--hold")
    one.totals()
    readers = [follow(place, "tail", "--from-start", one.path),
               follow(place, "watch", "--interval", "0.01", one.path)]
    for reader in readers:
        reader.stdout.readline()
    os.truncate(one.path, 8192)
    for reader in readers:
        _, messages = reader.rest()
        assert reader.returncode == 1 and messages.count("\n") == 1, messages
        assert messages == "ringstat: %s: truncated (the file is shorter than its header says)\n" \
            % one.path
    one.end(signal.SIGKILL)


def rates_in(block):
    return [float(line.split()[-1]) for line in block.splitlines()
            if line.split() and re.fullmatch(r"-?[\d.]+", line.split()[-1])]


def watch_shows_the_rates_of_cores_and_series(place):
    one = Load(place, "a", "--cores", 2, "--rate", 2000, "--series", 2)
    result = ringstat("watch", one.path, "--interval", "0.2", "--count", 2)
    one.end()
    assert (result.returncode, result.stderr) == (0, b"")
    blocks = result.stdout.decode().split(one.path)[1:]
    assert len(blocks) == 2 and all(block.startswith(": alive\n") for block in blocks)
    for block in blocks:
        cores = re.findall(r"^ +([01]) +\d+ +([\d.]+)$", block, re.MULTILINE)
        assert [core for core, _ in cores] == ["0", "1"], block
        # Twice the rate leaves room for a machine that stood still and then caught up.
        assert all(0 < float(rate) < 4000 for _, rate in cores), block
        assert re.search(r'^load_events_total\{channel="c1"\} +\d+ +[\d.]+$', block, re.MULTILINE)
        assert re.search(r'^load_level\{channel="c1"\} .* -$', block, re.MULTILINE)


def watch_of_a_dead_segment_shows_rate_zero(place):
    path, _ = loaded(place, "a", "--samples", 100)
    result = ringstat("watch", path, "--interval", "0.01", "--count", 1)
    block = result.stdout.decode()
    assert result.returncode == 0 and ": dead\n" in block and set(rates_in(block)) == {0.0}


def watch_goes_on_when_the_producer_restarts(place):
    """With the same schema the file is adopted; with another a new one takes the name."""
    one = Load(place, "a", "--rate", 5000)
    watch = follow(place, "watch", one.path, "--interval", "0.02")
    lines = []

    def read_until(part):
        end = time.monotonic() + DEADLINE_S
        lines.append(watch.stdout.readline())
        while part not in lines[-1]:
            assert lines[-1] and time.monotonic() < end, "still not: " + part
            lines.append(watch.stdout.readline())

    read_until(": alive")
    one.end(signal.SIGKILL)
    read_until(": dead")
    one = Load(place, "a", "--rate", 5000)
    read_until("a new owner goes on with the file")
    one.end(signal.SIGKILL)
    one = Load(place, "a", "--rate", 10, "--series", 7)
    read_until("a new file has the name, attached to it")
    read_until('channel="c6"')
    os.unlink(one.path)
    read_until("; No such file or directory")
    read_until('channel="c6"')
    watch.send_signal(signal.SIGTERM)
    output, messages = watch.rest()
    one.end()
    assert (watch.returncode, messages) == (0, "")
    rates = rates_in("".join(lines) + output)
    assert rates and min(rates) >= 0, "a negative rate"


def watch_rewrites_a_terminal_and_keeps_to_its_window(place):
    one = Load(place, "a", "--rate", 1000, "--series", 40)
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (12, 80))
    watch = Program(place, "ringstat", "watch", one.path, "--interval", "0.02", "--count", "3",
                    stdout=terminal)
    os.close(terminal)
    output = b""
    while True:
        try:
            output += os.read(controller, 65536)
        except OSError:  # the terminal's last user is gone
            break
    os.close(controller)
    assert watch.wait() == 0 and watch.said() == ""
    one.end()
    blocks = output.split(b"\x1b[H\x1b[J")[1:]
    assert len(blocks) == 3
    for block in blocks:
        assert block.count(b"\n") == 11 and b": alive" in block, block


def without_a_segment_there_is_one_line_and_exit_2(place):
    for command in ("show", "watch", "tail"):
        result = ringstat(command, "none", "--dir", place.folder)
        assert (result.returncode, result.stdout) == (2, b"")
        looked_for = f"{place.folder}/none"
        assert result.stderr == f"ringstat: {looked_for}: No such file or directory\n".encode()
    path, _ = loaded(place, "a", "--samples", 10)
    image = Image(path)
    image.set("version_major", 3)
    image.save(path)
    for command in ("show", "watch", "tail"):
        result = ringstat(command, path)
        assert (result.returncode, result.stdout) == (2, b"")
        assert result.stderr.count(b"\n") == 1 and b": bad_version (" in result.stderr


main([
    tail_prints_every_sample_of_a_dead_segment,
    tail_interleaves_cores_by_time,
    tail_prints_the_same_for_people,
    tail_picks_core_metric_and_count,
    T4_what_tail_printed_and_what_it_lost_is_all_that_was_written,
    tail_begins_with_what_comes_next,
    T6_two_tails_disturb_neither_the_writer_nor_each_other,
    tail_reads_to_the_end_after_kill_9,
    tail_stops_when_asked,
    truncation_under_the_feet_of_tail_and_watch_is_a_verdict,
    watch_shows_the_rates_of_cores_and_series,
    watch_of_a_dead_segment_shows_rate_zero,
    watch_goes_on_when_the_producer_restarts,
    watch_rewrites_a_terminal_and_keeps_to_its_window,
    without_a_segment_there_is_one_line_and_exit_2,
])
