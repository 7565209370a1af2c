# SPDX-License-Identifier: MIT
"""The table of what is measured and what it is held to: every row of docs/performance.md.

A measurement is named by (bench, case, who), as the programs' JSON lines are.
"""
import collections

# group    the rows that stand together
# what     the row's title
# ours     the measurement
# peer     what it is held against, measured in the same rounds; None: against the target itself
# relation "ratio" (of the two), "difference" or "value" (of ours alone)
# target   what that may be at most, or at least with `least`; None: reported
# package  what Debian calls the peer
Row = collections.namedtuple("Row", "group what ours peer relation target package least",
                             defaults=(None, False))


def ratio(group, what, ours, peer, target=None, package=None):
    return Row(group, what, ours, peer, "ratio", target, package)


COUNTER = ("record", "counter", "ring")


def counter(who):
    return ("record", "counter", who)


RECORD = "Record path, one core"

ROWS = [
    ratio(RECORD, "counter add / prometheus-cpp Counter::Increment",
          COUNTER, counter("prometheus-cpp"), 0.20, "prometheus-cpp-dev"),
    ratio(RECORD, "counter add / bare three-store push", COUNTER, counter("bare push"), 1.35),
    ratio(RECORD, "counter add / ck_ring SPSC enqueue, object on the stack",
          COUNTER, counter("ck_ring"), 1.5, "libck-dev"),
    ratio(RECORD, "counter add / ck_ring SPSC enqueue, constant object",
          COUNTER, counter("ck_ring, constant object"), None, "libck-dev"),
    ratio(RECORD, "counter add / rte_ring SP enqueue",
          COUNTER, counter("rte_ring"), None, "libdpdk-dev"),
    ratio(RECORD, "counter add / PCP mmv_inc", COUNTER, counter("pcp"), 0.75, "libpcp-mmv1-dev"),
    ratio(RECORD, "counter add / LTTng-UST tracepoint, overwrite mode",
          ("tracepoint", "counter", "ring"), ("tracepoint", "counter", "lttng-ust"), 0.03,
          "liblttng-ust-dev"),
    ratio(RECORD, "counter add, burst of 32 / single", counter("ring, bursts of 32"), COUNTER, 1.0),
    ratio(RECORD, "gauge set / prometheus-cpp Gauge::Set", ("record", "gauge", "ring"),
          ("record", "gauge", "prometheus-cpp"), 0.25, "prometheus-cpp-dev"),
    ratio(RECORD, "histogram observe, 10 bounds / prometheus-cpp Histogram::Observe",
          ("record", "histogram", "ring"), ("record", "histogram", "prometheus-cpp"), 0.15,
          "prometheus-cpp-dev"),
]
