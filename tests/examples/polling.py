# SPDX-License-Identifier: MIT
"""What the tests of polled sources share: the programs that poll, a Redis of their own, and what
the page says of polls."""
import os
import subprocess
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
from place import Program, run, wait_until

INTERVAL_MS = 30
PASSWORD = "open sesame"


def poller(place, name, *arguments, **options):
    return Program(place, name, "--dir", place.segments, "--interval-ms", INTERVAL_MS, *arguments,
                   **options)


def counters(page, prefix):
    return {key: value for key, value in page.values.items()
            if key[0].startswith(prefix) and key[0].endswith("_total")}


def none_falls(before, after, prefix):
    later = counters(after, prefix)
    for key, value in counters(before, prefix).items():
        assert later[key] >= value, (key, value, later.get(key))


def polls(page, answer, source):
    return page.total("poller_polls_total", answer=answer, source=source)


def after_polls(exporter, source, answer="all", count=3):
    """The page when the source has given so many more of these answers."""
    before = polls(exporter.page(), answer, source)
    return exporter.page_when(lambda page: polls(page, answer, source) >= before + count,
                              f"{source}: {count} times {answer}")


class Redis:
    """Debian's, on a socket in the place and nowhere else."""

    def __init__(self, place):
        self.place, self.path = place, f"{place.folder}/redis"
        self.environment = {**os.environ, "REDISCLI_AUTH": PASSWORD}
        self.start()

    def start(self):
        self.server = Program(self.place, "redis-server", "--port", 0, "--unixsocket", self.path,
                              "--dir", self.place.folder, "--save", "", "--requirepass", PASSWORD,
                              stdout=subprocess.DEVNULL)
        wait_until(lambda: self.ask("PING") == "PONG\n", "Redis answers")

    def ask(self, *words):
        return run("redis-cli", "-s", self.path, *words, env=self.environment, text=True).stdout

    def info(self):
        return dict(line.split(":", 1) for line in self.ask("INFO", "all").splitlines()
                    if ":" in line)

    def polled(self):
        return poller(self.place, "poll_redis", f"cache={self.path}", env=self.environment)
