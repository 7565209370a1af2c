# SPDX-License-Identifier: MIT
"""Installs libring into a folder and uses it as a stranger would: pkg-config, C and C++, shared
and static. The C program is the one in the README."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(sys.argv[1])
BUILD = sys.argv[2]
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
	options.metrics = &def;
	options.metric_count = 1;
	ring_segment *segment;
	if (ring_segment_create(&segment, &options) != 0) {
		std::fprintf(stderr, "%s\\n", ring_error());
		return 1;
	}
	ring_writer *writer = ring_writer_claim(segment, RING_CORE_ANY);
	ring_tick(writer);
	ring_gauge_set(writer, ring_gauge_resolve(segment, "fwd_level", nullptr), 0.5);
	ring_segment_close(segment);
}
"""


def run(command, **keywords):
    return subprocess.run(command, check=True, text=True, capture_output=True, **keywords)


class Stage:
    """A staged installation and a folder for segments."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", folder])
        self.pc = next(self.folder.rglob("libring.pc")).parent
        self.library = next(self.folder.rglob("libring.so")).parent
        self.segments = self.folder / "segments"
        # The .pc file names the final prefix; the sysroot moves it into the stage.
        self.environment = dict(os.environ, PKG_CONFIG_PATH=str(self.pc), RING_DIR=str(self.segments),
                                PKG_CONFIG_SYSROOT_DIR=folder, LD_LIBRARY_PATH=str(self.library))

    def flags(self, *options):
        text = run(["pkg-config", *options, "libring"], env=self.environment).stdout
        # Dependencies live outside the stage.
        return [flag.replace(f"{self.folder}{self.folder}", str(self.folder)) for flag in shlex.split(text)]

    def build_and_run(self, compiler, suffix, text, static=False):
        source = self.folder / f"program{suffix}"
        program = self.folder / "program"
        source.write_text(text)
        libraries = self.flags("--libs", "--static") if static else self.flags("--libs")
        if static:
            libraries = [str(self.library / "libring.a") if flag == "-lring" else flag for flag in libraries]
        run([*compiler, "-Wall", "-Wextra", "-Werror", str(source), "-o", str(program),
             *self.flags("--cflags"), *libraries])
        run([str(program)], env=self.environment)


def readme_program():
    return re.search(r"```c\n(.*?)```", (SOURCE / "README.md").read_text(), re.S).group(1)


def readme_program_builds_and_makes_a_segment(stage):
    stage.build_and_run(["cc"], ".c", readme_program())
    assert (stage.segments / "fwd").is_file()


def readme_program_builds_with_the_static_library(stage):
    stage.build_and_run(["cc"], ".c", readme_program(), static=True)
    assert b"libring" not in subprocess.run(["ldd", str(stage.folder / "program")], check=True,
                                            capture_output=True).stdout


def program_in_cxx17_builds_and_makes_a_segment(stage):
    stage.build_and_run(["c++", "-std=c++17"], ".cc", CXX_PROGRAM)
    assert (stage.segments / "cxx").is_file()


def shared_library_exports_what_the_headers_declare_and_nothing_else(stage):
    symbols = run(["nm", "-D", "--defined-only", "--format=posix", str(stage.library / "libring.so")]).stdout
    exported = {line.split()[0] for line in symbols.splitlines()}
    declared = set()
    for header in (SOURCE / "libring/include/ring").glob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        text = re.sub(r"static inline[^;{]*", "", text)
        declared |= set(re.findall(r"^[a-z][^;{}()#]*?\b(ring_\w+)\([^;{}]*\);", text, re.M))
    assert exported == declared, exported ^ declared


TESTS = [
    readme_program_builds_and_makes_a_segment,
    readme_program_builds_with_the_static_library,
    program_in_cxx17_builds_and_makes_a_segment,
    shared_library_exports_what_the_headers_declare_and_nothing_else,
]


def main():
    folder = tempfile.mkdtemp(prefix="ring-install-", dir="/dev/shm")
    failed = 0
    print(f"1..{len(TESTS)}")
    try:
        stage = Stage(folder)
        for number, test in enumerate(TESTS, 1):
            try:
                test(stage)
                print(f"ok {number} - {test.__name__}")
            except (AssertionError, subprocess.CalledProcessError) as error:
                failed += 1
                print(f"not ok {number} - {test.__name__}")
                print(f"# {error} {getattr(error, 'stderr', '')}".replace("\n", "\n# "))
    finally:
        shutil.rmtree(folder)
    return failed > 0


sys.exit(main())
