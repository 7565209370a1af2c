#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ringstat list and show, and how every command takes wrong usage."""

import json
import os
import shutil
import struct

from harness import Image, ringstat, ringstat_json, totals_of, values
from place import DEADLINE_S, main
from programs import Load, loaded, written

# Many more samples than slots, so that totals cannot come from the rings.
OVERFLOWED = ("--cores", 3, "--samples", 4000, "--slots", 128, "--mix", "2:1:1")


def T4_totals_are_exact_although_the_rings_overflowed(place):
    for merge in ("sum", "last", "min", "max"):
        path, totals = loaded(place, merge, *OVERFLOWED, "--merge", merge)
        shown = ringstat_json("show", path)
        assert values(shown) == totals_of(totals), merge
        for core in shown["cores"]:
            assert core["written"] == 4000
            assert core["written"] - core["oldest"] == core["readable"] == core["capacity"] == 64
        row = next(r for r in ringstat_json("list", "--dir", place.segments)["segments"]
                   if r["name"] == merge)
        assert row["written"] == written(totals) == 12000
        assert row["dropped"] == 12000 - 3 * 64


def per_core_parts_add_up(place):
    path, _ = loaded(place, "a", *OVERFLOWED)
    for metric in ringstat_json("show", path, "--per-core")["metrics"]:
        for series in metric["series"]:
            for key in ("value", "count", "sum"):
                if key in series:
                    parts = [part[key] for part in series["cores"] if part[key] is not None]
                    assert sum(parts) == series[key], series


def total_of(series):
    """What several series of a `show --json` come to."""
    if "value" in series[0]:
        return {"value": sum(one["value"] for one in series)}
    buckets = zip(*([bucket["count"] for bucket in one["buckets"]] for one in series))
    return {"count": sum(one["count"] for one in series),
            "sum": sum(one["sum"] for one in series),
            "buckets": [{"le": bucket["le"], "count": sum(counts)}
                        for bucket, counts in zip(series[0]["buckets"], buckets)]}


def R8_total_of_a_metric_is_that_of_all_its_series(place):
    path, _ = loaded(place, "a", *OVERFLOWED, "--series", 7)
    shown, total = ringstat_json("show", path), ringstat_json("show", "--total", path)
    wanted = {metric["name"]: total_of(metric["series"]) for metric in shown["metrics"]
              if metric["kind"] != "gauge"}
    assert len(wanted) == 2 and all(len(metric["series"]) == 7 for metric in shown["metrics"])
    facts = ("name", "kind", "merge", "unit", "help")
    assert total["metrics"] == [{**{key: metric[key] for key in facts}, **wanted[metric["name"]]}
                                for metric in shown["metrics"] if metric["name"] in wanted]
    shown.pop("cores")
    assert {**shown, "metrics": 0} == {**total, "metrics": 0}
    count, latency = wanted["load_events_total"], wanted["load_latency_seconds"]
    events, latencies = ringstat("show", "--total", path, text=True).stdout.splitlines()
    assert events == f"load_events_total {count['value']}", events
    assert latencies.startswith(f"load_latency_seconds count {latency['count']}, sum "), latencies
    assert float(latencies.split()[-1]) == latency["sum"], latencies


def list_tells_alive_from_dead(place):
    one = Load(place, "alive", "--cores", 2, "--series", 5, "--samples", 10, "--hold")
    one.totals()
    two = Load(place, "killed", "--hold")
    two.end(9)
    rows = {row["name"]: row for row in ringstat_json("list", "--dir", place.segments)["segments"]}
    assert rows["alive"]["state"] == "alive" and rows["killed"]["state"] == "dead"
    assert rows["alive"]["pid"] == one.pid
    assert rows["alive"]["cores"] == 2 and rows["alive"]["series"] == 15
    assert rows["alive"]["metrics"] == 3 and rows["alive"]["written"] == 20
    assert 0 <= rows["alive"]["age_seconds"] < DEADLINE_S
    table = ringstat("list", env={**os.environ, "RING_DIR": place.segments}, text=True).stdout
    head, *lines = table.splitlines()
    assert head.split() == list(rows["alive"])
    assert [line.split()[:2] for line in lines] == [["alive", "alive"], ["killed", "dead"]]
    one.end()


