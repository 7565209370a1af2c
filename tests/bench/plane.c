/* SPDX-License-Identifier: MIT */
/* A data plane of any size; see plane.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "plane.h"

#define LABEL_BYTES 24
#define GROUP       10u /* series: eight counters, a gauge, a histogram */
#define BURST       32u

union handle {
	struct ring_counter counter;
	struct ring_gauge gauge;
	struct ring_histogram histogram;
};

struct plane_segment {
	struct ring_segment *segment;
	struct ring_writer **writers;
	union handle *handles;
};

static enum ring_kind kind_of(const struct plane_size *size, uint32_t series)
{
	if (size->counters_only || series % GROUP < GROUP - 2)
		return RING_COUNTER;
	return series % GROUP == GROUP - 2 ? RING_GAUGE : RING_HISTOGRAM;
}

static void resolve(struct plane *plane, struct plane_segment *segment, uint32_t series)
{
	char label[LABEL_BYTES];

	snprintf(label, sizeof label, PLANE_LABEL, series);
	const char *const labels[] = {label, NULL};
	switch (kind_of(&plane->size, series)) {
	case RING_COUNTER:
		segment->handles[series].counter = ring_counter_resolve(segment->segment,
									PLANE_COUNTERS, labels);
		break;
	case RING_GAUGE:
		segment->handles[series].gauge = ring_gauge_resolve(segment->segment, PLANE_GAUGES,
								    labels);
		break;
	case RING_HISTOGRAM:
		segment->handles[series].histogram = ring_histogram_resolve(segment->segment,
									    PLANE_LATENCY, labels);
		break;
	case RING_STATESET:
		break; /* there are none */
	}
}

static int segment_open(struct plane *plane, struct plane_segment *segment, const char *dir,
			unsigned index)
{
	static const double bounds[] = {0.001, 0.002, 0.004, 0.008, 0.016,
					0.032, 0.064, 0.128, 0.256, 0.512};
	const struct plane_size *size = &plane->size;
	const uint32_t groups = (size->series_count + GROUP - 1) / GROUP;
	const struct ring_metric_def metrics[] = {
		{
			.name = PLANE_COUNTERS,
			.help = "Packets that nobody has sent.",
			.kind = RING_COUNTER,
			.label_keys = {"channel"},
			.series_max = size->counters_only ? size->series_count
							  : size->series_count - 2 * groups,
		},
		{
			.name = PLANE_GAUGES,
			.help = "Depth of queues that do not exist.",
			.kind = RING_GAUGE,
			.label_keys = {"channel"},
			.series_max = groups,
		},
		{
			.name = PLANE_LATENCY,
			.help = "Latency of nothing.",
			.unit = "seconds",
			.kind = RING_HISTOGRAM,
			.label_keys = {"channel"},
			.bounds = bounds,
			.bound_count = sizeof bounds / sizeof bounds[0],
			.series_max = groups,
		},
	};
	char name[24];

	snprintf(name, sizeof name, "plane-%03u", index);
	segment->writers = calloc(size->ring_count, sizeof(struct ring_writer *));
	segment->handles = calloc(size->series_count, sizeof *segment->handles);
	if (!segment->writers || !segment->handles)
		return -ENOMEM;
	const int error = ring_segment_create(
		&segment->segment,
		&(struct ring_options){.name = name,
				       .dir = dir,
				       .core_count = size->ring_count,
				       .series_spare = 1,
				       .metrics = metrics,
				       .metric_count = size->counters_only ? 1 : 3});
	if (error)
		return error;
	for (unsigned ring = 0; ring < size->ring_count; ring++)
		segment->writers[ring] = ring_writer_claim(segment->segment, ring);
	for (uint32_t series = 0; series < size->series_count; series++)
		resolve(plane, segment, series);
	return 0;
}

int plane_open(struct plane *plane, const char *dir, const struct plane_size *size)
{
	int error = 0;

	*plane = (struct plane){.size = *size, .random = 1};
	plane->segments = calloc(size->segment_count, sizeof *plane->segments);
	if (!plane->segments)
		return -ENOMEM;
	for (unsigned i = 0; i < size->segment_count && error == 0; i++)
		error = segment_open(plane, &plane->segments[i], dir, i);
	return error;
}

void plane_close(struct plane *plane)
{
	for (unsigned i = 0; plane->segments && i < plane->size.segment_count; i++) {
		if (plane->segments[i].segment)
			ring_segment_close(plane->segments[i].segment);
		free(plane->segments[i].writers);
		free(plane->segments[i].handles);
	}
	free(plane->segments);
	plane->segments = NULL;
}

static void record(struct plane *plane, const struct plane_segment *segment,
		   struct ring_writer *writer, uint32_t series, uint32_t value)
{
	const union handle *handle = &segment->handles[series];

	switch (kind_of(&plane->size, series)) {
	case RING_COUNTER:
		ring_counter_add(writer, handle->counter, value);
		plane->totals.counted += value;
		break;
	case RING_GAUGE:
		ring_gauge_set(writer, handle->gauge, value);
		break;
	case RING_HISTOGRAM:
		ring_histogram_observe(writer, handle->histogram, value / 1024.);
		plane->totals.observed++;
		break;
	case RING_STATESET:
		break; /* there are none */
	}
	plane->totals.written++;
}

static void record_random(struct plane *plane, const struct plane_segment *segment,
			  struct ring_writer *writer, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		/* Knuth's MMIX; its upper bits are good enough. */
		plane->random = plane->random * UINT64_C(6364136223846793005) +
				UINT64_C(1442695040888963407);
		const uint64_t series = (plane->random >> 32) * plane->size.series_count >> 32;
		record(plane, segment, writer, (uint32_t)series, (uint32_t)plane->random >> 22);
	}
}

void plane_record(struct plane *plane, unsigned count)
{
	for (unsigned i = 0; i < plane->size.segment_count; i++) {
		const struct plane_segment *segment = &plane->segments[i];
		for (unsigned ring = 0; ring < plane->size.ring_count; ring++) {
			struct ring_writer *writer = segment->writers[ring];
			ring_tick(writer);
			for (unsigned left = count; left > 0;) {
				const unsigned burst = left < BURST ? left : BURST;
				ring_burst_begin(writer);
				record_random(plane, segment, writer, burst);
				ring_burst_end(writer);
				left -= burst;
			}
		}
	}
}

void plane_record_each(struct plane *plane)
{
	for (unsigned i = 0; i < plane->size.segment_count; i++) {
		const struct plane_segment *segment = &plane->segments[i];
		for (uint32_t series = 0; series < plane->size.series_count; series++)
			record(plane, segment, segment->writers[0], series,
			       plane_first_value(series));
	}
}
