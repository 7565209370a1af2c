#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the benchmark programs, prints the table of rows.py and judges it.

usage: bench.py [--rounds N] [--only BENCH]... [--brief] [--json FILE] [--markdown FILE] BUILD

BUILD is a build directory. A program prints JSON lines; see bench.h. What it measures counts only
if it ends well: it has then checked every result. The exit status is 1 if a program failed, a
target was missed or a figure is not there, else 3 if the machine was too disturbed to judge some
row, else 0; what lacks a peer or cores says so and is no failure.
"""
import argparse
import collections
import json
import os
import re
import statistics
import subprocess
import sys
import time

from rows import ROWS

WIDTH = max(len(row.what) for row in ROWS)
NEAR_NS = 100  # rounds with two cores further apart do not count; as DUO_NEAR_NS in duo.h

NEAR_ROUNDS = 3

# More preemptions than this, and what ran was not the program alone. On one core there are up to a
# hundred and twenty in a quiet run. Those that spin on two, or wait for the kernel to free what they
# had, meet others more often: up to eighty times a second. A rival for a core makes it hundreds.
PREEMPTED_MAX = 200
PREEMPTED_MAX_PER_S = 150
PREEMPTED_BY_TIME = {"reader", "jitter", "cores", "rate", "curves", "process"}

# A slope of less than this part of what each one takes on average is taken for that much: the
# figures that it is the difference of are no better.
SLOPE_MIN = 0.1

# A row without a reader is what others are divided by, so one that is slow hides a miss. It is
# slow if its rounds are, beside its own best one, or beside the same loop in `record`.
BASE_MAX = 1.15
SAME_LOOP = {("reader", "single", "no reader"): ("record", "counter", "ring"),
             ("reader", "bursts", "no reader"): ("record", "counter", "ring, bursts of 32")}

# Of one row: its figures and what to think of them.
Result = collections.namedtuple("Result", "row ours peer value verdict")


PROGRAM = re.compile(r"bench_(\w+)")
# Files here, run with the build directory and options.
SCRIPTS = {"tracepoint": "tracepoint.py", "process": "process.py"}


def programs_of(build):
    """What there is to run, by name: command lines."""
    folder = os.path.join(build, "tests", "bench")
    found = {match[1]: [os.path.join(folder, match[0])]
             for match in map(PROGRAM.fullmatch, sorted(os.listdir(folder))) if match}
    for name, script in SCRIPTS.items():
        found[name] = [sys.executable, os.path.join(sys.path[0], script), build]
    return found


def run(command, arguments):
    """The lines it printed and whether it ended well."""
    done = subprocess.run(command + arguments, stdout=subprocess.PIPE, text=True, check=False)
    well = done.returncode == 0
    return [json.loads(line) for line in done.stdout.splitlines()] if well else [], well


def relate(row, ours, peer, rounds):
    """Round by round, so that a slow phase of the machine meets both; then the median."""
    if row.relation == "value":
        return statistics.median(ours["rounds"][i] for i in rounds)
    pairs = [(ours["rounds"][i], peer["rounds"][i]) for i in rounds]
    if row.relation == "difference":
        return statistics.median(a - b for a, b in pairs)
    return statistics.median(a / b for a, b in pairs)


def rounds_near(distance, count):
    """The rounds that began and ended with the two cores as near as those of one processor are. A
    virtual machine's may be elsewhere for minutes; what they share then takes five times as long."""
    if not distance:
        return range(count)
    is_near = [ns <= NEAR_NS for ns in distance["rounds"][:count]]
    return [i for i in range(len(is_near)) if is_near[i] and is_near[min(i + 1, len(is_near) - 1)]]


def disturbances(machines):
    """Why a program's rows are worth nothing, by program."""
    reasons = {}
    for name, machine in machines.items():
        most = PREEMPTED_MAX
        if name in PREEMPTED_BY_TIME:
            most = max(most, PREEMPTED_MAX_PER_S * machine["seconds"])
        if machine["preempted"] > most:
            reasons[name] = f"disturbed: {machine['preempted']} preemptions"
    return reasons


