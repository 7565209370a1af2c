#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real replication under watch: PostgreSQL and Redis, primary and replica each, a little write
load, a collector beside each, ring-exporter, and an Alertmanager if there is one; all of it in
temporary folders, on loopback, and gone when this ends.

Enter pauses both replicas, and again lets them go on. Ctrl-C ends.
"""
import argparse
import json
import os
import shutil
import signal
import sys
import urllib.request

from databases import Postgres, Redis
from scratch import Site, end_in_order

ALERTMANAGER = "prometheus-alertmanager"


class Watch(Site):
    """The collectors, which record into the folder's segments, the exporter, which reads them, and
    an Alertmanager that it tells."""

    def __init__(self, build):
        self.build = build

    def collect(self, database):
        name = database.collector
        self.start(name, f"{self.build}/docs/examples/replication/{name}", "--connect",
                   database.target(), "--dir", self.path("ring"), "--interval-ms", "200",
                   "--prefix", f"{type(database).__name__.lower()}/",
                   env=database.environment)

    def alertmanager(self):
        """Starts one that shows alerts and passes them on to nobody; None: it is not installed."""
        if not shutil.which(ALERTMANAGER):
            return None
        config = self.path("alertmanager.yml")
        with open(config, "w", encoding="utf-8") as file:
            json.dump({"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}, file)
        url = self.serve(ALERTMANAGER, ALERTMANAGER, f"--config.file={config}",
                         f"--storage.path={self.path('alerts')}", "--cluster.listen-address=")
        with urllib.request.urlopen(url + "/-/ready", timeout=30):
            return url

    def exporter(self, alertmanager):
        """The default cooldown of a minute is long for somebody who watches."""
        return self.serve("ring-exporter", f"{self.build}/exporter/ring-exporter", "--dir",
                          self.path("ring"), "--replication.cooldown=3s",
                          *([f"--alert.url={alertmanager}"] if alertmanager else []))


def introduce(postgres, redis, exporter, alertmanager):
    """Says what there is to see."""
    missing = f"none; apt install {ALERTMANAGER}, and start this again"
    redis_cli = f"REDISCLI_AUTH={redis.password} {' '.join(redis.client('INFO', 'replication'))}"
    print(f"""\
metrics       {exporter}/metrics
status        {exporter}/replication
Alertmanager  {alertmanager or missing}
PostgreSQL    psql -h {postgres.folder} -U postgres -c 'TABLE pg_stat_replication'
Redis         {redis_cli}

Enter pauses both replicas: their lag grows, an alert comes at 5 seconds, and after 10 without
progress they count as stalled. Enter again lets them catch up. Ctrl-C ends everything.""",
          flush=True)


def play(postgres, redis):
    """Pauses and resumes until the input ends."""
    paused = False
    for _ in sys.stdin:
        paused = not paused
        for database in postgres, redis:
            if paused:
                database.pause(database.replica)
            else:
                database.resume(database.replica)
        print("paused; after 60 s the databases drop them, and their alerts end" if paused
              else "resumed", flush=True)
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

    end_in_order()
    with Postgres() as postgres, Redis() as redis, Watch(build) as watch:
        for database in postgres, redis:
            watch.collect(database)
            if not arguments.idle:
                database.write_load()
        alertmanager = watch.alertmanager()
        introduce(postgres, redis, watch.exporter(alertmanager), alertmanager)
        play(postgres, redis)


if __name__ == "__main__":
    main()
