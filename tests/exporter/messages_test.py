#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tests' own reader of protobuf takes and refuses."""
import struct
import sys

sys.path.append(sys.path[0] + "/../support")
import messages
import tap


def varint(value):
    return bytes([value & 0x7f | 0x80]) + varint(value >> 7) if value > 0x7f else bytes([value])


def zigzag(value):
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def field(number, value):
    """Of a number, a double, text, or a message or packed numbers that are bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(*fields):
    return b"".join(field(number, value) for number, value in fields)


def family(kind, *metric, name="a", more=b""):
    body = message((1, name), (2, "Help."), (3, kind), (4, message(*metric))) + more
    return varint(len(body)) + body


def span(offset, length):
    return field(1, 2 * offset if offset >= 0 else -2 * offset - 1) + field(2, length)


def histogram(count=6, total=4.5, buckets=((1, 1.0), (6, float("inf"))), zero=1,
              spans=((-3, 2), (2, 1)), deltas=(2, -1, 1), more=b""):
    body = message((1, count), (2, total), *((3, message((1, held), (2, bound)))
                                             for held, bound in buckets),
                   (5, 6), (6, 2.0 ** -128), (7, zero), *((12, span(*one)) for one in spans),
                   (13, b"".join(map(zigzag, deltas))))
    return family(4, (7, body + more))


COUNTER = family(0, (1, message((1, "x"), (2, "1"))), (3, message((1, 5.0))))
SOUND = COUNTER + histogram().replace(b"\x0a\x01a", b"\x0a\x01h", 1)
START = message((15, message((1, 1700000000), (2, 5))))
FAULTS = {
    "a page that breaks off": SOUND[:-1],
    "a field that nobody knows": family(0, (3, message((1, 5.0), (9, 1)))),
    "a field of another kind": family(0, (3, message((1, 5)))),
    "a field twice": family(0, (3, message((1, 5.0), (1, 5.0)))),
    "a number longer than it must be": bytes([COUNTER[0] + 1]) + COUNTER[1:].replace(
        b"\x18\x00", b"\x18\x80\x00"),
    "a family twice": COUNTER + COUNTER,
    "a family without metrics": varint(3) + field(1, "a"),
    "a metric of another type": family(1, (3, message((1, 5.0)))),
    "a metric that is two things": family(0, (2, message((1, 5.0))), (3, message((1, 5.0)))),
    "a counter below zero": family(0, (3, message((1, -5.0)))),
    "a bucket that falls": histogram(buckets=((7, 1.0), (6, float("inf")))),
    "a last bucket that is not the count": histogram(buckets=((1, 1.0), (5, float("inf")))),
    "no last bucket": histogram(buckets=((6, 1.0),)),
    "native buckets that are too few": histogram(deltas=(2, -1, 0)),
    "native buckets that are too many": histogram(zero=2),
    "an empty native bucket": histogram(deltas=(2, -2, 3)),
    "spans that are longer than what there is": histogram(spans=((-3, 2), (2, 2))),
    "spans that are shorter": histogram(spans=((-3, 2),)),
    "two spans that are one": histogram(spans=((-3, 2), (0, 1))),
    "a native histogram without spans": histogram(0, 0.0, ((0, float("inf")),), 0, (), ()),
    "a start that is none": histogram(more=message((15, message((1, 0), (2, 5))))),
}


def refused(page):
    def case():
        try:
            messages.read(page)
        except (AssertionError, ValueError, LookupError, struct.error, StopIteration):
            return None
        return "it is taken"
    return case


def sound_pages_are_taken():
    assert messages.read(b"") == ([], {})
    families, metrics = messages.read(SOUND)
    assert [one.name for one in families] == ["a", "h"]
    assert metrics["a", (("x", "1"),)] == {"value": 5.0}
    assert messages.buckets_of(metrics["h", ()], "positive") == {-3: 2, -2: 1, 1: 2}
    messages.read(histogram(more=START))
    messages.read(histogram(7, float("nan"), ((1, 1.0), (7, float("inf")))))
    messages.read(histogram(0, 0.0, ((0, float("inf")),), 0, ((0, 0),), ()))


tap.report([(sound_pages_are_taken.__name__, sound_pages_are_taken)]
           + [("refuses " + what, refused(page)) for what, page in FAULTS.items()])
