# SPDX-License-Identifier: MIT
"""Real ringload and ringstat processes, a directory of their own, and TAP."""

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback

RINGSTAT, RINGLOAD = sys.argv[1:3]
DEADLINE_S = 20

started = []  # processes of the running test, for the case that it fails half-way


def start(command):
    """A process in the background, with its output as text."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    started.append(process)
    return process


def wait_until(condition, what):
    """Asks again and again until the condition holds."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain until " + what


class Load:
    """A running ringload, with its segment up."""

    def __init__(self, place, name, *arguments):
        self.process = start([RINGLOAD, "--dir", place, "--name", name, *arguments])
        self.start = json.loads(self.process.stdout.readline())
        self.path = os.path.join(place, name)

    def totals(self):
        """What it recorded, as soon as it is done with writing."""
        return json.loads(self.process.stdout.readline())

    def end(self, how=signal.SIGTERM):
        """Ends it if it still runs; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode


def written(totals):
    return sum(core["written"] for core in totals["cores"])


def load(place, name, *arguments):
    """A ringload that has come and gone: (path, totals)."""
    one = Load(place, name, *arguments)
    totals = one.totals()
    assert one.end() == 0
    return one.path, totals


def ringstat(*arguments, **options):
    """Runs to the end; the result has returncode, stdout and stderr as bytes."""
    return subprocess.run([RINGSTAT] + [str(a) for a in arguments], timeout=DEADLINE_S,
                          capture_output=True, check=False, **options)


def ringstat_json(*arguments):
    result = ringstat(*arguments, "--json")
    assert (result.returncode, result.stderr) == (0, b""), result
    return json.loads(result.stdout)


def follow(*arguments):
    """A ringstat in the background."""
    return start([RINGSTAT, *arguments])


def rest_of(process):
    """Waits for the end; returns what has not been read yet of stdout, and stderr."""
    output, messages = process.stdout.read(), process.stderr.read()
    process.wait(timeout=DEADLINE_S)
    return output, messages


def values(document):
    """The totals of a `show --json`, in the form in which ringload prints its own."""
    found = {}
    for metric in document["metrics"]:
        by_channel = found[metric["name"]] = {}
        for series in metric["series"]:
            if metric["kind"] == "histogram":
                value = {"count": series["count"], "sum": series["sum"]}
                assert series["buckets"][-1] == {"le": "+Inf", "count": series["count"]}
            else:
                value = series["value"]
            if value is not None:
                by_channel[series["labels"]["channel"]] = value
    return found


def totals_of(line):
    """The same part of ringload's line."""
    return {name: line[name] for name in line if name.startswith("load_")}


class Image:
    """A segment file to be changed byte by byte; offsets as in docs/segment-format.md."""

    HEADER = {"endian_mark": (8, "=I"), "version_major": (12, "=H"), "core_count": (28, "=I"),
              "features_required": (20, "=I"), "slot_count": (32, "=I"),
              "segment_bytes": (56, "=Q"), "metrics_offset": (72, "=Q"),
              "series_offset": (80, "=Q"), "heap_offset": (88, "=Q"), "cores_offset": (96, "=Q"),
              "core_stride": (104, "=Q"), "slots_offset": (112, "=Q"), "name": (192, "=B"),
              "metric_count": (256, "=Q"), "series_count": (264, "=Q")}

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = bytearray(file.read())

    def get(self, field):
        offset, code = self.HEADER[field]
        return struct.unpack_from(code, self.data, offset)[0]

    def set(self, field, value):
        offset, code = self.HEADER[field]
        struct.pack_into(code, self.data, offset, value)

    def word(self, offset, value):
        struct.pack_into("=Q", self.data, offset, value)

    def core(self, core):
        return self.get("cores_offset") + core * self.get("core_stride")

    def slot(self, core, index):
        return self.core(core) + self.get("slots_offset") + 24 * index

    def cell(self, core, series):
        """Offset of the series' first tally cell."""
        entry = self.get("series_offset") + 32 * series
        return self.core(core) + 256 + 8 * struct.unpack_from("=I", self.data, entry + 20)[0]

    def labels(self, series):
        """Offset of the series' packed label values."""
        entry = self.get("series_offset") + 32 * series
        return self.get("heap_offset") + struct.unpack_from("=I", self.data, entry + 8)[0]

    def save(self, path):
        with open(path, "wb") as file:
            file.write(self.data)
        return path


def main(tests):
    """Runs each test in a fresh directory and prints TAP."""
    print("1..%d" % len(tests))
    failed = 0
    for number, test in enumerate(tests, 1):
        place = tempfile.mkdtemp(prefix="ring-test-", dir="/dev/shm")
        try:
            skip = test(place)
            print("ok %d - %s%s" % (number, test.__name__, " # SKIP " + skip if skip else ""))
        except Exception:  # a failing test must not keep the others from running
            failed += 1
            print("not ok %d - %s" % (number, test.__name__))
            print("# " + traceback.format_exc().replace("\n", "\n# "))
        finally:
            while started:
                process = started.pop()
                process.kill()
                process.communicate()
            shutil.rmtree(place)
        sys.stdout.flush()
    sys.exit(failed != 0)
