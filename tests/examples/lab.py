# SPDX-License-Identifier: MIT
"""What the tests of the examples share: processes in a directory of their own, and TAP."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import traceback

DEADLINE_S = 20


def until(condition, what):
    """Waits until `condition()` is true and returns its value."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"still not after {DEADLINE_S} s: {what}"
        time.sleep(0.01)


class Program:
    """A running process; what it says goes to files."""

    def __init__(self, folder, arguments):
        self.name = os.path.basename(arguments[0])
        self.out, self.err = (os.path.join(folder, f"{self.name}.{x}") for x in ("out", "err"))
        with open(self.out, "w", encoding="utf-8") as out, \
                open(self.err, "w", encoding="utf-8") as err:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=err)

    def said(self):
        with open(self.err, encoding="utf-8") as err:
            return err.read()

    def await_word(self, pattern):
        """Waits for a line on stderr; returns the pattern's first group."""
        def look():
            assert self.process.poll() is None, f"{self.name} ended: {self.said()}"
            return re.search(pattern, self.said())
        return until(look, f"{self.name} says {pattern}")[1]

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        """Ends it by SIGTERM; returns what it printed."""
        self.signal(signal.SIGTERM)
        status = self.process.wait(DEADLINE_S)
        assert status == 0, f"{self.name} ended with {status}: {self.said()}"
        with open(self.out, encoding="utf-8") as out:
            return out.read()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Lab:
    """A directory on tmpfs and the processes in it; both are gone afterwards."""

    def __init__(self, forwarder, exporter):
        self.forwarder_path, self.exporter_path = forwarder, exporter

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="ring-test.", dir="/dev/shm")
        self.segments = os.path.join(self.folder, "ring")
        self.programs = []
        return self

    def __exit__(self, *_):
        for program in reversed(self.programs):
            program.kill()
        shutil.rmtree(self.folder)

    def start(self, *arguments):
        folder = tempfile.mkdtemp(dir=self.folder)
        self.programs.append(Program(folder, [str(a) for a in arguments]))
        return self.programs[-1]

    def forwarder(self, servers, *options, directory=None):
        """Starts a forwarder from channels to server ports; returns it and its own ports."""
        routes = [f"--route={channel}=127.0.0.1:0,127.0.0.1:{port}"
                  for channel, port in servers.items()]
        program = self.start(self.forwarder_path, "--segment", "forwarder", "--dir",
                             directory or self.segments, *routes, *options)
        return program, {channel: int(program.await_word(rf"{channel}: listening on .* (\d+)\n"))
                         for channel in servers}

    def scrape(self):
        """One exposition, as {series line: value}."""
        done = subprocess.run([self.exporter_path, "--once", "--log.level", "error",
                               "--dir", self.segments],
                              stdout=subprocess.PIPE, text=True, check=True, timeout=DEADLINE_S)
        return {series: float(value) for series, value in
                (line.rsplit(" ", 1) for line in done.stdout.splitlines() if line[0] != "#")}

    def count(self, metric, **labels):
        """The sum over the series of `metric` that have these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(value for series, value in self.scrape().items()
                   if series.startswith(metric + "{") and all(w in series for w in wanted))


def totals_of(forwarder):
    return json.loads(forwarder.end())


def run(tests, *lab_arguments):
    """Runs test functions, each in a lab of its own, and reports in TAP."""
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        verdict, reason = "ok", ""
        try:
            with Lab(*lab_arguments) as lab:
                test(lab)
        except Exception:  # whatever it is, it is this test's failure and not the next one's
            verdict, reason = "not ok", traceback.format_exc()
        print(f"{verdict} {number} - {test.__name__}", flush=True)
        for line in reason.splitlines():
            print("#", line)
