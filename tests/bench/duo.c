/* SPDX-License-Identifier: MIT */
/* A thread that polls on the second core; see duo.h. */
#include "duo.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <ring/atomic.h>

#define ROUND_TRIPS 2000u
#define NAPS        100u           /* of a tenth of a second */
#define STOP        (DUO_IDLE - 1) /* as a gap */

struct order {
	uint64_t gap_ns;
	duo_pass *pass;
	void *argument;
};

/* Each line has one writer: orders, answers, and the two of the latency probe. */
struct duo {
	struct order order __attribute__((aligned(128)));
	struct ring_word order_count;
	struct ring_word taken_count __attribute__((aligned(128)));
	struct ring_word pass_count;
	struct ring_word ping __attribute__((aligned(128)));
	struct ring_word pong __attribute__((aligned(128)));
	pthread_t thread;
	unsigned naps; /* left */
};

/* Polls until there is a new order. */
static void obey(struct duo *duo, const struct order *order, uint64_t count)
{
	uint64_t next_ns = bench_now_ns();

	/* relaxed: what the next order says is read behind an acquire. */
	while (ring_load_relaxed(&duo->order_count) == count) {
		if (order->gap_ns == DUO_IDLE ||
		    (order->gap_ns != DUO_SPIN && bench_now_ns() < next_ns))
			continue;
		order->pass(order->argument);
		/* relaxed: only a count. */
		ring_store_relaxed(&duo->pass_count, ring_load_relaxed(&duo->pass_count) + 1);
		next_ns = bench_now_ns() + order->gap_ns;
	}
}

static void *poll(void *argument)
{
	struct duo *duo = argument;
	struct order order = {.gap_ns = DUO_IDLE};

	bench_pin(1);
	for (uint64_t count = 0; order.gap_ns != STOP;) {
		/* Acquire, from duo_poll: the order, and what the writer did before it. */
		const uint64_t newest = ring_load_acquire(&duo->order_count);
		if (newest == count)
			continue;
		count = newest;
		order = duo->order;
		/* Release, to duo_poll: the order has been read, and what passes have done. */
		ring_store_release(&duo->taken_count, count);
		if (order.gap_ns != STOP)
			obey(duo, &order, count);
	}
	return NULL;
}

void duo_poll(struct duo *duo, uint64_t gap_ns, duo_pass *pass, void *argument)
{
	/* relaxed: this thread's own. */
	const uint64_t count = ring_load_relaxed(&duo->order_count) + 1;

	duo->order = (struct order){gap_ns, pass, argument};
	/* Release, to `poll`. */
	ring_store_release(&duo->order_count, count);
	/* Acquire, from `poll`. */
	while (ring_load_acquire(&duo->taken_count) != count)
		;
}

uint64_t duo_pass_count(const struct duo *duo)
{
	/* relaxed: only a count. */
	return ring_load_relaxed(&duo->pass_count);
}

struct duo *duo_start(const struct bench_options *options)
{
	struct duo *duo = aligned_alloc(128, sizeof *duo);

	if (duo) {
		*duo = (struct duo){.order = {.gap_ns = DUO_IDLE},
				    .naps = options->brief ? 0 : NAPS};
		if (pthread_create(&duo->thread, NULL, poll, duo) == 0)
			return duo;
	}
	bench_fail("no second thread");
	free(duo);
	return NULL;
}

void duo_stop(struct duo *duo)
{
	duo_poll(duo, STOP, NULL, NULL);
	pthread_join(duo->thread, NULL);
	free(duo);
}

static void answer(void *argument)
{
	struct duo *duo = argument;

	/* Acquire and release, on both sides: each waits for what the other has just stored. */
	for (uint64_t i = 1; i <= ROUND_TRIPS; i++) {
		while (ring_load_acquire(&duo->ping) != i)
			;
		ring_store_release(&duo->pong, i);
	}
}

static double probe(struct duo *duo)
{
	/* relaxed: the poller is idle. */
	ring_store_relaxed(&duo->ping, 0);
	ring_store_relaxed(&duo->pong, 0);
	duo_poll(duo, DUO_ONCE, answer, duo);
	const uint64_t start = bench_now_ns();
	for (uint64_t i = 1; i <= ROUND_TRIPS; i++) {
		ring_store_release(&duo->ping, i);
		while (ring_load_acquire(&duo->pong) != i)
			;
	}
	const double ns = (double)(bench_now_ns() - start);
	duo_poll(duo, DUO_IDLE, NULL, NULL);
	return ns / ROUND_TRIPS / 2;
}

static void nap(void *argument)
{
	(void)argument;
	nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
}

double duo_latency_ns(struct duo *duo)
{
	double ns = probe(duo);

	for (; ns > DUO_NEAR_NS && duo->naps > 0; duo->naps--) {
		duo_poll(duo, DUO_ONCE, nap, NULL);
		nap(NULL);
		ns = probe(duo);
	}
	return ns;
}
