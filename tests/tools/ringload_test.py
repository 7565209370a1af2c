#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ringload keeps its word: what it prints is what it recorded."""

import os
import signal
import subprocess

import harness
from harness import RINGLOAD, Load, load, ringstat_json, totals_of, values, written


def run(*arguments):
    return subprocess.run([RINGLOAD] + [str(a) for a in arguments], capture_output=True,
                          text=True, timeout=harness.DEADLINE_S, check=False)


def same_seed_gives_the_same_totals(place):
    one = load(place, "a", "--samples", 5000, "--cores", 2, "--seed", 7)[1]
    two = load(place, "b", "--samples", 5000, "--cores", 2, "--seed", 7)[1]
    other = load(place, "c", "--samples", 5000, "--cores", 2, "--seed", 8)[1]
    assert totals_of(one) == totals_of(two) != totals_of(other)


def bursts_and_rates_change_no_total(place):
    one = load(place, "a", "--samples", 500, "--seed", 7)[1]
    two = load(place, "b", "--samples", 500, "--seed", 7, "--use-bursts", "--burst", 5)[1]
    three = load(place, "c", "--samples", 500, "--seed", 7, "--rate", 5000)[1]
    assert totals_of(one) == totals_of(two) == totals_of(three)


def rate_is_kept(place):
    totals = load(place, "a", "--samples", 200, "--rate", 1000)[1]
    # Sample 200 is due after 0.2 s and never earlier; later is the machine's affair.
    assert totals["cores"][0]["elapsed_ns"] >= 199_000_000, totals


def seconds_end_it(place):
    _, totals = load(place, "a", "--seconds", 0.1, "--rate", 1000)
    assert totals["cores"][0]["elapsed_ns"] >= 100_000_000 and written(totals) > 0


def sigterm_ends_it_with_exact_totals(place):
    for how in (signal.SIGTERM, signal.SIGINT):
        one = Load(place, "a%d" % how, "--cores", 2)
        harness.wait_until(lambda one=one: ringstat_json("list", "--dir", place)
                           ["segments"][-1]["written"] > 1000, "it records")
        one.process.send_signal(how)
        totals = one.totals()
        assert one.end() == 0
        assert values(ringstat_json("show", one.path)) == totals_of(totals)


def hold_keeps_the_segment_alive(place):
    one = Load(place, "a", "--samples", 100, "--hold")
    one.totals()
    assert ringstat_json("show", one.path)["state"] == "alive"
    assert one.end() == 0
    assert ringstat_json("show", one.path)["state"] == "dead"


def second_ringload_of_a_name_is_refused(place):
    one = Load(place, "a", "--samples", 100, "--hold")
    two = run("--dir", place, "--name", "a", "--samples", 1)
    assert two.returncode == 1 and two.stdout == "" and two.stderr.count("\n") == 1, two
    one.end()


def X6_without_a_segment_it_goes_on_if_told_so(place):
    file = os.path.join(place, "file")
    with open(file, "w", encoding="ascii"):
        pass
    refused = run("--dir", file, "--samples", 100)
    assert refused.returncode == 1 and refused.stdout == "", refused
    assert refused.stderr.count("\n") == 1 and "file" in refused.stderr, refused
    one = Load(file, "a", "--samples", 100, "--tolerate")
    totals = one.totals()
    assert not one.start["live"] and one.start["segment"] == ""
    assert written(totals) == 100 and not totals["cores"][0]["live"]
    assert one.end() == 0


def T3_slots_are_rounded_up_to_a_power_of_two(place):
    path, _ = load(place, "a", "--samples", 10, "--slots", 100, "--burst", 4)
    shown = ringstat_json("show", path)
    assert shown["slots_per_core"] == 128
    assert shown["cores"] == [{"core": 0, "written": 10, "oldest": 0, "readable": 10,
                               "capacity": 128 - 4}]


def wrong_usage_is_one_line_and_exit_2(place):
    for arguments in (["--mix", "1:2"], ["--mix", "0:0:0"], ["--mix", "1:2:3:4"],
                      ["--mix", "1:2:-3"], ["--merge", "mean"], ["--cores", "0"],
                      ["--cores", "1025"], ["--series", "0"], ["--samples", "-1"],
                      ["--seconds", "nan"], ["--seconds", "0"], ["--nonsense"], ["operand"],
                      ["--seed"], ["--seed", "18446744073709551616"]):
        result = run("--dir", place, *arguments)
        assert result.returncode == 2 and result.stdout == "", result
        assert result.stderr.count("\n") == 1 and result.stderr.startswith("ringload: "), result
        assert "--help" in result.stderr, result
    assert os.listdir(place) == []


harness.main([
    same_seed_gives_the_same_totals,
    bursts_and_rates_change_no_total,
    rate_is_kept,
    seconds_end_it,
    sigterm_ends_it_with_exact_totals,
    hold_keeps_the_segment_alive,
    second_ringload_of_a_name_is_refused,
    X6_without_a_segment_it_goes_on_if_told_so,
    T3_slots_are_rounded_up_to_a_power_of_two,
    wrong_usage_is_one_line_and_exit_2,
])
