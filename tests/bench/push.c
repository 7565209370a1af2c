/* SPDX-License-Identifier: MIT */
/* The bare ring; see push.h. */
#include "push.h"

#include <stdlib.h>
#include <sys/mman.h>

#define PAGE  4096u
#define BYTES (PAGE + PUSH_SLOTS * sizeof(struct ring_slot))
#define BURST 64u /* slots that a reader leaves to the writer, as in a segment */

const struct push_setup push_plain = {.aliased = false};

/* Where the writer's state stands in its page. */
static size_t offset_of(const struct push_setup *setup)
{
	return setup->aliased ? PAGE - offsetof(struct push, shared_pos) : PAGE / 2;
}

/* Shared memory like a segment's. */
static bool map(struct push *push)
{
	const int populate = push->setup->unpopulated ? 0 : MAP_POPULATE;
	char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | populate, -1, 0);

	if (memory == MAP_FAILED)
		return bench_fail("push: no memory for a ring");
	push->shared_pos = (struct ring_word *)(void *)memory;
	push->slots = (struct ring_slot *)(void *)(memory + PAGE);
	push->write_pos = 0;
	push->cursor = 0;
	return true;
}

void *push_open(const void *setup)
{
	char *pages = aligned_alloc(PAGE, 2 * (size_t)PAGE);

	if (!pages) {
		bench_fail("push: no memory");
		return NULL;
	}
	struct push *push = (struct push *)(void *)(pages + offset_of(setup));
	*push = (struct push){
		.slot_mask = PUSH_SLOTS - 1, .now_ns = bench_now_ns(), .setup = setup};
	for (uint64_t i = 0; i < PUSH_KEYS; i++)
		push->keys[i] = i + 1;
	if (map(push))
		return push;
	free(pages);
	return NULL;
}

bool push_refresh(void *state)
{
	struct push *push = state;

	munmap(push->shared_pos, BYTES);
	return map(push);
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
			    (samples[i].timestamp_ns != push->now_ns && !push->setup->any_time))
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
	free((char *)push - offset_of(push->setup));
}

static inline void push_cyclic(struct push *push, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		push_sample(push, i, push->keys[i % PUSH_KEYS]);
}

CONTEST_LOOPS(push_loop, push_cyclic);

const struct contender push_contender = {
	.who = "bare push",
	.setup = &push_plain,
	.open = push_open,
	.check = push_check,
	.close = push_close,
	.loops = CONTEST_PLACED(push_loop),
};