def slow_base(row, measured):
    """Why a row cannot be held against its base; None if it can."""
    base = row.peer in SAME_LOOP and measured.get(row.peer)
    if not base:
        return None
    median = statistics.median(base["rounds"])
    rival = measured.get(SAME_LOOP[row.peer])
    least = min(base["rounds"] + ([statistics.median(rival["rounds"])] if rival else []))
    return f"disturbed: base {median / least:.2f} x its best" if median > BASE_MAX * least else None


def points(measured):
    """The curves: by case, (size, line) of each point, the smallest first."""
    curves = collections.defaultdict(list)
    for (name, case, who), line in measured.items():
        if name == "curves" and who.isdigit():
            curves[case].append((int(who), line))
    return {case: sorted(curve, key=lambda point: point[0]) for case, curve in curves.items()}


def add_slopes(measured):
    """What one more costs between neighbouring points. A point's figure is per ring, segment or
    series and so holds a share of what is there once; a difference does not. Of the medians, since
    a round's own difference may be mostly noise."""
    for case, curve in points(measured).items():
        for (few, less), (many, more) in zip(curve, curve[1:]):
            cost = [statistics.median(line["rounds"]) * size
                    for size, line in ((few, less), (many, more))]
            slope = max((cost[1] - cost[0]) / (many - few), SLOPE_MIN * cost[1] / many)
            measured["curves", case, f"{few} to {many}"] = {
                "bench": "curves", "case": case, "who": f"{few} to {many}", "unit": less["unit"],
                "rounds": [slope]}


def judge(row, measured, skipped, disturbed=None):
    ours = measured.get(row.ours)
    peer = row.peer and measured.get(row.peer)
    if not ours or (row.peer and not peer):
        reason = skipped.get(row.ours[:2]) or (row.peer and skipped.get(row.peer[:2]))
        if not reason:
            missing = row.ours if not ours else row.peer
            reason = (f"needs {row.package}" if ours and row.package
                      else f"no figure of {missing[2]}")
        return Result(row, ours, peer, None, reason)
    count = min(len(line["rounds"]) for line in (ours, peer) if line)
    distance = measured.get((*row.ours[:2], "core to core"))
    near = rounds_near(distance, count)
    value = relate(row, ours, peer, near or range(count))
    reason = (disturbed or {}).get(row.ours[0]) or slow_base(row, measured)
    if reason:
        return Result(row, ours, peer, value, reason)
    if row.target is None:
        return Result(row, ours, peer, value, "reported")
    if len(near) < min(count, NEAR_ROUNDS):
        return Result(row, ours, peer, value, f"not judged: cores {figure(distance)} apart")
    met = value >= row.target if row.least else value <= row.target
    return Result(row, ours, peer, value, "met" if met else "MISSED")


def figure(line):
    return f"{statistics.median(line['rounds']):.4g} {line['unit']}" if line else "-"


def related(result):
    if result.value is None:
        return "-"
    unit = "x" if result.row.relation == "ratio" else result.ours["unit"]
    return f"{result.value:.3g} {unit}"


def limit(row, unit):
    if row.target is None:
        return ""
    return f"{'>=' if row.least else '<='} {row.target:g} {'x' if row.relation == 'ratio' else unit}"


def print_table(results):
    group = None
    for result in results:
        row = result.row
        if row.group != group:
            group = row.group
            print(f"\n{group:{WIDTH}} {'ours':>12} {'peer':>12} {'result':>11}   target")
        unit = result.ours["unit"] if result.ours else ""
        print(f"{row.what:{WIDTH}} {figure(result.ours):>12} {figure(result.peer):>12} "
              f"{related(result):>11}   {limit(row, unit):10} {result.verdict}")


def print_curves(measured):
    """Every point, per ring, segment or series."""
    for case, curve in points(measured).items():
        figures = ", ".join(f"{size}: {statistics.median(line['rounds']):.4g}"
                            for size, line in curve)
        print(f"{case}, {curve[0][1]['unit']} each: {figures}")


def write_curves(measured, file):
    if not points(measured):
        return
    print("\n### Every point of the curves\n\n| | by size, for each one |\n|---|---|", file=file)
    for case, curve in points(measured).items():
        figures = ", ".join(f"{size}: {statistics.median(line['rounds']):.4g}"
                            for size, line in curve)
        print(f"| {case}, {curve[0][1]['unit']} | {figures} |", file=file)


