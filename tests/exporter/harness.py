# SPDX-License-Identifier: MIT
"""What the tests of the whole exporter share: segments to show, and what must be shown."""
import os
import subprocess
import sys
import urllib.parse

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
from place import Program, run
from programs import loaded, written


class Totals:
    """What one or more runs of ringload as `seg` have counted together."""

    def __init__(self, *runs):
        self.runs = runs

    def __add__(self, other):
        return Totals(*self.runs, *other.runs)

    def events(self, channel):
        return sum(one["load_events_total"][channel] for one in self.runs)

    def observed(self, channel):
        return sum(one["load_latency_seconds"][channel]["count"] for one in self.runs)

    def are_on(self, page):
        """Whether the page shows exactly these totals; the last run's gauges too."""
        for channel, level in self.runs[-1]["load_level"].items():
            if (page.total("load_events_total", channel=channel) != self.events(channel)
                    or page.total("load_latency_seconds_count", channel=channel)
                    != self.observed(channel)
                    or page.total("load_level", channel=channel) != (level or 0)):
                return False
        return page.total("ring_samples_written_total", segment="seg") == \
            sum(map(written, self.runs))


def totals_of_seg(place, *arguments):
    """Of a ringload that has come and gone."""
    return Totals(loaded(place, "seg", *arguments)[1])


def label(place, name, budget, *values):
    """A segment that has counted one for each label value (bytes), and is dead."""
    os.makedirs(place.segments, exist_ok=True)
    done = run("labels_writer", place.segments, name, budget, *values)
    assert done.returncode == 0, done


class Replicator(Program):
    """A running replication_writer, with its segment up."""

    def __init__(self, place, name, *arguments):
        super().__init__(place, "replication_writer", place.segments, name, *arguments,
                         stdin=subprocess.PIPE)
        assert self.stdout.readline() == "up\n", self.said()

    def tell(self, call, *words, at="now"):
        """One line of its input. Names may be bytes, of any kind."""
        quoted = [urllib.parse.quote(word if isinstance(word, bytes) else str(word), safe="")
                  for word in words]
        self.stdin.write(" ".join([str(at), call, *quoted]) + "\n")
        self.stdin.flush()
        self.expect_ok(call, words)

    def tell_each(self, call, names, number):
        """The same call for each of some names, which need no quoting."""
        for name in names:
            self.stdin.write(f"now {call} {name} {number}\n")
        self.stdin.flush()
        for name in names:
            self.expect_ok(call, name)

    def expect_ok(self, *words):
        answer = self.stdout.readline()
        assert answer == "ok\n", (words, answer, self.said())
