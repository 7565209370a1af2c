# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: real processes around a directory on tmpfs, and TAP."""
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

DEADLINE_S = 20
EXPORTER, LOAD, STAT, LABELS = sys.argv[1:5]

SAMPLE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)", re.DOTALL)


def until(condition, what):
    """Asks again and again until the condition holds; returns its value."""
    end = time.monotonic() + DEADLINE_S
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"still not after {DEADLINE_S} s: {what}"
        time.sleep(0.01)


class Page:
    """An exposition, by the words of its lines."""

    def __init__(self, text):
        self.text = text
        self.values = {}
        for line in text.split("\n")[:-1]:
            if not line.startswith("#"):
                name, labels, value = SAMPLE.fullmatch(line).groups()
                self.values[name, labels or ""] = float(value)

    def total(self, name, **labels):
        """The sum over the metric's series that have these labels."""
        words = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(value for (found, have), value in self.values.items()
                   if found == name and all(word in have.split(",") for word in words))

    def lines(self, prefix):
        return [line for line in self.text.split("\n") if line.startswith(prefix)]

    def check_accounts(self):
        """written = drained + dropped + pending, for each ring."""
        for (name, labels), written in self.values.items():
            if name == "ring_samples_written_total":
                parts = [self.values[f"ring_samples_{part}", labels]
                         for part in ("drained_total", "dropped_total", "pending")]
                assert written == sum(parts), (labels, written, parts)


class Exporter:
    """A running exporter and its pages."""

    def __init__(self, world, *arguments, listen="127.0.0.1:0"):
        self.process = world.start([EXPORTER, "--dir", world.place, "--web.listen-address",
                                    listen, *arguments], stderr=subprocess.PIPE)
        self.said = []
        while not (found := re.search(r'address="(.*):(\d+)"', self.hear())):
            pass
        self.host, self.port = found[1], int(found[2])
        until(lambda: self.get("/-/ready")[0] == 200, "exporter is ready")

    def hear(self):
        line = self.process.stderr.readline()
        assert line, f"the exporter has ended: {self.said}"
        self.said.append(line)
        return line

    def get(self, path="/metrics", method="GET"):
        """(status, headers, body) of one request."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path)
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

    def until(self, condition, what):
        """Waits until a page satisfies the condition; returns that page."""
        pages = []

        def look():
            pages[:] = [self.page()]
            return condition(pages[0])
        until(look, what)
        return pages[0]

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(DEADLINE_S)
        self.process.stderr.close()
        return status


class Load:
    """A running ringload, with its segment up."""

    def __init__(self, world, name, *arguments):
        self.process = world.start([LOAD, "--dir", world.place, "--name", name,
                                    *map(str, arguments)], stdout=subprocess.PIPE)
        self.process.stdout.readline()  # it is there

    def totals(self):
        """What it recorded, as soon as it is done with writing."""
        return Totals([json.loads(self.process.stdout.readline())])

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(DEADLINE_S)


class Totals:
    """What one or more runs of ringload as `seg` have counted together."""

    def __init__(self, runs):
        self.runs = runs

    def __add__(self, other):
        return Totals(self.runs + other.runs)

    @property
    def written(self):
        return sum(core["written"] for run in self.runs for core in run["cores"])

    def events(self, channel):
        return sum(run["load_events_total"][channel] for run in self.runs)

    def observed(self, channel):
        return sum(run["load_latency_seconds"][channel]["count"] for run in self.runs)

    def are_on(self, page):
        """Whether the page shows exactly these totals; the last run's gauges too."""
        for channel, level in self.runs[-1]["load_level"].items():
            if (page.total("load_events_total", channel=channel) != self.events(channel)
                    or page.total("load_latency_seconds_count", channel=channel)
                    != self.observed(channel)
                    or page.total("load_level", channel=channel) != (level or 0)):
                return False
        return page.total("ring_samples_written_total", segment="seg") == self.written


class World:
    """A directory on tmpfs and the processes around it; all of it is gone afterwards."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="ring-test.", dir="/dev/shm")
        self.place = os.path.join(self.folder, "ring")
        self.started = []
        return self

    def __exit__(self, *_):
        for process in reversed(self.started):
            if process.poll() is None:
                process.kill()
            process.wait()
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.place, name)

    def start(self, command, **options):
        options = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "text": True,
                   **options}
        self.started.append(subprocess.Popen(command, **options))
        return self.started[-1]

    def exporter(self, *arguments, **options):
        return Exporter(self, *arguments, **options)

    def load(self, name, *arguments):
        return Load(self, name, *arguments)

    def loaded(self, name, *arguments):
        """The totals of a ringload that has come and gone."""
        load = self.load(name, *arguments)
        totals = load.totals()
        load.end()
        return totals

    def once(self, *arguments):
        return run([EXPORTER, "--once", "--dir", self.place, *arguments])

    def label(self, name, budget, *values):
        """A segment that has counted one for each label value (bytes), and is dead."""
        os.makedirs(self.place, exist_ok=True)
        subprocess.run([LABELS, self.place, name, str(budget), *values], check=True,
                       timeout=DEADLINE_S)


def run(command, **options):
    """Runs to the end; the result has returncode, stdout and stderr as bytes."""
    return subprocess.run(command, capture_output=True, check=False, timeout=DEADLINE_S, **options)


def tap(tests):
    """Runs test functions, each in a world of its own, and reports in TAP."""
    failures = 0
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        verdict, reason = "ok", ""
        try:
            with World() as world:
                test(world)
        except Exception:  # whatever it is, it is this test's failure and not the next one's
            verdict, reason = "not ok", traceback.format_exc()
            failures += 1
        print(f"{verdict} {number} - {test.__name__}", flush=True)
        for line in reason.splitlines():
            print("#", line)
    sys.exit(failures > 0)
