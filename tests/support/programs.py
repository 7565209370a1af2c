# SPDX-License-Identifier: MIT
"""The programs around a directory of segments: ringload, ring-exporter, Prometheus."""
import http.client
import json
import os
import re
import urllib.parse
import urllib.request

import exposition
import messages
from place import DEADLINE_S, Program, run, wait_until


class Load(Program):
    """A running ringload, with its segment up."""

    def __init__(self, place, name, *arguments):
        super().__init__(place, "ringload", "--dir", place.segments, "--name", name, *arguments)
        self.path = place.path(name)
        self.announced = json.loads(self.stdout.readline())

    def totals(self):
        """What it recorded, as soon as it is done with writing."""
        return json.loads(self.stdout.readline())


def loaded(place, name, *arguments):
    """A ringload that has come and gone: (path, totals)."""
    load = Load(place, name, *arguments)
    totals = load.totals()
    assert load.end() == 0
    return load.path, totals


def written(totals):
    return sum(core["written"] for core in totals["cores"])


class Page:
    """An exposition that breaks no rule, by the words of its lines."""

    def __init__(self, text, openmetrics=False):
        self.text = text
        self.take(exposition.read(text, openmetrics))

    def take(self, families):
        self.families = families
        self.values = {
            (name, ",".join(f'{key}="{value}"' for key, value in labels)): float(value)
            for (name, labels), value in exposition.series_of(self.families).items()}

    def total(self, name, **labels):
        """The sum over the metric's series that have these labels."""
        words = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(value for (found, have), value in self.values.items()
                   if found == name and all(word in have.split(",") for word in words))

    def lines(self, prefix):
        return [line for line in self.text.split("\n") if line.startswith(prefix)]

    def check_accounts(self):
        """written = drained + dropped + pending, for each ring."""
        for (name, labels), count in self.values.items():
            if name == "ring_samples_written_total":
                parts = [self.values[f"ring_samples_{part}", labels]
                         for part in ("drained_total", "dropped_total", "pending")]
                assert count == sum(parts), (labels, count, parts)


class Messages(Page):
    """The same in protobuf; `metrics` are its messages, by name and labels."""

    def __init__(self, body):
        families, self.metrics = messages.read(body)
        self.take(families)

    def metric(self, name, **labels):
        """The counter, gauge or histogram of exactly these labels."""
        return self.metrics[name, tuple(labels.items())]


def export_once(place, *arguments):
    """Runs to the end; the result has returncode, stdout and stderr as bytes."""
    return run("ring-exporter", "--once", "--dir", place.segments, *arguments)


def page_once(place, *arguments):
    """What an exporter shows that has nothing to complain about."""
    done = export_once(place, "--log.level=error", *arguments)
    assert (done.returncode, done.stderr) == (0, b""), done
    return Page(done.stdout.decode())


class Exporter(Program):
    """A running exporter and its pages; `tls` is a context to reach it with, if it needs one."""

    def __init__(self, place, *arguments, tls=None, **options):
        self.tls = tls
        super().__init__(place, "ring-exporter", "--dir", place.segments,
                         "--web.listen-address", "127.0.0.1:0", *arguments, **options)
        self.host, self.port = self.await_word(r'address="(.*):(\d+)"').groups()
        wait_until(lambda: self.get("/-/ready")[0] == 200, "exporter is ready")

    def connection(self):
        if self.tls:
            return http.client.HTTPSConnection(self.host, self.port, timeout=DEADLINE_S,
                                               context=self.tls)
        return http.client.HTTPConnection(self.host, self.port, timeout=DEADLINE_S)

    def get(self, path="/metrics", method="GET", **headers):
        """(status, headers, body) of one request."""
        connection = self.connection()
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def page(self):
        status, _, body = self.get()
        assert status == 200, (status, body)
        page = Page(body.decode())
        page.check_accounts()
        return page

    def page_when(self, condition, what):
        """Waits for a page that satisfies the condition."""
        def look():
            page = self.page()
            return page if condition(page) else None
        return wait_until(look, what)


class Prometheus(Program):
    """A Prometheus that scrapes exporters, in the way that a scrape_config says, and judges by
    rules if there are any."""

    def __init__(self, place, *exporters, rules=(), options=(), **way):
        config = os.path.join(place.folder, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            json.dump({"global": {"scrape_interval": "500ms", "scrape_timeout": "500ms",
                                  "evaluation_interval": "500ms"},
                       "rule_files": list(rules),
                       "scrape_configs": [{"job_name": "ring", **way, "static_configs": [
                           {"targets": [f"{one.host}:{one.port}" for one in exporters]}]}]},
                      file)
        super().__init__(place, "prometheus", f"--config.file={config}",
                         f"--storage.tsdb.path={place.folder}/tsdb",
                         "--web.listen-address=127.0.0.1:0", *options)
        self.port = self.await_word(r"Listening on.*address=127\.0\.0\.1:(\d+)")[1]

    def ask(self, path, **parameters):
        """The API's answer; None where there is none yet."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def series(self, expression):
        """The answer to an instant query: pairs of labels and a value, as text."""
        data = self.ask("query", query=expression)
        return [(one["metric"], one["value"][1]) for one in data["result"]] if data else []

    def value_of(self, expression):
        """The first answer's value; None where there is none yet."""
        answers = self.series(expression)
        return float(answers[0][1]) if answers else None

    def firing(self):
        """The names of alerts that fire."""
        alerts = (self.ask("alerts") or {"alerts": []})["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}
