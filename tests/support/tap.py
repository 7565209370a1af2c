# SPDX-License-Identifier: MIT
"""The Test Anything Protocol."""
import concurrent.futures
import multiprocessing
import sys
import traceback


class Skip(Exception):
    """Raised by a test that cannot be tried here; says why."""


def outcome(test):
    """What is to be said beside the test's name, and what is wrong, if anything is."""
    try:
        return "", test()
    except Skip as reason:
        return f" # SKIP {reason}", None
    except Exception:  # whatever it is, it is this test's failure and not the next one's
        return "", traceback.format_exc()


forked_with = []  # tests; closures among them could not be sent


def outcome_apart(index):
    return outcome(forked_with[index])


def outcomes(tests, at_once):
    """In the tests' order. Several at once run in processes of their own."""
    if at_once == 1:
        yield from map(outcome, tests)
        return
    forked_with[:] = tests
    with concurrent.futures.ProcessPoolExecutor(
            at_once, multiprocessing.get_context("fork")) as pool:
        yield from pool.map(outcome_apart, range(len(tests)))


def report(cases, at_once=1):
    """Runs pairs of a name and a test, prints how each went, and exits.

    A test fails by raising or by returning what is wrong, as text.
    """
    failures = 0
    print(f"1..{len(cases)}", flush=True)
    results = outcomes([test for _, test in cases], at_once)
    for number, ((name, _), (remark, wrong)) in enumerate(zip(cases, results), 1):
        failures += bool(wrong)
        print("not ok" if wrong else "ok", number, "-", name + remark)
        for line in (wrong or "").splitlines():
            print("#", line)
        sys.stdout.flush()
    sys.exit(failures > 0)