def list_names_the_reason_of_each_unsound_entry(place):
    path, _ = loaded(place, "good", "--samples", 10)
    image = Image(path)
    size = len(image.data)
    os.mkfifo(place.path("fifo"))
    os.mkdir(place.path("folder"))
    os.symlink("good", place.path("link"))
    for name, content in (("empty", b""), ("short", image.data[:size - 4096]),
                          ("text", b"hello\n" * 500), ("evil\x1b[2J\n", b""), (".hidden", b"")):
        with open(place.path(name), "wb") as file:
            file.write(content)
    with open(place.path("sparse"), "wb") as file:
        file.write(image.data[:4096])
        file.truncate(size)
    image.set("endian_mark", 0x04030201)
    image.save(place.path("endian"))
    image.set("endian_mark", 0x01020304)
    image.set("version_major", 2)
    image.save(place.path("version"))
    result = ringstat("list", "--dir", place.segments)
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"\x1b" not in result.stdout and b"evil\\x1b[2J\\n" in result.stdout, result.stdout
    rows = ringstat_json("list", "--dir", place.segments)["segments"]
    states = {row["name"]: row["state"] for row in rows}
    assert states == {
        "good": "dead", "fifo": "not_regular", "folder": "not_regular", "link": "symlink",
        "empty": "too_short", "short": "truncated", "text": "bad_magic", "sparse": "sparse",
        "evil\x1b[2J\n": "bad_file_name", "endian": "foreign_endian", "version": "bad_version",
    }, states


def list_of_no_directory_is_one_line_and_exit_2(place):
    result = ringstat("list", "--dir", place.segments, text=True)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr == "ringstat: %s: No such file or directory\n" % place.segments
    os.mkdir(place.segments)
    assert ringstat_json("list", "--dir", place.segments)["segments"] == []


def show_reads_a_copied_file_like_the_segment(place):
    one = Load(place, "a", *OVERFLOWED, "--hold")
    totals = one.totals()
    copy = shutil.copy(one.path, place.path("copy"))
    live, copied = ringstat_json("show", "a", "--dir", place.segments), ringstat_json("show", copy)
    assert (live["state"], copied["state"]) == ("alive", "dead")
    assert values(live) == values(copied) == totals_of(totals)
    one.end(9)
    assert values(ringstat_json("show", one.path)) == totals_of(totals)


def show_prints_the_same_values_for_people(place):
    path, totals = loaded(place, "a", "--samples", 1000, "--mix", "1:1:1")
    lines = ringstat("show", path).stdout.decode().splitlines()
    for channel, value in totals["load_events_total"].items():
        assert 'load_events_total{channel="%s"} %d' % (channel, value) in lines
    for channel, value in totals["load_level"].items():
        assert any(line.startswith('load_level{channel="%s"} ' % channel) and
                   float(line.split()[-1]) == value for line in lines)
    for channel, value in totals["load_latency_seconds"].items():
        assert any(line.startswith('load_latency_seconds{channel="%s"} count %d, sum '
                                   % (channel, value["count"])) and
                   float(line.split()[-1]) == value["sum"] for line in lines)


def show_has_a_place_for_values_that_json_has_not(place):
    path, _ = loaded(place, "a", "--samples", 0, "--seconds", 0.001, "--series", 1,
                     "--mix", "1:0:0")
    image = Image(path)
    # The order of the series is that of ringload's resolving: counter, gauge, histogram.
    image.word(image.cell(0, 0), 2 ** 64 - 1)
    counters = ringstat_json("show", image.save(path))["metrics"]
    assert counters[0]["series"][0]["value"] == "18446744073709551615"
    assert counters[1]["series"][0]["value"] is None
    assert b'load_level{channel="c0"} unset\n' in ringstat("show", path).stdout
    for double, word in ((float("nan"), "NaN"), (float("inf"), "+Inf"), (float("-inf"), "-Inf")):
        image.word(image.cell(0, 1), struct.unpack("=Q", struct.pack("=d", double))[0])
        shown = ringstat_json("show", image.save(path))["metrics"][1]["series"][0]["value"]
        assert shown == word, shown
        assert b'load_level{channel="c0"} %s\n' % word.encode() in ringstat("show", path).stdout


