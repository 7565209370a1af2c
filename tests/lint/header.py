#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles each public header alone, in C11 and in C++17, as a TAP test.

usage: header.py INCLUDE_DIR C_COMPILER CPP_COMPILER
"""
import functools
import os
import subprocess
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
import tap

INCLUDE, *COMPILERS = sys.argv[1:]

HEADERS = sorted(os.path.relpath(os.path.join(folder, name), os.path.join(INCLUDE, "ring"))
                 for folder, _, names in os.walk(os.path.join(INCLUDE, "ring")) for name in names)
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wundef", "-Werror"]
# The clock of record.h is POSIX, which a strict -std=c11 hides; C++ compilers show it always.
DIALECTS = [("c", ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wstrict-prototypes",
                   "-Wmissing-prototypes"]),
            ("c++", ["-std=c++17", "-Wpedantic"])]


def complaints(compiler, language, flags, header):
    # Twice, for the sake of the include guard.
    done = subprocess.run(
        [compiler, "-x", language, *flags, *WARNINGS, "-I", INCLUDE, "-fsyntax-only", "-"],
        input=f"#include <ring/{header}>\n" * 2, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode and f"status {done.returncode}\n" + done.stdout


tap.report([(f"{header}_stands_alone_in_{language}_for_{compiler}",
             functools.partial(complaints, compiler, language, flags, header))
            for compiler, (language, flags) in zip(COMPILERS, DIALECTS)
            for header in HEADERS])
