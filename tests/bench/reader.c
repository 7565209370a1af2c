/* SPDX-License-Identifier: MIT */
/*
 * What a reader on another core costs the writer, which knows nothing of it: the writer's time per
 * record, over whole stretches and record by record, while the reader polls more or less often.
 * The reader checks every sample it gets; what it misses must be what the ring counts as dropped.
 */
#include <stdlib.h>

#include "contest.h"
#include "duo.h"
#include "machine.h"
#include "push.h"
#include "recording.h"
#include "subject.h"

#define MS        UINT64_C(1000000)
#define CHUNK     RECORDING_COUNT
#define RIVAL_MAX 8u

/* What is recorded, and how it is read and checked. */
struct traffic {
	const struct contender *contender;
	duo_pass *pass;
	bool (*check)(void *state, uint64_t count);
};

/* Some traffic under some polling. */
struct rival {
	const char *who;
	uint64_t gap_ns;
	const struct traffic *traffic;
};

struct table {
	const char *name;
	const struct rival *rivals;
	size_t count;
	double (*ns)[BENCH_ROUNDS_MAX]; /* of each rival; behind them, from core to core */
};

static void pass_subject(void *subject)
{
	subject_pass(subject);
}

static bool check_subject(void *subject, uint64_t count)
{
	return subject_check_lossy(subject, count);
}

static const struct traffic adds = {&recording_counter, pass_subject, check_subject};
static const struct traffic adds_in_bursts = {&recording_bursts, pass_subject, check_subject};
static const struct traffic bare = {&push_contender, push_pass, push_check_lossy};
static const struct traffic bare_shared = {&push_shared_contender, push_pass, push_check_lossy};

static const struct traffic working = {&push_working, push_pass, push_check_lossy};
static const struct traffic working_shared = {&push_shared_working, push_pass, push_check_lossy};

static const struct rival single[] = {
	{"no reader", DUO_IDLE, &adds},   {"every 100 ms", 100 * MS, &adds},
	{"every 1 ms", 1 * MS, &adds},    {"every 100 us", MS / 10, &adds},
	{"every 10 us", MS / 100, &adds}, {"spinning", DUO_SPIN, &adds},
};
static const struct rival bursts[] = {
	{"no reader", DUO_IDLE, &adds_in_bursts},
	{"every 10 us", MS / 100, &adds_in_bursts},
	{"spinning", DUO_SPIN, &adds_in_bursts},
};
static const struct rival pushes[] = {
	{"position remembered, every 10 us", MS / 100, &bare},
	{"position remembered, spinning", DUO_SPIN, &bare},
	{"position loaded, every 10 us", MS / 100, &bare_shared},
	{"position loaded, spinning", DUO_SPIN, &bare_shared},
	{"position remembered, work between, spinning", DUO_SPIN, &working},
	{"position loaded, work between, spinning", DUO_SPIN, &working_shared},
};

/* Long enough for whole gaps, so that every round has as many polls. */
static uint64_t duration_of(const struct rival *rival, const struct bench_options *options)
{
	const uint64_t short_ns = options->brief ? 2 * MS : 30 * MS;
	const bool polls_rarely = rival->gap_ns != DUO_IDLE && rival->gap_ns > short_ns;

	return polls_rarely && !options->brief ? 2 * rival->gap_ns : short_ns;
}

/* Nanoseconds per record, polls and interruptions included. */
static double time_rival(const struct rival *rival, void *state, struct duo *duo,
			 contest_loop *loop, uint64_t duration_ns)
{
	const uint64_t pass_count = duo_pass_count(duo);
	uint64_t count = 0, now_ns;

	duo_poll(duo, rival->gap_ns, rival->traffic->pass, state);
	const uint64_t start_ns = bench_now_ns();
	do {
		loop(state, CHUNK);
		count += CHUNK;
		now_ns = bench_now_ns();
	} while (now_ns - start_ns < duration_ns);
	duo_poll(duo, DUO_IDLE, NULL, NULL);
	if (rival->gap_ns != DUO_IDLE && duo_pass_count(duo) == pass_count)
		bench_fail("%s: the reader has not polled", rival->who);
	if (!rival->traffic->check(state, count))
		bench_fail("%s: a stretch failed its check", rival->who);
	return (double)(now_ns - start_ns) / (double)count;
}

static void run_round(const struct table *table, void *const *states, struct duo *duo,
		      const struct bench_options *options, unsigned round)
{
	machine_look();
	table->ns[RIVAL_MAX][round] = duo_latency_ns(duo);
	for (size_t i = 0; i < table->count; i++) {
		const struct rival *rival = &table->rivals[i];
		contest_loop *loop = rival->traffic->contender->loops[round % CONTEST_PLACES];
		table->ns[i][round] = time_rival(rival, states[i], duo, loop,
						 duration_of(rival, options));
	}
}

/* The same for all rivals of the same traffic, so that none has the better memory. */
static void *open_traffic(const struct table *table, void *const *states, size_t index)
{
	const struct traffic *traffic = table->rivals[index].traffic;

	for (size_t i = 0; i < index; i++)
		if (table->rivals[i].traffic == traffic)
			return states[i];
	return traffic->contender->open(traffic->contender->setup);
}

static void run_table(const struct table *table, struct duo *duo,
		      const struct bench_options *options)
{
	void *states[RIVAL_MAX];

	for (size_t i = 0; i < table->count; i++) {
		states[i] = open_traffic(table, states, i);
		if (!states[i])
			return;
	}
	for (unsigned round = 0; round < options->rounds; round++)
		run_round(table, states, duo, options, round);
	for (size_t i = 0; i < table->count; i++)
		bench_report(table->name, table->rivals[i].who, "ns", table->ns[i],
			     options->rounds);
	bench_report(table->name, "core to core", "ns", table->ns[RIVAL_MAX], options->rounds);
	for (size_t i = 0; i < table->count; i++)
		if (i == 0 || states[i] != states[i - 1])
			table->rivals[i].traffic->contender->close(states[i]);
}

int main(int argc, char **argv)
{
	static double ns[RIVAL_MAX + 1][BENCH_ROUNDS_MAX];
	static const struct table tables[] = {
		{"single", single, sizeof single / sizeof single[0], ns},
		{"bursts", bursts, sizeof bursts / sizeof bursts[0], ns},
		{"push", pushes, sizeof pushes / sizeof pushes[0], ns},
	};
	const struct bench_options options = bench_begin("reader", argc, argv);
	struct duo *duo;

	if (bench_core_count() < 2) {
		for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
			bench_skip(tables[i].name, "needs a second core");
		return bench_end();
	}
	duo = duo_start(&options);
	if (duo) {
		for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
			run_table(&tables[i], duo, &options);
		duo_stop(duo);
	}
	return bench_end();
}
