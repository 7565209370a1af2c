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
	push->written = 0;
	*push->reader = (struct push_reader){.cursor = 0};
	return true;
}

void *push_open(const void *setup)
{
	char *pages = aligned_alloc(PAGE, 2 * (size_t)PAGE);
	struct push_reader *reader = aligned_alloc(128, 128);

	if (!pages || !reader) {
		bench_fail("push: no memory");
		free(pages);
		free(reader);
		return NULL;
	}
	struct push *push = (struct push *)(void *)(pages + offset_of(setup));
	*push = (struct push){.slot_mask = PUSH_SLOTS - 1,
			      .now_ns = bench_now_ns(),
			      .setup = setup,
			      .reader = reader};
	for (uint64_t i = 0; i < PUSH_KEYS; i++)
		push->keys[i] = i + 1;
	if (map(push))
		return push;
	free(pages);
	free(reader);
	return NULL;
}

bool push_refresh(void *state)
{
	struct push *push = state;

	munmap(push->shared_pos, BYTES);
	return map(push);
}

static bool check_batch(const struct push *push, const struct ring_sample *samples, size_t count)
{
	const uint64_t time_mask = push->setup->any_time ? 0 : UINT64_MAX;
	struct push_reader *reader = push->reader;
	uint64_t number = reader->next + (samples[0].value - reader->next) % PUSH_PERIOD;
	uint64_t difference = 0;

	reader->gaps += number - reader->next;
	for (size_t i = 0; i < count; i++, number++) {
		difference |= samples[i].value ^ number % PUSH_PERIOD;
		difference |= samples[i].key ^ push->keys[number % PUSH_KEYS];
		difference |= (samples[i].timestamp_ns ^ push->now_ns) & time_mask;
	}
	reader->next = number;
	return difference == 0 || bench_fail("push: a sample is wrong");
}

void push_pass(void *state)
{
	const struct push *push = state;
	struct push_reader *reader = push->reader;
	struct ring_sample samples[512];
	size_t room = PUSH_SLOTS;
	struct ring_batch batch;

	do {
		batch = ring_take(push->shared_pos, push->slots, PUSH_SLOTS, BURST, reader->cursor,
				  samples, 512);
		reader->cursor += batch.dropped + batch.kept;
		reader->dropped += batch.dropped;
		if (batch.kept > 0 && !check_batch(push, samples + batch.first, batch.kept))
			reader->broken = true;
		room -= 512;
	} while (!reader->broken && batch.kept == 512 && room > 0);
}

bool push_check_lossy(void *state, uint64_t count)
{
	struct push *push = state;
	struct push_reader *reader = push->reader;

	push->written += count;
	while (!reader->broken && reader->cursor != push->written)
		push_pass(push);
	if (reader->broken)
		return false;
	reader->gaps += push->written - reader->next;
	reader->next = push->written;
	/* relaxed: nobody pushes now. Values tell the number modulo the period. */
	return (reader->cursor == ring_load_relaxed(push->shared_pos) &&
		(reader->dropped - reader->gaps) % PUSH_PERIOD == 0) ||
	       bench_fail("push: the account is wrong");
}

bool push_check(void *state, uint64_t count)
{
	const struct push *push = state;

	return push_check_lossy(state, count) &&
	       (push->reader->dropped == 0 || bench_fail("push: samples were dropped"));
}

void push_close(void *state)
{
	struct push *push = state;

	munmap(push->shared_pos, BYTES);
	free(push->reader);
	free((char *)push - offset_of(push->setup));
}

static inline void push_from_shared_position(struct push *push, uint64_t value, uint64_t key)
{
	const uint64_t pos = ring_load_relaxed(push->shared_pos);

	ring_put(&push->slots[pos & push->slot_mask], push->now_ns, value, key);
	ring_publish(push->shared_pos, pos + 1);
}

static inline void push_all(struct push *push, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		push_sample(push, i, push->keys[i % PUSH_KEYS]);
}

static inline void push_all_shared(struct push *push, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		push_from_shared_position(push, i, push->keys[i % PUSH_KEYS]);
}

static inline void work_and_push(struct push *push, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		work_do(&push->work);
		push_sample(push, i, push->keys[i % PUSH_KEYS]);
	}
}

static inline void work_and_push_shared(struct push *push, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		work_do(&push->work);
		push_from_shared_position(push, i, push->keys[i % PUSH_KEYS]);
	}
}

CONTEST_LOOPS(push_loop, push_all);
CONTEST_LOOPS(shared_loop, push_all_shared);
CONTEST_LOOPS(working_loop, work_and_push);
CONTEST_LOOPS(shared_working_loop, work_and_push_shared);

#define PUSH(what, loop)                                                                   \
	{                                                                                  \
		.who = what, .setup = &push_plain, .open = push_open, .check = push_check, \
		.close = push_close, .loops = CONTEST_PLACED(loop),                        \
	}

const struct contender push_contender = PUSH("bare push", push_loop);
const struct contender push_shared_contender = PUSH("position loaded from shared memory",
						    shared_loop);
const struct contender push_working = PUSH("bare push, working", working_loop);
const struct contender push_shared_working = PUSH("position loaded, working", shared_working_loop);
