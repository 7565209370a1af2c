/* SPDX-License-Identifier: MIT */
/*
 * The writer's side of a case: what it did, by the real functions of ring/record.h,
 * and what a reader must therefore find.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include <ring/record.h>

#define HISTORY_SLOTS 8u
#define HISTORY_PUTS  24u
#define HISTORY_CELLS 7u /* none, counter, gauge and its time, histogram of two buckets */

struct ring_case {
	const char *name;
	/* What the writer does: c, g, h record into the counter, gauge and histogram, [ and ]
	 * begin and end a burst; at ! the writer may be dead, after any of its stores so far,
	 * and a successor goes on. */
	const char *program;
	uint64_t slot_count;
	uint32_t burst_max;
	size_t batch_max;
	uint64_t first_pos;
	bool tallies; /* the reader looks at the tallies as well */
};

/* A core block. Its words are the modelled memory; the writer stands where the owner's private page
 * would be. */
struct history_memory {
	struct ring_word cells[HISTORY_CELLS];
	struct ring_core core;
	uint8_t before_writer[RING_WRITER_OFFSET - sizeof(struct ring_core)];
	struct ring_writer writer;
	uint8_t behind_writer[RING_SLOTS_OFFSET - RING_WRITER_OFFSET - sizeof(struct ring_writer)];
	struct ring_slot slots[HISTORY_SLOTS];
};

struct history {
	uint64_t first_pos;
	uint64_t put_count;                              /* positions from first_pos on */
	struct ring_sample samples[HISTORY_PUTS];        /* by position */
	uint64_t cells[HISTORY_PUTS + 1][HISTORY_CELLS]; /* with so many positions put */
};

extern struct history_memory history_memory;

/* Runs the writer of `c`, dead after `stores_max` stores if the program foresees it. Returns
 * whether it died. */
bool history_write(struct history *history, const struct ring_case *c, size_t stores_max);

#endif
