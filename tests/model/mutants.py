#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Breaks the ring protocol on purpose and demands that the model checker notices.

Each mutant is a copy of the real headers with a few exact replacements, compiled
into the checker. It is caught if the checker breaks off with the promise named here;
a checker that does not compile, crashes or hits a limit has caught nothing.

usage: mutants.py INCLUDE_DIR MODEL_DIR COMPILER...
"""

import concurrent.futures
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
import tap

TORN = "a sample kept is torn, or another one's"
LOST = "an intact sample is dropped"
LOST_AT_REST = "the ring is at rest and an intact sample is dropped"
LEFT = "the ring is at rest and an intact sample is left behind"
NO_ROOM = "more kept than there was room for"
AHEAD = "the cursor is ahead of write_pos"
OVERWRITTEN = "the cursor stands where samples are overwritten already"
BEHIND = "a tally is behind its samples"
UNPUBLISHED = "the writer left a sample unpublished"

RING = "ring.h"
RECORD = "record.h"

WRITER_FENCE = "\tring_fence_release();\n"
PUBLICATION = "\tring_store_release(write_pos, pos);\n"
READER_FENCE = "\tring_fence_acquire();\n"
COPY = "\tfor (size_t i = 0; i < count; i++) {\n"
EARLY_CHECK = "if (batch.written - cursor > reach)"
RE_CHECK = "const uint64_t written = ring_load_acquire(write_pos);"
PUT = "\tring_put(&slots[pos & writer->slot_mask], writer->now_ns, value, key);\n"
PUT_PUBLICATION = "\t\tring_publish(&core->write_pos, next);\n"
POSITION_KEPT = "\twriter->write_pos = next;\n"
GAUGE_STORE = "\tring_store_relaxed(&cells[0], bits);\n"
COUNTER_STORE = "\tring_store_relaxed(&cells[cell], total);\n"
COUNTER_PUT = "\tring_writer_put(writer, total, counter.key);\n"
GAUGE_PUT = "\tring_writer_put(writer, bits, gauge.key);\n"
BUCKET_ADD = "\tring_cell_add(&cells[1 + bucket], 1);\n"
HISTOGRAM_PUT = "\tring_writer_put(writer, ring_bits_of(value), histogram.key);\n"

# Name, the promise that breaks, then (header, code, what stands there instead).
MUTANTS = [
    ("writer_that_resumes_without_fence", TORN, (RING, "\tring_publish(write_pos, pos);\n", "")),
    ("missing_writer_fence", TORN, (RING, WRITER_FENCE, "")),
    ("writer_fence_before_publication", TORN,
     (RING, WRITER_FENCE, ""), (RING, PUBLICATION, WRITER_FENCE + PUBLICATION)),
    ("relaxed_publication", TORN,
     (RING, "ring_store_release(write_pos, pos)", "ring_store_relaxed(write_pos, pos)")),
    ("relaxed_first_load_of_write_pos", TORN,
     (RING, "batch.written = ring_load_acquire(", "batch.written = ring_load_relaxed(")),
    ("missing_reader_fence", TORN, (RING, READER_FENCE, "")),
    ("reader_fence_before_copy", TORN,
     (RING, READER_FENCE, ""), (RING, COPY, READER_FENCE + COPY)),
    ("missing_re_check", TORN, (RING, RE_CHECK, "const uint64_t written = batch.written;")),
    ("relaxed_re_check", BEHIND,
     (RING, RE_CHECK, "const uint64_t written = ring_load_relaxed(write_pos);")),
    ("window_one_too_wide", TORN,
     (RING, "written - begin - reach;", "written - begin - reach - 1;")),
    ("window_one_too_narrow", LOST,
     (RING, "written - begin - reach;", "written - begin - reach + 1;")),
    ("missing_early_check", LOST_AT_REST, (RING, EARLY_CHECK, "if (0)")),
    ("early_check_one_too_late", LEFT,
     (RING, EARLY_CHECK, "if (batch.written - cursor > reach + 1)")),
    ("early_check_one_too_wide", LEFT,
     (RING, "batch.written - cursor - reach;", "batch.written - cursor - reach - 1;")),
    ("burst_ignored_by_reader", TORN, (RING, "slot_count - burst_max;", "slot_count - 1;")),
    ("whole_ring_taken_for_intact", OVERWRITTEN, (RING, "slot_count - burst_max;", "slot_count;")),
    ("copy_from_cursor", TORN, (RING, "slots[(begin + i)", "slots[(cursor + i)")),
    ("reader_mask_one_too_wide", TORN, (RING, "(slot_count - 1)]", "slot_count]")),
    ("torn_samples_kept_in_front", TORN, (RING, "batch.first = torn;", "batch.first = 0;")),
    ("torn_samples_not_counted", OVERWRITTEN, (RING, "batch.dropped += torn;", "")),
    ("torn_samples_kept_at_the_end", NO_ROOM,
     (RING, "batch.kept = count - torn;", "batch.kept = count;")),
    ("slack_beyond_write_pos", AHEAD, (RING, "- reach / 2;", "+ reach / 2;")),
    ("missing_slack", OVERWRITTEN, (RING, "- reach / 2;", "- (written - begin - count);")),
    ("publication_before_put", TORN,
     (RECORD, PUT, ""), (RECORD, PUT_PUBLICATION, "{" + PUT_PUBLICATION + PUT + "} else" + PUT)),
    ("position_published_one_late", TORN,
     (RECORD, PUT_PUBLICATION, PUT_PUBLICATION.replace("next", "pos"))),
    ("position_not_kept", TORN, (RECORD, POSITION_KEPT, "")),
    ("burst_too_long", TORN,
     (RECORD, "writer->burst_mask = writer->burst_mask_max;",
      "writer->burst_mask = writer->burst_mask_max * 2 + 1;")),
    ("burst_never_ended", UNPUBLISHED, (RECORD, "if (writer->burst_mask != 0)", "if (0)")),
    ("writer_mask_one_too_narrow", TORN,
     (RECORD, "pos & writer->slot_mask", "pos & writer->slot_mask >> 1")),
    ("counter_tally_after_its_sample", BEHIND,
     (RECORD, COUNTER_STORE, ""), (RECORD, COUNTER_PUT, COUNTER_PUT + COUNTER_STORE)),
    ("gauge_tally_after_its_sample", BEHIND,
     (RECORD, GAUGE_STORE, ""), (RECORD, GAUGE_PUT, GAUGE_PUT + GAUGE_STORE)),
    ("histogram_tally_after_its_sample", BEHIND,
     (RECORD, BUCKET_ADD, ""), (RECORD, HISTOGRAM_PUT, HISTOGRAM_PUT + BUCKET_ADD)),
]


def mutate(include_dir, changes):
    """Applies the changes to a copy of the headers; each must match exactly once."""
    for header, code, instead in changes:
        path = include_dir / "ring" / header
        source = path.read_text()
        if source.count(code) != 1:
            raise ValueError(f"{header} has {source.count(code)} times: {code.strip()}")
        path.write_text(source.replace(code, instead))


def check(mutant, include_dir, model_dir, compiler):
    """Returns what is wrong with the checker's verdict on one mutant, or None."""
    name, promise, *changes = mutant
    with tempfile.TemporaryDirectory(prefix="ring-mutant-") as scratch:
        scratch = pathlib.Path(scratch)
        shutil.copytree(include_dir, scratch / "include")
        mutate(scratch / "include", changes)
        subprocess.run(
            [*compiler, "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-w",
             '-DRING_ATOMIC_HOOKS="model_atomic.h"', "-I", model_dir, "-I", scratch / "include",
             *sorted(model_dir.glob("*.c")), "-o", scratch / "model"],
            check=True)
        run = subprocess.run([scratch / "model"], stdout=subprocess.PIPE, text=True, timeout=120)
    if run.returncode == 0:
        return "survives"
    verdicts = [line for line in run.stdout.splitlines() if line.endswith(": " + promise)]
    if run.returncode != 1 or not verdicts:
        return f"status {run.returncode}, and not for the reason expected:\n{run.stdout}"
    return None


def main():
    include_dir, model_dir = map(pathlib.Path, sys.argv[1:3])
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        tap.report([(mutant[0] + "_is_caught",
                     pool.submit(check, mutant, include_dir, model_dir, sys.argv[3:]).result)
                    for mutant in MUTANTS])


main()
