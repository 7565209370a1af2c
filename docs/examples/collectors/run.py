#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Polled sources on one page: Redis, primary and replica, the kernel's network devices, and two
RocksDB stores in a program of their own, each under a little load; all of it in temporary folders,
on loopback, and gone when this ends.

Prints what the page says of them, and the page's address. Ctrl-C ends.
"""
import argparse
import os
import signal
import sys
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, ".."), os.path.join(HERE, "../replication")]
from databases import Redis
from scratch import Site, end_in_order, wait_until

SHOWN = "kernel_", "poller_", "redis_", "rocksdb_"
LAST = "kernel_network_bytes_total{", 'redis_role{server="replica"', "rocksdb_level_files{"


class Watch(Site):
    """The programs that poll, which record into the folder's segments, and the exporter."""

    def __init__(self, build):
        self.build = build

    def poll(self, name, *arguments, **options):
        self.start(name, f"{self.build}/docs/examples/collectors/{name}", "--dir",
                   self.path("ring"), "--interval-ms", "500", *arguments, **options)

    def exporter(self):
        return self.serve("ring-exporter", f"{self.build}/exporter/ring-exporter", "--dir",
                          self.path("ring"))


def lines_of(url):
    """What the page says of the sources, once it says something of all of them; else nothing."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            page = answer.read().decode()
    except urllib.error.HTTPError:  # the exporter is not ready yet
        return []
    lines = [line for line in page.splitlines() if line.startswith(SHOWN)]
    found = all(any(line.startswith(start) for line in lines) for start in LAST)
    return lines if found else []


def main():
    build = os.path.join(HERE, "../../../build/gcc")
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=build, help="where the programs are (build/gcc)")
    parser.add_argument("--once", action="store_true", help="end as soon as it is printed")
    arguments = parser.parse_args()
    build = os.path.abspath(arguments.build)
    if not os.path.exists(f"{build}/docs/examples/collectors"):
        parser.exit(2, f"run.py: {build}: not built; see ./dev build\n")

    end_in_order()
    with Redis() as redis, Watch(build) as watch:
        redis.write_load()
        watch.poll("poll_kernel")
        watch.poll("poll_redis", env=redis.environment,
                   *(f"{name}=127.0.0.1:{port}" for name, port in redis.ports.items()))
        watch.poll("poll_rocksdb", watch.folder)
        url = watch.exporter() + "/metrics"
        print(*wait_until(lambda: lines_of(url), "all sources are on the page"), sep="\n")
        print(f"\n{url}" + ("" if arguments.once else "   Ctrl-C ends everything."), flush=True)
        if not arguments.once:
            signal.pause()


if __name__ == "__main__":
    main()
