#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles each public header alone, in C11 and in C++17, as a TAP test.

usage: header.py INCLUDE_DIR C_COMPILER CPP_COMPILER
"""
import os
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wundef", "-Werror"]
# The clock of record.h is POSIX, which a strict -std=c11 hides; C++ compilers show it always.
DIALECTS = [("c", ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wstrict-prototypes",
                   "-Wmissing-prototypes"]),
            ("c++", ["-std=c++17", "-Wpedantic"])]


def main():
    include, *compilers = sys.argv[1:]
    headers = sorted(os.listdir(os.path.join(include, "ring")))
    print(f"1..{len(headers) * len(DIALECTS)}")
    for compiler, (language, flags) in zip(compilers, DIALECTS):
        for header in headers:
            # Twice, for the sake of the include guard.
            done = subprocess.run(
                [compiler, "-x", language, *flags, *WARNINGS, "-I", include, "-fsyntax-only", "-"],
                input=f"#include <ring/{header}>\n" * 2, text=True, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            verdict = "ok" if done.returncode == 0 else "not ok"
            print(f"{verdict} - {header}_stands_alone_in_{language}_for_{compiler}")
            for line in done.stdout.splitlines():
                print("#", line)


if __name__ == "__main__":
    main()
