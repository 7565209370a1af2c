/* SPDX-License-Identifier: MIT */
/*
 * What a record costs while more and more cores record, each into a ring of its own in the same
 * segment: they share nothing that is written, so it should be the same.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "contest.h"
#include "machine.h"
#include "recording.h"
#include "subject.h"

#define WRITERS_MAX 15u
#define COUNTS      (sizeof counts / sizeof counts[0])

static const unsigned counts[] = {1, 2, 4, 8, 12, 15};

struct writer {
	struct subject *subject;
	pthread_barrier_t *start;
	contest_loop *loop;
	uint64_t stretches;
	double ns;
	pthread_t thread;
};

static void *write_samples(void *argument)
{
	struct writer *writer = argument;

	bench_pin(writer->subject->core);
	subject_claim(writer->subject);
	pthread_barrier_wait(writer->start);
	const uint64_t start_ns = bench_now_ns();
	for (uint64_t i = 0; i < writer->stretches; i++)
		writer->loop(writer->subject, RECORDING_COUNT);
	writer->ns = (double)(bench_now_ns() - start_ns) /
		     (double)(writer->stretches * RECORDING_COUNT);
	return NULL;
}

struct times {
	double median, slowest;
};

/* Over the writers. They all stop after the same number of records, not at once. */
static struct times time_writers(struct writer *writers, unsigned count)
{
	pthread_barrier_t start;
	double ns[WRITERS_MAX] = {0};
	unsigned started = 0;

	pthread_barrier_init(&start, NULL, count);
	while (started < count) {
		writers[started].start = &start;
		if (pthread_create(&writers[started].thread, NULL, write_samples,
				   &writers[started]) != 0)
			break;
		started++;
	}
	if (started < count) {
		/* Those who wait for the others would do so forever. */
		bench_fail("no thread for writer %u", started);
		_exit(bench_end());
	}
	for (unsigned i = 0; i < count; i++) {
		pthread_join(writers[i].thread, NULL);
		ns[i] = writers[i].ns;
		subject_check_lossy(writers[i].subject, writers[i].stretches * RECORDING_COUNT);
	}
	pthread_barrier_destroy(&start);
	const double median = bench_median(ns, count);
	return (struct times){median, ns[count - 1]};
}

static void run(struct subject **subjects, unsigned core_count, const struct bench_options *options)
{
	static double ns[COUNTS][BENCH_ROUNDS_MAX], slowest[COUNTS][BENCH_ROUNDS_MAX];
	struct writer writers[WRITERS_MAX];
	char name[32];

	for (unsigned round = 0; round < options->rounds; round++) {
		machine_look();
		for (unsigned i = 0; i < core_count; i++)
			writers[i] = (struct writer){
				.subject = subjects[i],
				.loop = recording_counter.loops[round % CONTEST_PLACES],
				.stretches = options->brief ? 10 : 2000,
			};
		for (size_t i = 0; i < COUNTS && counts[i] <= core_count; i++) {
			const struct times times = time_writers(writers, counts[i]);
			ns[i][round] = times.median;
			slowest[i][round] = times.slowest;
		}
	}
	for (size_t i = 0; i < COUNTS; i++) {
		snprintf(name, sizeof name, "%u writers", counts[i]);
		if (counts[i] > core_count) {
			bench_skip(name, "needs more cores");
			continue;
		}
		bench_report(name, "ring", "ns", ns[i], options->rounds);
		bench_report(name, "slowest", "ns", slowest[i], options->rounds);
	}
}

int main(int argc, char **argv)
{
	const struct bench_options options = bench_begin("cores", argc, argv);
	const unsigned cores = bench_core_count();
	const unsigned writers = cores < WRITERS_MAX ? cores : WRITERS_MAX;
	struct subject *subjects[WRITERS_MAX];

	if (subject_open_many(subjects, writers)) {
		run(subjects, writers, &options);
		for (unsigned i = writers; i-- > 0;)
			subject_close(subjects[i]);
	}
	return bench_end();
}
