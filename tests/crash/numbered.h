/* SPDX-License-Identifier: MIT */
/*
 * Numbered records, and a reader that checks every one it is given.
 *
 * Each word of a sample tells the record's number: its time, its value and its tag. So a sample
 * made of two records shows itself. And since number n stands at the n-th position, unless
 * somebody was killed between tally and publication, each sample also proves that the account
 * of what was dropped before it is exact.
 */
#ifndef CRASH_NUMBERED_H
#define CRASH_NUMBERED_H

#include "scene.h"

static inline uint64_t numbered_time(uint64_t number)
{
	return ~number;
}

/* Makes record `number`; a counter's must be its total. Numbers of one owner have no gaps. */
static inline void numbered_record(const struct owner *owner, enum ring_kind kind, uint64_t number)
{
	const uint16_t tag = (uint16_t)number;

	ring_tick_at(owner->writer, numbered_time(number));
	if (kind == RING_COUNTER) {
		struct ring_counter counter = owner->counter;
		counter.key = ring_key_tagged(counter.key, tag);
		ring_counter_add(owner->writer, counter, 1);
	} else if (kind == RING_GAUGE) {
		struct ring_gauge gauge = owner->gauge;
		gauge.key = ring_key_tagged(gauge.key, tag);
		ring_gauge_set(owner->writer, gauge, (double)number);
	} else {
		struct ring_histogram histogram = owner->histogram;
		histogram.key = ring_key_tagged(histogram.key, tag);
		ring_histogram_observe(owner->writer, histogram, (double)number);
	}
}

/* One owner's time: from `position` on, samples have the number that their position says,
 * counted from 1 at the first epoch's position, plus `skipped`. */
struct epoch {
	uint64_t position;
	uint64_t skipped; /* records in the tallies that died before their publication */
};

#define FOLLOWER_BATCH 256u

struct follower {
	struct ring_reader *reader;
	const struct epoch *epochs; /* at least one, in order; shared with whoever adds to them */
	size_t epoch_count;
	uint64_t kept;
	struct ring_account account; /* as of the last pass */
	char complaint[160];         /* the first one; empty while all is well */
	struct ring_sample samples[FOLLOWER_BATCH];
};

/* Takes one batch, checks each sample, and checks the account after it. Returns the number of
 * samples; with a complaint it goes on all the same. */
size_t follower_pass(struct follower *follower);

/* Makes passes until nothing is pending or something is wrong. The writer stands still. */
void follower_finish(struct follower *follower);

/* The number of the newest record that the tallies of this kind know; 0 if none. */
uint64_t numbered_tallied(struct ring_reader *reader, enum ring_kind kind);

/* Checks tallies of one owner that recorded `number` records of that kind, the last of them
 * perhaps not in every cell. Returns whether they are so. */
bool numbered_tallies_hold(struct ring_reader *reader, enum ring_kind kind, uint64_t number);

#endif
