/* SPDX-License-Identifier: MIT */
/*
 * The highest rate that a ring sustains without a loss: a writer that keeps a rate, in bursts, and
 * a reader that polls on another core, either one that checks every sample or the exporter's own
 * drain. Found by bisection over rates, each tried for a while.
 */
#include <math.h>
#include <stdio.h>

#include "checker.h"
#include "duo.h"
#include "follower.h"
#include "machine.h"
#include "mixture.h"

#define SERIES       1024u
#define RATE_MIN     10.0 /* million samples a second */
#define RATE_MAX     1000.0
#define SEARCHES_MAX 3u
#define MS           UINT64_C(1000000)

static const struct size {
	const char *name;
	unsigned slot_count;
} sizes[] = {{"4 Ki slots", 4u << 10}, {"64 Ki slots", 64u << 10}, {"1 Mi slots", 1u << 20}};

static const struct gap {
	const char *name;
	uint64_t ns;
} gaps[] = {{"10 us", MS / 100}, {"100 us", MS / 10}};

/* Who reads. `finish` says whether nothing was lost since the last time. */
struct side {
	const char *who;
	duo_pass *pass;
	bool (*finish)(void *reader);
	void *reader;
};

static void pass_checker(void *checker)
{
	checker_pass(checker);
}

static bool finish_checker(void *checker)
{
	return checker_finish(checker);
}

static void pass_follower(void *follower)
{
	follower_pass(follower);
}

static bool finish_follower(void *follower)
{
	return follower_finish(follower);
}

/* Records at `rate` million samples a second. Returns the rate that it reached. */
static double keep_rate(struct mixture *mixture, double rate, uint64_t duration_ns)
{
	const double ticks_per_burst = MIXTURE_BURST * 1e3 / rate * bench_ticks_per_ns();
	const uint64_t start_ns = bench_now_ns(), start = bench_ticks();
	const uint64_t bursts = (uint64_t)(rate / 1e3 * (double)duration_ns) / MIXTURE_BURST;

	for (uint64_t i = 0; i < bursts; i++) {
		while ((double)(bench_ticks() - start) < (double)i * ticks_per_burst)
			;
		mixture_record_burst(mixture);
	}
	return (double)(bursts * MIXTURE_BURST) * 1e3 / (double)(bench_now_ns() - start_ns);
}

struct scene {
	struct mixture *mixture;
	struct checker *checker;
	struct follower *follower;
	struct duo *duo;
	uint64_t duration_ns; /* of a run */
	unsigned steps;       /* of a search */
};

/* What a reader has lost or left to the other one is none of the next run's business. */
static void restart(const struct scene *scene)
{
	checker_finish(scene->checker);
	checker_restart(scene->checker);
	follower_finish(scene->follower);
}

static bool sustains_once(const struct scene *scene, const struct side *side, uint64_t gap_ns,
			  double rate)
{
	restart(scene);
	duo_poll(scene->duo, gap_ns, side->pass, side->reader);
	const double reached = keep_rate(scene->mixture, rate, scene->duration_ns);
	duo_poll(scene->duo, DUO_IDLE, NULL, NULL);
	return side->finish(side->reader) && reached > 0.98 * rate;
}

/* Two of three: a core that is taken away for a moment loses samples at any rate. */
static bool sustains(const struct scene *scene, const struct side *side, uint64_t gap_ns,
		     double rate)
{
	unsigned good = 0;

	for (unsigned tries = 0; tries < 3 && good < 2; tries++)
		good += sustains_once(scene, side, gap_ns, rate);
	return good == 2;
}

static double search(const struct scene *scene, const struct side *side, uint64_t gap_ns)
{
	double low = 0, high = RATE_MAX;

	for (unsigned step = 0; step < scene->steps; step++) {
		const double rate = sqrt((low > 0 ? low : RATE_MIN) * high);
		if (sustains(scene, side, gap_ns, rate))
			low = rate;
		else
			high = rate;
	}
	return low;
}

#define CASE_BYTES 64u

static const char *name_case(char name[CASE_BYTES], const struct size *size, const struct gap *gap)
{
	snprintf(name, CASE_BYTES, "%s, %s", size->name, gap->name);
	return name;
}

static void run_gap(struct scene *scene, const struct size *size, const struct gap *gap,
		    unsigned searches)
{
	const struct side sides[] = {
		{"copied and checked", pass_checker, finish_checker, scene->checker},
		{"exporter's drain", pass_follower, finish_follower, scene->follower},
	};
	double rates[2][SEARCHES_MAX], latency[SEARCHES_MAX];
	char name[CASE_BYTES];

	name_case(name, size, gap);
	for (unsigned i = 0; i < searches; i++) {
		machine_look();
		latency[i] = duo_latency_ns(scene->duo);
		for (unsigned k = 0; k < 2; k++)
			rates[k][i] = search(scene, &sides[k], gap->ns);
	}
	for (unsigned k = 0; k < 2; k++)
		bench_report(name, sides[k].who, "M/s", rates[k], searches);
	bench_report(name, "core to core", "ns", latency, searches);
}

static void run_size(struct duo *duo, const struct size *size, const struct bench_options *options)
{
	const unsigned searches = options->rounds < SEARCHES_MAX ? options->rounds : SEARCHES_MAX;
	struct scene scene = {
		.mixture = mixture_open(&(struct mixture_options){1, SERIES, size->slot_count}),
		.duo = duo,
		.duration_ns = options->brief ? 1 * MS : 60 * MS,
		.steps = options->brief ? 1 : 7,
	};

	if (!scene.mixture)
		return;
	scene.checker = checker_open(scene.mixture);
	scene.follower = follower_open(scene.mixture, false);
	mixture_unlink(scene.mixture);
	if (scene.checker && scene.follower) {
		for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++)
			run_gap(&scene, size, &gaps[i], searches);
		follower_finish(scene.follower);
		follower_check(scene.follower);
	}
	if (scene.checker)
		checker_close(scene.checker);
	if (scene.follower)
		follower_close(scene.follower);
	mixture_close(scene.mixture);
}

/* What the writer reaches when it does not wait: no ring sustains more. */
static void run_writer(const struct bench_options *options)
{
	struct mixture *mixture = mixture_open(
		&(struct mixture_options){1, SERIES, sizes[0].slot_count});
	double rates[BENCH_ROUNDS_MAX];

	if (!mixture)
		return;
	mixture_unlink(mixture);
	for (unsigned i = 0; i < options->rounds; i++)
		rates[i] = keep_rate(mixture, 1e6, MS / 100);
	bench_report("writer", "not waiting", "M/s", rates, options->rounds);
	mixture_close(mixture);
}

static void skip_all(const char *reason)
{
	char name[CASE_BYTES];

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		for (size_t k = 0; k < sizeof gaps / sizeof gaps[0]; k++)
			bench_skip(name_case(name, &sizes[i], &gaps[k]), reason);
}

int main(int argc, char **argv)
{
	const struct bench_options options = bench_begin("rate", argc, argv);
	struct duo *duo;

	run_writer(&options);
	if (bench_core_count() < 2) {
		skip_all("needs a second core");
		return bench_end();
	}
	duo = duo_start(&options);
	if (duo) {
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
			run_size(duo, &sizes[i], &options);
		duo_stop(duo);
	}
	return bench_end();
}
