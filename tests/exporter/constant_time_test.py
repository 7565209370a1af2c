#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Comparing tokens takes no branch and reads no address that depends on a secret: memcheck, to
which the secret is undefined memory, has nothing to report. What it says of memcmp shows that it
would.

usage: constant_time_test.py CONSTANT_TIME
"""
import re
import shutil
import subprocess
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
import tap


def reports(way):
    """How many errors memcheck has seen."""
    if not shutil.which("valgrind"):
        raise tap.Skip("valgrind is not installed")
    done = subprocess.run(["valgrind", "--tool=memcheck", "--leak-check=no", sys.argv[1], way],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=100, check=False)
    assert done.returncode == 0 and done.stdout == "found\n", done
    return int(re.search(r"ERROR SUMMARY: (\d+) errors", done.stderr)[1]), done.stderr


def X1_digests_are_compared_in_constant_time():
    count, said = reports("digests")
    return said if count else None


def X1_token_is_hashed_and_compared_in_constant_time():
    count, said = reports("token")
    return said if count else None


def memcmp_would_be_seen():
    assert reports("memcmp")[0] > 0


tap.report([(test.__name__, test) for test in (
    X1_digests_are_compared_in_constant_time, X1_token_is_hashed_and_compared_in_constant_time,
    memcmp_would_be_seen)])
