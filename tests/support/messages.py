# SPDX-License-Identifier: MIT
"""A page of metrics in protobuf, read as strictly as the format allows: every field is known, is
there once unless it repeats, and is spelled as short as it can be.

Messages are dicts by the names of metrics.proto; a field that repeats is a list.
"""
import math
import os
import re
import struct

from exposition import Family, Sample, check_family, check_names
import exposition

PROTO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics.proto")
FIELD = re.compile(r"(optional|repeated) (\w+) (\w+) = (\d+)(?: \[packed = true\])?;")
VARINT, FIXED64, BYTES = 0, 1, 2
WIRES = {"double": FIXED64, "string": BYTES}  # and messages; numbers are varints
ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})


def schema_of(path):
    """Of each message its fields by number, and the words of the enumeration."""
    messages, words, fields = {}, {}, {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            begin, field = re.match(r"message (\w+)", line), FIELD.search(line)
            if begin:
                fields = messages.setdefault(begin[1], {})
            elif field:
                fields[int(field[4])] = (field[1] == "repeated", field[2], field[3])
            elif word := re.match(r"  ([A-Z]+) = (\d+);", line):
                words[int(word[2])] = word[1]
    return messages, words


MESSAGES, WORDS = schema_of(PROTO)


def varint(data, at):
    """(the number, where it ends)"""
    value, first = 0, at
    while data[at] & 0x80:
        value |= (data[at] & 0x7f) << 7 * (at - first)
        at += 1
    assert at == first or data[at], "a number longer than it must be"
    return value | data[at] << 7 * (at - first), at + 1


def number(kind, value):
    if kind.startswith("sint"):
        return value >> 1 ^ -(value & 1)
    assert value < 1 << 63 or kind == "uint64", (kind, value)
    return WORDS[value] if kind == "MetricType" else value


def numbers(kind, data):
    found, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        found.append(number(kind, value))
    return found


def value_of(kind, wire, data, at):
    """(a field's value, where it ends)"""
    if wire == FIXED64:
        return struct.unpack_from("<d", data, at)[0], at + 8
    value, at = varint(data, at)
    if wire == VARINT:
        return number(kind, value), at
    end = at + value
    assert end <= len(data), "a field beyond its message"
    if kind == "string":
        return data[at:end].decode(), end
    return message(kind, data[at:end]) if kind in MESSAGES else numbers(kind, data[at:end]), end


def message(name, data):
    """A message, whole."""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        repeats, kind, field = MESSAGES[name][tag >> 3]
        packed = repeats and kind not in MESSAGES
        wanted = BYTES if packed or kind in MESSAGES else WIRES.get(kind, VARINT)
        assert tag & 7 == wanted, (name, field)
        value, at = value_of(kind, tag & 7, data, at)
        if repeats and not packed:
            found.setdefault(field, []).append(value)
            continue
        assert field not in found, (name, field)
        found[field] = value
    return found


def families_of(page):
    """All families, and the bytes of each."""
    found, at = [], 0
    while at < len(page):
        size, at = varint(page, at)
        assert at + size <= len(page), "a family beyond the page"
        found.append((message("MetricFamily", page[at:at + size]), page[at:at + size]))
        at += size
    return found


def spelled(value):
    """A number as it might stand on a page of text."""
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == int(value) and abs(value) < 1 << 53:
        return ("-" if math.copysign(1, value) < 0 else "") + str(abs(int(value)))
    return repr(value)


def samples_of(name, metric):
    """The lines that text has for it, and what its labels are."""
    labels = tuple((one["name"], one["value"].translate(ESCAPES)) for one in metric.get("label", []))
    kinds = [kind for kind in ("gauge", "counter", "histogram") if kind in metric]
    assert len(kinds) == 1, metric
    value = metric[kinds[0]]
    if kinds[0] != "histogram":
        return labels, [Sample(name, labels, spelled(value["value"]))]
    samples = [Sample(f"{name}_bucket", labels + (("le", exposition.canonical(
        one["upper_bound"])),), str(one["cumulative_count"])) for one in value["bucket"]]
    return labels, samples + [Sample(f"{name}_sum", labels, spelled(value["sample_sum"])),
                              Sample(f"{name}_count", labels, str(value["sample_count"]))]


def buckets_of(histogram, side):
    """What native buckets of one sign hold, by their indexes; spans and deltas fit together."""
    found, index, count = {}, 0, 0
    deltas = iter(histogram.get(f"{side}_delta", []))
    for number_of, span in enumerate(histogram.get(f"{side}_span", [])):
        assert number_of == 0 or span["offset"] > 0, "two spans that are one"
        index += span["offset"]
        for _ in range(span["length"]):
            count += next(deltas)
            assert count > 0, "an empty bucket"
            found[index] = count
            index += 1
    assert next(deltas, None) is None, "more buckets than spans"
    return found


def check_native(histogram):
    """Native buckets hold what the count says, but for what is no number."""
    if "schema" not in histogram:
        return
    assert -4 <= histogram["schema"] <= 8 and histogram["zero_threshold"] > 0, histogram
    sides = [buckets_of(histogram, side) for side in ("positive", "negative")]
    assert any(sides) or "positive_span" in histogram, "not told from a classic one"
    total = sum(sum(side.values()) for side in sides) + histogram["zero_count"]
    if math.isnan(histogram["sample_sum"]):
        assert total <= histogram["sample_count"], histogram
    else:
        assert total == histogram["sample_count"], histogram
    assert sum(map(len, sides)) <= 160, histogram


def check_start(value):
    start = value.get("created_timestamp")
    assert start is None or (start["seconds"] > 0 and start["nanos"] < 10 ** 9), value


def read(page):
    """(families as of a page of text, metrics by name and labels) of a page that breaks no rule."""
    families, metrics = [], {}
    for found, _ in families_of(page):
        name, samples = found["name"], []
        assert found.get("metric") and "type" in found, found
        for metric in found["metric"]:
            labels, more = samples_of(name, metric)
            samples += more
            assert found["type"].lower() in metric, metric
            metrics[name, labels] = value = metric[found["type"].lower()]
            check_start(value)
            if found["type"] == "HISTOGRAM":
                check_native(value)
        families.append(Family(name, found["type"].lower(), None,
                               found["help"].replace("\\", "\\\\").replace("\n", "\\n"), samples))
    check_names(families, False)
    for family in families:
        check_family(family, False)
    return families, metrics
