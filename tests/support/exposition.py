# SPDX-License-Identifier: MIT
"""A page of metrics, text 0.0.4 or OpenMetrics 1.0, read as strictly as the formats allow.

Parsers pass over much: a series twice, families in pieces, buckets that fall. This one does not.
"""
import math
import re
from collections import namedtuple

Family = namedtuple("Family", "name type unit help samples")
Sample = namedtuple("Sample", "name labels value")  # labels: pairs; the value as it is spelled

HEADING = re.compile(r"# (TYPE|UNIT|HELP) ([a-zA-Z_]\w*) (.*)", re.ASCII | re.DOTALL)
SAMPLE = re.compile(r"([a-zA-Z_]\w*)(?:\{(.+)\})? (\S+)", re.ASCII | re.DOTALL)
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(,?)', re.ASCII)
COUNT = re.compile(r"[0-9]+")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-][0-9]{2,3})?|NaN|[+-]Inf")

HEADINGS = {False: (["HELP", "TYPE"],), True: (["TYPE", "HELP"], ["TYPE", "UNIT", "HELP"])}
TYPES = {False: {"counter", "gauge", "histogram"},
         True: {"counter", "gauge", "histogram", "info", "stateset", "unknown"}}
HISTOGRAM = ("_bucket", "_sum", "_count")


def canonical(bound):
    """An upper bound as Go and OpenMetrics spell it."""
    if math.isinf(bound):
        return "+Inf"
    digits, _, exponent = f"{bound!r}".partition("e")
    whole = digits.partition(".")[0].lstrip("-")
    if exponent:
        return f"{digits.removesuffix('.0')}e{int(exponent):+03}"
    if len(whole) <= 6:
        return digits
    sign = "-" * (bound < 0)
    mantissa = digits.replace(".", "").lstrip("-").rstrip("0")
    return f"{sign}{mantissa[0]}{'.' * (len(mantissa) > 1)}{mantissa[1:]}e+{len(whole) - 1:02}"


def labels_of(text):
    """Pairs of a name and a value that is still escaped."""
    pairs, at = [], 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match and bool(match[3]) == (match.end() < len(text)), f"labels: {text!r}"
        pairs.append((match[1], match[2]))
        at = match.end()
    assert len({name for name, _ in pairs}) == len(pairs), f"a label twice: {text!r}"
    return tuple(pairs)


def families_of(text, openmetrics):
    """All families in their order, each with one heading."""
    end = "# EOF\n" if openmetrics else ""
    assert text.endswith(end) and (text.endswith("\n") or not text), "the page has no end"
    blocks = []  # of the words of a heading, and the lines below
    for line in text.removesuffix(end).split("\n")[:-1]:
        words, sample = HEADING.fullmatch(line), SAMPLE.fullmatch(line)
        assert words or sample, f"neither heading nor line: {line!r}"
        if words and (not blocks or blocks[-1][1]):
            blocks.append(([], []))
        if words:
            blocks[-1][0].append(words.groups())
            continue
        assert blocks and NUMBER.fullmatch(sample[3]), line
        blocks[-1][1].append(Sample(sample[1], labels_of(sample[2] or ""), sample[3]))
    families = []
    for heading, samples in blocks:
        assert [word for word, _, _ in heading] in HEADINGS[openmetrics], heading
        assert len({name for _, name, _ in heading}) == 1 and samples, heading
        said = {word: rest for word, _, rest in heading}
        families.append(Family(heading[0][1], said["TYPE"], said.get("UNIT"), said["HELP"],
                               samples))
    return families


def check_names(families, openmetrics):
    """Each family and each series is there once, and no line has a name that is another's."""
    owners, series = {}, set()
    for family in families:
        suffixes = {"histogram": ("", "_created") + HISTOGRAM, "info": ("", "_info"),
                    "counter": ("", "_total", "_created")}.get(family.type, ("",))
        if not openmetrics and family.type == "counter":
            suffixes = ("",)
        for name in (family.name + suffix for suffix in suffixes):
            assert owners.setdefault(name, family.name) == family.name, f"{name} is two families'"
    assert len({family.name for family in families}) == len(families), "a family twice"
    for family in families:
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels))
            assert key not in series, f"a series twice: {sample}"
            series.add(key)


