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
enum { SCHEMA = 5, ZERO_THRESHOLD = 6, ZERO_COUNT = 7 };
enum { NEGATIVE_SPAN = 9, NEGATIVE_DELTA = 10, POSITIVE_SPAN = 12, POSITIVE_DELTA = 13 };
enum { SPAN_OFFSET = 1, SPAN_LENGTH = 2 };
enum { BUCKET_COUNT = 1, BUCKET_BOUND = 2 };
enum { TIME_SECONDS = 1, TIME_NANOS = 2 };
enum { TYPE_COUNTER = 0, TYPE_GAUGE = 1, TYPE_HISTOGRAM = 4 };

/* The most that these can take, beside texts. A message in the making takes more, for heads that
 * are not there yet; that much is spare. */
#define DOUBLE_BYTES        9u
#define TIME_BYTES          14u /* seconds and their parts are five bytes each, for long */
#define LABEL_BYTES         8u  /* key and value are shorter than 128 and 16384 */
#define BUCKET_BYTES        (2 + 1 + PROTO_VARINT_MAX + DOUBLE_BYTES)
#define VALUE_BYTES         (2 + DOUBLE_BYTES + TIME_BYTES)
#define HISTOGRAM_BYTES     (5 + 1 + PROTO_VARINT_MAX + DOUBLE_BYTES + TIME_BYTES)
#define SERIES_BYTES        5u
/* Of native buckets what is always there, and for each at worst a span of its own and a count. */
#define NATIVE_BYTES        48u
#define NATIVE_BUCKET_BYTES (2 + 1 + 5 + 1 + 2 + PROTO_VARINT_MAX)
#define FAMILY_BYTES        (4 + 3 * 3 + 2)

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

static char *put_span(char *to, unsigned field, int32_t offset, uint32_t length)
{
	char *const contents = proto_open(to);
	char *const end = proto_sint(contents, SPAN_OFFSET, offset);

	return proto_close(contents, proto_uint(end, SPAN_LENGTH, length), field);
}

/* Neighbours share a span, which says how far it is from the one before. */
static char *put_spans(char *to, unsigned field, const struct observed_side *side)
{
	int32_t next = 0; /* the index after the last span */

	for (uint32_t first = 0, i = 1; i <= side->count; i++) {
		if (i < side->count && side->indexes[i] == side->indexes[i - 1] + 1)
			continue;
		to = put_span(to, field, side->indexes[first] - next, i - first);
		next = side->indexes[i - 1] + 1;
		first = i;
	}
	return to;
}

/* Each count as its difference from the one before. */
static char *put_deltas(char *to, unsigned field, const struct observed_side *side)
{
	char *const contents = proto_open(to);
	uint64_t before = 0;
	char *end = contents;

	for (uint32_t i = 0; i < side->count; i++) {
		end = proto_zigzag(end, (int64_t)(side->counts[i] - before));
		before = side->counts[i];
	}
	return side->count > 0 ? proto_close(contents, end, field) : to;
}

static char *put_native(char *to, const struct observed_view *view)
{
	to = proto_sint(to, SCHEMA, view->schema);
	to = proto_double(to, ZERO_THRESHOLD, NATIVE_ZERO_THRESHOLD);
	to = proto_uint(to, ZERO_COUNT, view->zero_count);
	to = put_spans(to, NEGATIVE_SPAN, &view->negative);
	to = put_deltas(to, NEGATIVE_DELTA, &view->negative);
	/* Without any span it would pass for a classic one. */
	if (view->positive.count + view->negative.count == 0)
		to = put_span(to, POSITIVE_SPAN, 0, 0);
	to = put_spans(to, POSITIVE_SPAN, &view->positive);
	return put_deltas(to, POSITIVE_DELTA, &view->positive);
}

