/* SPDX-License-Identifier: MIT */
/*
 * Concurrency Kit's ring of one producer and one consumer. It is bounded and refuses when full,
 * which no stretch here makes it; what it holds is taken out and checked between them.
 */
#include <stdlib.h>

#include <ck_ring.h>

#include "peers.h"

#define SLOTS 16384u
#define KEYS  64u

struct object {
	uint64_t time_ns, value, key;
};

CK_RING_PROTOTYPE(object, object)

struct queue {
	ck_ring_t ring;
	struct object *slots;
	uint64_t now_ns;
	uint64_t keys[KEYS];
	struct object constant;
};

static void *open_queue(const void *setup)
{
	struct queue *queue = aligned_alloc(64, (sizeof *queue + 63) / 64 * 64);
	struct object *slots = aligned_alloc(64, SLOTS * sizeof *slots);

	(void)setup;
	if (!queue || !slots) {
		free(queue);
		free(slots);
		bench_fail("ck_ring: no memory");
		return NULL;
	}
	*queue = (struct queue){.slots = slots, .now_ns = bench_now_ns(), .constant = {1, 2, 3}};
	for (uint64_t i = 0; i < KEYS; i++)
		queue->keys[i] = i + 1;
	ck_ring_init(&queue->ring, SLOTS);
	return queue;
}

static void close_queue(void *state)
{
	struct queue *queue = state;

	free(queue->slots);
	free(queue);
}

static inline void enqueue_from_stack(struct queue *queue, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct object object = {queue->now_ns, i, queue->keys[i % KEYS]};
		ck_ring_enqueue_spsc_object(&queue->ring, queue->slots, &object);
	}
}

static inline void enqueue_constant(struct queue *queue, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		ck_ring_enqueue_spsc_object(&queue->ring, queue->slots, &queue->constant);
}

static bool check(struct queue *queue, uint64_t count, bool constant)
{
	struct object object;

	for (uint64_t i = 0; i < count; i++)
		if (!ck_ring_dequeue_spsc_object(&queue->ring, queue->slots, &object) ||
		    object.time_ns != (constant ? 1 : queue->now_ns) ||
		    object.value != (constant ? 2 : i) ||
		    object.key != (constant ? 3 : queue->keys[i % KEYS]))
			return bench_fail("ck_ring: object %llu is wrong", (unsigned long long)i);
	return ck_ring_size(&queue->ring) == 0 || bench_fail("ck_ring: too many objects");
}

static bool check_stack(void *queue, uint64_t count)
{
	return check(queue, count, false);
}

static bool check_constant(void *queue, uint64_t count)
{
	return check(queue, count, true);
}

CONTEST_LOOPS(stack_loop, enqueue_from_stack);
CONTEST_LOOPS(constant_loop, enqueue_constant);

const struct contender ck_stack = {
	.who = "ck_ring",
	.open = open_queue,
	.check = check_stack,
	.close = close_queue,
	.loops = CONTEST_PLACED(stack_loop),
};
const struct contender ck_constant = {
	.who = "ck_ring, constant object",
	.open = open_queue,
	.check = check_constant,
	.close = close_queue,
	.loops = CONTEST_PLACED(constant_loop),
};
