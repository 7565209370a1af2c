#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page on metric sets has what the headers of the sets declare, between <!-- set: NAME --> and
<!-- end of NAME -->, and has it of each of them.

usage: metric_sets_test.py PAGE HEADERS METRIC_SETS [--write]
"""
import functools
import os
import re
import subprocess
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
import tap

PAGE, HEADERS, METRIC_SETS = sys.argv[1:4]
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


def main():
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    if sys.argv[4:] == ["--write"]:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(as_declared(page))
        return
    tap.report([(f"X13 the page has the set {name} as its header declares it",
                 functools.partial(differences, page, name))
                for name in sorted(name[:-2] for name in os.listdir(HEADERS))])


main()
