/* SPDX-License-Identifier: MIT */
/*
 * A data plane of any size for the benchmarks of the exporter: segments of one schema, recorded
 * into by one thread, which knows exactly what it has recorded. Of every ten series eight are
 * counters, one is a gauge and one a histogram with ten bounds.
 */
#ifndef BENCH_PLANE_H
#define BENCH_PLANE_H

#include <stdbool.h>
#include <stdint.h>

#include <ring/segment.h>

#define PLANE_COUNTERS "bench_packets_total"
#define PLANE_GAUGES   "bench_depth"
#define PLANE_LATENCY  "bench_latency_seconds"
#define PLANE_LABEL    "channel-%06u" /* by the index of the series */

struct plane_size {
	unsigned segment_count;
	unsigned ring_count;   /* per segment */
	uint32_t series_count; /* the same ones in each segment */
	bool counters_only;
};

struct plane_totals {
	uint64_t written; /* samples */
	uint64_t counted; /* by all counters together */
	uint64_t observed;
};

struct plane {
	struct plane_size size;
	struct plane_segment *segments;
	struct plane_totals totals;
	uint64_t random;
};

/* Makes the segments in the directory. Returns 0 or a negative errno, then with the reason in
 * ring_error(). Closed either way. */
int plane_open(struct plane *plane, const char *dir, const struct plane_size *size);
void plane_close(struct plane *plane);

/* Records that many samples in every ring, of random series. */
void plane_record(struct plane *plane, unsigned count);

/* What is recorded first of a series. */
static inline uint32_t plane_first_value(uint32_t series)
{
	return 1 + series % 1000;
}

/* Records these, one sample of every series in the first ring of every segment. */
void plane_record_each(struct plane *plane);

#endif
