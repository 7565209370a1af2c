/* SPDX-License-Identifier: MIT */
/* Prometheus text; see render.h. */
#include <math.h>
#include <string.h>

#include <ring/record.h>

#include "render.h"

/* Prometheus keeps doubles. A counter goes round at 2^53, where doubles stop being exact, and
 * rate() takes that for a reset. The counts of a histogram do not: they would go round one by
 * one, and a larger bucket show less than a smaller one. */
#define COUNT_MASK ((UINT64_C(1) << 53) - 1)

#define LINE_BYTES_MAX     64u  /* without name and labels */
#define LEFT_OUT_BYTES_MAX 256u /* of the family about families */

static void render_text(struct text *text, struct ring_text string)
{
	text_append(text, string.data, string.bytes);
}

/* `name_suffix{key="value",...,le="bound"} `; `bound` may be NULL. */
static void render_series(struct text *text, const struct ring_metric_info *metric,
			  const char *suffix, const char *labels, const double *bound)
{
	render_text(text, metric->name);
	text_string(text, suffix);
	for (uint32_t i = 0; i < metric->label_count; i++) {
		const size_t bytes = strlen(labels);
		text_string(text, i == 0 ? "{" : ",");
		render_text(text, metric->label_keys[i]);
		text_string(text, "=\"");
		text_label_value(text, labels, bytes);
		text_string(text, "\"");
		labels += bytes + 1;
	}
	if (bound) {
		text_string(text, metric->label_count == 0 ? "{le=\"" : ",le=\"");
		text_bound(text, *bound);
		text_string(text, "\"");
	}
	text_string(text, metric->label_count > 0 || bound ? "} " : " ");
}

static void render_count(struct text *text, uint64_t count)
{
	text_u64(text, count);
	text_string(text, "\n");
}

static void render_histogram(struct text *text, const struct ring_metric_info *metric,
			     const char *labels, const uint64_t *cells)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i <= metric->bound_count; i++) {
		const double bound = i < metric->bound_count ? metric->bounds[i] : (double)INFINITY;
		count += cells[1 + i];
		render_series(text, metric, "_bucket", labels, &bound);
		render_count(text, count);
	}
	render_series(text, metric, "_sum", labels, NULL);
	text_double(text, ring_double_of(cells[0]));
	text_string(text, "\n");
	render_series(text, metric, "_count", labels, NULL);
	render_count(text, count);
}

static void render_value(struct text *text, const struct ring_metric_info *metric,
			 const char *labels, const uint64_t *cells)
{
	if (metric->kind == RING_HISTOGRAM) {
		render_histogram(text, metric, labels, cells);
		return;
	}
	render_series(text, metric, "", labels, NULL);
	if (metric->kind == RING_COUNTER) {
		render_count(text, cells[0] & COUNT_MASK);
		return;
	}
	text_double(text, ring_double_of(cells[0]));
	text_string(text, "\n");
}

/* A gauge named _total is a total in doubles, such as seconds: the exporter has some, segments
 * are not allowed any. */
static const char *type_word(const struct ring_metric_info *metric)
{
	static const char suffix[] = "_total";
	const size_t bytes = sizeof suffix - 1;

	if (metric->kind == RING_HISTOGRAM)
		return "histogram";
	if (metric->kind == RING_GAUGE &&
	    (metric->name.bytes < bytes ||
	     memcmp(metric->name.data + metric->name.bytes - bytes, suffix, bytes) != 0))
		return "gauge";
	return "counter";
}

static void render_header(struct text *text, const struct ring_metric_info *metric)
{
	text_string(text, "# HELP ");
	render_text(text, metric->name);
	text_string(text, " ");
	text_help(text, metric->help.data, metric->help.bytes);
	text_string(text, "\n# TYPE ");
	render_text(text, metric->name);
	text_string(text, " ");
	text_string(text, type_word(metric));
	text_string(text, "\n");
}

static void render_family(struct text *text, const struct catalog_family *family,
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
			render_header(text, metric);
		shown = true;
		render_value(text, metric, series->labels, cells);
	}
}

/* The most that the family can take. Every byte of a label value may need an escape, and a line's
 * punctuation, bound and number have a size. */
static size_t family_bytes_max(const struct catalog_family *family)
{
	const struct ring_metric_info *metric = &family->metric;
	const size_t line_count = metric->kind == RING_HISTOGRAM ? metric->bound_count + 3u : 1;
	size_t line_bytes = LINE_BYTES_MAX + metric->name.bytes;

	for (uint32_t i = 0; i < metric->label_count; i++)
		line_bytes += metric->label_keys[i].bytes + sizeof ",=\"\"";
	return LINE_BYTES_MAX + 2 * ((size_t)metric->name.bytes + metric->help.bytes) +
	       line_count * (family->series_count * line_bytes + 2 * family->label_bytes);
}

size_t render_values(struct text *text, const struct snapshot_values *values)
{
	const struct catalog *catalog = values->catalog;
	size_t left_out_count = 0;

	for (size_t i = 0; i < catalog->family_count; i++) {
		if (family_bytes_max(&catalog->families[i]) <= text->bytes_max - text->bytes)
			render_family(text, &catalog->families[i], values->cells);
		else
			left_out_count++;
	}
	return left_out_count;
}

static void render_left_out(struct text *text, size_t count)
{
	static const char name[] = RENDER_LEFT_OUT_NAME;
	static const char help[] =
		"Metric families left out of this page, which would be too long.";
	const struct catalog_series series = {.labels = "", .cell = 0};
	const struct catalog_family family = {
		.metric = {.name = {name, sizeof name - 1},
			   .help = {help, sizeof help - 1},
			   .kind = RING_GAUGE},
		.series = &series,
		.series_count = 1,
	};
	const uint64_t cells[] = {ring_bits_of((double)count), 0};

	render_family(text, &family, cells);
}

void render_snapshot(struct text *text, const struct snapshot *snapshot)
{
	size_t left_out_count = 0;

	/* Room for the last word is kept. */
	text->bytes_max -= LEFT_OUT_BYTES_MAX;
	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT; part++)
		left_out_count += render_values(text, &snapshot->parts[part]);
	text->bytes_max += LEFT_OUT_BYTES_MAX;
	render_left_out(text, left_out_count);
}
