#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The fleet of docs/fleet.md: real engines count what the data planes have recorded.

usage: fleet_e2e.py RING_EXPORTER RUN_PY
"""
import os
import re
import signal
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
from place import PATHS, Program, main, run, wait_until

ENGINES = ["data planes", "prometheus-a", "prometheus-b", "prometheus to VictoriaMetrics",
           "vmagent to VictoriaMetrics"]
ROW = re.compile(r"  (\S.*?) +(\d+) (\d+) (\d+)(?: (\d+))?")
SAMPLES = "60000"  # of each node, before and after a restart, by both cores


def start(place, *options):
    """The script, with its folder in the place."""
    build = os.path.dirname(os.path.dirname(PATHS["ring-exporter"]))
    return Program(place, "run.py", "--build", build, *options,
                   env={**os.environ, "TMPDIR": place.folder})


def left_over(place):
    """Folders of the script that are still there."""
    return [name for name in os.listdir(place.folder) if name.startswith("ring-example-")]


def every_engine_counts_what_the_data_planes_recorded_across_restarts(place):
    script = start(place)
    output, messages = script.rest()
    assert (script.returncode, messages) == (0, ""), (output, messages)
    first, second = re.split(r"node-\d: .*\n", output)[1:]
    totals = []
    for table in first, second:
        names, *columns = zip(*(ROW.fullmatch(line).groups() for line in table.splitlines()))
        assert list(names) == ENGINES, output
        assert all(len(set(column)) == 1 and int(column[0]) > 0 for column in columns[:3]), output
        assert columns[2][0] == SAMPLES, output
        assert columns[3] == (None, *"0000"), output
        totals.append(columns[0][0])
    assert totals[0] != totals[1], "the nodes could be mistaken for each other"
    assert not left_over(place)


def told_to_end_it_takes_everything_along(place):
    script = start(place)
    wait_until(lambda: any(os.path.exists(os.path.join(place.folder, name, "vmagent.log"))
                           for name in left_over(place)), "all engines have been started")
    assert script.end(signal.SIGTERM) == 128 + signal.SIGTERM, script.said()
    assert not left_over(place)


def without_a_build_it_says_so(place):
    done = run("run.py", "--build", place.folder, text=True)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert re.fullmatch(r"run\.py: .*: not built; .*\n", done.stderr), done


main([
    every_engine_counts_what_the_data_planes_recorded_across_restarts,
    told_to_end_it_takes_everything_along,
    without_a_build_it_says_so,
])
