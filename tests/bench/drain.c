/* SPDX-License-Identifier: MIT */
/*
 * What a sample costs its reader, on one core: copied and validated alone, and with the exporter's
 * own aggregation behind it, up to tallies that are brought up to date; and with native histograms,
 * which a third of the samples go into. The writer fills the ring between the timed drains.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "checker.h"
#include "contest.h"
#include "follower.h"
#include "mixture.h"

#define BATCH 512u /* as the exporter takes them */

struct load {
	struct mixture_options options;
	uint64_t pass; /* samples between two drains: a quarter of the ring, as the exporter aims at
			*/
};

struct drain {
	struct mixture *mixture;
	struct checker *checker;   /* reads the same samples once more */
	struct follower *follower; /* the one who is timed; or this one, who only copies: */
	struct ring_reader *reader;
	uint64_t copied, folded, pass;
};

static void close_drain(void *state)
{
	struct drain *drain = state;

	if (drain->follower) {
		follower_check(drain->follower);
		follower_close(drain->follower);
	}
	if (drain->reader)
		ring_reader_close(drain->reader);
	if (drain->checker)
		checker_close(drain->checker);
	if (drain->mixture)
		mixture_close(drain->mixture);
	free(drain);
}

static bool open_reader(struct drain *drain)
{
	return ring_reader_open(&drain->reader, AT_FDCWD,
				ring_segment_path(drain->mixture->segment)) == 0;
}

static bool open_follower(struct drain *drain)
{
	drain->follower = follower_open(drain->mixture, false);
	return drain->follower;
}

static void *open_drain(const struct load *load, bool (*open_timed)(struct drain *drain))
{
	struct drain *drain = calloc(1, sizeof *drain);
	bool opened = false;

	if (!drain)
		return NULL;
	drain->pass = load->pass;
	drain->mixture = mixture_open(&load->options);
	if (drain->mixture) {
		drain->checker = checker_open(drain->mixture);
		opened = drain->checker && open_timed(drain);
		mixture_unlink(drain->mixture);
	}
	if (opened)
		return drain;
	close_drain(drain);
	bench_fail("nothing to drain");
	return NULL;
}

static bool open_observer(struct drain *drain)
{
	drain->follower = follower_open(drain->mixture, true);
	return drain->follower;
}

static void *open_copying(const void *load)
{
	return open_drain(load, open_reader);
}

static void *open_aggregating(const void *load)
{
	return open_drain(load, open_follower);
}

static void *open_observing(const void *load)
{
	return open_drain(load, open_observer);
}

static bool fill(void *state)
{
	struct drain *drain = state;

	mixture_record(drain->mixture, drain->pass);
	return true;
}

/* Until the ring is empty, in batches; what was copied is summed up, and by that checked. */
static void copy(void *state, uint64_t count)
{
	struct drain *drain = state;
	struct ring_sample samples[BATCH];
	size_t taken = BATCH;

	(void)count;
	while (taken == BATCH) {
		if (ring_reader_drain(drain->reader, 0, samples, BATCH, &taken) != RING_SOUND)
			bench_fail("the ring cannot be read");
		for (size_t i = 0; i < taken; i++)
			drain->folded = checker_fold(drain->folded, &samples[i]);
		drain->copied += taken;
	}
}

static void aggregate(void *state, uint64_t count)
{
	struct drain *drain = state;

	(void)count;
	follower_pass(drain->follower);
}

static bool check_copied(void *state, uint64_t count)
{
	const struct drain *drain = state;

	(void)count;
	return checker_finish(drain->checker) &&
	       ((drain->copied == drain->mixture->written &&
		 drain->folded == drain->checker->folded) ||
		bench_fail("the copies differ from what was recorded"));
}

static bool check_aggregated(void *state, uint64_t count)
{
	struct drain *drain = state;

	(void)count;
	return checker_finish(drain->checker) && follower_finish(drain->follower);
}

static void run(const char *name, const struct load *load, const struct bench_options *options)
{
	const struct contender copying = {
		.who = "copy and validate",
		.setup = load,
		.open = open_copying,
		.prepare = fill,
		.check = check_copied,
		.close = close_drain,
		.loops = {copy},
	};
	const struct contender aggregating = {
		.who = "with aggregation",
		.setup = load,
		.open = open_aggregating,
		.prepare = fill,
		.check = check_aggregated,
		.close = close_drain,
		.loops = {aggregate},
	};
	const struct contender observing = {
		.who = "with native histograms",
		.setup = load,
		.open = open_observing,
		.prepare = fill,
		.check = check_aggregated,
		.close = close_drain,
		.loops = {aggregate},
	};
	const struct contest contest = {
		.name = name,
		.count = load->pass,
		.contenders = (const struct contender *const[]){&copying, &aggregating, &observing,
								&contest_end},
	};

	contest_run(&contest, options);
}

int main(int argc, char **argv)
{
	const struct bench_options options = bench_begin("drain", argc, argv);

	run("1 Ki series", &(struct load){{MIXTURE_KINDS, 1024, 65536}, 15360}, &options);
	run("1 Ki series, 16 Ki slots", &(struct load){{MIXTURE_KINDS, 1024, 16384}, 3840},
	    &options);
	run("16 Ki series", &(struct load){{MIXTURE_KINDS, 16384, 65536}, 15360}, &options);
	return bench_end();
}
