#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds every C file against .clang-format and every script against shellcheck, as TAP.

usage: format.py ROOT
"""
import functools
import shutil
import subprocess
import sys

import tidy
from tap import Skip, report

ROOT = sys.argv[1]


def complaints(program, *arguments):
    if not shutil.which(program):
        raise Skip("no " + program)
    done = subprocess.run([program, *arguments], cwd=ROOT, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    # clang-format shows the code below each complaint.
    lines = [line for line in done.stdout.splitlines() if not line[0].isspace()]
    return done.returncode and f"status {done.returncode}\n" + "\n".join(lines)


tree = tidy.Tree(ROOT)
sources = [path for path, _ in tree.c()]
scripts = [path for path, lines in tree.of(r".*") if lines[0] in ("#!/usr/bin/env bash", "#!/bin/sh")]
report([("every_c_file_is_as_clang_format_would_have_it",
         functools.partial(complaints, "clang-format", "--dry-run", "-Werror", *sources)),
        ("every_script_satisfies_shellcheck",
         functools.partial(complaints, "shellcheck", "--format=gcc", *scripts))])
