/* SPDX-License-Identifier: MIT */
/* Everybody in turn; see contest.h. */
#include "contest.h"

#include <stdlib.h>

#include "machine.h"

#define CONTENDERS_MAX 16u
#define STRETCHES      9u /* of one loop in one round */

const struct contender contest_end = {.who = NULL};

struct entrant {
	const struct contender *contender;
	void *state;
	double *rounds; /* the median over places, each the median of its stretches */
	struct bench_range range;
};

static size_t places_of(const struct contender *contender)
{
	return contender->loops[1] ? CONTEST_PLACES : 1;
}

/* Nanoseconds per operation of one loop: the median of a few stretches, each of them checked. */
static double time_loop(struct entrant *entrant, contest_loop *loop, uint64_t count)
{
	const struct contender *contender = entrant->contender;
	double ns[STRETCHES];

	for (unsigned i = 0; i < STRETCHES; i++) {
		if (contender->prepare && !contender->prepare(entrant->state))
			bench_fail("%s: a stretch could not be prepared", contender->who);
		const uint64_t start = bench_now_ns();
		loop(entrant->state, count);
		ns[i] = (double)(bench_now_ns() - start) / (double)count;
		if (contender->check && !contender->check(entrant->state, count))
			bench_fail("%s: a stretch failed its check", contender->who);
	}
	return bench_median(ns, STRETCHES);
}

/* Everybody at one place before anybody at the next. */
static void run_round(struct entrant *entrants, size_t entrant_count, uint64_t count,
		      unsigned round)
{
	double ns[CONTENDERS_MAX][CONTEST_PLACES];

	machine_look();
	for (size_t place = 0; place < CONTEST_PLACES; place++)
		for (size_t i = 0; i < entrant_count; i++) {
			const struct contender *contender = entrants[i].contender;
			contest_loop *loop = contender->loops[place % places_of(contender)];
			ns[i][place] = time_loop(&entrants[i], loop, count);
		}
	for (size_t i = 0; i < entrant_count; i++) {
		struct bench_range *range = &entrants[i].range;
		entrants[i].rounds[round] = bench_median(ns[i], CONTEST_PLACES);
		if (round == 0 || ns[i][0] < range->min)
			range->min = ns[i][0];
		if (round == 0 || ns[i][CONTEST_PLACES - 1] > range->max)
			range->max = ns[i][CONTEST_PLACES - 1];
	}
}

static size_t open_all(const struct contest *contest, struct entrant *entrants, unsigned rounds)
{
	size_t count = 0;

	for (const struct contender *const *next = contest->contenders; *next != &contest_end;
	     next++) {
		if (!*next)
			continue;
		struct entrant *entrant = &entrants[count];
		entrant->contender = *next;
		entrant->rounds = calloc(rounds, sizeof *entrant->rounds);
		entrant->state = (*next)->open((*next)->setup);
		if (entrant->rounds && entrant->state)
			count++;
		else
			free(entrant->rounds);
	}
	return count;
}

void contest_run(const struct contest *contest, const struct bench_options *options)
{
	struct entrant entrants[CONTENDERS_MAX];
	const size_t count = open_all(contest, entrants, options->rounds);

	/* Round 0 twice: the first time is the warm-up. */
	run_round(entrants, count, contest->count, 0);
	for (unsigned round = 0; round < options->rounds; round++)
		run_round(entrants, count, contest->count, round);
	for (size_t i = 0; i < count; i++) {
		bench_report_range(contest->name, entrants[i].contender->who, "ns",
				   entrants[i].rounds, options->rounds, entrants[i].range);
		if (entrants[i].contender->close)
			entrants[i].contender->close(entrants[i].state);
		free(entrants[i].rounds);
	}
}