/* In the message counts are cumulative. */
static char *put_histogram(char *to, const struct ring_metric_info *metric,
			   const struct observed_view *view, bool has_native)
{
	char *const contents = proto_open(to);
	uint64_t count = 0;
	char *end;

	for (uint32_t i = 0; i <= metric->bound_count; i++)
		count += view->buckets[i];
	end = proto_uint(contents, HISTOGRAM_COUNT, count);
	end = proto_double(end, HISTOGRAM_SUM, view->sum);
	count = 0;
	for (uint32_t i = 0; i <= metric->bound_count; i++) {
		const double bound = i < metric->bound_count ? metric->bounds[i] : (double)INFINITY;
		count += view->buckets[i];
		end = proto_message(end, HISTOGRAM_BUCKET,
				    1 + proto_varint_bytes(count) + DOUBLE_BYTES);
		end = proto_uint(end, BUCKET_COUNT, count);
		end = proto_double(end, BUCKET_BOUND, bound);
	}
	if (has_native)
		end = put_native(end, view);
	if (view->start_ns > 0)
		end = put_time(end, HISTOGRAM_START, view->start_ns);
	return proto_close(contents, end, METRIC_HISTOGRAM);
}

/* All but a histogram's. */
static char *put_number(char *to, const struct ring_metric_info *metric, unsigned type,
			uint64_t start_ns, uint64_t cell)
{
	if (metric->kind == RING_COUNTER)
		return put_counter(to, (double)(cell & FORMAT_COUNT_MASK), start_ns);
	if (type == TYPE_COUNTER)
		return put_counter(to, ring_double_of(cell), start_ns);
	return put_value(to, METRIC_GAUGE, ring_double_of(cell));
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

static unsigned type_of(const struct ring_metric_info *metric)
{
	if (metric->kind == RING_HISTOGRAM)
		return TYPE_HISTOGRAM;
	return format_is_counter(metric) ? TYPE_COUNTER : TYPE_GAUGE;
}

/* A histogram's values: those of its cells, or what was observed, from which this moves on. */
static struct observed_view view_of(const struct ring_metric_info *metric,
				    const struct catalog_series *series, const uint64_t *cells,
				    const uint64_t **observed)
{
	struct observed_view view = {
		.start_ns = series->start_ns,
		.sum = ring_double_of(cells[0]),
		.buckets = cells + 1,
	};

	if (!*observed)
		return view;
	view = observed_read(*observed, metric->bound_count + 1);
	if (view.start_ns == 0)
		view.start_ns = series->start_ns;
	*observed += view.word_count;
	return view;
}

size_t protobuf_native_bytes_max(const struct catalog_family *family, const uint64_t *observed)
{
	size_t bytes = 0;

	for (size_t i = 0; i < family->series_count; i++) {
		const struct observed_view view = observed_read(observed,
								family->metric.bound_count + 1);
		bytes += NATIVE_BYTES +
			 NATIVE_BUCKET_BYTES * (view.positive.count + view.negative.count);
		observed += view.word_count;
	}
	return bytes;
}

void protobuf_family(struct text *text, const struct catalog_family *family, const uint64_t *cells,
		     const uint64_t *observed, bool has_native)
{
	const struct ring_metric_info *metric = &family->metric;
	const unsigned type = type_of(metric);
	const size_t native_bytes = has_native ? protobuf_native_bytes_max(family, observed) : 0;
	char *const to = text_room(text, protobuf_bytes_max(family) + native_bytes);
	size_t shown_count = 0;

	if (!to)
		return;
	char *const contents = proto_open(to);
	char *end = put_text(contents, FAMILY_NAME, metric->name);
	end = put_text(end, FAMILY_HELP, metric->help);
	end = proto_uint(end, FAMILY_TYPE, type);
	for (size_t i = 0; i < family->series_count; i++, cells += metric->series_cells) {
		const struct catalog_series *series = &family->series[i];
		if (metric->kind == RING_GAUGE && cells[0] == RING_GAUGE_UNSET)
			continue;
		shown_count++;
		if (metric->kind == RING_STATESET) {
			end = put_states(end, metric, series->labels, cells[0]);
			continue;
		}
		char *const labels = proto_open(end);
		end = put_labels(labels, metric, series->labels);
		if (metric->kind == RING_HISTOGRAM) {
			const struct observed_view view = view_of(metric, series, cells, &observed);
			end = put_histogram(end, metric, &view, has_native);
		} else {
			end = put_number(end, metric, type, series->start_ns, cells[0]);
		}
		end = proto_close(labels, end, FAMILY_METRIC);
	}
	if (metric->unit.bytes > 0)
		end = put_text(end, FAMILY_UNIT, metric->unit);
	if (shown_count > 0)
		text->bytes += (size_t)(proto_close(contents, end, 0) - to);
}
