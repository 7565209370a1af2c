#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No wrong label value can be passed to a metric set: programs that do are not compiled, as a TAP
test. A number passes in C, where enums are numbers, and is judged when it is recorded.

usage: typed.py INCLUDE_DIR C_COMPILER CPP_COMPILER
"""
import functools
import os
import subprocess
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
import tap

INCLUDE, *COMPILERS = sys.argv[1:]
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
DIALECTS = [("c", ["-std=gnu11"]), ("c++", ["-std=c++17"])]
PROGRAM = """
extern struct ring_writer *writer;
extern struct ring_poll *poll;
extern const struct ring_set *set;
extern const struct ring_command *command;
extern const struct ring_lease *lease;
extern const struct ring_queue_partition *partition;
extern const struct ring_request_table *table;
extern const struct ring_script_command *called;
extern struct ring_conflict_counts *conflicts;
extern struct ring_dispatch_counts *dispatch;
extern struct ring_queue_depth *depth;
extern struct ring_raft_member *member;
extern struct ring_raft_status *status;
extern struct ring_request_report *request;
extern struct ring_script_report *script;
enum another { ANOTHER_S };
void use(void);
void use(void)
{
"""
# Wherever a set takes a label's value, and a right one.
USES = {
    "ring_command_end(writer, command, VALUE, 1);": "RING_COMMAND_ERROR",
    "ring_conflict_count(conflicts, VALUE, 1);": "RING_CONFLICT_READ",
    "ring_dispatch_error(dispatch, VALUE, 1);": "RING_DISPATCH_ABORTED",
    "ring_lease_read(writer, lease, VALUE);": "RING_LEASE_HIT",
    "ring_lsm_observe_mode(poll, set, VALUE);": "RING_LSM_NOSYNC",
    "ring_queue_act(writer, partition, VALUE);": "RING_QUEUE_SEND",
    "ring_queue_count(depth, VALUE, 1);": "RING_QUEUE_DELAYED",
    "status->state = VALUE;": "RING_RAFT_LEADER",
    "member->suffrage = VALUE;": "RING_RAFT_VOTER",
    "request->outcome = VALUE;": "RING_REQUEST_SUCCESS",
    "ring_request_touch(writer, table, VALUE);": "RING_REQUEST_SUCCESS",
    "ring_script_call(writer, called, VALUE);": "RING_SCRIPT_HIT",
    "script->outcome = VALUE;": "RING_SCRIPT_ERROR",
}
# A value, and the languages in which it passes; None is the right one.
VALUES = {None: ["c", "c++"], "1": ["c"], '"hit"': [], "ANOTHER_S": [], "lease": []}


def program(value):
    headers = sorted(os.listdir(os.path.join(INCLUDE, "ring/set")))
    return ("".join(f"#include <ring/set/{header}>\n" for header in headers) + PROGRAM +
            "".join(use.replace("VALUE", value or right) + "\n" for use, right in USES.items()) +
            "}\n")


def judge(compiler, language, flags, value):
    done = subprocess.run(
        [compiler, "-x", language, *flags, *WARNINGS, "-I", INCLUDE, "-fsyntax-only", "-"],
        input=program(value), text=True, check=False, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    wanted = 0 if language in VALUES[value] else len(USES)
    complaints = done.stdout.count(" error: ")
    if complaints != wanted or (done.returncode == 0) != (wanted == 0):
        return f"status {done.returncode}, {complaints} complaints, not {wanted}\n{done.stdout}"
    return ""


tap.report([(f"X7 {value or 'a right value'} "
             f"{'passes' if language in VALUES[value] else 'does not pass'}"
             f" for a label in {language} with {compiler}",
             functools.partial(judge, compiler, language, flags, value))
            for compiler, (language, flags) in zip(COMPILERS, DIALECTS) for value in VALUES])