def check_histogram(family, openmetrics):
    """Buckets ascend and add up; the last one is the count."""
    groups = {}
    for sample in family.samples:
        labels = dict(sample.labels)
        bound = labels.pop("le", None)
        group = groups.setdefault(frozenset(labels.items()), [])
        assert not group or group is last, f"a histogram in pieces: {sample}"
        last = group
        group.append((sample.name.removeprefix(family.name), bound, sample))
    for group in groups.values():
        buckets = [(bound, int(sample.value)) for suffix, bound, sample in group
                   if suffix == "_bucket"]
        assert all(COUNT.fullmatch(sample.value) for suffix, _, sample in group
                   if suffix not in ("_sum", "_created")), group
        bounds, counts = [float(bound) for bound, _ in buckets], [count for _, count in buckets]
        assert [canonical(bound) for bound in bounds] == [bound for bound, _ in buckets], bounds
        assert bounds == sorted(set(bounds)) and bounds[-1] == math.inf, bounds
        assert counts == sorted(counts), counts
        rest = [(suffix, sample.value) for suffix, _, sample in group[len(buckets):]]
        if openmetrics and rest and rest[-1][0] == "_created":
            rest.pop()
        if openmetrics and not rest:
            continue  # a sum that could fall is none
        (first, total), (second, count) = rest
        assert (first, second) == ("_sum", "_count") and int(count) == counts[-1], rest
        if openmetrics:
            assert bounds[0] >= 0 and float(total) >= 0, rest


def check_states(family):
    """One state of each set holds, and all sets have the same ones."""
    sets = {}
    for sample in family.samples:
        labels = dict(sample.labels)
        state = labels.pop(family.name, None)
        assert state and sample.value in ("0", "1"), sample
        sets.setdefault(frozenset(labels.items()), []).append((state, sample.value))
    for states in sets.values():
        assert [value for _, value in states].count("1") == 1, states
    assert len({tuple(state for state, _ in states) for states in sets.values()}) == 1, sets


def check_family(family, openmetrics):
    """What the type says of the family's lines."""
    created = ("_created",) if openmetrics else ()
    suffixes = {"histogram": HISTOGRAM + created, "info": ("_info",),
                "counter": ("_total",) + created if openmetrics else ("",)}.get(family.type, ("",))
    assert family.type in TYPES[openmetrics], family
    for sample in family.samples:
        assert sample.name.startswith(family.name), sample
        assert sample.name[len(family.name):] in suffixes, sample
        assert ("le" in dict(sample.labels)) == sample.name.endswith("_bucket"), sample
    if family.unit is not None:
        assert family.unit and family.name.endswith("_" + family.unit), family.name
        assert family.type not in ("info", "stateset", "unknown"), family.name
    if family.type == "counter":
        assert all(float(sample.value) >= 0 for sample in family.samples), family
    if family.type == "info":
        assert all(sample.value == "1" for sample in family.samples), family
    if family.type == "stateset":
        check_states(family)
    if family.type == "histogram":
        check_histogram(family, openmetrics)
    escaped = r'(?:[^\\\n"]|\\["\\n])*' if openmetrics else r"(?:[^\\\n]|\\[\\n])*"
    assert re.fullmatch(escaped, family.help), family.help


def read(text, openmetrics=False):
    """The families of a page that breaks no rule; else an AssertionError says which."""
    families = families_of(text, openmetrics)
    check_names(families, openmetrics)
    for family in families:
        check_family(family, openmetrics)
    return families


def series_of(families):
    """Every series' value as it is spelled, by name and labels."""
    return {(sample.name, sample.labels): sample.value
            for family in families for sample in family.samples}
