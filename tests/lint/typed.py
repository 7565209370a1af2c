#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No wrong label value can be passed to a metric set: programs that do are not compiled, as a TAP
test. A number passes in C, where enums are numbers, and is judged when it is recorded.

usage: typed.py INCLUDE_DIR C_COMPILER CPP_COMPILER
"""
import functools
import subprocess
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
import tap

INCLUDE, *COMPILERS = sys.argv[1:]
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
DIALECTS = [("c", ["-std=gnu11"]), ("c++", ["-std=c++17"])]
PROGRAM = """
#include <ring/set/leases.h>
#include <ring/set/queues.h>
#include <ring/set/requests.h>
void record(struct ring_writer *writer, const struct ring_lease *lease,
            const struct ring_queue_partition *partition, struct ring_queue_depth *depth);
void record(struct ring_writer *writer, const struct ring_lease *lease,
            const struct ring_queue_partition *partition, struct ring_queue_depth *depth)
{
	ring_queue_count(depth, RING_QUEUE_DELAYED, 1);
	ring_queue_act(writer, partition, RING_QUEUE_SEND);
	ring_lease_read(writer, lease, %s);
}
"""
# A value, and the languages in which it passes.
VALUES = {"RING_LEASE_HIT": ["c", "c++"], "1": ["c"], '"hit"': [], "RING_QUEUE_SEND": [],
          "RING_REQUEST_SUCCESS": [], "partition": []}


def judge(compiler, language, flags, value):
    done = subprocess.run(
        [compiler, "-x", language, *flags, *WARNINGS, "-I", INCLUDE, "-fsyntax-only", "-"],
        input=PROGRAM % value, text=True, check=False, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    passes = language in VALUES[value]
    complaints = done.stdout.count(" error: ")
    if passes and done.returncode or not passes and complaints != 1:
        return f"status {done.returncode}, {complaints} complaints\n{done.stdout}"
    return ""


tap.report([(f"X7 {value} {'passes' if language in VALUES[value] else 'does not pass'} for a lease's "
             f"outcome in {language} with {compiler}",
             functools.partial(judge, compiler, language, flags, value))
            for compiler, (language, flags) in zip(COMPILERS, DIALECTS) for value in VALUES])
