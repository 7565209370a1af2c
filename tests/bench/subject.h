/* SPDX-License-Identifier: MIT */
/*
 * A segment of the benchmark's own with one writer, and a reader that checks every sample: its
 * series, its time and its value, which numbers it; then the ring's account, and the tallies
 * against what was recorded.
 *
 * Sample n is of series n % SUBJECT_SERIES. Loops count from 0 in every stretch, and stretches
 * are whole multiples of SUBJECT_PERIOD, so that no loop needs to know what came before.
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <ring/read.h>
#include <ring/segment.h>

#include "bench.h"

#define SUBJECT_SERIES 64u
#define SUBJECT_BOUNDS 10u
#define SUBJECT_PERIOD 4096u  /* of what histograms observe */
#define SUBJECT_SLOTS  16384u /* what a segment has if nothing is said */
#define SUBJECT_BURST  32u    /* records of one burst, in the rows about bursts */

struct subject {
	struct ring_writer *writer;
	struct ring_counter counters[SUBJECT_SERIES];
	struct ring_gauge gauges[SUBJECT_SERIES];
	struct ring_histogram histograms[SUBJECT_SERIES];

	struct ring_segment *segment;
	struct ring_reader *reader;
	unsigned core;     /* its ring */
	bool owns_segment; /* closes it */
	bool is_bare;      /* samples have no tally, and count from 0 in each stretch */
	enum ring_kind kind;
	uint64_t keys[SUBJECT_SERIES]; /* of the series of that kind, as samples carry them */
	uint64_t now_ns;               /* the time that samples must have */
	uint64_t written;              /* samples so far */
	uint64_t stretch;              /* of these, those before the stretch that is checked */
	uint64_t checked;              /* of these, those that were read and found right */
	uint64_t next;                 /* number of the next sample, if none is dropped */
	uint64_t gaps;                 /* numbers that were passed over: must be what was dropped */
	bool broken;                   /* something was wrong */
	struct ring_sample *samples;   /* a batch */
};

extern const double subject_bounds[SUBJECT_BOUNDS];

/* What record `i` of a histogram observes: at random, so that no branch predictor knows the bucket,
 * spread evenly over the buckets, and exact in binary. The choice is there once a subject is. */
#define SUBJECT_VALUES 16u
extern const double subject_values[SUBJECT_VALUES];
extern uint8_t subject_choice[SUBJECT_PERIOD];

static inline double subject_value(uint64_t i)
{
	return subject_values[subject_choice[i % SUBJECT_PERIOD]];
}

/* Makes a segment, for records of one kind. NULL after bench_fail. */
struct subject *subject_open(enum ring_kind kind, unsigned slot_count);

/* Several in one segment, each with a ring of its own, for counters. They have no writer: each
 * thread claims one for itself, and the claim ends with the thread. Returns whether there are. */
bool subject_open_many(struct subject **subjects, unsigned count);
void subject_claim(struct subject *subject);

/* As members of a contender; the setup is a const enum ring_kind. Contenders of one kind share a
 * subject, so that none has the better memory. */
void *subject_open_contender(const void *kind);
bool subject_check_contender(void *subject, uint64_t count);
void subject_close_contender(void *subject);

/* A ring of its own for samples without a tally; otherwise as before, and the setup is NULL. */
void *subject_open_bare(const void *setup);
void subject_close_bare(void *subject);

/* Drains and checks what is there, at most a ring's worth, as the exporter does. What is wrong is
 * kept in mind until subject_check. */
void subject_pass(struct subject *subject);

/* For when nobody records or polls: `count` samples have been recorded since last time. Demands
 * that each was drained and right, or, in the second, is counted as dropped; and tallies that say
 * the same. */
bool subject_check(struct subject *subject, uint64_t count);
bool subject_check_lossy(struct subject *subject, uint64_t count);

/* The first of many comes last. */
void subject_close(struct subject *subject);

#endif
