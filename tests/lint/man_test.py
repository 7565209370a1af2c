#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The man pages, as a TAP test: whether they are sound, and say what the programs say.

usage: man_test.py SOURCE_FOLDER RING_EXPORTER PAGE...
"""
import os
import re
import subprocess
import sys
import tempfile

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
import tap

FOLDER, EXPORTER, *PAGES = sys.argv[1:]


def source(page):
    with open(os.path.join(FOLDER, page + ".scd"), encoding="utf-8") as file:
        return file.read()


def options_of_help(program):
    """Name, argument and default of each, in order."""
    text = subprocess.run([program, "--help"], stdout=subprocess.PIPE, check=True,
                          text=True).stdout
    rows = re.findall(r"^  --([^ =\n]+)(?:=(\S+))?\s+(.*)$", text, re.MULTILINE)
    assert len(rows) == text.count("\n  --") > 10, text
    return [(name, argument, (re.search(r" \[([^]$]+)\]$", rest) or [""] * 2)[1])
            for name, argument, rest in rows]


def options_of_page(text):
    options = re.search(r"^# OPTIONS\n(.*?)^# ", text, re.MULTILINE | re.DOTALL)[1]
    for name, argument, body in re.findall(
            r"^\*--(\S+?)\*(?:=_(\S+)_)?(?:, \*-h\*)?\n((?:\t.*\n)+)", options, re.MULTILINE):
        default = re.search(r"Default:\s+\*(.*?)\*\.$", body, re.MULTILINE)
        yield name, argument, default[1] if default else ""


def every_option_is_on_the_page_as_in_the_help():
    told, shown = options_of_help(EXPORTER), list(options_of_page(source("ring-exporter.8")))
    return "".join(f"--help has {told}, the page {shown}\n"
                   for told, shown in zip(told + [None], shown + [None]) if told != shown)


def said_of(configuration):
    """Without the file's name."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(configuration)
        file.flush()
        done = subprocess.run([EXPORTER, "--config.file", file.name, "--config.check"], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.stdout.replace(file.name, "FILE")


def every_example_of_the_configuration_is_taken():
    blocks = re.findall(r"^```\n(.*?)^```", source("ring-exporter.yml.5"), re.MULTILINE | re.DOTALL)
    examples = [block for block in blocks if not block.startswith("ring-exporter: ")]
    assert len(examples) == 2, blocks
    return "".join(said for said in map(said_of, examples)
                   if said != "ring-exporter: configuration is sound\n")


def the_error_on_the_page_is_the_exporter_s():
    page = source("ring-exporter.yml.5")
    shown = re.search(r"^ring-exporter: \S+?(:.*\n)", page, re.MULTILINE)[1]
    said = said_of("web:\n  enable-lifecycle: true\n\n  max-connections: 0\n")
    return "" if said == f"ring-exporter: FILE{shown}" else f"the page has {shown}, it is {said}"


def the_keys_that_may_change_are_those_of_the_table():
    """In docs/configuration.md, which a test of the exporter holds against its options."""
    told = re.search("# RELOAD(.*?)may change", source("ring-exporter.yml.5"), re.DOTALL)[1]
    named = re.findall(r"\*([\w.]\S+)\*", told)
    with open(os.path.join(FOLDER, "../configuration.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| `(\S+)` \|.*?\|.*?\| (yes)? *\|", file.read(), re.MULTILINE)
    assert len(rows) > 10 and named, rows
    return "".join(f"{key}: the table has {yes!r}, the page {named}\n" for key, yes in rows
                   if bool(yes) != any(key == name or key.startswith(name + ".")
                                       for name in named))


def is_sound(page):
    return lambda: subprocess.run(["mandoc", "-Tlint", "-Werror", page], check=False, text=True,
                                  stdout=subprocess.PIPE).stdout


tap.report([
    *((test.__name__, test) for test in (
        every_option_is_on_the_page_as_in_the_help, every_example_of_the_configuration_is_taken,
        the_error_on_the_page_is_the_exporter_s, the_keys_that_may_change_are_those_of_the_table)),
    *((f"{os.path.basename(page)}_is_sound", is_sound(page)) for page in PAGES),
])
