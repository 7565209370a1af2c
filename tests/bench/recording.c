/* SPDX-License-Identifier: MIT */
/* The record calls as contenders; see recording.h. */
#include "recording.h"

static inline void counter_add_in_bursts(struct subject *subject, uint64_t count)
{
	struct ring_writer *writer = subject->writer;

	for (uint64_t i = 0; i < count; i += SUBJECT_BURST) {
		ring_burst_begin(writer);
		for (uint64_t k = i; k < i + SUBJECT_BURST; k++)
			ring_counter_add(writer, subject->counters[k % SUBJECT_SERIES], 1);
		ring_burst_end(writer);
	}
}

static inline void put(struct subject *subject, uint64_t count)
{
	struct ring_writer *writer = subject->writer;

	for (uint64_t i = 0; i < count; i++)
		ring_writer_put(writer, i, subject->keys[i % SUBJECT_SERIES]);
}

static inline void counter_add_by_address(struct subject *subject, uint64_t count)
{
	struct ring_writer *writer = subject->writer;

	for (uint64_t i = 0; i < count; i++) {
		const uint64_t key = subject->counters[i % SUBJECT_SERIES].key;
		struct ring_word *cell = ring_writer_cells(writer, key);
		if (!cell)
			continue;
		/* relaxed: as in ring_counter_add. */
		const uint64_t total = ring_load_relaxed(cell) + 1;
		ring_store_relaxed(cell, total);
		ring_writer_put(writer, total, key);
	}
}

static inline void gauge_set(struct subject *subject, uint64_t count)
{
	struct ring_writer *writer = subject->writer;

	for (uint64_t i = 0; i < count; i++)
		ring_gauge_set(writer, subject->gauges[i % SUBJECT_SERIES],
			       (double)(i % SUBJECT_SERIES));
}

static inline void histogram_observe(struct subject *subject, uint64_t count)
{
	struct ring_writer *writer = subject->writer;

	for (uint64_t i = 0; i < count; i++)
		ring_histogram_observe(writer, subject->histograms[i % SUBJECT_SERIES],
				       subject_value(i));
}

CONTEST_LOOPS(counter_add_loop, recording_add);
CONTEST_LOOPS(counter_add_in_bursts_loop, counter_add_in_bursts);
CONTEST_LOOPS(put_loop, put);
CONTEST_LOOPS(counter_add_by_address_loop, counter_add_by_address);
CONTEST_LOOPS(gauge_set_loop, gauge_set);
CONTEST_LOOPS(histogram_observe_loop, histogram_observe);

static const enum ring_kind counter = RING_COUNTER, gauge = RING_GAUGE, histogram = RING_HISTOGRAM;

#define SUBJECT(what, kind, loop)                                                   \
	{                                                                           \
		.who = what, .setup = &(kind), .open = subject_open_contender,      \
		.check = subject_check_contender, .close = subject_close_contender, \
		.loops = CONTEST_PLACED(loop),                                      \
	}

const struct contender recording_counter = SUBJECT("ring", counter, counter_add_loop);
const struct contender recording_bursts = SUBJECT("ring, bursts of 32", counter,
						  counter_add_in_bursts_loop);
const struct contender recording_put = {
	.who = "push, same layout",
	.open = subject_open_bare,
	.check = subject_check_contender,
	.close = subject_close_bare,
	.loops = CONTEST_PLACED(put_loop),
};
const struct contender recording_by_address = SUBJECT("ring, cell by its address", counter,
						      counter_add_by_address_loop);
const struct contender recording_gauge = SUBJECT("ring", gauge, gauge_set_loop);
const struct contender recording_histogram = SUBJECT("ring", histogram, histogram_observe_loop);
