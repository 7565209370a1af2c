/* SPDX-License-Identifier: MIT */
/* Many series in random order; see mixture.h. */
#include "mixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double bounds[] = {8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3072};

const char *const mixture_names[MIXTURE_KINDS + 1] = {
	[RING_COUNTER] = "bench_events_total",
	[RING_GAUGE] = "bench_level",
	[RING_HISTOGRAM] = "bench_size",
};

static struct ring_metric_def define(enum ring_kind kind, unsigned series_max)
{
	struct ring_metric_def metric = {
		.name = mixture_names[kind],
		.help = "Of the benchmark.",
		.kind = kind,
		.label_keys = {"number"},
		.series_max = series_max,
	};

	if (kind == RING_HISTOGRAM) {
		metric.bounds = bounds;
		metric.bound_count = sizeof bounds / sizeof bounds[0];
	}
	return metric;
}

static bool make_segment(struct mixture *mixture, unsigned slot_count)
{
	struct ring_metric_def metrics[MIXTURE_KINDS];

	for (unsigned i = 0; i < mixture->kind_count; i++)
		metrics[i] = define(mixture_kind(mixture, i), mixture->series_count);
	strcpy(mixture->dir, "/dev/shm/ring-bench-XXXXXX");
	if (!mkdtemp(mixture->dir))
		return bench_fail("%s: cannot be made", mixture->dir);
	if (ring_segment_create(&mixture->segment,
				&(struct ring_options){.name = "bench",
						       .dir = mixture->dir,
						       .core_count = 1,
						       .slot_count = slot_count,
						       .metrics = metrics,
						       .metric_count = mixture->kind_count}) != 0)
		return bench_fail("%s", ring_error());
	mixture->writer = ring_writer_claim(mixture->segment, 0);
	return true;
}

static bool resolve_all(struct mixture *mixture)
{
	char number[12];
	const char *const labels[] = {number, NULL};

	mixture->counters = calloc(mixture->series_count, sizeof *mixture->counters);
	mixture->gauges = calloc(mixture->series_count, sizeof *mixture->gauges);
	mixture->histograms = calloc(mixture->series_count, sizeof *mixture->histograms);
	if (!mixture->counters || !mixture->gauges || !mixture->histograms)
		return bench_fail("no memory for handles");
	for (unsigned i = 0; i < mixture->series_count; i++) {
		snprintf(number, sizeof number, "%u", i);
		mixture->counters[i] = ring_counter_resolve(mixture->segment,
							    mixture_names[RING_COUNTER], labels);
		if (mixture->kind_count == 1)
			continue;
		mixture->gauges[i] = ring_gauge_resolve(mixture->segment, mixture_names[RING_GAUGE],
							labels);
		mixture->histograms[i] = ring_histogram_resolve(
			mixture->segment, mixture_names[RING_HISTOGRAM], labels);
	}
	return true;
}

static bool choose_order(struct mixture *mixture)
{
	uint32_t state = 1;

	mixture->order = calloc(MIXTURE_PERIOD, sizeof *mixture->order);
	if (!mixture->order)
		return bench_fail("no memory for an order");
	for (unsigned i = 0; i < MIXTURE_PERIOD; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		mixture->order[i] = state % mixture->series_count;
	}
	return true;
}

struct mixture *mixture_open(const struct mixture_options *options)
{
	struct mixture *mixture = calloc(1, sizeof *mixture);

	if (!mixture) {
		bench_fail("no memory");
		return NULL;
	}
	mixture->kind_count = options->kind_count;
	mixture->series_count = options->series_count / options->kind_count;
	if (make_segment(mixture, options->slot_count) && resolve_all(mixture) &&
	    choose_order(mixture))
		return mixture;
	mixture_unlink(mixture);
	mixture_close(mixture);
	return NULL;
}

void mixture_unlink(struct mixture *mixture)
{
	char path[sizeof mixture->dir + 8];

	snprintf(path, sizeof path, "%s/bench", mixture->dir);
	unlink(path);
	rmdir(mixture->dir);
}

void mixture_close(struct mixture *mixture)
{
	if (mixture->segment)
		ring_segment_close(mixture->segment);
	free(mixture->counters);
	free(mixture->gauges);
	free(mixture->histograms);
	free(mixture->order);
	free(mixture);
}

static inline void record(struct mixture *mixture, uint64_t number)
{
	struct ring_writer *writer = mixture->writer;
	const uint32_t series = mixture_series(mixture, number);

	switch (mixture_kind(mixture, number)) {
	case RING_COUNTER:
		ring_counter_add(writer, mixture->counters[series], 1);
		break;
	case RING_GAUGE:
		ring_gauge_set(writer, mixture->gauges[series], (double)number);
		break;
	case RING_HISTOGRAM:
		ring_histogram_observe(writer, mixture->histograms[series],
				       (double)(number % MIXTURE_WRAP));
		break;
	case RING_STATESET:
		break; /* there are none */
	}
}

static void record_counters(struct mixture *mixture)
{
	const uint32_t *order = &mixture->order[mixture->written % MIXTURE_PERIOD];

	for (unsigned i = 0; i < MIXTURE_BURST; i++)
		ring_counter_add(mixture->writer, mixture->counters[order[i]], 1);
	mixture->written += MIXTURE_BURST;
}

static void record_all_kinds(struct mixture *mixture)
{
	for (uint64_t end = mixture->written + MIXTURE_BURST; mixture->written < end;
	     mixture->written++)
		record(mixture, mixture->written);
}

void mixture_record_burst(struct mixture *mixture)
{
	ring_burst_begin(mixture->writer);
	if (mixture->kind_count == 1)
		record_counters(mixture);
	else
		record_all_kinds(mixture);
	ring_burst_end(mixture->writer);
}

void mixture_record(struct mixture *mixture, uint64_t count)
{
	for (uint64_t i = 0; i < count; i += MIXTURE_BURST)
		mixture_record_burst(mixture);
}

void mixture_expect(const struct mixture *mixture, enum ring_kind kind,
		    struct mixture_tally *tallies)
{
	memset(tallies, 0, mixture->series_count * sizeof *tallies);
	for (uint64_t i = kind - RING_COUNTER; i < MIXTURE_PERIOD && i < mixture->written;
	     i += mixture->kind_count) {
		struct mixture_tally *tally = &tallies[mixture_series(mixture, i)];
		const uint64_t periods = (mixture->written - i - 1) / MIXTURE_PERIOD;
		const uint64_t last = i + periods * MIXTURE_PERIOD;
		tally->count += periods + 1;
		tally->last = last > tally->last ? last : tally->last;
		tally->sum += (double)((periods + 1) * (i % MIXTURE_WRAP));
	}
}
