#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Short-lived queues through a budget of 512, polled, as the page shows them.

usage: churn_e2e.py RING_EXPORTER BROKER

RING_CHURN_S is how many seconds a million queues shall take; without it it is some seconds for as
many as come in that time.
"""
import os
import subprocess
import threading

import harness  # noqa: F401, says where the others are
from connections import MIB, resident_bytes
from place import Program, main
from programs import Exporter

SECONDS = int(os.environ.get("RING_CHURN_S", 8))
QUEUES = 1_000_000 * SECONDS // 60
BUDGET = 512
MEMORY_SLACK = 8 * MIB


class Broker(Program):
    """A running broker, and which queue was the oldest at each of its polls."""

    def __init__(self, place):
        os.makedirs(place.segments, exist_ok=True)
        super().__init__(place, "broker", place.segments, "seg", SECONDS, QUEUES,
                         stdin=subprocess.PIPE)
        self.firsts, self.sent = [], None
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def listen(self):
        for line in self.stdout:
            word, number = line.split()
            if word == "over":
                self.sent = int(number)
                return
            self.firsts.append(int(number))


class Watch:
    """What must hold on each page while queues come and go."""

    def __init__(self, broker):
        self.broker, self.sum, self.seen = broker, 0, set()

    def look(self, page, oldest):
        named = {}
        for (name, labels), value in page.values.items():
            if name == "queue_messages" and labels != 'queue="_other"':
                named[int(labels[len('queue="q'):-1])] = value
        for queue, depth in named.items():
            assert depth == queue, (queue, depth)
            assert queue >= oldest, (queue, oldest)
        assert len(named) <= BUDGET
        self.seen.update(named)
        total = page.total("queue_sent_total")
        assert total >= self.sum, (total, self.sum)
        assert len(page.lines("queue_sent_total{")) <= BUDGET + 1
        self.sum = total


def X9_X10_queues_that_are_gone_are_gone_from_the_page_and_no_message_is_missing(place):
    broker, exporter = Broker(place), Exporter(place)
    watch, warm = Watch(broker), None
    while broker.sent is None:
        assert broker.poll() is None, broker.said()
        # A queue that was not in the answer before last is not on a page that is asked for now.
        firsts = list(broker.firsts)
        page = exporter.page()
        watch.look(page, firsts[-3] if len(firsts) > 2 else 0)
        if warm is None and len(firsts) > SECONDS // 2:
            warm = resident_bytes(broker), resident_bytes(exporter)
    grown = resident_bytes(broker) - warm[0], resident_bytes(exporter) - warm[1]
    print(f"# {QUEUES} queues in {SECONDS} s, {len(watch.seen)} of them under their own names; "
          f"broker {warm[0] / MIB:.1f} MiB and then {grown[0] / MIB:+.1f}, "
          f"exporter {warm[1] / MIB:.1f} MiB and then {grown[1] / MIB:+.1f}")
    page = exporter.page_when(lambda page: not page.lines("queue_messages"), "all queues are gone")
    assert page.total("queue_sent_total") == broker.sent
    assert page.total("ring_samples_rejected_total") == 0
    assert page.total("poller_values_refused_total") == 0
    assert len(watch.seen) > BUDGET, len(watch.seen)  # places were given again
    if SECONDS >= 20:  # before that what the broker remembers of queues still grows
        assert max(grown) < MEMORY_SLACK, grown


main([X9_X10_queues_that_are_gone_are_gone_from_the_page_and_no_message_is_missing])
