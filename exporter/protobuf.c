/* SPDX-License-Identifier: MIT */
/* Families, series and values as messages; see protobuf.h. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include <ring/ring.h>

#include "format.h"
#include "proto.h"
#include "protobuf.h"

/* Fields of io.prometheus.client's messages. */
enum { FAMILY_NAME = 1, FAMILY_HELP = 2, FAMILY_TYPE = 3, FAMILY_METRIC = 4, FAMILY_UNIT = 5 };
enum { METRIC_LABEL = 1, METRIC_GAUGE = 2, METRIC_COUNTER = 3, METRIC_HISTOGRAM = 7 };
enum { LABEL_NAME = 1, LABEL_VALUE = 2 };
enum { VALUE = 1, COUNTER_START = 3 };
enum { HISTOGRAM_COUNT = 1, HISTOGRAM_SUM = 2, HISTOGRAM_BUCKET = 3, HISTOGRAM_START = 15 };
enum { BUCKET_COUNT = 1, BUCKET_BOUND = 2 };
enum { TIME_SECONDS = 1, TIME_NANOS = 2 };
enum { TYPE_COUNTER = 0, TYPE_GAUGE = 1, TYPE_HISTOGRAM = 4 };

/* The most that these can take, beside texts. A message in the making takes more, for heads that
 * are not there yet; that much is spare. */
#define DOUBLE_BYTES    9u
#define TIME_BYTES      14u /* seconds and their parts are five bytes each, for long */
#define LABEL_BYTES     8u  /* key and value are shorter than 128 and 16384 */
#define BUCKET_BYTES    (2 + 1 + PROTO_VARINT_MAX + DOUBLE_BYTES)
#define VALUE_BYTES     (2 + DOUBLE_BYTES + TIME_BYTES)
#define HISTOGRAM_BYTES (5 + 1 + PROTO_VARINT_MAX + DOUBLE_BYTES + TIME_BYTES)
#define SERIES_BYTES    5u
#define FAMILY_BYTES    (4 + 3 * 3 + 2)

static_assert(4 * PROTO_OPEN_ROOM <= TEXT_SPARE, "four messages may be in the making");

size_t protobuf_bytes_max(const struct catalog_family *family)
{
	const struct ring_metric_info *metric = &family->metric;
	const bool is_states = metric->kind == RING_STATESET;
	const size_t repeated = is_states ? metric->state_count : 1;
	size_t series_bytes = SERIES_BYTES;

	for (uint32_t i = 0; i < metric->label_count; i++)
		series_bytes += LABEL_BYTES + metric->label_keys[i].bytes;
	if (metric->kind == RING_HISTOGRAM)
		series_bytes += HISTOGRAM_BYTES + (metric->bound_count + 1) * BUCKET_BYTES;
	else
		series_bytes += VALUE_BYTES;
	if (is_states)
		series_bytes += LABEL_BYTES + metric->name.bytes;
	series_bytes = repeated * series_bytes + metric->states.bytes;
	return FAMILY_BYTES + metric->name.bytes + metric->help.bytes + metric->unit.bytes +
	       repeated * family->label_bytes + family->series_count * series_bytes;
}

static char *put_text(char *to, unsigned field, struct ring_text text)
{
	return proto_bytes(to, field, text.data, text.bytes);
}

static char *put_label(char *to, struct ring_text key, const char *value, size_t bytes)
{
	to = proto_message(to, METRIC_LABEL,
			   2 + proto_varint_bytes(key.bytes) + key.bytes +
				   proto_varint_bytes(bytes) + bytes);
	to = put_text(to, LABEL_NAME, key);
	return proto_bytes(to, LABEL_VALUE, value, bytes);
}

static char *put_labels(char *to, const struct ring_metric_info *metric, const char *value)
{
	for (uint32_t i = 0; i < metric->label_count; i++) {
		const size_t bytes = strlen(value);
		to = put_label(to, metric->label_keys[i], value, bytes);
		value += bytes + 1;
	}
	return to;
}

/* A google.protobuf.Timestamp. */
static char *put_time(char *to, unsigned field, uint64_t wall_ns)
{
	char *const contents = proto_open(to);
	char *end = proto_uint(contents, TIME_SECONDS, wall_ns / 1000000000);

	end = proto_uint(end, TIME_NANOS, wall_ns % 1000000000);
	return proto_close(contents, end, field);
}

static char *put_value(char *to, unsigned field, double value)
{
	return proto_double(proto_message(to, field, DOUBLE_BYTES), VALUE, value);
}

