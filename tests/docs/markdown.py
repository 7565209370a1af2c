# SPDX-License-Identifier: MIT
"""What of a page of documentation can be tried: fenced blocks, and what is spelled as code."""
import re
from collections import namedtuple

# A fence without a language has command lines; what is there only to be read is `text`.
Block = namedtuple("Block", "line language text")

FENCED = re.compile(r"^([ \t]*)(```+)[ \t]*(\S*)[^\n]*\n(.*?)^\1\2[ \t]*$", re.S | re.M)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
COMMENT = re.compile(r"(^|\s)#(\s.*)?$")


def blocks_of(page):
    """In their order."""
    return [Block(page.count("\n", 0, found.start()) + 1, found[3] or "sh",
                  re.sub(f"^{found[1]}", "", found[4], flags=re.M))
            for found in FENCED.finditer(page)]


def spans_of(page):
    """What stands between single backticks outside of blocks."""
    return SPAN.findall(FENCED.sub("", page))


def commands_of(text):
    """A shell's lines, those that go on in the next one joined, without blanks and comments."""
    lines = re.sub(r"\\\n\s*|(?<=\|)\n\s*", "", text).splitlines()
    return [line for line in (COMMENT.sub("", line).rstrip() for line in lines) if line]
