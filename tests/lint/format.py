#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds every C file against .clang-format and every script against shellcheck, as TAP.

usage: format.py ROOT
"""
import shutil
import subprocess
import sys

import tidy


def main():
    root = sys.argv[1]
    tree = tidy.Tree(root)
    sources = [path for path, _ in tree.c()]
    scripts = [path for path, lines in tree.of(r".*") if lines[0] == "#!/usr/bin/env bash"]
    checks = [("every_c_file_is_as_clang_format_would_have_it",
               ["clang-format", "--dry-run", "-Werror", *sources]),
              ("every_script_satisfies_shellcheck", ["shellcheck", "--format=gcc", *scripts])]

    print(f"1..{len(checks)}")
    for number, (name, command) in enumerate(checks, 1):
        if not shutil.which(command[0]):
            print(f"ok {number} - {name} # SKIP no {command[0]}")
            continue
        done = subprocess.run(command, cwd=root, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print("ok" if done.returncode == 0 else "not ok", number, "-", name)
        for line in done.stdout.splitlines():
            if not line[0].isspace():  # clang-format shows the code below each complaint
                print("#", line)


if __name__ == "__main__":
    main()
