#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmark programs run, their checks hold and the table finds all its rows. Judges no time.

usage: bench_test.py BUILD
"""
import functools
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap is
import bench
from rows import ROWS, Row
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
    for row in ROWS:
        if row.ours[0] == program:
            result = bench.judge(row, measured, skipped)
            assert not result.verdict.startswith("no figure"), (row.what, result.verdict)


def every_row_has_its_program():
    assert {row.ours[0] for row in ROWS} <= set(PROGRAMS), PROGRAMS


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


JUDGING = [ratios_are_paired_by_round, missed_target_is_missed,
           missing_peer_is_named_and_not_judged, rounds_with_the_cores_far_apart_do_not_count]

report([(f"{rule.__name__}_of_{program}", functools.partial(rule, program))
        for program in PROGRAMS for rule in (every_result_is_right, rows_are_complete)] +
       [(test.__name__, test) for test in [every_row_has_its_program, *JUDGING]])
