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
import struct
import subprocess
import sys
import tempfile
import time

# The value of the last event, and the number of the others in a stretch and of their keys; see
# peers/lttng.c and RECORDING_COUNT.
LAST_EVENT, STRETCH, KEYS = b"alsample", 8192, 64
EVENT_BYTES = 20
EVENT_REACH = 64  # bytes from one event to the next
PACKET_REACH = 1 << 13  # and with the end of one packet and the head of the next between
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


def count_events(data):
    """How many there are in sequence before the last one, without one missing; 0 if that is not
    there. What came before was overwritten."""
    count, number, at = 0, STRETCH - 1, data.rfind(LAST_EVENT)
    while at >= 0:
        event = struct.pack("<QQ", number, number % KEYS)
        before = data.rfind(event, max(at - EVENT_REACH, 0), at)
        if before < 0:
            before = data.rfind(event, max(at - PACKET_REACH, 0), at)
        if before < 0:
            break
        count, number, at = count + 1, (number - 1) % STRETCH, before
    return count


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
            data = file.read()
        # Twenty bytes each; the rest is unused: parts of packets, and the one last begun.
        if count_events(data) * EVENT_BYTES > len(data) / 2:
            return result
    sys.exit("tracepoint.py: the events are not in the snapshot, one after the other to the last")


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
