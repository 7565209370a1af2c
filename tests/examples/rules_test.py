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
REPLICATION, EXPORTER = "replication", "exporter"
RULE = re.compile(r"- alert: (?P<name>\w+)\n +expr: (?P<expr>.*?)\n"
                  r" +for: (?P<wait>(?P<count>\d+)(?P<unit>[ms]))\n"
                  r" +labels:\n +severity: (?P<severity>\w+)\n", re.DOTALL)
NUMBER = re.compile(r"\b\d+(\.\d+)?\b(?![hm\]])")

def read(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


RULES_OF = {subject: read(f"{subject}.rules.yml") for subject in (REPLICATION, EXPORTER)}


def promtool(folder, what, name):
    done = run("promtool", what, "rules", os.path.join(folder, name), text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr or "promtool failed"


def mutants(rule):
    """(what it is, the rules' text with it) of one rule."""
    def with_part(part, text):
        return rule.string[:rule.start(part)] + text + rule.string[rule.end(part):]

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


def the_tests_notice_what_is_wrong_with(subject, rule):
    unnoticed = []
    with Place() as place:
        shutil.copy(os.path.join(FOLDER, f"{subject}.test.yml"), place.folder)
        for what, text in mutants(rule):
            with open(os.path.join(place.folder, f"{subject}.rules.yml"), "w",
                      encoding="utf-8") as mutant:
                mutant.write(text)
            fault = promtool(place.folder, "test", f"{subject}.test.yml")
            if not fault:
                unnoticed.append(what)
            assert not fault or "alertname:" in fault, (what, fault)  # and not a broken file
    return "".join(f"unnoticed: {what}\n" for what in unnoticed)


def the_inhibitions_are_what_alertmanager_takes():
    """Those that stand in the rules' first comment."""
    text = RULES_OF[REPLICATION]
    sample = re.search(r"^#   inhibit_rules:\n(#     .*\n)+", text, re.MULTILINE)[0]
    with Place() as place:
        path = os.path.join(place.folder, "alertmanager.yml")
        with open(path, "w", encoding="utf-8") as config:
            config.write(re.sub("^#   ", "", sample, flags=re.MULTILINE)
                         + "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        done = run("amtool", "check-config", path, text=True)
    named = set(re.findall(r"Replication\w+", sample))
    unknown = named - set(re.findall(r"- alert: (\w+)", text))
    return f"{done.stdout}{done.stderr}no alerts: {unknown}" if done.returncode or unknown else ""


def the_metrics_are_the_exporters():
    """A metric that is called otherwise is an alert that never fires."""
    known = "".join(read(f"../../exporter/{name}")
                    for name in ("selfstat.c", "drain/usage.c", "render/render.h"))
    named = set(re.findall(r"\bring_\w+", RULES_OF[EXPORTER]))
    return "".join(f"{name}\n" for name in sorted(named) if f'"{name}"' not in known)


def cases_of(subject, text):
    rules = list(RULE.finditer(text))
    assert len(rules) == text.count("- alert:")
    yield f"the_rules_about_{subject}_are_sound", \
        lambda: promtool(FOLDER, "check", f"{subject}.rules.yml")
    yield f"every_alert_about_{subject}_fires_and_holds_back", \
        lambda: promtool(FOLDER, "test", f"{subject}.test.yml")
    for rule in rules:
        yield f"the_tests_notice_what_is_wrong_with_{rule['name']}_{rule['severity']}", \
            functools.partial(the_tests_notice_what_is_wrong_with, subject, rule)


tap.report([
    *(case for subject, text in RULES_OF.items() for case in cases_of(subject, text)),
    ("the_metrics_are_the_exporters", the_metrics_are_the_exporters),
    ("the_inhibitions_are_what_alertmanager_takes", the_inhibitions_are_what_alertmanager_takes),
], at_once=2)
