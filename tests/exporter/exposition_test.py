#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tests' own reader of pages takes and refuses."""
import sys

sys.path.append(sys.path[0] + "/../support")
import exposition
import tap

TEXT = ('# HELP a_total A "b" \\\\ \\n.\n# TYPE a_total counter\n'
        'a_total{x="1"} 5\na_total{x="q\\"\\\\\\n\r"} 0.5\n'
        '# HELP g Help.\n# TYPE g gauge\ng NaN\n'
        '# HELP h_seconds Help.\n# TYPE h_seconds histogram\n'
        'h_seconds_bucket{x="1",le="-1.0"} 1\nh_seconds_bucket{x="1",le="1e+06"} 1\n'
        'h_seconds_bucket{x="1",le="+Inf"} 3\nh_seconds_sum{x="1"} -1.5\nh_seconds_count{x="1"} 3\n')
OPENMETRICS = ('# TYPE a counter\n# HELP a A \\"b\\" \\\\ \\n.\na_total{x="1"} 5\na_created{x="1"} 1.5\n'
               '# TYPE b_info info\n# HELP b_info Help.\nb_info_info{x="1"} 1\n'
               '# TYPE g gauge\n# HELP g Help.\ng -Inf\n'
               '# TYPE h_seconds histogram\n# UNIT h_seconds seconds\n# HELP h_seconds Help.\n'
               'h_seconds_bucket{le="1.0"} 1\nh_seconds_bucket{le="+Inf"} 3\n'
               'h_seconds_sum 1.5\nh_seconds_count 3\nh_seconds_created 1700000000.125\n'
               '# TYPE s stateset\n# HELP s Help.\n'
               's{x="1",s="on"} 1\ns{x="1",s="off"} 0\ns{x="2",s="on"} 0\ns{x="2",s="off"} 1\n'
               '# TYPE u_total unknown\n# HELP u_total Help.\nu_total 1\n'
               '# EOF\n')

