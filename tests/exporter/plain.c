/* SPDX-License-Identifier: MIT */
/* The obvious ways; see plain.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ring/record.h>

#include "plain.h"

char *plain_u64(char *to, uint64_t value)
{
	char digits[20];
	size_t first = sizeof digits;

	do {
		digits[--first] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	memcpy(to, digits + first, sizeof digits - first);
	return to + sizeof digits - first;
}

char *plain_double(char *to, double value)
{
	char number[32];
	int bytes = 0;

	for (int digits = 15; digits <= 17; digits++) {
		bytes = snprintf(number, sizeof number, "%.*g", digits, value);
		if (strtod(number, NULL) == value)
			break;
	}
	if (isnan(value))
		bytes = snprintf(number, sizeof number, "NaN");
	else if (isinf(value))
		bytes = snprintf(number, sizeof number, value > 0 ? "+Inf" : "-Inf");
	memcpy(to, number, (size_t)bytes);
	return to + bytes;
}

static void put_text(struct text *text, struct ring_text string)
{
	text_append(text, string.data, string.bytes);
}

static void put_labels(struct text *text, const struct ring_metric_info *metric, const char *labels)
{
	for (uint32_t i = 0; i < metric->label_count; i++) {
		text_string(text, i == 0 ? "{" : ",");
		put_text(text, metric->label_keys[i]);
		text_string(text, "=\"");
		text_label_value(text, labels, strlen(labels));
		text_string(text, "\"");
		labels += strlen(labels) + 1;
	}
}

static void put_line(struct text *text, const struct ring_metric_info *metric, const char *suffix,
		     const char *labels, const double *bound)
{
	put_text(text, metric->name);
	text_string(text, suffix);
	put_labels(text, metric, labels);
	if (bound) {
		text_string(text, metric->label_count == 0 ? "{le=\"" : ",le=\"");
		text_bound(text, *bound);
		text_string(text, "\"");
	}
	text_string(text, metric->label_count > 0 || bound ? "} " : " ");
}

static void put_count(struct text *text, uint64_t count)
{
	text_u64(text, count);
	text_string(text, "\n");
}

static void put_double(struct text *text, double value)
{
	text_double(text, value);
	text_string(text, "\n");
}

static void put_histogram(struct text *text, const struct ring_metric_info *metric,
			  const char *labels, const uint64_t *cells)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i <= metric->bound_count; i++) {
		const double bound = i < metric->bound_count ? metric->bounds[i] : (double)INFINITY;
		count += cells[1 + i];
		put_line(text, metric, "_bucket", labels, &bound);
		put_count(text, count);
	}
	put_line(text, metric, "_sum", labels, NULL);
	put_double(text, ring_double_of(cells[0]));
	put_line(text, metric, "_count", labels, NULL);
	put_count(text, count);
}

static void put_states(struct text *text, const struct ring_metric_info *metric, const char *labels,
		       uint64_t cell)
{
	struct ring_text states = metric->states, state;

	for (uint32_t i = 0; ring_label_next(&states, &state); i++) {
		put_text(text, metric->name);
		put_labels(text, metric, labels);
		text_string(text, metric->label_count == 0 ? "{" : ",");
		put_text(text, metric->name);
		text_string(text, "=\"");
		text_label_value(text, state.data, state.bytes);
		text_string(text, "\"} ");
		put_count(text, i == ring_state_of(metric, cell));
	}
}

static void put_header(struct text *text, const struct ring_metric_info *metric)
{
	static const char *const words[] = {
		[RING_COUNTER] = "counter",
		[RING_GAUGE] = "gauge",
		[RING_HISTOGRAM] = "histogram",
		[RING_STATESET] = "gauge",
	};

	text_string(text, "# HELP ");
	put_text(text, metric->name);
	text_string(text, " ");
	text_help(text, metric->help.data, metric->help.bytes);
	text_string(text, "\n# TYPE ");
	put_text(text, metric->name);
	text_string(text, " ");
	text_string(text, words[metric->kind]);
	text_string(text, "\n");
}

static void put_family(struct text *text, const struct catalog_family *family,
		       const uint64_t *values)
{
	const struct ring_metric_info *metric = &family->metric;
	bool shown = false;

	for (size_t i = 0; i < family->series_count; i++) {
		const struct catalog_series *series = &family->series[i];
		const uint64_t *cells = &values[series->cell];
		if (metric->kind == RING_GAUGE && cells[0] == RING_GAUGE_UNSET)
			continue;
		if (!shown)
			put_header(text, metric);
		shown = true;
		if (metric->kind == RING_HISTOGRAM) {
			put_histogram(text, metric, series->labels, cells);
			continue;
		}
		if (metric->kind == RING_STATESET) {
			put_states(text, metric, series->labels, cells[0]);
			continue;
		}
		put_line(text, metric, "", series->labels, NULL);
		if (metric->kind == RING_COUNTER)
			put_count(text, cells[0] % (UINT64_C(1) << 53));
		else
			put_double(text, ring_double_of(cells[0]));
	}
}

void plain_page(struct text *text, const struct snapshot_values *values)
{
	const struct catalog *catalog = values->catalog;

	for (size_t i = 0; i < catalog->family_count; i++)
		put_family(text, &catalog->families[i], values->cells);
}
