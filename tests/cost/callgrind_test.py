#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Instructions per record at -O2, as callgrind counts them: in a loop over resolved handles, less
what the loop itself takes.

usage: callgrind_test.py COST_LOOPS
"""
import re
import shutil
import subprocess
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap and place are
import place
import tap

COUNT = 3200


def instructions(here, loop, count):
    """Of so many passes, in a new segment, and of entering the loop."""
    if not shutil.which("valgrind"):
        raise tap.Skip("valgrind is not installed")
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
         f"--toggle-collect={loop}", place.PATHS["cost_loops"], here.segments, str(count)],
        capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    return int(re.search(r"Collected *: *(\d+)", run.stderr).group(1))


def per_pass(here, loop):
    return (instructions(here, loop, 2 * COUNT) - instructions(here, loop, COUNT)) / COUNT


def spend(here, loop, at_most):
    spent = per_pass(here, loop) - per_pass(here, "loop_nothing")
    print(f"# {loop}: {spent} instructions a record, of at most {at_most}")
    assert 10 < spent <= at_most  # a record has six stores at least, and their operands


def test_counter_add_takes_at_most_20_instructions(here):
    spend(here, "loop_add", 20)


def test_counter_add_in_bursts_of_32_takes_at_most_20(here):
    spend(here, "loop_burst", 20)


def test_X12_state_set_takes_at_most_five_more_than_a_gauge(here):
    spent, gauge = per_pass(here, "loop_state"), per_pass(here, "loop_plain_gauge")
    print(f"# loop_state: {spent} instructions, loop_plain_gauge: {gauge}")
    assert 10 < spent <= gauge + 5


def call_of_the_set_costs_its_record(here, call, record):
    spent, plain = per_pass(here, call), per_pass(here, record)
    print(f"# {call}: {spent} instructions, {record}: {plain}")
    assert 10 < spent <= plain


def test_replication_sync_bytes_takes_no_more_than_the_record(here):
    call_of_the_set_costs_its_record(here, "loop_sync_bytes", "loop_plain_bytes")


def test_replication_leader_lag_takes_no_more_than_conversion_and_record(here):
    call_of_the_set_costs_its_record(here, "loop_leader_lag", "loop_plain_lag")


def test_X13_closed_label_that_the_compiler_knows_takes_no_more_than_the_record(here):
    call_of_the_set_costs_its_record(here, "loop_action", "loop_plain_action")


def test_X7_closed_label_that_it_does_not_know_takes_at_most_four_more(here):
    spent, plain = per_pass(here, "loop_any_action"), per_pass(here, "loop_plain_any_action")
    print(f"# loop_any_action: {spent} instructions, loop_plain_any_action: {plain}")
    assert 10 < spent <= plain + 4


place.main([
    test_counter_add_takes_at_most_20_instructions,
    test_counter_add_in_bursts_of_32_takes_at_most_20,
    test_X12_state_set_takes_at_most_five_more_than_a_gauge,
    test_replication_sync_bytes_takes_no_more_than_the_record,
    test_replication_leader_lag_takes_no_more_than_conversion_and_record,
    test_X13_closed_label_that_the_compiler_knows_takes_no_more_than_the_record,
    test_X7_closed_label_that_it_does_not_know_takes_at_most_four_more,
])
