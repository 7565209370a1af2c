/* SPDX-License-Identifier: MIT */
/*
 * Synthetic load: what one core records, and its own account of it, kept apart from
 * the segment so that a test can hold the one against the other.
 *
 * The samples depend on seed and core only, not on time or rate. All values are
 * multiples of 1/1024, so that sums of doubles are exact in whatever order.
 */
#ifndef LOAD_H
#define LOAD_H

#include <pthread.h>
#include <ring/segment.h>
#include <stdatomic.h>
#include <stdbool.h>

#define LOAD_KINDS   3     /* counters, gauges, histograms: the order of --mix */
#define LOAD_QUANTUM 1024u /* values are multiples of one part in this */

#define LOAD_EVENTS  "load_events_total"
#define LOAD_LEVEL   "load_level"
#define LOAD_LATENCY "load_latency_seconds"

/* The same for all cores. */
struct load_plan {
	struct ring_segment *segment;
	uint64_t seed;
	uint64_t rate_hz;      /* samples per second and core; 0: as fast as possible */
	uint64_t sample_count; /* per core; 0: no end */
	uint64_t duration_ns;  /* 0: no end */
	uint32_t channel_count;
	uint32_t weights[LOAD_KINDS];
	bool use_bursts;
	struct ring_counter *events; /* these three by channel */
	struct ring_gauge *levels;
	struct ring_histogram *latencies;
	atomic_bool stop;           /* set by main: end now */
	atomic_uint finished_count; /* cores that have ended */
};

/* What one core has recorded of one channel. */
struct load_channel {
	uint64_t events;
	uint64_t observations;
	uint64_t latency_quanta; /* sum of the observations */
	int64_t level_quanta;    /* last value */
	uint64_t level_ns;       /* when it was set; 0: never */
};

struct load_core {
	struct load_plan *plan;
	unsigned core;
	pthread_t thread;
	struct ring_writer *writer;
	uint64_t random_state;
	uint64_t started_ns;
	uint64_t ended_ns;
	uint64_t written;
	bool is_live; /* whether the records reached a segment */
	struct load_channel *channels;
};

/* Name of a channel, its value of the label `channel`. */
#define LOAD_CHANNEL_BYTES 16
const char *load_channel_name(uint32_t channel, char name[LOAD_CHANNEL_BYTES]);

/* Makes the segment of `options` with the metrics of the load, and resolves the handles.
 * Returns what ring_segment_create returns; the plan can run in either case. */
int load_prepare(struct load_plan *plan, struct ring_options *options, enum ring_merge merge);

/* A thread: claims the core's writer, records until the plan says so, gives it back. The
 * argument is its struct load_core. */
void *load_run(void *argument);

#endif
