#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Feeds tidy.py one file that breaks each rule and one that does not, as a TAP test."""
import os
import tempfile

import tidy
from tap import report

C = "/* SPDX-License-Identifier: MIT */\n"
UNFINISHED = "TO" + "DO"

# rule, what the case is, path, text, and whether the rule must complain
CASES = [
    (tidy.spdx_comes_first, "a_late_spdx_line",
     "a.c", "int a;\n" + C, True),
    (tidy.spdx_comes_first, "a_script_without_spdx_line",
     "run", "#!/bin/sh\n# hello\n", True),
    (tidy.spdx_comes_first, "a_script_with_one",
     "run", "#!/bin/sh\n# SPDX-License-Identifier: MIT\n", False),
    (tidy.spdx_comes_first, "prose_without_one",
     "a.md", "# Title\n", False),
    (tidy.text_is_clean, "a_trailing_blank",
     "a.c", C + "int a; \n", True),
    (tidy.text_is_clean, "a_missing_last_newline",
     "a.c", C + "int a;", True),
    (tidy.text_is_clean, "an_empty_last_line",
     "a.c", C + "int a;\n\n", True),
    (tidy.text_is_clean, "carriage_returns",
     "a.c", C + "int a;\r\n", True),
    (tidy.text_is_clean, "an_unfinished_comment",
     "a.c", C + f"/* {UNFINISHED}: more */\n", True),
    (tidy.text_is_clean, "a_mkdtemp_template",
     "a.c", C + 'char t[] = "/dev/shm/t.' + "X" * 6 + '";\n', False),
    (tidy.files_and_functions_are_short, "501_lines",
     "a.c", "\n" * 501, True),
    (tidy.files_and_functions_are_short, "500_lines",
     "a.c", "\n" * 500, False),
    (tidy.files_and_functions_are_short, "a_function_of_71_lines",
     "a.c", "{\n" + "\n" * 71 + "}\n", True),
    (tidy.files_and_functions_are_short, "a_function_of_70_lines",
     "a.c", "{\n" + "\n" * 70 + "}\n", False),
    (tidy.files_and_functions_are_short, "102_columns",
     "a.c", "\t" * 12 + "int a;\n", True),
    (tidy.volatile_is_for_signals, "a_volatile_variable",
     "a.c", "volatile int a;\n", True),
    (tidy.volatile_is_for_signals, "a_flag_for_signal_handlers",
     "a.c", "volatile sig_atomic_t a; /* volatile */\n", False),
    (tidy.atomic_accesses_are_justified, "an_access_without_comment",
     "libring/a.c",
     "{\n\tring_store_release(a, 1);\n}\n", True),
    (tidy.atomic_accesses_are_justified, "a_comment_that_gives_no_order",
     "libring/a.c",
     "{\n\t/* Nice weather. */\n\t__atomic_load_n(a, 0);\n}\n", True),
    (tidy.atomic_accesses_are_justified, "a_comment_in_the_function_before",
     "libring/a.c",
     "{\n\t/* relaxed: mine. */\n}\nint f()\n{\n\tring_load_relaxed(a);\n}\n", True),
    (tidy.atomic_accesses_are_justified, "a_comment_too_far_above",
     "libring/a.c",
     "{\n\t/* relaxed: mine. */\n" + "\tf();\n" * 9 + "\tring_load_relaxed(a);\n}\n", True),
    (tidy.atomic_accesses_are_justified, "a_comment_above_the_function",
     "libring/a.c",
     "/* relaxed: mine. */\nint f()\n{\n" + "\tf();\n" * 9 + "\tring_load_relaxed(a);\n}\n",
     False),
    (tidy.atomic_accesses_are_justified, "one_comment_above_two_accesses",
     "libring/a.c",
     "{\n\t/* relaxed: mine. */\n\tring_load_relaxed(a);\n\tring_load_relaxed(b);\n}\n", False),
    (tidy.atomic_accesses_are_justified, "a_comment_of_two_lines",
     "libring/a.c",
     "{\n\t/* A release fence, to\n\t * the reader. */\n\tring_fence_release();\n}\n", False),
    (tidy.public_headers_see_only_what_is_below, "record_including_read",
     tidy.PUBLIC + "record.h",
     '#include "read.h"\n', True),
    (tidy.public_headers_see_only_what_is_below, "layout_including_ring",
     tidy.PUBLIC + "layout.h",
     '#include "ring.h"\n', True),
    (tidy.public_headers_see_only_what_is_below, "a_private_header",
     tidy.PUBLIC + "read.h",
     '#include "../../guard.h"\n', True),
    (tidy.public_headers_see_only_what_is_below, "a_library_beyond_libc",
     tidy.PUBLIC + "read.h",
     "#include <urcu-bp.h>\n", True),
    (tidy.public_headers_see_only_what_is_below, "what_stands_below",
     tidy.PUBLIC + "read.h",
     '#include <stdint.h>\n#include "ring.h"\n', False),
    (tidy.parts_keep_to_themselves, "exporter_including_tools",
     "exporter/a.c", '#include "../tools/b.h"\n', True),
    (tidy.parts_keep_to_themselves, "a_private_header_in_tools",
     "tools/a.c", '#include "registry.h"\n', True),
    (tidy.parts_keep_to_themselves, "a_private_header_in_brackets",
     "tools/a.c", "#include <ring/registry.h>\n", True),
    (tidy.parts_keep_to_themselves, "urcu_in_the_wrong_file",
     "exporter/http/serve.c", "#include <urcu.h>\n", True),
    (tidy.parts_keep_to_themselves, "urcu_in_the_snapshot",
     "exporter/aggregate/snapshot.c", "#include <urcu.h>\n", False),
    (tidy.folders_see_only_those_before_them, "a_later_folder",
     "exporter/render/a.c", '#include "http/b.h"\n', True),
    (tidy.folders_see_only_those_before_them, "what_is_in_no_folder",
     "exporter/http/a.c", '#include "config.h"\n', True),
    (tidy.folders_see_only_those_before_them, "a_folder_without_a_place",
     "exporter/misc/a.c", '#include "base/text.h"\n', True),
    (tidy.folders_see_only_those_before_them, "an_earlier_folder",
     "exporter/http/a.c", '#include "render/b.h"\n', False),
    (tidy.the_middle_is_pure, "a_system_header",
     "exporter/render/render.c", "#include <sys/stat.h>\n", True),
    (tidy.the_middle_is_pure, "the_clock",
     "exporter/render/render.h", "#include <time.h>\n", True),
    (tidy.the_middle_is_pure, "the_clock_at_the_edge",
     "exporter/drain/drain.c", "#include <time.h>\n", False),
    (tidy.links_resolve, "a_missing_file",
     "a.md", "# A\n[b](b.md)\n", True),
    (tidy.links_resolve, "a_missing_heading",
     "a.md", "# A\n[a](a.md#b)\n", True),
    (tidy.links_resolve, "a_heading_that_is_there",
     "a.md", "# A b\n[a](#a-b) [c](https://example.org/x)\n", False),
]


def complains(rule, path, text):
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return any(rule(tidy.Tree(root)))


def the_middle_is_pure_sees_through_a_header():
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, "exporter/render"))
        for name, text in (("render/render.c", '#include "lag.h"\n'),
                           ("lag.h", "#include <time.h>\n")):
            with open(os.path.join(root, "exporter", name), "w", encoding="utf-8") as file:
                file.write(text)
        assert any(tidy.the_middle_is_pure(tidy.Tree(root)))


def no_rule_is_untested():
    assert {rule for rule, _, _, _, expected in CASES if expected} == set(tidy.RULES)


def case(rule, what, path, text, expected):
    def test():
        assert complains(rule, path, text) == expected
    return f"{rule.__name__}_{'objects_to' if expected else 'accepts'}_{what}", test


report([case(*row) for row in CASES] +
       [(test.__name__, test) for test in (the_middle_is_pure_sees_through_a_header,
                                           no_rule_is_untested)])