def write_markdown(results, file):
    """The table as docs/performance.md has it."""
    group = None
    for result in results:
        row = result.row
        if row.group != group:
            group = row.group
            print(f"\n### {group}\n\n| | ours | peer | result | target | |\n|---|---|---|---|---|---|",
                  file=file)
        unit = result.ours["unit"] if result.ours else ""
        verdict = f"**{result.verdict}**" if result.verdict == "MISSED" else result.verdict
        print(f"| {row.what} | {figure(result.ours)} | {figure(result.peer)} | {related(result)} "
              f"| {limit(row, unit)} | {verdict} |", file=file)


def print_machine(machines, measured):
    print(f"{'bench':12} {'clock GHz':>10} {'noise %':>8} {'stolen ms':>10} {'preempted':>10}")
    for name, machine in machines.items():
        clock, noise = (measured.get((name, "machine", who)) for who in
                        ("core clock", "empty stretch: worst over median"))
        print(f"{name:12} {figure(clock).split()[0]:>10} {figure(noise).split()[0]:>8} "
              f"{machine['stolen_ms']:>10} {machine['preempted']:>10}")
    for machine in list(machines.values())[:1]:
        print("{processor}, {cores} cores, {kernel}; {compiler}; governor {governor}".format(**machine))


def as_json(results, machines, measured):
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machines,
        "rows": [{"group": r.row.group, "what": r.row.what, "relation": r.row.relation,
                  "value": r.value, "target": r.row.target, "verdict": r.verdict,
                  "ours": r.ours and statistics.median(r.ours["rounds"]),
                  "peer": r.peer and statistics.median(r.peer["rounds"])} for r in results],
        "measurements": list(measured.values()),
    }


def options():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n")[2][7:])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", action="append")
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    parser.add_argument("build")
    return parser.parse_args()


def measure(programs, arguments):
    """Runs them one after another: (measurements, skipped cases, machines, failed programs)."""
    measured, skipped, machines, failed = {}, {}, {}, []
    for name, command in programs.items():
        print(f"bench.py: {name}", file=sys.stderr, flush=True)
        lines, well = run(command, arguments)
        if not well:
            failed.append(name)
            continue
        for line in lines:
            if "machine" in line:
                machines[line["bench"]] = line["machine"]
            elif "skipped" in line:
                skipped[line["bench"], line["case"]] = line["skipped"]
            else:
                measured[line["bench"], line["case"], line["who"]] = line
    add_slopes(measured)
    return measured, skipped, machines, failed


def main():
    chosen = options()
    programs = programs_of(chosen.build)
    for name in chosen.only or ():
        if name not in programs:
            sys.exit(f"bench.py: {name}: not one of {', '.join(programs)}")
    programs = {name: programs[name] for name in chosen.only or programs}
    arguments = ["--brief"] * chosen.brief
    if chosen.rounds:
        arguments += ["--rounds", str(chosen.rounds)]
    measured, skipped, machines, failed = measure(programs, arguments)
    disturbed = disturbances(machines)
    results = [judge(row, measured, skipped, disturbed) for row in ROWS
               if row.ours[0] in programs and row.ours[0] not in failed]
    print_machine(machines, measured)
    print_table(results)
    print_curves(measured)
    if chosen.json:
        with open(chosen.json, "w", encoding="utf-8") as file:
            json.dump(as_json(results, machines, measured), file, indent=1)
    if chosen.markdown:
        with open(chosen.markdown, "w", encoding="utf-8") as file:
            write_markdown(results, file)
            write_curves(measured, file)
    for name in failed:
        print(f"bench.py: {name}: failed, so that nothing it measured counts", file=sys.stderr)
    def count(verdict):
        return sum(result.verdict.startswith(verdict) for result in results)
    # A figure that should be there and is not is as bad as a miss; a peer or core that is not is not.
    lost = count("no figure")
    print(f"\n{count('met')} targets met, {count('MISSED')} missed, {count('not judged')} not judged"
          f", {count('disturbed')} disturbed, {lost} without a figure")
    if failed or count("MISSED") or lost or not results:
        sys.exit(1)
    sys.exit(3 if count("disturbed") or count("not judged") else 0)


if __name__ == "__main__":
    main()
