#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the style asks for and a machine can see, as a TAP test with one case per rule.

usage: tidy.py ROOT

A rule is a generator of (path, line number, complaint) over a Tree.
"""
import functools
import os
import re
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
import tap

LINES_MAX, FUNCTION_LINES_MAX, COLUMNS_MAX = 500, 70, 100
COMMENT_REACH = 8  # lines between an atomic access and its reason, if not above the function

PUBLIC = "libring/include/ring/"
LAYERS = ["atomic.h", "layout.h", "ring.h", "record.h", "metric.h", "segment.h"]
SEES = {name: set(LAYERS[:i]) for i, name in enumerate(LAYERS)}
SEES["read.h"] = SEES["record.h"]
SEES["poll.h"] = SEES["segment.h"]
SEES["set.h"] = SEES["segment.h"] | {"poll.h", "segment.h"}
SET = re.compile(r"set/\w+\.h")  # each of these sees set.h, and no other
PUBLIC_LIBC = {"stddef.h", "stdint.h", "string.h", "time.h"}
PURE = re.compile(r"exporter/(aggregate/(?!snapshot\.)\w+|render/\w+|"
                  r"base/(address|bucket|decimal|duration|log_limit|number|pattern|powers|size|text|"
                  r"walk)|"
                  r"replication/(alert_json|delivery|lag|monitor|override|status\w*|trend)|"
                  r"access/(authorization|tls_priorities|token|web_config)|"
                  r"http/accept|config_file)\.[ch]")
IMPURE = re.compile(r"(time|unistd|fcntl|sys/(?!queue)\w+|urcu.*)(\.h)?")
URCU = {"exporter/aggregate/snapshot.c"}
# Of the exporter's folders, each sees those before it; what is in none of them sees all.
EXPORTER = "exporter/"
FOLDERS = ["base", "system", "aggregate", "render", "replication", "drain", "access", "profile",
           "http", ""]

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
ACCESS = re.compile(r"\b(ring_(load|store)_(relaxed|acquire|release)|ring_fence_\w+|"
                    r"__atomic_\w+|atomic_(load|store|exchange|fetch|compare|thread)\w*)\(")
ORDER = re.compile(r"relaxed|acquire|release|order|lock", re.IGNORECASE)
LEFTOVER = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")


class Tree:
    """The project's text files, by path relative to the root."""

    def __init__(self, root):
        self.root, self.files = root, {}
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f not in (".git", "__pycache__", "corpus")
                          and not (folder == root and f.startswith("build"))]
            for name in names:
                path = os.path.join(folder, name)
                try:
                    with open(path, encoding="utf-8", newline="") as file:
                        self.files[os.path.relpath(path, root)] = file.read()
                except UnicodeDecodeError:
                    continue

    def of(self, pattern):
        for path, text in sorted(self.files.items()):
            if re.fullmatch(pattern, path):
                yield path, text.split("\n")

    def c(self, folders=r".*"):
        return self.of(folders + r"\.(c|h|cpp)")

    @functools.lru_cache(maxsize=None)
    def includes(self, path):
        found = []
        for number, line in enumerate(self.files[path].split("\n"), 1):
            match = INCLUDE.match(line)
            if match:
                found.append((number, match[1] == '"', match[2]))
        return found

    def found(self, path, target):
        """The file that is included there by that name; None: it is not in the tree."""
        for folder in [os.path.dirname(path)] + [EXPORTER] * path.startswith(EXPORTER):
            inner = os.path.normpath(os.path.join(folder, target))
            if inner in self.files:
                return inner
        return None


