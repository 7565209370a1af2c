/* SPDX-License-Identifier: MIT */
/* Budgets as metrics; see usage.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/own.h"
#include "base/text.h"
#include "usage.h"

enum metric { SERIES, LIMIT, OVERFLOWED, REFUSED, METRIC_COUNT };

static const struct own_metric metrics[METRIC_COUNT] = {
	[SERIES] = {RING_GAUGE,
		    "ring_metric_series",
		    {"segment", "metric"},
		    "Series of the metric that are in use, less the overflow series."},
	[LIMIT] = {RING_GAUGE,
		   "ring_metric_series_limit",
		   {"segment", "metric"},
		   "The metric's budget: how many series it can have, less the overflow series."},
	[OVERFLOWED] =
		{RING_GAUGE,
		 "ring_metric_overflowed_resolutions",
		 {"segment", "metric"},
		 "Resolutions that got an overflow series since the segment's owner started."},
	[REFUSED] = {RING_GAUGE,
		     "ring_metric_refused",
		     {"segment", "metric", "labels"},
		     "Labels that got an overflow series, of the first few that did; always 1."},
};

/* A metric's series: one of each of the first three, and one for each name. */
#define PLACE_COUNT (REFUSED + RING_REFUSED_MAX)

struct usage {
	struct aggregate_member *member;
	uint32_t metric_count;    /* that have series here: those with labels */
	uint8_t refused_counts[]; /* of each, that are shown */
};

int usage_reserve(struct aggregate *data)
{
	return own_reserve(data, metrics, METRIC_COUNT);
}

bool usage_uses_label(struct ring_text key)
{
	return own_uses_label(metrics, METRIC_COUNT, key);
}

static int usage_open(struct source *source, struct aggregate *aggregate)
{
	const uint32_t capacity = ring_reader_header(source->reader)->metric_capacity;
	struct usage *usage = calloc(1, sizeof *usage + capacity);
	int error;

	if (!usage)
		return -ENOMEM;
	source->usage = usage;
	error = own_join(aggregate, &usage->member, metrics, METRIC_COUNT);
	if (error == 0)
		aggregate_start_member(usage->member, source->start_ns);
	return error;
}

void usage_close(struct source *source)
{
	if (source->usage)
		own_leave(&source->usage->member);
	free(source->usage);
	source->usage = NULL;
}

static struct ring_text segment_of(const struct source *source)
{
	return (struct ring_text){source->name, (uint32_t)strlen(source->name)};
}

/* Adds the places of one metric more. */
static int add_metric(struct source *source, const struct ring_metric_info *metric)
{
	struct usage *usage = source->usage;
	const uint32_t first = usage->metric_count++ * PLACE_COUNT;
	const struct ring_text values[] = {segment_of(source), metric->name};
	int error = 0;

	for (uint32_t i = 0; i < PLACE_COUNT && error == 0; i++)
		error = aggregate_add_place(usage->member);
	for (uint32_t i = 0; i < REFUSED && error == 0; i++)
		error = own_name_series(usage->member, first + i, i, values, 2);
	return error;
}

/* Writes `key="value",...`, for people. */
static int write_labels(struct text *into, const struct ring_metric_info *metric,
			struct ring_text packed)
{
	struct ring_text value;
	struct text sound;

	text_init(into, RING_LABELS_MAX * (RING_LABEL_KEY_MAX + 6 * RING_LABEL_VALUE_MAX + 4));
	for (uint32_t i = 0; i < metric->label_count && ring_label_next(&packed, &value); i++) {
		text_append(into, ",", i > 0);
		text_append(into, metric->label_keys[i].data, metric->label_keys[i].bytes);
		text_string(into, "=\"");
		text_init(&sound, 3 * RING_LABEL_VALUE_MAX);
		text_utf8(&sound, value.data, value.bytes);
		text_label_value(into, sound.data, sound.bytes);
		into->error = into->error ? into->error : sound.error;
		text_release(&sound);
		text_string(into, "\"");
	}
	return into->error;
}

/* What is too long for a label's value ends in dots. */
static struct ring_text shorten(struct text *text)
{
	static const char dots[] = "…";
	size_t bytes = RING_LABEL_VALUE_MAX - (sizeof dots - 1);

	if (text->bytes <= RING_LABEL_VALUE_MAX)
		return (struct ring_text){text->data, (uint32_t)text->bytes};
	while ((text->data[bytes] & 0xC0) == 0x80) /* in a character */
		bytes--;
	memcpy(text->data + bytes, dots, sizeof dots - 1);
	return (struct ring_text){text->data, (uint32_t)(bytes + sizeof dots - 1)};
}

static int show_refused(struct source *source, const struct ring_metric_info *metric,
			uint32_t place, struct ring_text packed)
{
	struct aggregate_member *member = source->usage->member;
	struct text labels;
	int error = write_labels(&labels, metric, packed);

	if (error == 0) {
		const struct ring_text values[] = {segment_of(source), metric->name,
						   shorten(&labels)};
		error = own_name_series(member, place, REFUSED, values, 3);
	}
	if (error == 0)
		own_set_gauge(member, place, 1);
	text_release(&labels);
	return error;
}

/* The names only become more: those of a file are for good. */
static int update_metric(struct source *source, uint32_t index, uint32_t nth)
{
	const struct ring_metric_info *metric = ring_reader_metric(source->reader, index);
	const uint32_t first = nth * PLACE_COUNT;
	struct usage *usage = source->usage;
	struct ring_usage now;
	int error = nth == usage->metric_count ? add_metric(source, metric) : 0;

	/* Where these words are wrong, nothing else is, and the last figures stay. */
	if (error || ring_reader_usage(source->reader, index, &now) != RING_SOUND)
		return error;
	own_set_gauge(usage->member, first + SERIES, (double)now.named_count);
	own_set_gauge(usage->member, first + LIMIT, metric->series_max);
	own_set_gauge(usage->member, first + OVERFLOWED, (double)now.overflowed);
	for (; usage->refused_counts[nth] < now.refused_count && error == 0;
	     usage->refused_counts[nth]++)
		error = show_refused(source, metric, first + REFUSED + usage->refused_counts[nth],
				     now.refused[usage->refused_counts[nth]]);
	return error;
}

int usage_update(struct source *source, struct aggregate *aggregate)
{
	uint32_t nth = 0;
	int error = 0;

	if (!source->looked_after)
		return 0;
	source->looked_after = false;
	if (!source->usage)
		error = usage_open(source, aggregate);
	for (uint32_t i = 0; i < source->metric_count && error == 0; i++)
		if (ring_reader_metric(source->reader, i)->label_count > 0)
			error = update_metric(source, i, nth++);
	if (error)
		usage_close(source);
	return error;
}
