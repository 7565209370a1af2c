#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pages in protobuf: what they say is what the text says, to anybody's reader.

usage: protobuf_e2e.py RING_EXPORTER RINGLOAD ODD_WRITER
"""
import os
import re
import struct
import time

from harness import totals_of_seg
from place import main, run
from programs import Exporter, Messages
import exposition
import messages

SEED = int(os.environ.get("RING_SEED", "20240229"))
ROUNDS, SEGMENTS = 10, 3
ACCEPT = ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
          "encoding=delimited")
ESCAPE = re.compile(r"\\(?:([0-7]{3})|(.))")
LETTERS = {"n": "\n", "r": "\r", "t": "\t"}


def body_of(exporter):
    status, headers, body = exporter.get(Accept=ACCEPT)
    assert (status, headers["Content-Type"]) == (200, ACCEPT.replace(";", "; ")), headers
    return body


def plain(quoted):
    """What protoc has in quotes, byte by byte."""
    def byte(escape):
        return chr(int(escape[1], 8)) if escape[1] else LETTERS.get(escape[2], escape[2])
    return ESCAPE.sub(byte, quoted[1:-1]).encode("latin-1").decode()


def decoded(family):
    """A family as protoc reads it: the same dict that messages.py makes of it."""
    done = run("protoc", "--decode=io.prometheus.client.MetricFamily",
               f"--proto_path={os.path.dirname(messages.PROTO)}", messages.PROTO, input=family)
    assert done.returncode == 0, done
    found = [("MetricFamily", {})]
    for line in done.stdout.decode("latin-1").splitlines():
        words = line.strip()
        if words == "}":
            found.pop()
            continue
        name, opens = re.match(r"(\w+)(?:: .*| (\{))$", words).groups()
        repeats, kind, _ = next(field for field in messages.MESSAGES[found[-1][0]].values()
                                if field[2] == name)
        value = {} if opens else value_of(kind, words.partition(": ")[2])
        if repeats:
            found[-1][1].setdefault(name, []).append(value)
        else:
            found[-1][1][name] = value
        if opens:
            found.append((kind, value))
    return found[0][1]


def value_of(kind, word):
    if kind == "string":
        return plain(word)
    return word if kind == "MetricType" else float(word) if kind == "double" else int(word)


def start_of(value):
    start = value.get("created_timestamp", {"seconds": 0, "nanos": 0})
    return start["seconds"] * 10 ** 9 + start["nanos"]


def odd_segments(place, seed):
    os.makedirs(place.segments, exist_ok=True)
    for index in range(SEGMENTS):
        done = run("odd_writer", place.segments, f"odd{index}", seed * SEGMENTS + index)
        assert done.returncode == 0, done


def still(families):
    """The values of data planes that are gone, which stand still."""
    return {(name, labels): repr(float(value))
            for (name, labels), value in exposition.series_of(families).items()
            if not name.startswith(("ring_", "process_"))}


def odd_pages_say_what_the_text_says_to_protoc_too(place):
    for seed in range(SEED, SEED + ROUNDS):
        odd_segments(place, seed)
        exporter = Exporter(place)
        body = body_of(exporter)
        text, page = exporter.page(), Messages(body)
        assert len(still(text.families)) > 20, seed
        assert still(page.families) == still(text.families), seed
        assert [(one.name, one.type, one.help) for one in page.families] == \
            [(one.name, one.type, one.help) for one in text.families], seed
        if seed == SEED:
            for ours, family in messages.families_of(body):
                assert repr(decoded(family)) == repr(ours), (ours, decoded(family))
        exporter.end()
        for name in os.listdir(place.segments):
            os.unlink(place.path(name))


def counters_start_with_the_segment_and_the_exporter(place):
    totals_of_seg(place, "--samples", 1000)
    with open(place.path("seg"), "rb") as file:
        created, = struct.unpack_from("=Q", file.read(512), 176)
    started = time.time()
    exporter = Exporter(place)
    page = Messages(body_of(exporter))
    starts = {name: start_of(value) for (name, _), value in page.metrics.items()
              if name.endswith(("_total", "_seconds"))}
    assert starts["load_events_total"] == starts["load_latency_seconds"] == created
    assert starts["ring_samples_written_total"] == created
    assert started <= starts["ring_exporter_drain_passes_total"] / 1e9 <= time.time()
    assert starts["process_cpu_seconds_total"] == starts["ring_exporter_drain_passes_total"]


def unit_is_the_openmetrics_one(place):
    totals_of_seg(place, "--samples", 1000)
    exporter = Exporter(place)
    units = {family["name"]: family.get("unit")
             for family, _ in messages.families_of(body_of(exporter))}
    assert units["load_latency_seconds"] == "seconds"
    assert units["load_events_total"] is None


print(f"# RING_SEED={SEED}")
main([
    odd_pages_say_what_the_text_says_to_protoc_too,
    counters_start_with_the_segment_and_the_exporter,
    unit_is_the_openmetrics_one,
])