TEXT_FAULTS = {
    "no line feed at the end": TEXT[:-1],
    "an end that is OpenMetrics'": TEXT + "# EOF\n",
    "a blank line": TEXT.replace("# HELP g", "\n# HELP g"),
    "a comment": TEXT.replace("# HELP g", "# hello\n# HELP g"),
    "TYPE before HELP": TEXT.replace("# HELP g Help.\n# TYPE g gauge\n",
                                     "# TYPE g gauge\n# HELP g Help.\n"),
    "TYPE twice": TEXT.replace("# TYPE g gauge\n", "# TYPE g gauge\n# TYPE g gauge\n"),
    "no HELP": TEXT.replace("# HELP g Help.\n", ""),
    "no TYPE": TEXT.replace("# TYPE g gauge\n", ""),
    "UNIT": TEXT.replace("# TYPE g gauge\n", "# TYPE g gauge\n# UNIT g x\n"),
    "OpenMetrics' type": TEXT.replace("g gauge", "g unknown"),
    "no lines": TEXT.replace("g NaN\n", ""),
    "another family's line": TEXT.replace("g NaN", "z NaN"),
    "a family in pieces": TEXT + TEXT.split("# HELP g")[0].replace('"1"', '"2"'),
    "a line in another family": TEXT + 'a_total{x="3"} 5\n',
    "a series twice": TEXT.replace("g NaN\n", "g NaN\ng 1\n"),
    "a series twice, labels turned":
        TEXT.replace("g NaN", 'g{a="1",b="2"} 1\ng{b="2",a="1"} 1'),
    "a label twice": TEXT.replace("g NaN", 'g{a="1",a="2"} 1'),
    "an unknown escape": TEXT.replace("g NaN", 'g{a="\\t"} 1'),
    "a comma at the end": TEXT.replace("g NaN", 'g{a="1",} 1'),
    "no comma": TEXT.replace("g NaN", 'g{a="1"b="1"} 1'),
    "a blank after the comma": TEXT.replace("g NaN", 'g{a="1", b="1"} 1'),
    "two blanks": TEXT.replace("g NaN", "g  NaN"),
    "a blank at the end": TEXT.replace("g NaN", "g NaN "),
    "a timestamp": TEXT.replace("g NaN", "g NaN 1000"),
    "no number": TEXT.replace("g NaN", "g nan"),
    "a hexadecimal number": TEXT.replace("g NaN", "g 0x10"),
    "a counter below zero": TEXT.replace("} 5", "} -5"),
    "a counter that is no number": TEXT.replace("} 5", "} NaN"),
    "a bucket that falls": TEXT.replace('le="1e+06"} 1', 'le="1e+06"} 0'),
    "a bucket of 1.5": TEXT.replace('le="1e+06"} 1', 'le="1e+06"} 1.5'),
    "a count that is not the last bucket's": TEXT.replace('count{x="1"} 3', 'count{x="1"} 2'),
    "no last bucket": TEXT.replace('h_seconds_bucket{x="1",le="+Inf"} 3\n', ""),
    "bounds that fall": TEXT.replace("1e+06", "-2.0"),
    "an odd bound": TEXT.replace("1e+06", "1000000.0"),
    "a bound that looks whole": TEXT.replace("-1.0", "-1"),
    "a bucket without a bound": TEXT.replace(',le="1e+06"', ""),
    "a bound that is none": TEXT.replace("g NaN", 'g{le="1.0"} 1'),
    "no sum": TEXT.replace('h_seconds_sum{x="1"} -1.5\n', ""),
    "no sum and no count": TEXT.split("h_seconds_sum")[0],
    "a name that is a histogram's": TEXT.replace("g gauge", "h_seconds_sum gauge")
        .replace("HELP g", "HELP h_seconds_sum").replace("g NaN", "h_seconds_sum 1"),
}
OPENMETRICS_FAULTS = {
    "no end": OPENMETRICS.removesuffix("# EOF\n"),
    "an end that is none": OPENMETRICS + "# EOF\n",
    "HELP before TYPE": OPENMETRICS.replace("# TYPE g gauge\n# HELP g Help.\n",
                                            "# HELP g Help.\n# TYPE g gauge\n"),
    "UNIT at the end": OPENMETRICS.replace("# HELP g Help.\n", "# HELP g Help.\n# UNIT g x\n"),
    "a unit that the name has not": OPENMETRICS.replace("h_seconds seconds", "h_seconds bytes"),
    "an unescaped quote": OPENMETRICS.replace('\\"b', '"b'),
    "a counter's name with _total": OPENMETRICS.replace(" a ", " a_total "),
    "a counter's line without": OPENMETRICS.replace("a_total{", "a{"),
    "a type that is text's": OPENMETRICS.replace("unknown", "untyped"),
    "an info of 2": OPENMETRICS.replace('b_info_info{x="1"} 1', 'b_info_info{x="1"} 2'),
    "two states": OPENMETRICS.replace('s{x="1",s="off"} 0', 's{x="1",s="off"} 1'),
    "no state": OPENMETRICS.replace('s{x="2",s="off"} 1', 's{x="2",s="off"} 0'),
    "a state of 2": OPENMETRICS.replace('s{x="1",s="on"} 1', 's{x="1",s="on"} 2'),
    "a set without its label": OPENMETRICS.replace('s="', 't="'),
    "a set that lacks a state": OPENMETRICS.replace('s{x="2",s="on"} 0\n', ""),
    "a state set's unit": OPENMETRICS.replace("# TYPE s stateset\n", "# TYPE a_s stateset\n# UNIT a_s s\n")
        .replace("HELP s ", "HELP a_s ").replace("\ns{", "\na_s{").replace('s="', 'a_s="'),
    "two families' name": OPENMETRICS.replace("u_total", "a"),
    "two families' line": OPENMETRICS.replace("u_total", "a_total"),
    "a sum below zero": OPENMETRICS.replace("sum 1.5", "sum -1.5"),
    "a sum that could fall": OPENMETRICS.replace('le="1.0"', 'le="-1.0"'),
    "a count without a sum": OPENMETRICS.replace("h_seconds_sum 1.5\n", ""),
}
BOUNDS = {0.0: "0.0", 1: "1.0", 2.5: "2.5", 1e5: "100000.0", 1e6: "1e+06", 1234567.5: "1.2345675e+06",
          -1048576: "-1.048576e+06", 1e-5: "1e-05", 0.0001: "0.0001", 1e15: "1e+15", 1e16: "1e+16",
          1.5e300: "1.5e+300", 123456789012345680: "1.2345678901234568e+17", float("inf"): "+Inf"}


def refused(page, openmetrics):
    def case():
        try:
            exposition.read(page, openmetrics)
        except (AssertionError, ValueError):
            return None
        return "it is taken"
    return case


def sound_pages_are_taken():
    assert exposition.read("") == exposition.read("# EOF\n", openmetrics=True) == []
    series = exposition.series_of(exposition.read(TEXT))
    assert series["a_total", (("x", "1"),)] == "5" and len(series) == 8, series
    assert len(exposition.read(OPENMETRICS, openmetrics=True)) == 6
    without = OPENMETRICS.replace("h_seconds_sum 1.5\nh_seconds_count 3\n", "")
    exposition.read(without, openmetrics=True)


def bounds_are_spelled_as_in_go():
    assert {bound: exposition.canonical(float(bound)) for bound in BOUNDS} == BOUNDS


tap.report([(test.__name__, test) for test in (sound_pages_are_taken, bounds_are_spelled_as_in_go)]
           + [("refuses " + what, refused(page, False)) for what, page in TEXT_FAULTS.items()]
           + [("refuses in OpenMetrics " + what, refused(page, True))
              for what, page in OPENMETRICS_FAULTS.items()])
