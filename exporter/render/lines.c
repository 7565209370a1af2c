/* SPDX-License-Identifier: MIT */
/* The parts of a page that stay; see lines.h. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "lines.h"
#include "protobuf.h"

/* Every byte of a label value may need an escape; an invalid one has become three already. */
#define LABEL_BYTES_MAX (RING_LABEL_KEY_MAX + 2 * 3 * RING_LABEL_VALUE_MAX + sizeof ",=\"\"")
#define LINE_BYTES_MAX  (RING_METRIC_NAME_MAX + (RING_INFO_LABELS_MAX + 1) * LABEL_BYTES_MAX + 64)

static_assert(LINE_BYTES_MAX <= UINT16_MAX, "a line's bytes fit their type");

/* Lines being made. */
struct spelling {
	struct lines *lines;
	struct text text;
	size_t line_count;
	size_t page_bytes_max;
};

static void spell_text(struct text *text, struct ring_text string)
{
	text_append(text, string.data, string.bytes);
}

/* The label that tells the lines of one series apart: of a bucket, or of a state. */
struct part {
	const double *bound;
	struct ring_text state;
};

static void spell_part(struct text *text, const struct ring_metric_info *metric,
		       const struct part *part)
{
	text_string(text, metric->label_count == 0 ? "{" : ",");
	if (part->bound) {
		text_string(text, "le=\"");
		text_bound(text, *part->bound);
	} else {
		spell_text(text, metric->name);
		text_string(text, "=\"");
		text_label_value(text, part->state.data, part->state.bytes);
	}
	text_string(text, "\"");
}

/* `name_suffix{key="value",...,le="bound"} `; `part` may be NULL. */
static void spell_line(struct spelling *spelling, const struct ring_metric_info *metric,
		       const char *suffix, const char *labels, const struct part *part)
{
	struct text *text = &spelling->text;
	const size_t start = text->bytes;

	spell_text(text, metric->name);
	text_string(text, suffix);
	for (uint32_t i = 0; i < metric->label_count; i++) {
		const size_t bytes = strlen(labels);
		text_string(text, i == 0 ? "{" : ",");
		spell_text(text, metric->label_keys[i]);
		text_string(text, "=\"");
		text_label_value(text, labels, bytes);
		text_string(text, "\"");
		labels += bytes + 1;
	}
	if (part)
		spell_part(text, metric, part);
	text_string(text, metric->label_count > 0 || part ? "} " : " ");
	spelling->lines->line_bytes[spelling->line_count++] = (uint16_t)(text->bytes - start);
	spelling->page_bytes_max += text->bytes - start + NUMBER_BYTES_MAX + sizeof "\n" - 1;
}

static void spell_histogram(struct spelling *spelling, const struct ring_metric_info *metric,
			    const char *labels)
{
	for (uint32_t i = 0; i <= metric->bound_count; i++) {
		const double bound = i < metric->bound_count ? metric->bounds[i] : (double)INFINITY;
		const struct part part = {.bound = &bound};
		spell_line(spelling, metric, "_bucket", labels, &part);
	}
	spell_line(spelling, metric, "_sum", labels, NULL);
	spell_line(spelling, metric, "_count", labels, NULL);
}

static void spell_states(struct spelling *spelling, const struct ring_metric_info *metric,
			 const char *labels)
{
	struct ring_text states = metric->states;
	struct part part = {.bound = NULL};

	while (ring_label_next(&states, &part.state))
		spell_line(spelling, metric, "", labels, &part);
}

static void spell_series(struct spelling *spelling, const struct ring_metric_info *metric,
			 const char *labels)
{
	if (metric->kind == RING_HISTOGRAM)
		spell_histogram(spelling, metric, labels);
	else if (metric->kind == RING_STATESET)
		spell_states(spelling, metric, labels);
	else
		spell_line(spelling, metric, "", labels, NULL);
}

/* `name_created{key="value",...} 1700000000.123`, all of it: it stays. Where nobody knows, nothing.
 */
static void spell_created(struct spelling *spelling, const struct ring_metric_info *metric,
			  const struct catalog_series *series)
{
	const size_t start = spelling->text.bytes;
	struct ring_metric_info named = *metric;
	char seconds[32];

	named.name = format_openmetrics_name(metric);
	spell_line(spelling, &named, "_created", series->labels, NULL);
	snprintf(seconds, sizeof seconds, "%" PRIu64 ".%03" PRIu64 "\n",
		 series->start_ns / 1000000000, series->start_ns / 1000000 % 1000);
	text_string(&spelling->text, seconds);
	if (series->start_ns == 0)
		spelling->text.bytes = start;
	spelling->lines->line_bytes[spelling->line_count - 1] = (uint16_t)(spelling->text.bytes -
									   start);
}

