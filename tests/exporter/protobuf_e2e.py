#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pages in protobuf: what they say is what the text says, to anybody's reader.

usage: protobuf_e2e.py RING_EXPORTER RINGLOAD ODD_WRITER
"""
import os
import re
import signal
import struct
import time

from harness import Totals, totals_of_seg
from place import DEADLINE_S, main, run, wait_until
from programs import Exporter, Load, Messages, Prometheus
import exposition
import messages

SEED = int(os.environ.get("RING_SEED", "20240229"))
ROUNDS, SEGMENTS = 10, 3
ACCEPT = ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
          "encoding=delimited")
ESCAPE = re.compile(r"\\(?:([0-7]{3})|(.))")
LETTERS = {"n": "\n", "r": "\r", "t": "\t"}


def body_of(exporter, query=""):
    status, headers, body = exporter.get(f"/metrics?{query}", Accept=ACCEPT)
    assert (status, headers["Content-Type"]) == (200, ACCEPT.replace(";", "; ")), headers
    return body


def plain(quoted):
    """What protoc has in quotes, byte by byte."""
    def byte(escape):
        return chr(int(escape[1], 8)) if escape[1] else LETTERS.get(escape[2], escape[2])
    return ESCAPE.sub(byte, quoted[1:-1]).encode("latin-1").decode()


def decoded(family):
    """A family as protoc reads it: the same dict that messages.py makes of it."""
    done = run("protoc", "--decode=io.prometheus.client.MetricFamily",
               f"--proto_path={os.path.dirname(messages.PROTO)}", messages.PROTO, input=family)
    assert done.returncode == 0, done
    found = [("MetricFamily", {})]
    for line in done.stdout.decode("latin-1").splitlines():
        words = line.strip()
        if words == "}":
            found.pop()
            continue
        name, opens = re.match(r"(\w+)(?:: .*| (\{))$", words).groups()
        repeats, kind, _ = next(field for field in messages.MESSAGES[found[-1][0]].values()
                                if field[2] == name)
        value = {} if opens else value_of(kind, words.partition(": ")[2])
        if repeats:
            found[-1][1].setdefault(name, []).append(value)
        else:
            found[-1][1][name] = value
        if opens:
            found.append((kind, value))
    return found[0][1]


def value_of(kind, word):
    if kind == "string":
        return plain(word)
    return word if kind == "MetricType" else float(word) if kind == "double" else int(word)


def start_of(value):
    start = value.get("created_timestamp", {"seconds": 0, "nanos": 0})
    return start["seconds"] * 10 ** 9 + start["nanos"]


def odd_segments(place, seed):
    os.makedirs(place.segments, exist_ok=True)
    for index in range(SEGMENTS):
        done = run("odd_writer", place.segments, f"odd{index}", seed * SEGMENTS + index)
        assert done.returncode == 0, done


def still(families):
    """The values of data planes that are gone, which stand still."""
    return {(name, labels): repr(float(value))
            for (name, labels), value in exposition.series_of(families).items()
            if not name.startswith(("ring_", "process_"))}


def odd_pages_say_what_the_text_says_to_protoc_too(place):
    for seed in range(SEED, SEED + ROUNDS):
        odd_segments(place, seed)
        exporter = Exporter(place)
        body = body_of(exporter)
        text, page = exporter.page(), Messages(body)
        assert len(still(text.families)) > 20, seed
        assert still(page.families) == still(text.families), seed
        assert [(one.name, one.type, one.help) for one in page.families] == \
            [(one.name, one.type, one.help) for one in text.families], seed
        if seed == SEED:
            for ours, family in messages.families_of(body):
                assert repr(decoded(family)) == repr(ours), (ours, decoded(family))
        exporter.end()
        for name in os.listdir(place.segments):
            os.unlink(place.path(name))


def counters_start_with_the_segment_and_the_exporter(place):
    totals_of_seg(place, "--samples", 1000)
    with open(place.path("seg"), "rb") as file:
        created, = struct.unpack_from("=Q", file.read(512), 176)
    started = time.time()
    exporter = Exporter(place)
    page = Messages(body_of(exporter))
    starts = {name: start_of(value) for (name, _), value in page.metrics.items()
              if name.endswith(("_total", "_seconds"))}
    assert starts["load_events_total"] == starts["load_latency_seconds"] == created
    assert starts["ring_samples_written_total"] == created
    assert started <= starts["ring_exporter_drain_passes_total"] / 1e9 <= time.time()
    assert starts["process_cpu_seconds_total"] == starts["ring_exporter_drain_passes_total"]


def native(page, channel):
    return page.metric("load_latency_seconds", channel=channel)


def grown(before, now):
    """Whether no bucket has fallen; a lower schema has wider ones."""
    steps = before["schema"] - now["schema"]
    for side in ("positive", "negative"):
        wider = {}
        for index, count in messages.buckets_of(before, side).items():
            wider[-(-index >> steps)] = wider.get(-(-index >> steps), 0) + count
        found = messages.buckets_of(now, side)
        if any(found.get(index, 0) < count for index, count in wider.items()):
            return False
    return (steps >= 0 and now["zero_count"] >= before["zero_count"]
            and all(new["cumulative_count"] >= old["cumulative_count"]
                    for old, new in zip(before["bucket"], now["bucket"])))


def nothing_falls_and_counts_are_exact_after_losses(place):
    """A ring that fills in a quarter of a second, and an exporter that is stopped for longer."""
    exporter = Exporter(place)
    load = Load(place, "seg", "--slots", 1024, "--rate", 4000, "--seconds", 2, "--hold")
    exporter.page_when(lambda page: page.total("ring_segment_up") == 1, "the segment is up")
    pages = [Messages(body_of(exporter))]
    for _ in range(3):
        exporter.send_signal(signal.SIGSTOP)
        time.sleep(0.4)  # longer than what the rings have room for
        exporter.send_signal(signal.SIGCONT)
        pages += [Messages(body_of(exporter)) for _ in range(4)]
    totals = Totals(load.totals())
    text = exporter.page_when(totals.are_on, "the page shows what was written")
    assert text.total("ring_samples_dropped_total", segment="seg") > 500
    channels = totals.runs[0]["load_latency_seconds"]

    def is_complete():
        pages.append(Messages(body_of(exporter)))
        return all(native(pages[-1], channel)["sample_count"] == totals.observed(channel)
                   for channel in channels)
    wait_until(is_complete, "what was lost is made up for")
    for before, now in zip(pages, pages[1:]):
        for (name, labels), value in before.metrics.items():
            if name == "load_latency_seconds":
                assert grown(value, now.metrics[name, labels]), (value, now.metrics[name, labels])
    assert still(pages[-1].families) == still(text.families)


def exporter_that_comes_back_begins_at_nothing(place):
    load = Load(place, "seg", "--slots", 64, "--samples", 20000, "--hold")
    totals = Totals(load.totals())
    exporter = Exporter(place)
    exporter.page_when(totals.are_on, "the page shows what was written")
    page = Messages(body_of(exporter))
    for channel in totals.runs[0]["load_latency_seconds"]:
        found = native(page, channel)
        assert totals.observed(channel) > 64 > found["sample_count"], found
        assert abs(start_of(found) / 1e9 - time.time()) < DEADLINE_S, found
        assert start_of(page.metric("load_events_total", channel=channel)) < start_of(found)


def without_them_histograms_are_classic(place):
    totals = totals_of_seg(place, "--samples", 1000)
    exporter = Exporter(place, "--metrics.no-native-histograms")
    exporter.page_when(totals.are_on, "the page shows what was written")
    page = Messages(body_of(exporter))
    for channel in totals.runs[0]["load_latency_seconds"]:
        found = native(page, channel)
        assert "schema" not in found and found["sample_count"] == totals.observed(channel)


def real_prometheus_reckons_with_native_histograms(place):
    totals = totals_of_seg(place, "--samples", 2000)
    exporter = Exporter(place)
    page = Messages(body_of(exporter))
    prometheus = Prometheus(place, exporter, options=["--enable-feature=native-histograms"])
    for channel in totals.runs[0]["load_latency_seconds"]:
        name = f'load_latency_seconds{{channel="{channel}"}}'
        count = totals.observed(channel)
        wait_until(lambda q=f"histogram_count({name})", c=count: prometheus.value_of(q) == c, name)
        found = native(page, channel)
        assert prometheus.value_of(f"histogram_sum({name})") == found["sample_sum"]
        assert found["schema"] == 3, found
        median = prometheus.value_of(f"histogram_quantile(0.5, {name})")
        low = high = 0
        for index, held in sorted(messages.buckets_of(found, "positive").items()):
            low, high = high, high + held
            if high >= count / 2:
                break
        assert 2 ** ((index - 1) / 8) * 0.999 <= median <= 2 ** (index / 8) * 1.001, (median, index)
    assert prometheus.series("load_latency_seconds_bucket") == []  # 2.42 has one or the other
    assert prometheus.value_of("sum(load_events_total)") == sum(
        totals.runs[0]["load_events_total"].values())


def filtered_page_has_the_same_histograms_core_by_core(place):
    totals_of_seg(place, "--samples", 1000, "--cores", 3)
    exporter = Exporter(place, "--metrics.override", "load_*:labels=core")
    whole = Messages(body_of(exporter))
    names = {key: metric for key, metric in whole.metrics.items()
             if key[0] == "load_latency_seconds"}
    assert len({dict(labels)["core"] for _, labels in names}) == 3, names
    assert all(metric["schema"] == 3 for metric in names.values()), names
    for core in range(3):
        part = Messages(body_of(exporter, f"name[]=load_latency_seconds&core={core}"))
        assert part.metrics == {(name, labels): metric for (name, labels), metric in names.items()
                                if dict(labels)["core"] == str(core)}, part.metrics


def unit_is_the_openmetrics_one(place):
    totals_of_seg(place, "--samples", 1000)
    exporter = Exporter(place)
    units = {family["name"]: family.get("unit")
             for family, _ in messages.families_of(body_of(exporter))}
    assert units["load_latency_seconds"] == "seconds"
    assert units["load_events_total"] is None


print(f"# RING_SEED={SEED}")
main([
    odd_pages_say_what_the_text_says_to_protoc_too,
    counters_start_with_the_segment_and_the_exporter,
    unit_is_the_openmetrics_one,
    filtered_page_has_the_same_histograms_core_by_core,
    without_them_histograms_are_classic,
    exporter_that_comes_back_begins_at_nothing,
    nothing_falls_and_counts_are_exact_after_losses,
    real_prometheus_reckons_with_native_histograms,
])
