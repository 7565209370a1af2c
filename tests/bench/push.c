/* SPDX-License-Identifier: MIT */
/* The bare ring; see push.h. */
#include "push.h"

#include <stdlib.h>
#include <sys/mman.h>

#define PAGE  4096u
#define BYTES (PAGE + PUSH_SLOTS * sizeof(struct ring_slot))
#define BURST 64u /* slots that a reader leaves to the writer, as in a segment */

void *push_open(const void *setup)
{
	char *map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	char *page = aligned_alloc(PAGE, PAGE);

	(void)setup;
	if (map == MAP_FAILED || !page) {
		bench_fail("no memory for a ring");
		free(page);
		return NULL;
	}
	struct push *push = (struct push *)(void *)(page + PAGE / 2);
	*push = (struct push){
		.slots = (struct ring_slot *)(void *)(map + PAGE),
		.shared_pos = (struct ring_word *)(void *)map,
		.slot_mask = PUSH_SLOTS - 1,
		.now_ns = bench_now_ns(),
	};
	for (uint64_t i = 0; i < PUSH_KEYS; i++)
		push->keys[i] = i + 1;
	return push;
}

bool push_check(void *state, uint64_t count)
{
	struct push *push = state;
	struct ring_sample samples[512];

	for (uint64_t number = 0; number < count;) {
		const struct ring_batch batch = ring_take(push->shared_pos, push->slots, PUSH_SLOTS,
							  BURST, push->cursor, samples, 512);
		if (batch.dropped > 0 || batch.kept == 0)
			return bench_fail("push: %llu samples are missing",
					  (unsigned long long)(count - number));
		push->cursor += batch.kept;
		for (size_t i = 0; i < batch.kept; i++, number++)
			if (samples[i].value != number ||
			    samples[i].key != push->keys[number % PUSH_KEYS] ||
			    samples[i].timestamp_ns != push->now_ns)
				return bench_fail("push: sample %llu is wrong",
						  (unsigned long long)number);
	}
	return push->cursor == ring_load_relaxed(push->shared_pos) ||
	       bench_fail("push: more samples than were pushed");
}

void push_close(void *state)
{
	struct push *push = state;

	munmap(push->shared_pos, BYTES);
	free((char *)push - PAGE / 2);
}

static inline void push_cyclic(struct push *push, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		push_sample(push, i, push->keys[i % PUSH_KEYS]);
}

CONTEST_LOOPS(push_loop, push_cyclic);

const struct contender push_contender = {
	.who = "bare push",
	.open = push_open,
	.check = push_check,
	.close = push_close,
	.loops = CONTEST_PLACED(push_loop),
};
