#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the benchmark `tracepoint` in an LTTng session of its own, as bench.py runs programs.

usage: tracepoint.py BUILD [OPTION]...

The session overwrites, as for snapshots. Its daemon belongs to nobody else and is gone at the end;
since root's one would be the machine's, root runs all of this as another user.
"""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LAST_EVENT = b"alsample"  # the value of the last event; see peers/lttng.c
NOBODY = 65534
DEADLINE_S = 20


def skip(reason):
    print(json.dumps({"bench": "tracepoint", "case": "counter", "skipped": reason}))
    sys.exit(0)


def lttng(*arguments, tries=1):
    for left in reversed(range(tries)):
        done = subprocess.run(["lttng", "--no-sessiond", *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, timeout=DEADLINE_S)
        if done.returncode == 0:
            return
        if left == 0:
            sys.exit(f"tracepoint.py: lttng {' '.join(arguments)}: {done.stdout.strip()}")
        time.sleep(0.05)


def trace(command, folder):
    lttng("create", "bench", "--snapshot", f"--output={folder}/trace", tries=100)
    lttng("enable-channel", "--userspace", "--overwrite", "samples")
    lttng("enable-event", "--userspace", "--channel=samples", "ring_bench:sample")
    lttng("start")
    result = subprocess.run(command, check=False).returncode
    lttng("stop")
    lttng("snapshot", "record")
    lttng("destroy", "bench")
    streams = [name for name in glob.glob(f"{folder}/trace/**", recursive=True)
               if os.path.isfile(name) and os.path.basename(name).startswith("samples")]
    for name in streams:
        with open(name, "rb") as file:
            if LAST_EVENT in file.read():
                return result
    sys.exit("tracepoint.py: the last event is not in the snapshot")


def main():
    command = [os.path.join(sys.argv[1], "tests", "bench", "tracepoint"), *sys.argv[2:]]
    if not os.path.exists(command[0]):
        skip("needs liblttng-ust-dev")
    if not shutil.which("lttng-sessiond"):
        skip("needs lttng-tools")
    folder = tempfile.mkdtemp(prefix="ring-bench-", dir="/dev/shm")
    if os.getuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    os.environ["LTTNG_HOME"] = folder
    os.environ["LTTNG_UST_REGISTER_TIMEOUT"] = str(1000 * DEADLINE_S)
    daemon = subprocess.Popen(["lttng-sessiond", "--no-kernel", "--quiet"], start_new_session=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        sys.exit(trace(command, folder))
    finally:
        daemon.terminate()  # it ends its consumers
        try:
            daemon.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            os.killpg(daemon.pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
