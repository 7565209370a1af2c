/* SPDX-License-Identifier: MIT */
/*
 * The formats of a page: Prometheus text 0.0.4 and OpenMetrics 1.0, which are made of lines, and
 * Prometheus protobuf, which protobuf.h makes. What differs between the first two is the heading of
 * a family. The lines below it are the same in both, so that a series has one name for whoever
 * asks. Pure.
 *
 * OpenMetrics calls a counter by its name without `_total`. Where another family has that name
 * already, or has a line of that name, the counter is of unknown type there and keeps its own.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include "aggregate/catalog.h"
#include "base/text.h"

enum format {
	FORMAT_TEXT,
	FORMAT_OPENMETRICS,
	FORMAT_PROTOBUF,
	FORMAT_COUNT,
	FORMAT_LINES_COUNT = FORMAT_PROTOBUF, /* the first ones are made of lines */
};

/* As in Content-Type. */
#define FORMAT_TYPE_TEXT        "text/plain; version=0.0.4; charset=utf-8"
#define FORMAT_TYPE_OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define FORMAT_TYPE_PROTOBUF                \
	"application/vnd.google.protobuf; " \
	"proto=io.prometheus.client.MetricFamily; encoding=delimited"

/* Prometheus keeps doubles. A counter goes round at 2^53, where doubles stop being exact, and
 * rate() takes that for a reset. The counts of a histogram do not: they would go round one by
 * one, and a larger bucket show less than a smaller one. */
#define FORMAT_COUNT_MASK ((UINT64_C(1) << 53) - 1)

/* What comes at the end of a page. */
extern const char *const format_ends[FORMAT_LINES_COUNT];

/* Whether its values only grow. */
bool format_is_counter(const struct ring_metric_info *metric);

/* The name of a counter or a histogram in OpenMetrics, where another family leaves it to it. */
struct ring_text format_openmetrics_name(const struct ring_metric_info *metric);

/* Whether OpenMetrics can say when the series of this family, which is in the catalog, started. */
bool format_has_created(const struct catalog *catalog, const struct ring_metric_info *metric);

/* What stands above a family's lines, beside the families of this catalog; NULL: it is alone. */
void format_heading(struct text *text, enum format format, const struct catalog *catalog,
		    const struct ring_metric_info *metric);

#endif
