#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real replication on /metrics: PostgreSQL and Redis, primary and replica each, a little write
load, the two collectors and ring-exporter, all in temporary folders and gone when this ends.

Enter pauses both replicas, and again lets them go on. Ctrl-C ends.
"""
import argparse
import os
import re
import signal
import sys

from databases import Postgres, Redis, Site, wait_until

ENDING = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


class Watch(Site):
    """The collectors, which record into the folder's segments, and the exporter."""

    def __init__(self, build):
        self.build = build

    def collect(self, database):
        name = database.collector
        self.start(name, f"{self.build}/docs/examples/replication/{name}", "--connect",
                   database.target(), "--dir", self.path("ring"), "--interval-ms", "200",
                   env=database.environment)

    def export(self):
        """Returns where the metrics are."""
        exporter = self.start("exporter", f"{self.build}/exporter/ring-exporter", "--dir",
                              self.path("ring"), "--web.listen-address", "127.0.0.1:0")

        def address():
            if exporter.poll() is not None:
                raise RuntimeError("ring-exporter: " + self.said("exporter"))
            return re.search(r'address="([^"]+:[1-9]\d*)"', self.said("exporter"))
        return f"http://{wait_until(address, 'ring-exporter serves')[1]}/metrics"

    def said(self, name):
        with open(self.path(name + ".log"), encoding="utf-8") as log:
            return log.read()


def leave(number, _):
    """Ends this program, and no second signal disturbs the end."""
    for one in ENDING:
        signal.signal(one, signal.SIG_IGN)
    sys.exit(128 + number)


def play(postgres, redis, url):
    """Says what there is to see, and pauses and resumes until the input ends."""
    print(f"{url}\n"
          f"psql -h {postgres.folder} -U postgres -c 'TABLE pg_stat_replication'\n"
          f"REDISCLI_AUTH={redis.password} {' '.join(redis.client('INFO', 'replication'))}\n"
          "Enter pauses the replicas, Ctrl-C ends.", flush=True)
    paused = False
    for _ in sys.stdin:
        paused = not paused
        for database in postgres, redis:
            if paused:
                database.pause(database.replica)
            else:
                database.resume(database.replica)
        print("paused" if paused else "resumed", flush=True)
    signal.pause()


def main():
    build = os.path.join(os.path.dirname(__file__), "../../../build/gcc")
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=build, help="where the programs are (build/gcc)")
    parser.add_argument("--idle", action="store_true", help="without the write load")
    arguments = parser.parse_args()
    build = os.path.abspath(arguments.build)
    if not os.path.exists(f"{build}/docs/examples/replication"):
        parser.exit(2, f"run.py: {build}: not built; see ./dev build\n")

    for one in ENDING:
        signal.signal(one, leave)
    with Postgres() as postgres, Redis() as redis, Watch(build) as watch:
        for database in postgres, redis:
            watch.collect(database)
            if not arguments.idle:
                database.write_load()
        play(postgres, redis, watch.export())


if __name__ == "__main__":
    main()
