# SPDX-License-Identifier: MIT
"""Installs libring into a folder and uses it as a stranger would: pkg-config, C and C++, shared
and static. The programs are those in the README, docs/metric-sets.md, docs/polling.md and
docs/state-sets.md, which promise to be C and C++17, and to run where no segment can be made."""

import os
import re
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
from alertmanager import free_port
from place import main, run
from stage import SOURCE, Stage, output_of

# With -Wextra g++ wants even designated initializers complete.
LANGUAGES = ((["cc", "-Wextra"], ".c"), (["c++", "-std=c++17"], ".cc"),
             (["clang++", "-std=c++17"], ".cc"))
CXX_PROGRAM = """
#include <ring/read.h>
#include <ring/segment.h>
#include <cstdio>
int main()
{
	ring_metric_def def = {};
	def.name = "fwd_level";
	def.help = "A level.";
	def.kind = RING_GAUGE;
	ring_options options = {};
	options.name = "cxx";
	options.core_count = 1;
	static const char *const states[] = {"idle", "busy", nullptr};
	ring_metric_def defs[] = {def, {}};
	defs[1].name = "fwd_mode";
	defs[1].help = "What it does.";
	defs[1].kind = RING_STATESET;
	defs[1].merge = RING_LAST;
	defs[1].states = states;
	options.metrics = defs;
	options.metric_count = 2;
	ring_segment *segment;
	if (ring_segment_create(&segment, &options) != 0) {
		std::fprintf(stderr, "%s\\n", ring_error());
		return 1;
	}
	ring_writer *writer = ring_writer_claim(segment, RING_CORE_ANY);
	ring_tick(writer);
	ring_gauge_set(writer, ring_gauge_resolve(segment, "fwd_level", nullptr), 0.5);
	ring_state_set(writer, ring_state_resolve(segment, "fwd_mode", nullptr), 1);
	ring_segment_close(segment);
}
"""


def program_in(document):
    return re.search(r"```c\n(.*?)```", (SOURCE / document).read_text(), re.S).group(1)


def goes_on_without_a_segment(stage, program):
    done = run(program, env={**stage.environment, "RING_DIR": "/proc/nowhere"}, text=True)
    assert done.returncode == 0 and done.stderr.count("\n") == 1, done


def readme_program_builds_and_makes_a_segment(place):
    stage = Stage(place)
    for compiler, suffix in LANGUAGES:
        program = stage.build_and_run(compiler, suffix, program_in("README.md"))
        os.remove(place.path("fwd"))
        goes_on_without_a_segment(stage, program)


def readme_program_builds_with_the_static_library(place):
    program = Stage(place).build_and_run(["cc", "-Wextra"], ".c", program_in("README.md"),
                                         static=True)
    assert "libring" not in output_of("ldd", program)


def replication_program_builds_and_makes_a_segment(place):
    stage = Stage(place)
    for compiler, suffix in LANGUAGES:
        program = stage.build_and_run(compiler, suffix, program_in("docs/metric-sets.md"))
        with open(place.path("store"), "rb") as segment:
            text = segment.read()
        assert b"\x08payments" in text and b"\x09replica-1" in text
        os.remove(place.path("store"))
        goes_on_without_a_segment(stage, program)


def X8_program_with_a_polled_source_builds_and_shows_what_the_page_says(place):
    stage = Stage(place)
    exporter = next(stage.folder.rglob("ring-exporter"))
    line = re.search(r"^queue_sent_total{.*\n", (SOURCE / "docs/polling.md").read_text(),
                     re.M).group()
    for compiler, suffix in LANGUAGES:
        program = stage.build_and_run(compiler, suffix, program_in("docs/polling.md"))
        assert line in output_of(exporter, "--once", "--dir", place.segments,
                                 env=stage.environment)
        os.remove(place.path("broker"))
        goes_on_without_a_segment(stage, program)


def X12_program_with_a_state_set_builds_and_shows_what_the_page_says(place):
    stage = Stage(place)
    exporter = next(stage.folder.rglob("ring-exporter"))
    lines = re.search(r"^raft_role{.*?(?=^```)", (SOURCE / "docs/state-sets.md").read_text(),
                      re.S | re.M).group()
    for compiler, suffix in LANGUAGES:
        program = stage.build_and_run(compiler, suffix, program_in("docs/state-sets.md"))
        assert lines in output_of(exporter, "--once", "--dir", place.segments,
                                  env=stage.environment)
        os.remove(place.path("raft"))
        goes_on_without_a_segment(stage, program)


def replication_commands_show_a_lag_that_grows_into_a_warning(place):
    document = (SOURCE / "docs/replication.md").read_text()
    commands = re.search(r"^```\n(.*?)^```$", document, re.S | re.M).group(1)
    text = Stage(place).run_commands(commands, free_port())
    assert 'replication_lag_seqno{follower="replica-1"} 1\n' in text, text
    severity, node = re.search(r'(replication_follower_severity.*"warning"} 1)\n(?:.*\n)*?({.*})',
                               text).groups()
    assert 'follower="replica-1"' in severity and '"severity":"warning"' in node, text


def program_in_cxx17_builds_and_makes_a_segment(place):
    Stage(place).build_and_run(["c++", "-std=c++17", "-Wextra"], ".cc", CXX_PROGRAM)
    assert os.path.isfile(place.path("cxx"))


def shared_library_exports_what_the_headers_declare_and_nothing_else(place):
    symbols = output_of("nm", "-D", "--defined-only", "--format=posix",
                  Stage(place).library / "libring.so")
    exported = {line.split()[0] for line in symbols.splitlines()}
    declared = set()
    for header in (SOURCE / "libring/include/ring").glob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        text = re.sub(r"static inline[^;{]*", "", text)
        declared |= set(re.findall(r"^[a-z][^;{}()#]*?\b(ring_\w+)\([^;{}]*\);", text, re.M))
    assert exported == declared, exported ^ declared


main([
    readme_program_builds_and_makes_a_segment,
    readme_program_builds_with_the_static_library,
    replication_program_builds_and_makes_a_segment,
    X8_program_with_a_polled_source_builds_and_shows_what_the_page_says,
    X12_program_with_a_state_set_builds_and_shows_what_the_page_says,
    replication_commands_show_a_lag_that_grows_into_a_warning,
    program_in_cxx17_builds_and_makes_a_segment,
    shared_library_exports_what_the_headers_declare_and_nothing_else,
])
