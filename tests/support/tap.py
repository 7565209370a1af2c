# SPDX-License-Identifier: MIT
"""The Test Anything Protocol."""
import sys
import traceback


class Skip(Exception):
    """Raised by a test that cannot be tried here; says why."""


def report(cases):
    """Runs pairs of a name and a test, prints how each went, and exits.

    A test fails by raising or by returning what is wrong, as text.
    """
    failures = 0
    print(f"1..{len(cases)}", flush=True)
    for number, (name, test) in enumerate(cases, 1):
        try:
            wrong = test()
        except Skip as reason:
            name, wrong = f"{name} # SKIP {reason}", None
        except Exception:  # whatever it is, it is this test's failure and not the next one's
            wrong = traceback.format_exc()
        failures += bool(wrong)
        print("not ok" if wrong else "ok", number, "-", name)
        for line in (wrong or "").splitlines():
            print("#", line)
        sys.stdout.flush()
    sys.exit(failures > 0)
