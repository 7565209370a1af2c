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
READER = "Writer with a reader on the other core"
JITTER = "Jitter of a record, in bursts of 32 and one by one"
READING = "Reading, one core"
RATE = "Highest sustained rate without a loss, 1 Ki series in random order, bursts of 32"
CORES = "Many cores, each writing to a ring of its own in one segment"
EXPOSITION = "Exposition"
TRICKS = "What each trick buys, and each promise costs"


def trick(what, who, peer="bare push"):
    return ratio(TRICKS, what, ("tricks", "push", who), ("tricks", "push", peer))


def beside(what, case, who, target=None, peer="no reader"):
    return ratio(READER, what, ("reader", case, who), ("reader", case, peer), target)


def jitter(quantile, when="no reader"):
    return ratio(JITTER, f"{quantile} of a 32nd of a burst, {when} / of an empty loop's turn",
                 ("jitter", quantile, when), ("jitter", quantile, "empty loop"))


def jitter_single(quantile, when="no reader"):
    case = f"{quantile}, single"
    return Row(JITTER, f"{quantile} of one record, {when}, less that of none timed alike",
               ("jitter", case, when), ("jitter", case, "empty loop"), "difference", None)


def drain(what, case, who, target=None):
    return Row(READING, what, ("drain", case, who), None, "value", target)


def rate(slots, gap, who, target=None):
    return Row(RATE, f"{slots} slots, {who} every {gap}", ("rate", f"{slots} slots, {gap}", who),
               None, "value", target, None, True)


def cores(count, who, target=None):
    slowest = ", the slowest of them" if who == "slowest" else ""
    return ratio(CORES, f"counter add, {count} writers{slowest} / 1 writer",
                 ("cores", f"{count} writers", who), ("cores", "1 writers", "ring"), target)


def render(what, case, target=None):
    return Row(EXPOSITION, what, ("render", case, "ring"), None, "value", target)


def page(what, case, peer, target=None, ours="ring"):
    return ratio(EXPOSITION, what, ("render", case, ours), ("render", case, peer), target,
                 "prometheus-cpp-dev" if peer == "prometheus-cpp" else None)


def number(values, who):
    return ratio(EXPOSITION, f"{values}, {who} / as the exporter does", ("numbers", values, who),
                 ("numbers", values, "ring"))


def inside(what, case, target=None, who="with a record"):
    return Row(RECORD, what, ("inside", case, who), ("inside", case, "without"),
               "difference", target)


PROCESS = "The exporter as a process"
SIZES = "The exporter by size: slopes between neighbouring points of its curves"
# What one more costs may grow where twice as many lie one cache further out. If all of them were
# looked at for each, it would double with their number, and treble where that is more than trebled.
LINEAR = 1.75


def process(what, case, who, target=None):
    return Row(PROCESS, what, ("process", case, who), None, "value", target)


def curve(measure, things, sizes, target=None):
    """The slope between the last two of three sizes against that between the first two."""
    case = f"{measure} by {things}"
    few, more, many = sizes
    return ratio(SIZES, f"{measure}, one more of {more} to {many} {things} / of {few} to {more}",
                 ("curves", case, f"{more} to {many}"), ("curves", case, f"{few} to {more}"),
                 target)


def curves():
    """At the end of each curve, and where everything is still in the near caches."""
    measures = ("attach", "idle pass", "all tallies", "snapshot", "first page", "page", "leave",
                "heap")
    for things in "rings", "segments":
        for measure in (*measures, "pass"):
            yield curve(measure, things, (16, 32, 64), LINEAR)
        yield curve("first snapshot", things, (16, 32, 64))  # of what has just left the caches
    for measure in (*measures, "first snapshot"):
        yield curve(measure, "series", (1000, 3000, 10000), LINEAR)
        yield curve(measure, "series", (100000, 300000, 1000000), LINEAR)


