#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmark programs run, their checks hold and the table finds all its rows. Judges no time.

usage: bench_test.py BUILD
"""
import functools
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap is
import bench
from rows import ROWS
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
            assert not result.verdict.startswith("no "), (row.what, result.verdict)


def every_row_has_its_program():
    assert {row.ours[0] for row in ROWS} <= set(PROGRAMS), PROGRAMS


report([(f"{rule.__name__}_of_{program}", functools.partial(rule, program))
        for program in PROGRAMS for rule in (every_result_is_right, rows_are_complete)] +
       [(every_row_has_its_program.__name__, every_row_has_its_program)])
