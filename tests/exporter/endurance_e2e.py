#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An exporter under siege.

usage: endurance_e2e.py RING_EXPORTER RINGLOAD LABELS_WRITER
"""
import time

from besiegers import siege
from harness import Totals
from connections import MIB, fds, label_much, resident_bytes, warmed_up
from place import main, wait_until
from programs import Load

SIEGE_S = 30
CONNECTIONS_MAX, SPARE = 128, 32


class Watch:
    """Scrapes again and again, and keeps an eye on what the exporter uses."""

    def __init__(self, exporter):
        self.exporter, self.seconds, self.fds_most, self.bytes_most = exporter, [], 0, 0

    def scrape(self):
        start = time.monotonic()
        status, _, _ = self.exporter.get()
        assert status == 200, status
        self.seconds.append(time.monotonic() - start)
        self.fds_most = max(self.fds_most, fds(self.exporter))
        self.bytes_most = max(self.bytes_most, resident_bytes(self.exporter))

    def p99(self):
        return sorted(self.seconds)[len(self.seconds) * 99 // 100]


def scrapes_go_on_under_a_siege_and_nothing_is_lost(place):
    label_much(place)
    load = Load(place, "seg", "--cores", 1, "--slots", 65536, "--rate", 20000, "--series", 3,
                "--samples", 20000 * SIEGE_S, "--hold")
    exporter = warmed_up(place)
    exporter.page_when(lambda page: page.total("load_events_total") > 0, "traffic")
    fds_before, bytes_before = fds(exporter), resident_bytes(exporter)
    watch = Watch(exporter)
    with siege(exporter, {"silent": 1000, "dripping": 1000, "slow": 200}, SIEGE_S + 5) as besiegers:
        end = time.monotonic() + SIEGE_S
        while time.monotonic() < end:
            watch.scrape()
            time.sleep(0.02)  # so that it is scrapes among others, not a flood
        assert besiegers.is_alive()
    print(f"# {len(watch.seconds)} scrapes, p99 {watch.p99() * 1e3:.1f} ms, "
          f"longest {max(watch.seconds) * 1e3:.1f} ms; {fds_before} descriptors before, "
          f"{watch.fds_most} at most; {bytes_before / MIB:.1f} MiB before, "
          f"{watch.bytes_most / MIB:.1f} at most")
    assert watch.p99() < 0.1, watch.p99()
    assert fds_before + CONNECTIONS_MAX // 4 < watch.fds_most <= fds_before + CONNECTIONS_MAX + SPARE
    assert watch.bytes_most < bytes_before + 128 * MIB
    wait_until(lambda: fds(exporter) == fds_before, "all descriptors are back")
    totals = Totals(load.totals())
    page = exporter.page_when(totals.are_on, "the page shows what was written")
    assert page.total("ring_samples_dropped_total", segment="seg") == 0
    print(f"# {resident_bytes(exporter) / MIB:.1f} MiB after")
    assert resident_bytes(exporter) < bytes_before + 32 * MIB
    assert "connections had to make room" in exporter.said()


if __name__ == "__main__":
    main([scrapes_go_on_under_a_siege_and_nothing_is_lost])