def foreign_text_cannot_act_on_the_terminal(place):
    path, _ = loaded(place, "a", "--samples", 100, "--series", 1, "--mix", "1:0:0")
    image = Image(path)
    at = image.labels(0)
    assert image.data[at:at + 3] == b"\x02c0"
    for raw, shown, decoded in ((b"\x1b\n", rb'"\x1b\n"', "\x1b\n"),
                                (b"\xffx", '"\ufffdx"'.encode(), "\ufffdx"),
                                (b'"\\', rb'"\"\\"', '"\\'),
                                (b"\xc2\x9b", rb'"\xc2\x9b"', "\x9b"),
                                (b"\xc0\x80", '"\ufffd\ufffd"'.encode(), "\ufffd\ufffd"),
                                ("é".encode(), '"é"'.encode(), "é")):
        image.data[at + 1:at + 3] = raw
        image.save(path)
        for command in (["show"], ["tail", "--from-start"], ["watch", "--interval", "0.001",
                                                             "--count", "1"]):
            result = ringstat(*command, path)
            assert result.returncode == 0, result
            assert b"load_events_total{channel=" + shown + b"}" in result.stdout, (command, result)
            assert not any(c < 32 and c != 10 for c in result.stdout)
        labels = ringstat_json("show", path)["metrics"][0]["series"][0]["labels"]
        assert labels == {"channel": decoded}
        first = ringstat("tail", "--from-start", "--json", path).stdout.splitlines()[0]
        assert json.loads(first)["labels"] == labels


def wrong_usage_is_one_line_and_exit_2(place):
    path, _ = loaded(place, "a", "--samples", 10)
    for arguments in ([], ["nonsense"], ["--nonsense"], ["-x"], ["\x1b[2J"], ["list", "operand"],
                      ["list", "--json=1"], ["list", "--dir"], ["show"], ["show", path, "too_many"],
                      ["show", "-x", path], ["show", path, "--total", "--per-core"],
                      ["watch", path, "--interval", "0"],
                      ["watch", path, "--interval", "-1"], ["watch", path, "--interval", "1x"],
                      ["watch", path, "--count", "-1"], ["tail", path, "--core", "1"],
                      ["tail", path, "--core", "9999999999999999999999"],
                      ["tail", path, "--count", ""], ["check"]):
        result = ringstat(*arguments)
        assert result.returncode == 2 and result.stdout == b"", result
        assert result.stderr.count(b"\n") == 1 and result.stderr.startswith(b"ringstat: "), result
        assert b"--help" in result.stderr and b"\x1b" not in result.stderr, result


def help_and_version_are_there(place):
    general = ringstat("--help")
    assert general.returncode == 0 and ringstat("--version").stdout.startswith(b"ringstat ")
    for command in ("list", "show", "watch", "tail", "check"):
        assert b"\n  %s " % command.encode() in general.stdout
        result = ringstat(command, "--help")
        assert result.returncode == 0 and b"--dir" in result.stdout and result.stderr == b""


def lost_output_is_said(place):
    path, _ = loaded(place, "a", "--samples", 100)
    for command in (["list", "--dir", place.segments], ["show", path], ["show", "--total", path],
                    ["check", path],
                    ["tail", "--from-start", path],
                    ["watch", path, "--count", "1", "--interval", "0.001"]):
        with open("/dev/full", "wb") as full:
            result = ringstat(*command, stdout=full)
        assert result.returncode == 2 and result.stderr.startswith(b"ringstat: stdout: "), result


main([
    T4_totals_are_exact_although_the_rings_overflowed,
    per_core_parts_add_up,
    R8_total_of_a_metric_is_that_of_all_its_series,
    list_tells_alive_from_dead,
    list_names_the_reason_of_each_unsound_entry,
    list_of_no_directory_is_one_line_and_exit_2,
    show_reads_a_copied_file_like_the_segment,
    show_prints_the_same_values_for_people,
    show_has_a_place_for_values_that_json_has_not,
    foreign_text_cannot_act_on_the_terminal,
    wrong_usage_is_one_line_and_exit_2,
    help_and_version_are_there,
    lost_output_is_said,
])
