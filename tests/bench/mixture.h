/* SPDX-License-Identifier: MIT */
/*
 * A segment with many series of all three kinds, recorded in random order: what a drain meets.
 * Kinds alternate and the series within a kind is random. Gauges and histograms carry the number
 * of the sample, counters their totals, so that each sample is known beforehand; and what every
 * series must have come to is kept beside.
 */
#ifndef MIXTURE_H
#define MIXTURE_H

#include <ring/read.h>
#include <ring/segment.h>

#include "bench.h"

#define MIXTURE_KINDS 3u
#define MIXTURE_WRAP  4096u /* histograms observe the sample's number modulo this */
#define MIXTURE_PERIOD                                                             \
	(12u * MIXTURE_WRAP) /* of the order of series; holds whole turns of kinds \
			      */
#define MIXTURE_BURST 32u

struct mixture {
	struct ring_segment *segment;
	struct ring_writer *writer;
	unsigned kind_count;   /* MIXTURE_KINDS; or 1: counters alone */
	unsigned series_count; /* of each kind */
	struct ring_counter *counters;
	struct ring_gauge *gauges;
	struct ring_histogram *histograms;
	uint32_t *order;  /* series within its kind, of each sample in a period */
	uint64_t written; /* samples so far */
	char dir[32];
};

extern const char *const mixture_names[MIXTURE_KINDS + 1]; /* of the metrics, by kind */

struct mixture_options {
	unsigned kind_count;
	unsigned series_count; /* in all */
	unsigned slot_count;
};

/* NULL after bench_fail. The file keeps its name until mixture_unlink. */
struct mixture *mixture_open(const struct mixture_options *options);
void mixture_unlink(struct mixture *mixture);
void mixture_close(struct mixture *mixture);

static inline enum ring_kind mixture_kind(const struct mixture *mixture, uint64_t number)
{
	if (mixture->kind_count == 1)
		return RING_COUNTER;
	return (enum ring_kind)(RING_COUNTER + number % MIXTURE_KINDS);
}

static inline uint32_t mixture_series(const struct mixture *mixture, uint64_t number)
{
	return mixture->order[number % MIXTURE_PERIOD];
}

/* Records `count` samples, a multiple of 3 * MIXTURE_BURST, in bursts of MIXTURE_BURST. */
void mixture_record(struct mixture *mixture, uint64_t count);

/* One burst of it. */
void mixture_record_burst(struct mixture *mixture);

/* What the cells of a series must hold; `series` counts within its kind. */
struct mixture_tally {
	uint64_t count; /* of its samples */
	uint64_t last;  /* the number of the last one */
	double sum;     /* of what a histogram observed */
};

/* Of every series of a kind, into an array of series_count. */
void mixture_expect(const struct mixture *mixture, enum ring_kind kind,
		    struct mixture_tally *tallies);

#endif
