#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The man pages, as a TAP test: whether they are sound, and say what the programs say.

usage: man_test.py SOURCE_FOLDER RING_EXPORTER PAGE...
"""
import os
import re
import subprocess
import sys

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


def is_sound(page):
    return lambda: subprocess.run(["mandoc", "-Tlint", "-Werror", page], check=False, text=True,
                                  stdout=subprocess.PIPE).stdout


tap.report([
    ("every_option_is_on_the_page_as_in_the_help", every_option_is_on_the_page_as_in_the_help),
    *((f"{os.path.basename(page)}_is_sound", is_sound(page)) for page in PAGES),
])
