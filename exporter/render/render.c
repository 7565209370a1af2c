/* SPDX-License-Identifier: MIT */
/*
 * Numbers between lines; see render.h. Room for the longest page is made at once, so that a line is
 * one copy and a number.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include <ring/record.h>

#include "base/number.h"
#include "protobuf.h"
#include "render.h"

#define LABEL_BYTES_MAX    (RING_LABEL_KEY_MAX + 2 * RING_LABEL_VALUE_MAX + sizeof ",=\"\"")
#define LEFT_OUT_BYTES_MAX 256u /* of the family about families, less its labels, and the end */

static_assert(NUMBER_ROOM <= TEXT_SPARE, "a number may run over");

/* Where the page goes on, and the lines. */
struct position {
	enum format format;
	char *to;
	const char *spelled;
	const uint16_t *line_bytes;
};

static inline void put_spelled(struct position *at, size_t bytes)
{
	memcpy(at->to, at->spelled, bytes);
	at->to += bytes;
	at->spelled += bytes;
}

static void put_heading(struct position *at, const struct lines_family *family)
{
	for (unsigned format = 0; format < FORMAT_LINES_COUNT; format++) {
		if (format == at->format)
			put_spelled(at, family->heading_bytes[format]);
		else
			at->spelled += family->heading_bytes[format];
	}
}

static inline void skip_line(struct position *at)
{
	at->spelled += *at->line_bytes++;
}

static inline void put_count(struct position *at, uint64_t count)
{
	put_spelled(at, *at->line_bytes++);
	at->to = number_u64(at->to, count);
	*at->to++ = '\n';
}

static inline void put_double(struct position *at, double value)
{
	put_spelled(at, *at->line_bytes++);
	at->to = number_double(at->to, value);
	*at->to++ = '\n';
}

static void put_created(struct position *at)
{
	if (at->format == FORMAT_OPENMETRICS)
		put_spelled(at, *at->line_bytes++);
	else
		skip_line(at);
}

static struct position render_counters(struct position at, const struct lines_family *family,
				       const uint64_t *cells)
{
	put_heading(&at, family);
	for (size_t i = 0; i < family->series_count; i++) {
		put_count(&at, cells[i * family->series_cells] & FORMAT_COUNT_MASK);
		if (family->has_created)
			put_created(&at);
	}
	return at;
}

static struct position render_gauges(struct position at, const struct lines_family *family,
				     const uint64_t *cells)
{
	char *const start = at.to;
	size_t shown_count = 0;

	put_heading(&at, family);
	for (size_t i = 0; i < family->series_count; i++) {
		const uint64_t bits = cells[i * family->series_cells];
		if (bits == RING_GAUGE_UNSET) {
			skip_line(&at);
			if (family->has_created)
				skip_line(&at);
			continue;
		}
		put_double(&at, ring_double_of(bits));
		if (family->has_created)
			put_created(&at);
		shown_count++;
	}
	if (shown_count == 0)
		at.to = start;
	return at;
}

/* Exactly one state of each series holds, whatever its cell says. */
static struct position render_states(struct position at, const struct lines_family *family,
				     const uint64_t *cells)
{
	const struct ring_metric_info *metric = &family->family->metric;

	put_heading(&at, family);
	for (size_t i = 0; i < family->series_count; i++) {
		const uint32_t holds = ring_state_of(metric, cells[i * family->series_cells]);
		for (uint32_t state = 0; state < metric->state_count; state++)
			put_count(&at, state == holds);
	}
	return at;
}

/* OpenMetrics has no sum that could fall, nor then a count beside the last bucket. */
static bool has_sum(const struct position *at, const struct lines_family *family, double sum)
{
	return at->format != FORMAT_OPENMETRICS || (!family->is_below_zero && sum >= 0);
}

static struct position render_histograms(struct position at, const struct lines_family *family,
					 const uint64_t *cells)
{
	put_heading(&at, family);
	for (size_t i = 0; i < family->series_count; i++) {
		const uint64_t *series = &cells[i * family->series_cells];
		uint64_t count = 0;
		/* The first cell is the sum, and each other one a bucket. */
		for (uint32_t bucket = 1; bucket < family->series_cells; bucket++) {
			count += series[bucket];
			put_count(&at, count);
		}
		const double sum = ring_double_of(series[0]);
		if (has_sum(&at, family, sum)) {
			put_double(&at, sum);
			put_count(&at, count);
		} else {
			skip_line(&at);
			skip_line(&at);
		}
		if (family->has_created)
			put_created(&at);
	}
	return at;
}

void render_lines(struct text *text, enum format format, const struct lines *lines,
		  const uint64_t *cells)
{
	struct position at = {
		.format = format,
		.to = text_room(text, lines->page_bytes_max),
		.spelled = lines->spelled,
		.line_bytes = lines->line_bytes,
	};

	if (!at.to)
		return;
	for (size_t i = 0; i < lines->family_count; i++) {
		const struct lines_family *family = &lines->families[i];
		const uint64_t *values = &cells[family->cell];
		if (family->kind == RING_COUNTER)
			at = render_counters(at, family, values);
		else if (family->kind == RING_GAUGE)
			at = render_gauges(at, family, values);
		else if (family->kind == RING_STATESET)
			at = render_states(at, family, values);
		else
			at = render_histograms(at, family, values);
	}
	text->bytes = (size_t)(at.to - text->data);
}

