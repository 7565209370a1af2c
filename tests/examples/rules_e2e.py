#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of contrib/prometheus in a real Prometheus, on what ring-exporter says of a real Redis
pair: a metric that is called otherwise than in the rules is an alert that never fires.

usage: rules_e2e.py POSTGRES_COLLECTOR REDIS_COLLECTOR RING_EXPORTER FOLDER
"""
import os
import re
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
sys.path.append(sys.path[0] + "/../../docs/examples/replication")
from databases import Redis
from place import Program, main, wait_until
from programs import Exporter, Prometheus

RULES = "replication.rules.yml"

with open(os.path.join(sys.argv[-1], RULES), encoding="utf-8") as rules_file:
    TEXT = rules_file.read()
ALERTS = set(re.findall(r"- alert: (\w+)", TEXT))
METRICS = set(re.findall(r"\b(?:replication|ring)_\w+", TEXT))


def impatient_rules(place):
    """The rules as they are, but that nothing has to last."""
    text, count = re.subn(r"(\n +for:) \w+", r"\1 0s", TEXT)
    assert count == TEXT.count("- alert:")
    path = os.path.join(place.folder, RULES)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def every_alert_fires_when_what_it_is_for_happens(place):
    with Redis() as redis:
        collector = Program(place, "redis_collector", "--connect", redis.target(), "--dir",
                            place.segments, "--interval-ms", 50, env=redis.environment)
        exporter = Exporter(place)
        prometheus = Prometheus(place, exporter, rules=[impatient_rules(place)])

        fired = set()

        def fire(*alerts):
            wait_until(lambda: prometheus.firing() >= set(alerts), f"{alerts} fire")
            fired.update(alerts)
        redis.write_load()
        for metric in METRICS:
            wait_until(lambda name=metric: prometheus.value_of(f"count({name})"), metric)
        wait_until(lambda: not prometheus.firing(), "nothing fires")

        redis.pause(redis.replica)
        fire("ReplicationLag", "ReplicationLagPredicted")
        fire("ReplicationStalled")
        redis.end(redis.primary)
        fire("ReplicationSourceDown", "ReplicationFollowerLost")
        collector.kill()
        fire("RingSegmentDown")
        exporter.end()
        fire("RingExporterDown")
        assert fired == ALERTS


main([every_alert_fires_when_what_it_is_for_happens])