ROWS = [
    ratio(RECORD, "counter add / prometheus-cpp Counter::Increment",
          COUNTER, counter("prometheus-cpp"), 0.20, "prometheus-cpp-dev"),
    ratio(RECORD, "counter add / bare three-store push", COUNTER, counter("push, same layout"),
          1.35),
    ratio(RECORD, "counter add / the same push, with pointers to its slots and position", COUNTER,
          counter("bare push")),
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
    ratio(RECORD, "histogram observe, 10 bounds / HdrHistogram hdr_record_value",
          ("record", "histogram", "ring"), ("record", "histogram", "hdrhistogram"), None,
          "HdrHistogram's C library, which Debian 12 does not have"),
    inside("a record inside 25 ns of arithmetic", "arithmetic", 1),
    inside("a record beside a random walk through 32 KiB", "walk 32 KiB", 1),
    inside("a record beside a random walk through 512 KiB", "walk 512 KiB", 1),
    inside("a record beside a random walk through 4 MiB", "walk 4 MiB", 1),
    *(inside(f"the same with a ring of 1 Ki slots, {size}", f"walk {size}",
             who="with a record, ring of 1 Ki slots") for size in ("32 KiB", "512 KiB", "4 MiB")),
    ratio(RECORD, "counter add, first lap after creation / steady state",
          ("tricks", "fresh", "ring, first lap"), ("tricks", "fresh", "ring"), 1.3),

    beside("reader every 100 ms / none", "single", "every 100 ms", 1.03),
    beside("reader every 1 ms / none", "single", "every 1 ms", 1.03),
    beside("reader every 100 us / none", "single", "every 100 us"),
    beside("reader every 10 us / none", "single", "every 10 us", 1.25),
    beside("reader spinning / none", "single", "spinning"),
    beside("reader every 10 us / none, bursts of 32", "bursts", "every 10 us"),
    beside("reader spinning / none, bursts of 32", "bursts", "spinning", 1.6),
    beside("position loaded / remembered, reader every 10 us", "push",
           "position loaded, every 10 us", None, "position remembered, every 10 us"),
    beside("position loaded / remembered, reader spinning", "push",
           "position loaded, spinning", None, "position remembered, spinning"),
    beside("position loaded / remembered, reader spinning, 25 ns of work between", "push",
           "position loaded, work between, spinning", None,
           "position remembered, work between, spinning"),

    Row(JITTER, "the clock's step", ("jitter", "clock", "step"), None, "value",
        None),
    *(form(quantile, when) for form in (jitter, jitter_single)
      for when in ("no reader", "reader every 1 ms", "reader every 10 us")
      for quantile in ("p50", "p99", "p99.9", "p99.99")),

    drain("a sample copied and validated, 1 Ki series of all kinds", "1 Ki series",
          "copy and validate"),
    drain("a sample drained with aggregation, 1 Ki series of all kinds", "1 Ki series",
          "with aggregation", 3.0),
    drain("the same from a ring of 16 Ki slots", "1 Ki series, 16 Ki slots", "with aggregation",
          3),
    drain("a sample copied and validated, 16 Ki series", "16 Ki series", "copy and validate"),
    drain("a sample drained with aggregation, 16 Ki series", "16 Ki series", "with aggregation"),

    *(rate(slots, gap, who,
           200 if (slots, gap) == ("64 Ki", "100 us") else None)
      for slots in ("4 Ki", "64 Ki", "1 Mi") for gap in ("10 us", "100 us")
      for who in ("copied and checked", "exporter's drain")),

    *(cores(count, who, 1.10) for count in (2, 4, 8, 12, 15) for who in ("ring", "slowest")),

    render("10 k counters, a series", "10 k counters", 15),
    render("10 k counters of 1 to 16 digits, a series", "10 k counters, 1 to 16 digits", 15),
    render("10 k gauges of 16 or 17 digits, a series", "10 k gauges", 50),
    *(page(f"{case} / prometheus-cpp TextSerializer", case, "prometheus-cpp", target)
      for case, target in (("10 k counters", 0.04), ("1 M counters", 0.04),
                           ("10 k gauges", 0.04), ("1 M gauges", 0.04))),
    page("1 M counters / memcpy of the page", "1 M counters", "memcpy", 3),
    page("1 M counters of 1 to 16 digits / memcpy of the page", "1 M counters, 1 to 16 digits",
         "memcpy", 3),
    page("1 M gauges / memcpy of the page", "1 M gauges", "memcpy", 3),
    page("1 M counters into new memory / into memory that a page has had", "1 M counters", "ring",
         ours="ring, new memory"),
    page("10 k counters, lines appended piece by piece / ready", "10 k counters", "ring",
         ours="piece by piece"),
    page("10 k counters, spelling the lines once / a page from them", "10 k counters", "ring",
         ours="spelling the lines"),
    *(number(values, who) for values in ("eight digits", "1 to 16 digits")
      for who in ("two at a time", "one by one")),
    *(number(values, "by trial") for values in ("random doubles", "short doubles")),

    trick("tally and sample (a counter add) / sample alone", "ring"),
    trick("tally alone / sample alone", "tally alone"),
    trick("counter add, cell's address computed once / cell by its number",
          "ring, cell by its address", "ring"),
    trick("position loaded from shared memory / remembered", "position loaded from shared memory"),
    trick("sample built and copied / stored word by word", "sample built and copied"),
    trick("writer state 4 KiB-aliased with the position / not", "writer state 4 KiB-aliased"),
    trick("clock_gettime per record / time given", "clock_gettime per record"),
    trick("rdtsc per record / time given", "rdtsc per record"),
    trick("clock_gettime per 32 records / time given", "clock_gettime per 32 records"),
    ratio(TRICKS, "first lap, memory not populated / populated",
          ("tricks", "fresh", "push, not populated"), ("tricks", "fresh", "push, populated")),

    Row(PROCESS, "attach a segment with 10 k series, a series",
        ("curves", "attach by series", "10000"), None, "value", None),
    process("idle, 64 rings of 1 segment", "64 idle rings of 1 segment", "CPU", 0.5),
    process("idle, 64 rings of 64 segments", "64 idle rings of 64 segments", "CPU", 0.5),
    process("64 rings at 1 M samples/s in all", "64 rings at 1 M samples/s", "CPU"),
    process("its peak memory", "64 rings at 1 M samples/s", "peak memory"),
    process("samples it lost", "64 rings at 1 M samples/s", "samples dropped", 0),
    process("10 k followers that each record what they have applied each 10 ms",
            "10 k followers, applied", "CPU", 20),
    process("the same, and their leader what it has shipped", "10 k followers, both", "CPU", 20),
    process("its memory", "10 k followers, both", "memory"),
    process("samples it lost", "10 k followers, both", "samples dropped"),
    ratio(PROCESS, "scrape of 10 k series / prometheus-cpp Exposer", ("process", "scrape", "ring"),
          ("process", "scrape", "prometheus-cpp"), None, "prometheus-cpp-dev"),
    ratio(PROCESS, "scrape of 10 k series, page not new / new",
          ("process", "scrape", "ring, same page"), ("process", "scrape", "ring")),
    *curves(),
]