def code_of(lines):
    """The lines with comments and string literals blanked out."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(\\.|[^"\\\n])*"', blank, "\n".join(lines), flags=re.S)
    return text.split("\n")


def spdx_comes_first(tree):
    for path, lines in tree.of(r"(.*/)?([^.]+|meson\.build|.*\.(c|h|cpp|py|sh))"):
        script = lines[0].startswith("#!")
        if re.search(r"\.\w|meson", path) or script:
            if "SPDX-License-Identifier: MIT" not in (lines + [""])[script]:
                yield path, 1 + script, "no SPDX line"


def text_is_clean(tree):
    for path, lines in tree.of(r".*"):
        if lines[-1] != "" or lines[-2:] == ["", ""]:
            yield path, len(lines), "not exactly one newline at the end"
        for number, line in enumerate(lines, 1):
            if line != line.rstrip():
                yield path, number, "trailing blanks"
            if LEFTOVER.search(line):
                yield path, number, "unfinished business"


def files_and_functions_are_short(tree):
    for path, lines in tree.of(r".*\.(c|h|cpp|py)"):
        if len(lines) - 1 > LINES_MAX:
            yield path, LINES_MAX, f"more than {LINES_MAX} lines"
    for path, lines in tree.c():
        start = 0
        for number, line in enumerate(lines, 1):
            if len(line.expandtabs(8)) > COLUMNS_MAX:
                yield path, number, f"more than {COLUMNS_MAX} columns"
            if line == "{":
                start = number
            elif line == "}" and start and number - start - 1 > FUNCTION_LINES_MAX:
                yield path, start, f"function of more than {FUNCTION_LINES_MAX} lines"


def volatile_is_for_signals(tree):
    for path, lines in tree.c():
        for number, line in enumerate(code_of(lines), 1):
            if re.search(r"\bvolatile\b(?! sig_atomic_t)", line):
                yield path, number, "volatile is not synchronization"


def atomic_accesses_are_justified(tree):
    for path, lines in tree.c(r"(libring|exporter|tools|docs)/.*"):
        if path == PUBLIC + "atomic.h":
            continue
        code = code_of(lines)
        for number, line in enumerate(code):
            if not ACCESS.search(line):
                continue
            start = max((i for i in range(number) if lines[i] == "}"), default=-1)
            body = max((i for i in range(number) if lines[i] == "{"), default=-1)
            if not any(code[i].strip() == "" and ORDER.search(lines[i])
                       for i in range(start + 1, number)
                       if i < body or i >= number - COMMENT_REACH):
                yield path, number + 1, "atomic access without its reason above"


def public_headers_see_only_what_is_below(tree):
    for path, _ in tree.of(PUBLIC + r".*"):
        name = path[len(PUBLIC):]
        for number, quoted, target in tree.includes(path):
            seen = {"../set.h"} if SET.fullmatch(name) else SEES.get(name, set())
            if target not in (seen if quoted else PUBLIC_LIBC):
                yield path, number, f"{name} must not include {target}"


def parts_keep_to_themselves(tree):
    for path, _ in tree.c(r"(libring|exporter|tools|docs)/.*"):
        here = [os.path.dirname(path)] + ["libring/include"] * path.startswith("libring/") \
            + [EXPORTER] * path.startswith(EXPORTER)
        for number, quoted, target in tree.includes(path):
            if quoted and not any(os.path.normpath(os.path.join(f, target)) in tree.files
                                  for f in here):
                yield path, number, f"{target} is not of this part"
            if not quoted and target.startswith("ring/") \
                    and os.path.join(PUBLIC, target[5:]) not in tree.files:
                yield path, number, f"{target} is not public"
            if target.startswith("urcu") and path not in URCU:
                yield path, number, f"{target} outside of {', '.join(sorted(URCU))}"


def folder_of(path):
    return os.path.dirname(path[len(EXPORTER):])


def folders_see_only_those_before_them(tree):
    for path, _ in tree.c(EXPORTER + ".*"):
        here = folder_of(path)
        for number, quoted, target in tree.includes(path):
            there = os.path.dirname(target)
            if not quoted or os.path.join(os.path.dirname(path), target) in tree.files:
                continue
            if {here, there} - set(FOLDERS) or FOLDERS.index(there) > FOLDERS.index(here):
                yield path, number, f"{here}/ comes before {there}/, or has no place"


def the_middle_is_pure(tree):
    def reach(path, seen):
        for number, quoted, target in tree.includes(path):
            inner = tree.found(path, target)
            if not quoted and IMPURE.fullmatch(target):
                yield path, number, f"{target} in the pure middle"
            elif quoted and inner and inner not in seen:
                yield from reach(inner, seen | {inner})
    for path, _ in tree.c():
        if PURE.fullmatch(path):
            yield from reach(path, {path})


def links_resolve(tree):
    def slug(heading):
        return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
    for path, lines in tree.of(r".*\.md"):
        for number, line in enumerate(lines, 1):
            for target in re.findall(r"\]\(([^)\s]+)\)", line):
                if re.match(r"\w+:", target):
                    continue
                file, _, anchor = target.partition("#")
                there = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
                if not os.path.exists(os.path.join(tree.root, there)):
                    yield path, number, f"{target} does not exist"
                elif anchor and anchor not in [slug(h.lstrip("#")) for h in
                                               tree.files.get(there, "").split("\n")
                                               if h.startswith("#")]:
                    yield path, number, f"{target} has no such heading"


RULES = [spdx_comes_first, text_is_clean, files_and_functions_are_short, volatile_is_for_signals,
         atomic_accesses_are_justified, public_headers_see_only_what_is_below,
         parts_keep_to_themselves, folders_see_only_those_before_them, the_middle_is_pure,
         links_resolve]


def complaints(rule, tree):
    return "\n".join(f"{path}:{line}: {complaint}"
                     for path, line, complaint in sorted(set(rule(tree))))


def main():
    tree = Tree(sys.argv[1])
    tap.report([(rule.__name__, functools.partial(complaints, rule, tree)) for rule in RULES])


if __name__ == "__main__":
    main()