static void render_labels(struct text *text, const struct shape_labels *labels)
{
	for (uint32_t i = 0; labels && i < labels->count; i++) {
		text_string(text, i == 0 ? "{" : ",");
		text_append(text, labels->names[i].data, labels->names[i].bytes);
		text_string(text, "=\"");
		text_label_value(text, labels->values[i].data, labels->values[i].bytes);
		text_string(text, i + 1 == labels->count ? "\"}" : "\"");
	}
}

/* Where what was observed of the next family begins. */
static const uint64_t *skip_observed(const struct catalog_family *family, const uint64_t *observed)
{
	for (size_t i = 0; i < family->series_count; i++)
		observed += observed_read(observed, family->metric.bound_count + 1).word_count;
	return observed;
}

void render_messages(struct text *text, const struct lines *lines,
		     const struct snapshot_values *values, size_t *native_bytes_left)
{
	const uint64_t *observed = values->observed_count > 0 ? values->observed : NULL;
	const struct lines_family *shown = lines->families;
	const struct lines_family *const end = shown + lines->family_count;

	for (size_t i = 0; i < lines->catalog->family_count && shown < end; i++) {
		const struct catalog_family *family = &lines->catalog->families[i];
		const uint64_t *own = family->metric.kind == RING_HISTOGRAM ? observed : NULL;
		if (shown->family == family) {
			const size_t bytes = own ? protobuf_native_bytes_max(family, own) : 0;
			const bool has_native = own && bytes <= *native_bytes_left;
			*native_bytes_left -= has_native ? bytes : 0;
			protobuf_family(text, family, &values->cells[shown->cell], own, has_native);
			shown++;
		}
		if (own)
			observed = skip_observed(family, own);
	}
}

struct ring_metric_info render_left_out_metric(void)
{
	static const char name[] = RENDER_LEFT_OUT_NAME;
	static const char help[] =
		"Metric families left out of this page, which would be too long.";

	return (struct ring_metric_info){
		.name = {name, sizeof name - 1},
		.help = {help, sizeof help - 1},
		.kind = RING_GAUGE,
		.series_cells = 2,
	};
}

static void render_left_out_message(struct text *text, struct ring_metric_info metric,
				    const struct shape_labels *labels, size_t count)
{
	char values[SHAPE_LABELS_MAX * (RING_LABEL_VALUE_MAX + 1)];
	struct catalog_series series = {.labels = values};
	const uint64_t cells[2] = {ring_bits_of((double)count)};
	char *end = values;

	for (; labels && metric.label_count < labels->count; metric.label_count++) {
		const struct ring_text value = labels->values[metric.label_count];
		metric.label_keys[metric.label_count] = labels->names[metric.label_count];
		end = (char *)mempcpy(end, value.data, value.bytes) + 1;
		end[-1] = '\0';
	}
	protobuf_family(text, &(struct catalog_family){metric, &series, 1, (size_t)(end - values)},
			cells, NULL, false);
}

static void render_left_out(struct text *text, enum format format,
			    const struct shape_labels *labels, size_t count)
{
	const struct ring_metric_info metric = render_left_out_metric();

	if (format == FORMAT_PROTOBUF) {
		render_left_out_message(text, metric, labels, count);
		return;
	}
	format_heading(text, format, NULL, &metric);
	text_string(text, RENDER_LEFT_OUT_NAME);
	render_labels(text, labels);
	text_string(text, " ");
	text_u64(text, count);
	text_string(text, "\n");
}

void render_init(struct render *render, const struct shape_labels *labels)
{
	*render = (struct render){.labels = labels};
}

void render_release(struct render *render)
{
	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT; part++) {
		lines_destroy(render->lines[part]);
		render->lines[part] = NULL;
	}
}

static size_t left_out_bytes_max(const struct shape_labels *labels)
{
	return LEFT_OUT_BYTES_MAX + (labels ? labels->count * LABEL_BYTES_MAX : 0);
}

/* Makes the lines that the parts need now. They share the page, without the last word. */
static int render_prepare(struct render *render, const struct snapshot *snapshot, size_t bytes_max)
{
	size_t bytes_left = bytes_max - left_out_bytes_max(render->labels);

	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT; part++) {
		struct lines **lines = &render->lines[part];
		struct catalog *catalog = snapshot->parts[part].catalog;
		if (!lines_suit(*lines, catalog, bytes_left)) {
			/* The old ones go first: both at once would take twice the memory. */
			lines_destroy(*lines);
			*lines = lines_create(catalog, bytes_left, render->has_created);
		}
		if (!*lines)
			return -ENOMEM;
		bytes_left -= (*lines)->page_bytes_max;
	}
	return 0;
}

void render_snapshot(struct render *render, struct text *text, enum format format,
		     const struct snapshot *snapshot)
{
	size_t left_out_count = 0, bytes = left_out_bytes_max(render->labels);

	const int error = render_prepare(render, snapshot, text->bytes_max - text->bytes);
	if (error) {
		text->error = error;
		return;
	}
	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT; part++)
		bytes += render->lines[part]->page_bytes_max;
	size_t native_bytes_left = text->bytes_max - text->bytes - bytes;
	text_room(text, bytes);
	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT; part++) {
		const struct snapshot_values *values = &snapshot->parts[part];
		if (format == FORMAT_PROTOBUF)
			render_messages(text, render->lines[part], values, &native_bytes_left);
		else
			render_lines(text, format, render->lines[part], values->cells);
		left_out_count += render->lines[part]->left_out_count;
	}
	if (!render->hides_left_out)
		render_left_out(text, format, render->labels, left_out_count);
	if (format < FORMAT_LINES_COUNT)
		text_string(text, format_ends[format]);
}
