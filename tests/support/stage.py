# SPDX-License-Identifier: MIT
"""libring and its programs, installed into a folder and used from there as a stranger would.

The command line gives the paths of the source and of the build.
"""
import os
import pathlib
import shlex
import sys

from place import run

SOURCE, BUILD = map(pathlib.Path, sys.argv[1:3])


def output_of(*command, **options):
    """Of a program that ends well."""
    done = run(*command, text=True, **options)
    assert done.returncode == 0, done
    return done.stdout


class Stage:
    """An installation staged in a folder, and the programs built with it."""

    def __init__(self, place):
        self.folder = pathlib.Path(place.folder)
        output_of("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", place.folder)
        pc_file = next(self.folder.rglob("libring.pc"))
        self.library = next(self.folder.rglob("libring.so")).parent
        # The .pc file names the final prefix; the sysroot moves it into the stage.
        self.environment = dict(os.environ, PKG_CONFIG_PATH=str(pc_file.parent),
                                PKG_CONFIG_SYSROOT_DIR=place.folder, RING_DIR=place.segments,
                                LD_LIBRARY_PATH=str(self.library))

    def flags(self, *options):
        text = output_of("pkg-config", *options, "libring", env=self.environment)
        # Dependencies live outside the stage.
        twice = f"{self.folder}{self.folder}"
        return [flag.replace(twice, str(self.folder)) for flag in shlex.split(text)]

    def build_and_run(self, compiler, suffix, text, static=False):
        source = self.folder / f"program{suffix}"
        program = self.folder / "program"
        source.write_text(text)
        libraries = self.flags("--libs", "--static") if static else self.flags("--libs")
        if static:
            libraries = [self.library / "libring.a" if flag == "-lring" else flag
                         for flag in libraries]
        output_of(*compiler, "-Wall", "-Werror", source, "-o", program,
                  *self.flags("--cflags"), *libraries)
        output_of(program, env=self.environment)
        return program

    def run_commands(self, text, port):
        """What a document's commands print, with the exporter on this port, and not for longer."""
        exporter = f"setpriv --pdeathsig TERM ring-exporter --web.listen-address=127.0.0.1:{port}"
        programs = next(self.folder.rglob("ring-exporter")).parent
        return output_of("bash", "-euc",
                         text.replace("10750", str(port)).replace("ring-exporter", exporter),
                         cwd=SOURCE, env={**self.environment, "TMPDIR": self.folder,
                                          "PATH": f"{programs}:{os.environ['PATH']}"})
