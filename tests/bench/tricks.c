/* SPDX-License-Identifier: MIT */
/*
 * What each trick of the record path buys: the bare push of push.h has them, and everybody else
 * here does without one of them.
 */
#include <stdlib.h>
#include <string.h>

#include "contest.h"
#include "push.h"
#include "recording.h"

/* Builds the sample and copies it, as a ring does that takes any object. */
static inline void push_copy(struct push *push, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct ring_sample sample = {push->now_ns, i, push->keys[i % PUSH_KEYS]};
		const struct ring_sample *built = &sample;
		const uint64_t pos = push->write_pos;
		BENCH_USE(built); /* what a call that is not inlined does */
		memcpy(&push->slots[pos & push->slot_mask], built, sizeof *built);
		push->write_pos = pos + 1;
		ring_publish(push->shared_pos, pos + 1);
	}
}

static inline void push_plainly(struct push *push, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		push_sample(push, i, push->keys[i % PUSH_KEYS]);
}

static inline void push_at_clock(struct push *push, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		push->now_ns = bench_now_ns();
		push_sample(push, i, push->keys[i % PUSH_KEYS]);
	}
}

static inline void push_at_ticks(struct push *push, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		push->now_ns = bench_ticks();
		push_sample(push, i, push->keys[i % PUSH_KEYS]);
	}
}

static inline void push_at_clock_of_burst(struct push *push, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		if (i % SUBJECT_BURST == 0)
			push->now_ns = bench_now_ns();
		push_sample(push, i, push->keys[i % PUSH_KEYS]);
	}
}

/* A tally and no sample. */
static inline void tally(struct push *push, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct ring_word *cell = &push->slots[i % PUSH_KEYS].value;
		ring_store_relaxed(cell, ring_load_relaxed(cell) + 1);
	}
}

static bool check_tally(void *state, uint64_t count)
{
	struct push *push = state;

	push->written += count;
	for (unsigned i = 0; i < PUSH_KEYS; i++)
		if (ring_load_relaxed(&push->slots[i].value) != push->written / PUSH_KEYS)
			return bench_fail("a tally is wrong");
	return true;
}

CONTEST_LOOPS(copy_loop, push_copy);
CONTEST_LOOPS(plain_loop, push_plainly);
CONTEST_LOOPS(at_clock_loop, push_at_clock);
CONTEST_LOOPS(at_ticks_loop, push_at_ticks);
CONTEST_LOOPS(at_clock_of_burst_loop, push_at_clock_of_burst);
CONTEST_LOOPS(tally_loop, tally);

static const struct push_setup aliased = {.aliased = true};
static const struct push_setup unpopulated = {.unpopulated = true};
static const struct push_setup any_time = {.any_time = true};

#define PUSH(what, how, loop)                                                         \
	{                                                                             \
		.who = what, .setup = &(how), .open = push_open, .check = push_check, \
		.close = push_close, .loops = CONTEST_PLACED(loop),                   \
	}

static const struct contender copied = PUSH("sample built and copied", push_plain, copy_loop);
static const struct contender with_alias = PUSH("writer state 4 KiB-aliased", aliased, plain_loop);
static const struct contender at_clock = PUSH("clock_gettime per record", any_time, at_clock_loop);
static const struct contender at_ticks = PUSH("rdtsc per record", any_time, at_ticks_loop);
static const struct contender at_clock_of_burst = PUSH("clock_gettime per 32 records", any_time,
						       at_clock_of_burst_loop);
static const struct contender tally_alone = {
	.who = "tally alone",
	.setup = &push_plain,
	.open = push_open,
	.check = check_tally,
	.close = push_close,
	.loops = CONTEST_PLACED(tally_loop),
};

static const struct contest push_contest = {
	.name = "push",
	.count = RECORDING_COUNT,
	.contenders =
		(const struct contender *const[]){
			&push_contender,
			&push_shared_contender,
			&copied,
			&with_alias,
			&at_clock,
			&at_ticks,
			&at_clock_of_burst,
			&tally_alone,
			&recording_counter,
			&recording_by_address,
			&contest_end,
		},
};

/* The first lap through memory that is new in every stretch. */
#define FRESH(what, how)                                                                       \
	{                                                                                      \
		.who = what, .setup = &(how), .open = push_open, .prepare = push_refresh,      \
		.check = push_check, .close = push_close, .loops = CONTEST_PLACED(plain_loop), \
	}
static const struct contender fresh_populated = FRESH("push, populated", push_plain);
static const struct contender fresh_unpopulated = FRESH("push, not populated", unpopulated);

static void *open_first_lap(const void *setup)
{
	struct subject **subject = calloc(1, sizeof *subject);

	(void)setup;
	return subject;
}

static bool make_new(void *state)
{
	struct subject **subject = state;

	if (*subject)
		subject_close(*subject);
	*subject = subject_open(RING_COUNTER, SUBJECT_SLOTS);
	return *subject;
}

static bool check_first_lap(void *state, uint64_t count)
{
	struct subject **subject = state;

	return subject_check(*subject, count);
}

static void close_first_lap(void *state)
{
	struct subject **subject = state;

	if (*subject)
		subject_close(*subject);
	free(subject);
}

static inline void add(struct subject **subject, uint64_t count)
{
	recording_add(*subject, count);
}
CONTEST_LOOPS(first_lap_loop, add);

static const struct contender first_lap = {
	.who = "ring, first lap",
	.open = open_first_lap,
	.prepare = make_new,
	.check = check_first_lap,
	.close = close_first_lap,
	.loops = CONTEST_PLACED(first_lap_loop),
};

static const struct contest fresh_contest = {
	.name = "fresh",
	.count = RECORDING_COUNT,
	.contenders =
		(const struct contender *const[]){
			&recording_counter,
			&first_lap,
			&fresh_populated,
			&fresh_unpopulated,
			&contest_end,
		},
};

int main(int argc, char **argv)
{
	const struct bench_options options = bench_begin("tricks", argc, argv);

	contest_run(&push_contest, &options);
	contest_run(&fresh_contest, &options);
	return bench_end();
}
