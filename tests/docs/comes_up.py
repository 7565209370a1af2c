#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a server until it says that it is up, and ends it. Status 0: it came up and ended well, or
had nothing to wait for; else what it said is on stderr.

usage: comes_up.py PATTERN COMMAND...
"""
import re
import signal
import subprocess
import sys
import threading

DEADLINE_S = 10

PATTERN, COMMAND = sys.argv[1], sys.argv[2:]
with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                      errors="replace") as server:
    timer = threading.Timer(DEADLINE_S, server.kill)
    timer.start()
    said = []
    for line in server.stdout:
        said.append(line)
        if re.search(PATTERN, line):
            server.send_signal(signal.SIGINT)
    server.wait()
    timer.cancel()
if server.returncode not in (0, -signal.SIGINT, 128 + signal.SIGINT):
    print(f"{COMMAND}: status {server.returncode}: {''.join(said)}", file=sys.stderr)
    sys.exit(1)
