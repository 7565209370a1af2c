#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prometheus' own judgement of contrib/prometheus: the rules, and their unit tests, which must
notice every rule that never fires, waits shorter or longer, or has another threshold.

usage: rules_test.py FOLDER
"""
import functools
import os
import re
import shutil
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
import tap
from place import Place, run

FOLDER = sys.argv[1]
RULES, TESTS = "replication.rules.yml", "replication.test.yml"
RULE = re.compile(r"- alert: (?P<name>\w+)\n +expr: (?P<expr>.*?)\n"
                  r" +for: (?P<wait>(?P<count>\d+)(?P<unit>[ms]))\n"
                  r" +labels:\n +severity: (?P<severity>\w+)\n", re.DOTALL)
NUMBER = re.compile(r"\b\d+(\.\d+)?\b(?![hm\]])")

with open(os.path.join(FOLDER, RULES), encoding="utf-8") as file:
    TEXT = file.read()


def promtool(folder, what, name):
    done = run("promtool", what, "rules", os.path.join(folder, name), text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr or "promtool failed"


def mutants(rule):
    """(what it is, the rules' text with it) of one rule."""
    def with_part(part, text):
        return TEXT[:rule.start(part)] + text + TEXT[rule.end(part):]

    yield "never fires", with_part("expr", "vector(0) > 1")
    yield "always fires", with_part("expr", "vector(1)")
    wait_s = int(rule["count"]) * {"m": 60, "s": 1}[rule["unit"]]
    for seconds in wait_s // 2, wait_s * 2:
        yield f"waits {seconds} s", with_part("wait", f"{seconds}s")
    for number in NUMBER.finditer(rule["expr"]):
        for change in 0.99, 1.01:
            value = float(number[0]) * change or change - 1
            yield f"{number[0]} is {value:g}", with_part(
                "expr", rule["expr"][:number.start()] + f"{value:g}" + rule["expr"][number.end():])


def the_tests_notice_what_is_wrong_with(rule):
    unnoticed = []
    with Place() as place:
        shutil.copy(os.path.join(FOLDER, TESTS), place.folder)
        for what, text in mutants(rule):
            with open(os.path.join(place.folder, RULES), "w", encoding="utf-8") as mutant:
                mutant.write(text)
            fault = promtool(place.folder, "test", TESTS)
            if not fault:
                unnoticed.append(what)
            assert not fault or "alertname:" in fault, (what, fault)  # and not a broken file
    return "".join(f"unnoticed: {what}\n" for what in unnoticed)


def the_inhibitions_are_what_alertmanager_takes():
    """Those that stand in the rules' first comment."""
    sample = re.search(r"^#   inhibit_rules:\n(#     .*\n)+", TEXT, re.MULTILINE)[0]
    with Place() as place:
        path = os.path.join(place.folder, "alertmanager.yml")
        with open(path, "w", encoding="utf-8") as config:
            config.write(re.sub("^#   ", "", sample, flags=re.MULTILINE)
                         + "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        done = run("amtool", "check-config", path, text=True)
    named = set(re.findall(r"Replication\w+", sample))
    unknown = named - set(re.findall(r"- alert: (\w+)", TEXT))
    return f"{done.stdout}{done.stderr}no alerts: {unknown}" if done.returncode or unknown else ""


def main():
    rules = list(RULE.finditer(TEXT))
    assert len(rules) == TEXT.count("- alert:")
    tap.report([
        ("the_rules_are_sound", lambda: promtool(FOLDER, "check", RULES)),
        ("every_alert_fires_and_holds_back", lambda: promtool(FOLDER, "test", TESTS)),
        ("the_inhibitions_are_what_alertmanager_takes",
         the_inhibitions_are_what_alertmanager_takes),
        *((f"the_tests_notice_what_is_wrong_with_{rule['name']}_{rule['severity']}",
           functools.partial(the_tests_notice_what_is_wrong_with, rule)) for rule in rules),
    ])


main()
