/* SPDX-License-Identifier: MIT */
/*
 * Operations of one core, timed against each other in one process: whoever takes part has its
 * stretches in every round, in turn, so that a slow phase of the machine meets all alike.
 *
 * A loop of a few instructions takes 0.67 or 0.90 ns a turn depending on where in memory it
 * happens to stand. So a hot loop is instantiated at several places, all take part, and what is
 * said about the loop is the median over its places. Nothing in here counts unless what the loop
 * did was checked, outside of the timed stretch.
 */
#ifndef CONTEST_H
#define CONTEST_H

#include "bench.h"

#define CONTEST_PLACES 8

/* Does its operation `count` times, a multiple of 64. */
typedef void contest_loop(void *state, uint64_t count);

struct contender {
	const char *who;
	const void *setup;                          /* for the next three to know what is meant */
	void *(*open)(const void *setup);           /* NULL after saying why with bench_fail */
	bool (*prepare)(void *state);               /* untimed, before every stretch; or NULL */
	bool (*check)(void *state, uint64_t count); /* the last `count` operations; or NULL */
	void (*close)(void *state);
	contest_loop *loops[CONTEST_PLACES]; /* the same loop at every place; or one alone */
};

struct contest {
	const char *name;
	uint64_t count;                            /* operations of a stretch */
	const struct contender *const *contenders; /* ends with `contest_end`; skips NULL */
};

extern const struct contender contest_end;

/* Runs it and reports nanoseconds per operation of everybody. */
void contest_run(const struct contest *contest, const struct bench_options *options);

/* Defines `name`, the loops of a contender that does `body(state, count)`, at every place. Ends in
 * a declaration, so that a semicolon can follow it. */
#define CONTEST_LOOP(name, body, nops)                                                   \
	__attribute__((noinline, aligned(64))) static void name##_##nops(void *state,    \
									 uint64_t count) \
	{                                                                                \
		__asm__ __volatile__(".rept " #nops "; nop; .endr");                     \
		body(state, count);                                                      \
	}
#define CONTEST_LOOPS(name, body)    \
	CONTEST_LOOP(name, body, 0)  \
	CONTEST_LOOP(name, body, 7)  \
	CONTEST_LOOP(name, body, 13) \
	CONTEST_LOOP(name, body, 21) \
	CONTEST_LOOP(name, body, 29) \
	CONTEST_LOOP(name, body, 37) \
	CONTEST_LOOP(name, body, 45) \
	CONTEST_LOOP(name, body, 53) \
	struct contender
#define CONTEST_PLACED(name)                                                               \
	{                                                                                  \
		name##_0, name##_7, name##_13, name##_21, name##_29, name##_37, name##_45, \
			name##_53                                                          \
	}

#endif
