/* SPDX-License-Identifier: MIT */
/*
 * The least that a ring can do, made of the protocol's own two steps and nothing else: three
 * stores and a publication. What a record costs beyond this is the tally, the handle and the
 * promises; and each trick of the record path is left out here once, for comparison.
 */
#ifndef PUSH_H
#define PUSH_H

#include <ring/ring.h>

#include "bench.h"
#include "contest.h"
#include "work.h"

#define PUSH_SLOTS 16384u
#define PUSH_KEYS  64u

/* The writer's own. */
struct push {
	struct ring_slot *slots;
	struct ring_word *shared_pos;
	uint64_t slot_mask;
	uint64_t write_pos;
	uint64_t now_ns;
	uint64_t keys[PUSH_KEYS];
	const struct push_setup *setup;
	struct work work;
	uint64_t written; /* as far as checks know */
	struct push_reader *reader;
};

/* The reader's own; the fields as in subject.h. */
struct push_reader {
	uint64_t cursor, next, gaps, dropped;
	bool broken;
};

struct push_setup {
	bool aliased;     /* what leads to the shared position has its page offset, so that loading
			   * the one waits for storing the other; else half a page apart */
	bool unpopulated; /* the memory comes page by page, as it is written */
	bool any_time;    /* samples have times of their own */
};

static inline void push_sample(struct push *push, uint64_t value, uint64_t key)
{
	const uint64_t pos = push->write_pos;

	ring_put(&push->slots[pos & push->slot_mask], push->now_ns, value, key);
	push->write_pos = pos + 1;
	ring_publish(push->shared_pos, pos + 1);
}

/* For contenders. The samples of a stretch, which is PUSH_PERIOD long, a power of two, have the
 * values 0, 1, ... */
#define PUSH_PERIOD 8192u

void *push_open(const void *setup);
bool push_refresh(void *push); /* for `prepare`: new memory, never written */
bool push_check(void *push, uint64_t count);
void push_close(void *push);

/* A poll, and a check when it may have come too late for some; as in subject.h. */
void push_pass(void *push);
bool push_check_lossy(void *push, uint64_t count);

extern const struct push_setup push_plain;
extern const struct contender push_contender;
extern const struct contender push_shared_contender; /* loads the position from shared memory */
extern const struct contender push_working;          /* the two with work between the records */
extern const struct contender push_shared_working;

#endif
