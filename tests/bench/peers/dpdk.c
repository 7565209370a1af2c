/* SPDX-License-Identifier: MIT */
/*
 * DPDK's rte_ring of one producer and one consumer, with elements of 24 bytes, in plain memory:
 * the ring itself needs nothing of DPDK's environment. Bounded, like ck.c's.
 */
#include <stdlib.h>

#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "peers.h"

#define SLOTS 16384u
#define KEYS  64u

struct element {
	uint64_t time_ns, value, key;
};

struct queue {
	struct rte_ring *ring;
	uint64_t now_ns;
	uint64_t keys[KEYS];
};

static void *open_queue(const void *setup)
{
	struct queue *queue = calloc(1, sizeof *queue);
	const ssize_t bytes = rte_ring_get_memsize_elem(sizeof(struct element), SLOTS);

	(void)setup;
	if (queue && bytes > 0)
		queue->ring = aligned_alloc(128, ((size_t)bytes + 127) / 128 * 128);
	if (!queue || !queue->ring ||
	    rte_ring_init(queue->ring, "bench", SLOTS, RING_F_SP_ENQ | RING_F_SC_DEQ) != 0) {
		bench_fail("rte_ring: it cannot be made");
		return NULL;
	}
	queue->now_ns = bench_now_ns();
	for (uint64_t i = 0; i < KEYS; i++)
		queue->keys[i] = i + 1;
	return queue;
}

static void close_queue(void *state)
{
	struct queue *queue = state;

	free(queue->ring);
	free(queue);
}

static inline void enqueue(struct queue *queue, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct element element = {queue->now_ns, i, queue->keys[i % KEYS]};
		rte_ring_sp_enqueue_elem(queue->ring, &element, sizeof element);
	}
}

static bool check(void *state, uint64_t count)
{
	struct queue *queue = state;
	struct element element;

	for (uint64_t i = 0; i < count; i++)
		if (rte_ring_sc_dequeue_elem(queue->ring, &element, sizeof element) != 0 ||
		    element.time_ns != queue->now_ns || element.value != i ||
		    element.key != queue->keys[i % KEYS])
			return bench_fail("rte_ring: element %llu is wrong", (unsigned long long)i);
	return rte_ring_empty(queue->ring) || bench_fail("rte_ring: too many elements");
}

CONTEST_LOOPS(enqueue_loop, enqueue);

const struct contender rte_ring = {
	.who = "rte_ring",
	.open = open_queue,
	.check = check,
	.close = close_queue,
	.loops = CONTEST_PLACED(enqueue_loop),
};
