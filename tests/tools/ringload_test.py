#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ringload keeps its word: what it prints is what it recorded."""

import os
import signal

from harness import ringstat_json, totals_of, values
from place import main, run, wait_until
from programs import Load, loaded, written


def ringload(*arguments):
    return run("ringload", *arguments, text=True)


def same_seed_gives_the_same_totals(place):
    one = loaded(place, "a", "--samples", 5000, "--cores", 2, "--seed", 7)[1]
    two = loaded(place, "b", "--samples", 5000, "--cores", 2, "--seed", 7)[1]
    other = loaded(place, "c", "--samples", 5000, "--cores", 2, "--seed", 8)[1]
    assert totals_of(one) == totals_of(two) != totals_of(other)


def bursts_and_rates_change_no_total(place):
    one = loaded(place, "a", "--samples", 500, "--seed", 7)[1]
    two = loaded(place, "b", "--samples", 500, "--seed", 7, "--use-bursts", "--burst", 5)[1]
    three = loaded(place, "c", "--samples", 500, "--seed", 7, "--rate", 5000)[1]
    assert totals_of(one) == totals_of(two) == totals_of(three)


def rate_is_kept(place):
    totals = loaded(place, "a", "--samples", 200, "--rate", 1000)[1]
    # Sample 200 is due after 0.2 s and never earlier; later is the machine's affair.
    assert totals["cores"][0]["elapsed_ns"] >= 199_000_000, totals


def seconds_end_it(place):
    _, totals = loaded(place, "a", "--seconds", 0.1, "--rate", 1000)
    assert totals["cores"][0]["elapsed_ns"] >= 100_000_000 and written(totals) > 0


def sigterm_ends_it_with_exact_totals(place):
    for how in (signal.SIGTERM, signal.SIGINT):
        one = Load(place, "a%d" % how, "--cores", 2)
        wait_until(lambda one=one: ringstat_json("list", "--dir", place.segments)
                           ["segments"][-1]["written"] > 1000, "it records")
        one.send_signal(how)
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
    two = ringload("--dir", place.segments, "--name", "a", "--samples", 1)
    assert two.returncode == 1 and two.stdout == "" and two.stderr.count("\n") == 1, two
    one.end()


def X6_without_a_segment_it_goes_on_if_told_so(place):
    file = os.path.join(place.folder, "file")
    with open(file, "w", encoding="ascii"):
        pass
    refused = ringload("--dir", file, "--samples", 100)
    assert refused.returncode == 1 and refused.stdout == "", refused
    assert refused.stderr.count("\n") == 1 and "file" in refused.stderr, refused
    one = Load(place, "a", "--dir", file, "--samples", 100, "--tolerate")
    totals = one.totals()
    assert not one.announced["live"] and one.announced["segment"] == ""
    assert written(totals) == 100 and not totals["cores"][0]["live"]
    assert one.end() == 0


def T3_slots_are_rounded_up_to_a_power_of_two(place):
    path, _ = loaded(place, "a", "--samples", 10, "--slots", 100, "--burst", 4)
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
        result = ringload("--dir", place.segments, *arguments)
        assert result.returncode == 2 and result.stdout == "", result
        assert result.stderr.count("\n") == 1 and result.stderr.startswith("ringload: "), result
        assert "--help" in result.stderr, result
    assert not os.path.exists(place.segments)


main([
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
