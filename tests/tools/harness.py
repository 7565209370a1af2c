# SPDX-License-Identifier: MIT
"""What the tests of the tools share: ringstat's answers, and segment files to be damaged."""

import json
import struct
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
from place import Program, run


def ringstat(*arguments, **options):
    """Runs to the end; the result has returncode, stdout and stderr as bytes."""
    return run("ringstat", *arguments, **options)


def ringstat_json(*arguments):
    result = ringstat(*arguments, "--json")
    assert (result.returncode, result.stderr) == (0, b""), result
    return json.loads(result.stdout)


def follow(place, *arguments):
    """A ringstat in the background."""
    return Program(place, "ringstat", *arguments)


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
              "core_stride": (104, "=Q"), "control_offset": (112, "=Q"), "name": (192, "=B"),
              "cell_capacity": (48, "=I"),
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
        """Offset of the core's control lines."""
        return (self.get("cores_offset") + core * self.get("core_stride") +
                self.get("control_offset"))

    def slot(self, core, index):
        return self.core(core) + 2 * 4096 + 24 * index

    def cell(self, core, series):
        """Offset of the series' first tally cell."""
        entry = self.get("series_offset") + 32 * series
        cell = struct.unpack_from("=I", self.data, entry + 20)[0]
        return self.core(core) + 8 * (cell - self.get("cell_capacity"))

    def labels(self, series):
        """Offset of the series' packed label values."""
        entry = self.get("series_offset") + 32 * series
        return self.get("heap_offset") + struct.unpack_from("=I", self.data, entry + 8)[0]

    def save(self, path):
        with open(path, "wb") as file:
            file.write(self.data)
        return path
