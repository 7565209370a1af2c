#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ringstat check: sound, damaged or cannot tell, and nothing else, whatever it is given."""

import os
import random
import struct
import time

from harness import Image, ringstat
from place import main
from programs import Load, loaded
from tap import Skip

SMALL = ("--cores", 2, "--samples", 500, "--slots", 128, "--series", 2, "--mix", "1:1:1")


def judge(*paths):
    """Exit status, and the lines without the path at their start."""
    result = ringstat("check", *paths)
    lines = result.stdout.decode().splitlines()
    assert result.stderr == b"" and len(lines) == len(paths), result
    return result.returncode, [line[len(path) + 2:] for line, path in zip(lines, paths)]


def sound_segments_exit_0(place):
    one = Load(place, "live", *SMALL, "--hold")
    one.totals()
    busy = Load(place, "busy", "--slots", 128, "--cores", 2)
    copy = Image(one.path).save(place.path("copy"))
    dead, _ = loaded(place, "dead", *SMALL)
    assert judge(one.path, busy.path, copy, dead) == (0, ["sound"] * 4)
    assert ringstat("check", "dead", "--dir", place.segments).stdout == b"dead: sound\n"
    one.end()
    busy.end()


def each_damage_exits_1_with_its_reason(place):
    path, _ = loaded(place, "a", *SMALL)
    whole = Image(path)

    def damaged(change):
        image = Image(path)
        change(image)
        return image.save(place.path("damaged"))

    def cut(image):
        del image.data[-1:]

    def write_entry(table, offset):
        return lambda image: image.word(image.get(table) + offset, 2 ** 64 - 1)

    last = whole.core(1)
    for reason, change in (
            ("bad_magic", lambda image: image.word(0, 0)),
            ("bad_geometry", lambda image: image.set("slot_count", 100)),
            ("bad_layout", lambda image: image.set("cores_offset", 2 ** 63)),
            ("bad_identity", lambda image: image.set("name", ord("/"))),
            ("truncated", cut),
            ("bad_counts", lambda image: image.set("series_count", 2 ** 40)),
            ("bad_metric", write_entry("metrics_offset", 0)),
            ("bad_series", write_entry("series_offset", 16)),
            # Beyond header and tables: a write position before the start of the history, one
            # that no ring reaches, and a sample of a series that was never given out.
            ("position_back", lambda image: image.word(last, 2 ** 64 - 1)),
            ("bad_sample", lambda image: image.word(image.slot(1, 499 % 128) + 16, 77)),
            ("bad_sample", lambda image: image.word(image.slot(1, 499 % 128) + 16, 2 << 32))):
        status, (line,) = judge(damaged(change))
        assert status == 1 and line.startswith("damaged: " + reason + " ("), (reason, line)


def what_this_version_cannot_read_exits_2(place):
    path, _ = loaded(place, "a", *SMALL)
    for reason, field, value in (("foreign_endian", "endian_mark", 0x04030201),
                                 ("bad_version", "version_major", 9),
                                 ("bad_features", "features_required", 4)):
        image = Image(path)
        image.set(field, value)
        status, (line,) = judge(image.save(place.path("other")))
        assert status == 2 and line.startswith("cannot tell: " + reason + " ("), (reason, line)


def what_is_no_segment_exits_1(place):
    fifo = os.path.join(place.folder, "fifo")
    os.mkfifo(fifo)
    text = os.path.join(place.folder, "text")
    with open(text, "w", encoding="ascii") as file:
        file.write("hello\n" * 500)
    status, lines = judge(fifo, place.folder, text, "/dev/null")
    assert status == 1
    assert [line.split()[1] for line in lines] == ["not_regular"] * 2 + ["bad_magic", "not_regular"]


def what_cannot_be_read_exits_2(place):
    path, _ = loaded(place, "a", *SMALL)
    link = place.path("link")
    os.symlink("a", link)
    status, lines = judge(path + "_none", link, "/" + "x" * 5000)
    assert status == 2 and all(line.startswith("cannot tell: ") for line in lines), lines


def what_may_not_be_read_exits_2(place):
    path, _ = loaded(place, "a", *SMALL)
    for folder in (place.folder, place.segments):
        os.chmod(folder, 0o755)
    os.chmod(path, 0o600)
    if os.geteuid() != 0:
        raise Skip("only root can become somebody else")
    try:
        result = ringstat("check", path, user=65534, extra_groups=[])
    except PermissionError as error:
        raise Skip("the program itself is out of nobody's reach") from error
    assert result.returncode == 2 and b": cannot tell: forbidden (" in result.stdout, result


def one_line_each_and_damage_outweighs_doubt(place):
    path, _ = loaded(place, "a", *SMALL)
    bad = place.path("evil\n")
    with open(bad, "wb"):
        pass
    result = ringstat("check", path, bad, path + "_none")
    words = [line.split(b": ")[1] for line in result.stdout.splitlines()]
    assert (result.returncode, words) == (1, [b"sound", b"damaged", b"cannot tell"]), result
    assert ringstat("check", path, path + "_none").returncode == 2


def random_damage_never_breaks_the_judge(place):
    """Each round changes words anywhere; every command must end with a status of its own."""
    seed = int(os.environ.get("RING_SEED", time.time_ns() % 10 ** 9))
    print("# RING_SEED=%d" % seed)
    choose = random.Random(seed)
    path, _ = loaded(place, "a", *SMALL)
    whole = Image(path)
    damaged = place.path("damaged")
    end = whole.core(1) + 4096
    for _ in range(150):
        image = Image(path)
        for _ in range(choose.randint(1, 4)):
            at = choose.choice([choose.randrange(0, 512), choose.randrange(512, end)]) & ~3
            struct.pack_into("=I", image.data, at, choose.choice([0, 1, 2 ** 32 - 1,
                                                                  choose.getrandbits(32)]))
        image.save(damaged)
        statuses = [ringstat(*command, damaged).returncode for command in
                    (["check"], ["show", "--json"], ["tail", "--from-start"])]
        assert all(status in (0, 1, 2) for status in statuses), statuses
        # What check calls sound, the others can read.
        assert statuses[0] != 0 or statuses == [0, 0, 0], statuses


main([
    sound_segments_exit_0,
    each_damage_exits_1_with_its_reason,
    what_this_version_cannot_read_exits_2,
    what_is_no_segment_exits_1,
    what_cannot_be_read_exits_2,
    what_may_not_be_read_exits_2,
    one_line_each_and_damage_outweighs_doubt,
    random_damage_never_breaks_the_judge,
])
