#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page on metric sets has what the headers of the sets declare, between <!-- set: NAME --> and
<!-- end of NAME -->, and has it of each of them. Their names pass Prometheus' linter.

usage: metric_sets_test.py PAGE HEADERS METRIC_SETS RING_EXPORTER [--write]
"""
import functools
import os
import re
import subprocess
import sys
import tempfile

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
import tap

PAGE, HEADERS, METRIC_SETS, RING_EXPORTER = sys.argv[1:5]
PART = re.compile(r"(<!-- set: (\w+) -->\n)(.*?)(\n<!-- end of \2 -->)", re.S)


def declared(name):
    return subprocess.run([METRIC_SETS, name], check=True, text=True, stdout=subprocess.PIPE).stdout


def as_declared(page):
    return PART.sub(lambda part: part[1] + declared(part[2]) + part[4], page)


def differences(page, name):
    found = [part for part in PART.finditer(page) if part[2] == name]
    if len(found) != 1:
        return f"has {len(found)} parts on it"
    if found[0][3] != declared(name):
        return "is not what the header declares: meson compile -C BUILD metric-sets writes it"
    return ""


def what_promtool_says_of_all_names():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder, subprocess.Popen(
            [METRIC_SETS, "--dir", folder], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE) as plane:
        names = plane.stdout.read().split()
        page = subprocess.run([RING_EXPORTER, "--once", "--dir", folder], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        plane.stdin.close()
    missing = [name for name in names if f"\n# TYPE {name} " not in page]
    lint = subprocess.run(["promtool", "check", "metrics"], check=False, text=True, input=page,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if len(names) < 60 or missing or plane.returncode or lint.returncode:
        return f"{len(names)} names, not on the page: {missing}\n{lint.stdout}"
    return lint.stdout


def main():
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    if sys.argv[5:] == ["--write"]:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(as_declared(page))
        return
    cases = [(f"X13 the page has the set {name} as its header declares it",
              functools.partial(differences, page, name))
             for name in sorted(name[:-2] for name in os.listdir(HEADERS))]
    tap.report(cases + [("X13 promtool has nothing to say of any name",
                         what_promtool_says_of_all_names)])


main()