static char *put_counter(char *to, double value, uint64_t start_ns)
{
	char *const contents = proto_open(to);
	char *end = proto_double(contents, VALUE, value);

	if (start_ns > 0)
		end = put_time(end, COUNTER_START, start_ns);
	return proto_close(contents, end, METRIC_COUNTER);
}

/* Its cells are the sum and a count for each bucket; in the message counts are cumulative. */
static char *put_histogram(char *to, const struct ring_metric_info *metric, const uint64_t *cells,
			   uint64_t start_ns)
{
	char *const contents = proto_open(to);
	uint64_t count = 0;
	char *end;

	for (uint32_t i = 0; i <= metric->bound_count; i++)
		count += cells[1 + i];
	end = proto_uint(contents, HISTOGRAM_COUNT, count);
	end = proto_double(end, HISTOGRAM_SUM, ring_double_of(cells[0]));
	count = 0;
	for (uint32_t i = 0; i <= metric->bound_count; i++) {
		const double bound = i < metric->bound_count ? metric->bounds[i] : (double)INFINITY;
		count += cells[1 + i];
		end = proto_message(end, HISTOGRAM_BUCKET,
				    1 + proto_varint_bytes(count) + DOUBLE_BYTES);
		end = proto_uint(end, BUCKET_COUNT, count);
		end = proto_double(end, BUCKET_BOUND, bound);
	}
	if (start_ns > 0)
		end = put_time(end, HISTOGRAM_START, start_ns);
	return proto_close(contents, end, METRIC_HISTOGRAM);
}

/* A gauge for each state, of which one is 1; its label has the metric's name. */
static char *put_states(char *to, const struct ring_metric_info *metric, const char *labels,
			uint64_t cell)
{
	const uint32_t holds = ring_state_of(metric, cell);
	struct ring_text states = metric->states, state;

	for (uint32_t i = 0; ring_label_next(&states, &state); i++) {
		char *const contents = proto_open(to);
		char *end = put_labels(contents, metric, labels);
		end = put_label(end, metric->name, state.data, state.bytes);
		end = put_value(end, METRIC_GAUGE, i == holds);
		to = proto_close(contents, end, FAMILY_METRIC);
	}
	return to;
}

static char *put_series(char *to, const struct ring_metric_info *metric, unsigned type,
			const struct catalog_series *series, const uint64_t *cells)
{
	if (metric->kind == RING_STATESET)
		return put_states(to, metric, series->labels, cells[0]);
	char *const contents = proto_open(to);
	char *end = put_labels(contents, metric, series->labels);
	if (metric->kind == RING_HISTOGRAM)
		end = put_histogram(end, metric, cells, series->start_ns);
	else if (metric->kind == RING_COUNTER)
		end = put_counter(end, (double)(cells[0] & FORMAT_COUNT_MASK), series->start_ns);
	else if (type == TYPE_COUNTER)
		end = put_counter(end, ring_double_of(cells[0]), series->start_ns);
	else
		end = put_value(end, METRIC_GAUGE, ring_double_of(cells[0]));
	return proto_close(contents, end, FAMILY_METRIC);
}

static unsigned type_of(const struct ring_metric_info *metric)
{
	if (metric->kind == RING_HISTOGRAM)
		return TYPE_HISTOGRAM;
	return format_is_counter(metric) ? TYPE_COUNTER : TYPE_GAUGE;
}

void protobuf_family(struct text *text, const struct catalog_family *family, const uint64_t *cells)
{
	const struct ring_metric_info *metric = &family->metric;
	const unsigned type = type_of(metric);
	char *const to = text_room(text, protobuf_bytes_max(family));
	size_t shown_count = 0;

	if (!to)
		return;
	char *const contents = proto_open(to);
	char *end = put_text(contents, FAMILY_NAME, metric->name);
	end = put_text(end, FAMILY_HELP, metric->help);
	end = proto_uint(end, FAMILY_TYPE, type);
	for (size_t i = 0; i < family->series_count; i++, cells += metric->series_cells) {
		if (metric->kind == RING_GAUGE && cells[0] == RING_GAUGE_UNSET)
			continue;
		end = put_series(end, metric, type, &family->series[i], cells);
		shown_count++;
	}
	if (metric->unit.bytes > 0)
		end = put_text(end, FAMILY_UNIT, metric->unit);
	if (shown_count > 0)
		text->bytes += (size_t)(proto_close(contents, end, 0) - to);
}
