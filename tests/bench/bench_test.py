#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmark programs run, their checks hold and the table finds all its rows. Judges no time.

usage: bench_test.py BUILD
"""
import functools
import json
import os
import subprocess
import sys
import tempfile

sys.path.append(sys.path[0] + "/../support")  # where tap is
import bench
from rows import LINEAR, ROWS, Row
from tap import report

PROGRAMS = bench.programs_of(sys.argv[1])


@functools.lru_cache(maxsize=None)
def lines_of(program):
    lines, well = bench.run(PROGRAMS[program], ["--brief", "--rounds", "2"])
    assert well, "it failed"
    return lines


def every_result_is_right(program):
    for line in lines_of(program):
        if "rounds" in line:
            assert len(line["rounds"]) >= 1, line
            assert all(value == value for value in line["rounds"]), line


def rows_are_complete(program):
    measured, skipped = {}, {}
    for line in lines_of(program):
        if "skipped" in line:
            skipped[line["bench"], line["case"]] = line["skipped"]
        elif "rounds" in line:
            measured[line["bench"], line["case"], line["who"]] = line
    bench.add_slopes(measured)
    for row in ROWS:
        if row.ours[0] == program:
            result = bench.judge(row, measured, skipped)
            assert not result.verdict.startswith("no figure"), (row.what, result.verdict)


@functools.lru_cache(maxsize=None)
def is_installed(package):
    """What is not Debian has no peers to find either."""
    try:
        done = subprocess.run(["dpkg-query", "--show", "--showformat=${Status}", package],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              check=False)
    except FileNotFoundError:
        return False
    return done.stdout.endswith(" installed")


def installed_peers_take_part():
    measured = {}
    for program in {row.ours[0] for row in ROWS if row.package and is_installed(row.package)}:
        for line in lines_of(program):
            if "rounds" in line:
                measured[line["bench"], line["case"], line["who"]] = line
    for row in ROWS:
        if row.package and is_installed(row.package):
            assert row.peer in measured, f"{row.package} is installed: configure the build again"


def every_row_has_its_program():
    assert {row.ours[0] for row in ROWS} <= set(PROGRAMS), PROGRAMS


def status_with(figure=1, preempted=0, status=0, left_out=None):
    """The exit status of bench.py after a program `drain` that has these figures in every row."""
    lines = [{"bench": "drain", "case": row.ours[1], "who": row.ours[2], "unit": "ns",
              "rounds": [figure]}
             for row in ROWS if row.ours[0] == "drain" and row.ours != left_out]
    lines += [{"bench": "drain", "case": "machine", "who": who, "unit": "", "rounds": [1]}
              for who in ("core clock", "empty stretch: worst over median")]
    lines.append({"bench": "drain", "machine": {
        "processor": "", "cores": 1, "kernel": "", "compiler": "", "governor": "", "seconds": 1,
        "stolen_ms": 0, "preempted": preempted}})
    with tempfile.TemporaryDirectory() as build:
        program = os.path.join(build, "tests", "bench", "bench_drain")
        os.makedirs(os.path.dirname(program))
        with open(program, "w", encoding="utf-8") as file:
            output = "\n".join(map(json.dumps, lines))
            file.write(f"#!/bin/sh\ncat << end\n{output}\nend\nexit {status}\n")
        os.chmod(program, 0o700)
        return subprocess.run([sys.executable, bench.__file__, "--only", "drain", build],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode


def exit_status_says_what_went_wrong():
    assert status_with() == 0
    assert status_with(figure=1000) == 1
    assert status_with(status=1) == 1
    assert status_with(left_out=next(row.ours for row in ROWS if row.ours[0] == "drain")) == 1
    assert status_with(preempted=bench.PREEMPTED_MAX + 1) == 3
    assert status_with(preempted=bench.PREEMPTED_MAX) == 0


def verdict(relation, ours, peer, target, least=False, distances=(50, 50, 50)):
    """What a row says of these rounds."""
    row = Row("group", "what", ("b", "c", "us"), peer and ("b", "c", "them"), relation, target,
              "a-package", least)
    measured = {("b", "c", "core to core"): {"unit": "ns", "rounds": distances}}
    for who, rounds in (("us", ours), ("them", peer)):
        if rounds:
            measured["b", "c", who] = {"unit": "ns", "rounds": rounds}
    return bench.judge(row, measured, {})


def ratios_are_paired_by_round():
    # The medians' own ratio would be 1: the machine was slow in two different rounds.
    assert verdict("ratio", [1, 2, 6], [2, 4, 2], 0.5).value == 0.5


def missed_target_is_missed():
    assert verdict("ratio", [3], [2], 1.5).verdict == "met"
    assert verdict("ratio", [3], [2], 1.4).verdict == "MISSED"
    assert verdict("difference", [3], [2], 1).verdict == "met"
    assert verdict("value", [3], None, 2).verdict == "MISSED"
    assert verdict("value", [3], None, 2, least=True).verdict == "met"
    assert verdict("value", [3], None, 4, least=True).verdict == "MISSED"


def missing_peer_is_named_and_not_judged():
    peerless = bench.judge(Row("group", "what", ("b", "c", "us"), ("b", "c", "them"), "ratio", 1,
                               "a-package"), {("b", "c", "us"): {"rounds": [1]}}, {})
    assert peerless.verdict == "needs a-package" and peerless.value is None


def rounds_with_the_cores_far_apart_do_not_count():
    # The third one is near when it begins, and not when the next does.
    mixed = verdict("value", [1, 2, 90, 91, 3], None, 2, distances=[50, 60, 70, 250, 80])
    assert mixed.value == 2 and mixed.verdict == "met"
    far = verdict("value", [3, 3, 3], None, 2, distances=[50, 250, 250])
    assert far.verdict.startswith("not judged") and far.value == 3


def slope(size, cost):
    """Of twice that size, against that of half of it, where `cost` tells what a size takes in all."""
    measured = {("curves", "c", str(n)): {"unit": "ns", "rounds": [cost(n) / n]}
                for n in (size // 2, size, 2 * size, 4 * size)}
    bench.add_slopes(measured)
    few, many = (measured["curves", "c", f"{n} to {2 * n}"]["rounds"][0] for n in (size, 2 * size))
    return many / few


def curves_are_judged_by_slope():
    assert abs(slope(16, lambda n: 100 + 3 * n) - 1) < 0.01
    assert slope(16, lambda n: 1000 + n * n) > LINEAR
    assert slope(16, lambda n: 100000 + n % 32) < LINEAR  # flat, and noise


def disturbed_programs_are_not_judged():
    def reasons(name, preempted, seconds):
        return bench.disturbances({name: {"preempted": preempted, "seconds": seconds}})
    row = Row("group", "what", ("b", "c", "us"), None, "value", 2)
    result = bench.judge(row, {row.ours: {"rounds": [1]}}, {}, reasons("b", 300, 60))
    assert result.verdict == "disturbed: 300 preemptions" and result.value == 1
    assert not reasons("b", 100, 60)
    # Two cores that spin are interrupted by the timer.
    assert not reasons("reader", 5000, 60)
    assert reasons("reader", 10000, 60)


def rows_on_a_slow_base_are_not_judged():
    row = next(row for row in ROWS if row.peer == ("reader", "single", "no reader"))

    def judged(base, record):
        measured = {row.ours: {"rounds": [1.2, 1.2, 1.2]}, row.peer: {"rounds": base},
                    ("record", "counter", "ring"): {"rounds": record}}
        return bench.judge(row, measured, {}).verdict
    assert judged([1.0, 1.01, 1.3], [1.0, 1.1]) == "MISSED"
    assert judged([1.0, 1.2, 1.3], [1.2, 1.2]).startswith("disturbed")  # beside its best round
    assert judged([1.3, 1.3, 1.3], [1.0, 1.0]).startswith("disturbed")  # beside the same loop


JUDGING = [ratios_are_paired_by_round, missed_target_is_missed,
           missing_peer_is_named_and_not_judged, rounds_with_the_cores_far_apart_do_not_count,
           disturbed_programs_are_not_judged, rows_on_a_slow_base_are_not_judged,
           curves_are_judged_by_slope, exit_status_says_what_went_wrong, installed_peers_take_part]

report([(f"{rule.__name__}_of_{program}", functools.partial(rule, program))
        for program in PROGRAMS for rule in (every_result_is_right, rows_are_complete)] +
       [(test.__name__, test) for test in [every_row_has_its_program, *JUDGING]])
