# SPDX-License-Identifier: MIT
"""A place of its own for each test: a directory on tmpfs and the programs that run around it.

The command line gives the paths of the programs that are tested; they are started by name.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import tap

DEADLINE_S = 40
PATHS = {os.path.basename(path): path for path in sys.argv[1:] if os.path.isfile(path)}


def wait_until(condition, what):
    """Asks again and again until the condition holds; returns its value."""
    end = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < end, f"still not after {DEADLINE_S} s: {what}"
        time.sleep(0.01)
    return value


def command_line(program, *arguments):
    return [PATHS.get(program, program),
            *(a if isinstance(a, bytes) else str(a) for a in arguments)]


def run(*command, **options):
    """Runs to the end; the result has returncode, stdout and stderr, as bytes unless told."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(command_line(*command), check=False, timeout=DEADLINE_S, **options)


class Place:
    """The folder, which is there, and in it a directory for segments, which is not there yet."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="ring-test-", dir="/dev/shm")
        self.segments = os.path.join(self.folder, "ring")
        self.started = []
        return self

    def __exit__(self, *_):
        for program in reversed(self.started):
            program.kill()
            program.wait()
        shutil.rmtree(self.folder)

    def path(self, name):
        """Of a segment, or of what else shall be among the segments."""
        return os.path.join(self.segments, name)


class Program(subprocess.Popen):
    """A running program: its stdout is a pipe to read from; what it says on stderr is kept."""

    def __init__(self, place, *command, **options):
        stderr, self.messages = tempfile.mkstemp(prefix="stderr-", dir=place.folder)
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "text": True, **options}
        try:
            super().__init__(command_line(*command), stderr=stderr, **options)
        finally:
            os.close(stderr)
        place.started.append(self)

    def said(self):
        with open(self.messages, encoding="utf-8", errors="replace") as messages:
            return messages.read()

    def await_word(self, pattern):
        """Waits until it says the pattern; returns the match."""
        def look():
            assert self.poll() is None, f"{self.args} ended: {self.said()}"
            return re.search(pattern, self.said())
        return wait_until(look, f"{self.args} says {pattern}")

    def end(self, how=signal.SIGTERM):
        """Ends it if it still runs; returns the exit status."""
        self.send_signal(how)
        return self.wait(DEADLINE_S)

    def rest(self):
        """Waits for its end; returns what has not been read yet of stdout, and all of stderr."""
        output = self.stdout.read()
        self.wait(DEADLINE_S)
        return output, self.said()


def main(tests, at_once=1):
    """Runs test functions, each in a new place; several at once where they mostly wait."""
    # A test that is told to end, as by meson at its timeout, still leaves nothing behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def case(test):
        def in_a_new_place():
            with Place() as place:
                test(place)
        return test.__name__, in_a_new_place
    tap.report([case(test) for test in tests], at_once)
