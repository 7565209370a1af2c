/* SPDX-License-Identifier: MIT */
/*
 * What a data plane calls, as contenders: each call with 64 resolved handles in turn. All take
 * their time from the one ring_tick before.
 */
#ifndef RECORDING_H
#define RECORDING_H

#include "contest.h"
#include "push.h"
#include "subject.h"

extern const struct contender recording_counter;
extern const struct contender recording_bursts;     /* the same, published 32 at a time */
extern const struct contender recording_put;        /* the sample's half of a counter add alone */
extern const struct contender recording_by_address; /* with the cell's address computed once */
extern const struct contender recording_gauge;
extern const struct contender recording_histogram;

static inline void recording_add(struct subject *subject, uint64_t count)
{
	struct ring_writer *writer = subject->writer;

	for (uint64_t i = 0; i < count; i++)
		ring_counter_add(writer, subject->counters[i % SUBJECT_SERIES], 1);
}

#define RECORDING_COUNT \
	PUSH_PERIOD /* of a stretch; overflows no ring, so that nothing is dropped */

#endif