/* Whether the page has room for what has been spelled so far. */
static bool spelling_fits(const struct spelling *spelling)
{
	return !spelling->text.error && spelling->page_bytes_max <= spelling->lines->bytes_max;
}

/* On the page there will be one of them. */
static void spell_headings(struct spelling *spelling, const struct ring_metric_info *metric,
			   size_t heading_bytes[FORMAT_LINES_COUNT])
{
	size_t longest = 0;

	for (unsigned format = 0; format < FORMAT_LINES_COUNT; format++) {
		const size_t before = spelling->text.bytes;
		format_heading(&spelling->text, format, spelling->lines->catalog, metric);
		heading_bytes[format] = spelling->text.bytes - before;
		if (heading_bytes[format] > longest)
			longest = heading_bytes[format];
	}
	spelling->page_bytes_max += longest;
}

static void spell_family(struct spelling *spelling, const struct catalog_family *family)
{
	struct lines *lines = spelling->lines;
	const struct spelling before = *spelling;
	const struct ring_metric_info *metric = &family->metric;
	struct lines_family spelled = {
		.family = family,
		.kind = metric->kind,
		.series_cells = metric->series_cells,
		.cell = family->series->cell,
		.series_count = family->series_count,
		.is_below_zero = metric->bound_count > 0 && metric->bounds[0] < 0,
		.has_created = lines->has_created && format_has_created(lines->catalog, metric),
	};

	spell_headings(spelling, metric, spelled.heading_bytes);
	for (size_t i = 0; i < family->series_count && spelling_fits(spelling); i++) {
		spell_series(spelling, metric, family->series[i].labels);
		if (spelled.has_created)
			spell_created(spelling, metric, &family->series[i]);
	}
	/* In protobuf a family takes less as a rule; a page must hold the same ones in any case. */
	const size_t message_bytes_max = before.page_bytes_max + protobuf_bytes_max(family);
	if (spelling->page_bytes_max < message_bytes_max)
		spelling->page_bytes_max = message_bytes_max;
	if (spelling_fits(spelling)) {
		lines->families[lines->family_count++] = spelled;
		return;
	}
	/* Taken back. */
	spelling->text.bytes = before.text.bytes;
	spelling->line_count = before.line_count;
	spelling->page_bytes_max = before.page_bytes_max;
	lines->left_out_count++;
}

static int spell_all(struct lines *lines)
{
	struct spelling spelling = {.lines = lines};

	text_init(&spelling.text, SIZE_MAX / 2); /* spelling_fits sets the limit */
	for (size_t i = 0; i < lines->catalog->family_count; i++)
		spell_family(&spelling, &lines->catalog->families[i]);
	lines->page_bytes_max = spelling.page_bytes_max;
	lines->spelled = spelling.text.data;
	return spelling.text.error;
}

/* Of one series. */
static size_t line_count(const struct ring_metric_info *metric)
{
	if (metric->kind == RING_HISTOGRAM)
		return metric->bound_count + 3u;
	return metric->kind == RING_STATESET ? metric->state_count : 1;
}

static size_t line_count_max(const struct catalog *catalog)
{
	size_t count = 0;

	for (size_t i = 0; i < catalog->family_count; i++) {
		const struct catalog_family *family = &catalog->families[i];
		count += family->series_count * (line_count(&family->metric) + 1);
	}
	return count;
}

struct lines *lines_create(struct catalog *catalog, size_t bytes_max, bool has_created)
{
	struct lines *lines = calloc(1, sizeof *lines);

	if (!lines)
		return NULL;
	lines->catalog = catalog_hold(catalog);
	lines->bytes_max = bytes_max;
	lines->has_created = has_created;
	lines->families = calloc(catalog->family_count + 1, sizeof *lines->families);
	lines->line_bytes = calloc(line_count_max(catalog) + 1, sizeof *lines->line_bytes);
	if (lines->families && lines->line_bytes && spell_all(lines) == 0)
		return lines;
	lines_destroy(lines);
	return NULL;
}

void lines_destroy(struct lines *lines)
{
	if (!lines)
		return;
	free(lines->spelled);
	free(lines->line_bytes);
	free(lines->families);
	catalog_release(lines->catalog);
	free(lines);
}

bool lines_suit(const struct lines *lines, const struct catalog *catalog, size_t bytes_max)
{
	/* If everything has a place, a larger page or one just large enough changes nothing. */
	return lines && lines->catalog == catalog &&
	       (lines->bytes_max == bytes_max ||
		(lines->left_out_count == 0 && lines->page_bytes_max <= bytes_max));
}
