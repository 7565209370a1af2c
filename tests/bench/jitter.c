/* SPDX-License-Identifier: MIT */
/*
 * How evenly records take their time: bursts of 32 are timed one by one, with the cheapest clock,
 * and the slow ones looked for; then single records, with the clock read in order on either side.
 * Each is beside nothing timed in the same way, which shows what the clock and the machine take by
 * themselves. A burst's time is divided by 32, and so is the delay of any one record in it; a
 * single record's is whole, but no finer than the clock's step.
 */
#include <stdio.h>
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

static double ns[10 * BURSTS]; /* per record, of each burst or single record */

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

static void time_nothing(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint64_t start = bench_ticks_in_order();
		ns[i] = (double)(bench_ticks_in_order() - start);
	}
}

static void time_single_records(struct subject *subject, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct ring_counter counter = subject->counters[i % SUBJECT_SERIES];
		const uint64_t start = bench_ticks_in_order();
		ring_counter_add(subject->writer, counter, 1);
		ns[i] = (double)(bench_ticks_in_order() - start);
	}
}

static const struct form {
	const char *suffix;
	unsigned length; /* records timed at once */
	void (*time_empty)(size_t count);
	void (*time_records)(struct subject *subject, size_t count);
} forms[] = {
	{"", SUBJECT_BURST, time_empty, time_records},
	{", single", 1, time_nothing, time_single_records},
};

#define FORMS (sizeof forms / sizeof forms[0])

/* What two readings, one right after the other, differ by if they do: the median. The least would
 * be a single tick, by which a virtual machine's clock is rounded now and then. */
static double clock_step_ns(void)
{
	size_t count = 0;

	for (unsigned i = 0; i < BURSTS; i++) {
		const uint64_t start = bench_ticks();
		const uint64_t ticks = bench_ticks() - start;
		if (ticks > 0)
			ns[count++] = (double)ticks / bench_ticks_per_ns();
	}
	return bench_median(ns, count);
}

static void run_one(const struct form *form, const struct circumstance *circumstance,
		    struct subject *subject, struct duo *duo, size_t count)
{
	if (!circumstance->records) {
		form->time_empty(count);
	} else {
		duo_poll(duo, circumstance->gap_ns, pass, subject);
		form->time_records(subject, count);
		duo_poll(duo, DUO_IDLE, NULL, NULL);
		subject_check_lossy(subject, count * form->length);
	}
	for (size_t i = 0; i < count; i++)
		ns[i] /= form->length * bench_ticks_per_ns();
}

static const char *name_case(char name[32], size_t quantile, const struct form *form)
{
	snprintf(name, 32, "%s%s", quantiles[quantile].name, form->suffix);
	return name;
}

static void run(const struct form *form, struct subject *subject, struct duo *duo,
		const struct bench_options *options)
{
	static double rounds[CIRCUMSTANCES][QUANTILES][BENCH_ROUNDS_MAX];
	double latency[BENCH_ROUNDS_MAX];
	const size_t count = options->brief ? BURSTS : sizeof ns / sizeof ns[0];
	char name[32];

	for (unsigned round = 0; round < options->rounds; round++) {
		machine_look();
		latency[round] = duo_latency_ns(duo);
		for (size_t i = 0; i < CIRCUMSTANCES; i++) {
			run_one(form, &circumstances[i], subject, duo, count);
			for (size_t q = 0; q < QUANTILES; q++)
				rounds[i][q][round] = bench_quantile(ns, count,
								     quantiles[q].quantile);
		}
	}
	for (size_t q = 0; q < QUANTILES; q++) {
		name_case(name, q, form);
		for (size_t i = 0; i < CIRCUMSTANCES; i++)
			bench_report(name, circumstances[i].who, "ns", rounds[i][q],
				     options->rounds);
		bench_report(name, "core to core", "ns", latency, options->rounds);
	}
}

static void report_clock(const struct bench_options *options)
{
	double step[BENCH_ROUNDS_MAX];

	for (unsigned round = 0; round < options->rounds; round++)
		step[round] = clock_step_ns();
	bench_report("clock", "step", "ns", step, options->rounds);
}

static void skip_all(const char *reason)
{
	char name[32];

	for (size_t f = 0; f < FORMS; f++)
		for (size_t q = 0; q < QUANTILES; q++)
			bench_skip(name_case(name, q, &forms[f]), reason);
}

int main(int argc, char **argv)
{
	const struct bench_options options = bench_begin("jitter", argc, argv);
	struct subject *subject;
	struct duo *duo;

	report_clock(&options);
	if (bench_core_count() < 2) {
		skip_all("needs a second core");
		return bench_end();
	}
	duo = duo_start(&options);
	subject = subject_open(RING_COUNTER, SUBJECT_SLOTS);
	for (size_t i = 0; i < FORMS && duo && subject; i++)
		run(&forms[i], subject, duo, &options);
	if (subject)
		subject_close(subject);
	if (duo)
		duo_stop(duo);
	return bench_end();
}
