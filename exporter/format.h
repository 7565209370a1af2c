/* SPDX-License-Identifier: MIT */
/*
 * The formats of a page, Prometheus text 0.0.4 and OpenMetrics 1.0, and what differs between them:
 * the heading of a family. The lines below it are the same in both, so that a series has one name
 * for whoever asks. Pure.
 *
 * OpenMetrics calls a counter by its name without `_total`. Where another family has that name
 * already, or has a line of that name, the counter is of unknown type there and keeps its own.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include "catalog.h"
#include "text.h"

enum format { FORMAT_TEXT, FORMAT_OPENMETRICS, FORMAT_COUNT };

/* As in Content-Type. */
#define FORMAT_TYPE_TEXT        "text/plain; version=0.0.4; charset=utf-8"
#define FORMAT_TYPE_OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* What comes at the end of a page. */
extern const char *const format_ends[FORMAT_COUNT];

/* What stands above a family's lines, beside the families of this catalog; NULL: it is alone. */
void format_heading(struct text *text, enum format format, const struct catalog *catalog,
		    const struct ring_metric_info *metric);

#endif
