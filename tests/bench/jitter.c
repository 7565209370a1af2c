/* SPDX-License-Identifier: MIT */
/*
 * How evenly records take their time: bursts of 32 are timed one by one, with the cheapest clock,
 * and the slow ones looked for; beside an empty loop, which shows what the machine does by itself.
 */
#include <stdlib.h>

#include "contest.h"
#include "duo.h"
#include "machine.h"
#include "recording.h"
#include "subject.h"

#define BURSTS RECORDING_COUNT
#define MS     UINT64_C(1000000)

static const struct {
	const char *name;
	double quantile;
} quantiles[] = {{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}};

#define QUANTILES (sizeof quantiles / sizeof quantiles[0])

static const struct circumstance {
	const char *who;
	bool records;
	uint64_t gap_ns;
} circumstances[] = {
	{"empty loop", false, DUO_IDLE},
	{"no reader", true, DUO_IDLE},
	{"reader every 1 ms", true, MS},
	{"reader every 10 us", true, MS / 100},
};

#define CIRCUMSTANCES (sizeof circumstances / sizeof circumstances[0])

static double ns[10 * BURSTS]; /* per record, of each burst */

static void pass(void *subject)
{
	subject_pass(subject);
}

static void time_empty(size_t burst_count)
{
	for (size_t burst = 0; burst < burst_count; burst++) {
		const uint64_t start = bench_ticks();
		for (uint64_t i = 0; i < SUBJECT_BURST; i++)
			BENCH_USE(i);
		ns[burst] = (double)(bench_ticks() - start);
	}
}

static void time_records(struct subject *subject, size_t burst_count)
{
	for (size_t burst = 0; burst < burst_count; burst++) {
		const uint64_t first = burst * SUBJECT_BURST;
		const uint64_t start = bench_ticks();
		for (uint64_t i = first; i < first + SUBJECT_BURST; i++)
			ring_counter_add(subject->writer, subject->counters[i % SUBJECT_SERIES], 1);
		ns[burst] = (double)(bench_ticks() - start);
	}
}

static void run_one(const struct circumstance *circumstance, struct subject *subject,
		    struct duo *duo, size_t burst_count)
{
	if (!circumstance->records) {
		time_empty(burst_count);
	} else {
		duo_poll(duo, circumstance->gap_ns, pass, subject);
		time_records(subject, burst_count);
		duo_poll(duo, DUO_IDLE, NULL, NULL);
		subject_check_lossy(subject, burst_count * SUBJECT_BURST);
	}
	for (size_t i = 0; i < burst_count; i++)
		ns[i] /= SUBJECT_BURST * bench_ticks_per_ns();
}

static void run(struct subject *subject, struct duo *duo, const struct bench_options *options)
{
	static double rounds[CIRCUMSTANCES][QUANTILES][BENCH_ROUNDS_MAX];
	double latency[BENCH_ROUNDS_MAX];
	const size_t burst_count = options->brief ? BURSTS : sizeof ns / sizeof ns[0];

	for (unsigned round = 0; round < options->rounds; round++) {
		machine_look();
		latency[round] = duo_latency_ns(duo);
		for (size_t i = 0; i < CIRCUMSTANCES; i++) {
			run_one(&circumstances[i], subject, duo, burst_count);
			for (size_t q = 0; q < QUANTILES; q++)
				rounds[i][q][round] = bench_quantile(ns, burst_count,
								     quantiles[q].quantile);
		}
	}
	for (size_t i = 0; i < CIRCUMSTANCES; i++)
		for (size_t q = 0; q < QUANTILES; q++)
			bench_report(quantiles[q].name, circumstances[i].who, "ns", rounds[i][q],
				     options->rounds);
	for (size_t q = 0; q < QUANTILES; q++)
		bench_report(quantiles[q].name, "core to core", "ns", latency, options->rounds);
}

int main(int argc, char **argv)
{
	const struct bench_options options = bench_begin("jitter", argc, argv);
	struct subject *subject;
	struct duo *duo;

	if (bench_core_count() < 2) {
		for (size_t q = 0; q < QUANTILES; q++)
			bench_skip(quantiles[q].name, "needs a second core");
		return bench_end();
	}
	duo = duo_start(&options);
	subject = subject_open(RING_COUNTER, SUBJECT_SLOTS);
	if (duo && subject)
		run(subject, duo, &options);
	if (subject)
		subject_close(subject);
	if (duo)
		duo_stop(duo);
	return bench_end();
}
