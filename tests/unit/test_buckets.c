/* SPDX-License-Identifier: MIT */
/*
 * Which bucket a value falls into, held against the definition: the first whose upper bound is not
 * below it. Compiled a second time with -ffast-math, as a data plane may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "workspace.h"

/* The neighbours of a bound on both sides, and itself. */
#define AROUND 3

/* As bits, which no compiler takes for granted that there are none of. */
#define INFINITE     UINT64_C(0x7ff0000000000000)
#define NO_NUMBER    UINT64_C(0x7ff8000000000000)
#define SIGN         (UINT64_C(1) << 63)
#define SPECIALS_MAX 5

static const uint64_t specials[SPECIALS_MAX] = {INFINITE, INFINITE | SIGN, NO_NUMBER,
						NO_NUMBER | SIGN, SIGN /* -0.0 */};

/* Doubles as integers of the same order, neighbours next to each other and both zeros 0: what
 * compares them is then no arithmetic of doubles. */
static int64_t rank_of(double value)
{
	const uint64_t bits = ring_bits_of(value);

	return bits & SIGN ? -(int64_t)(bits & ~SIGN) : (int64_t)bits;
}

static double of_rank(int64_t rank)
{
	return ring_double_of(rank < 0 ? SIGN | (uint64_t)-rank : (uint64_t)rank);
}

static uint32_t bucket_by_definition(const double *bounds, uint32_t count, double value)
{
	uint32_t bucket = 0;

	if ((ring_bits_of(value) & ~SIGN) > INFINITE)
		return count;
	while (bucket < count && rank_of(bounds[bucket]) < rank_of(value))
		bucket++;
	return bucket;
}

static void assert_bucket(uint32_t bucket, const double *bounds, uint32_t count, double value)
{
#ifdef __FAST_MATH__
	/* Told that there is none, the compiler may put it anywhere, but nowhere else. */
	if ((ring_bits_of(value) & ~SIGN) > INFINITE) {
		assert_in_range(bucket, 0, count);
		return;
	}
#endif
	if (bucket != bucket_by_definition(bounds, count, value))
		fail_msg("%g falls into bucket %u of %u bounds", value, bucket, count);
}

/* Ascending on both sides of zero, which is one of them; the first two are neighbours. */
static void fill_bounds(double *bounds, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		bounds[i] = ((int)i - (int)(count / 2)) * 0.1;
	if (count > 1)
		bounds[0] = of_rank(rank_of(bounds[1]) - 1);
}

/* A value at, just below or just above a bound, or a special one; returns whether there is an
 * `index`th. */
static int value_at(const double *bounds, uint32_t count, uint32_t index, double *value)
{
	if (index < AROUND * count)
		*value = of_rank(rank_of(bounds[index / AROUND]) + (int)(index % AROUND) - 1);
	else if (index < AROUND * count + SPECIALS_MAX)
		*value = ring_double_of(specials[index - AROUND * count]);
	return index < AROUND * count + SPECIALS_MAX;
}

static void bounds_below_a_value_are_those_that_a_plain_loop_counts(void **state)
{
	double value;
	(void)state;

	for (uint32_t count = 1; count <= RING_BOUNDS_MAX; count++) {
		/* Exactly as large, so that an address sanitizer sees a look behind it. */
		double *bounds = calloc(count, sizeof *bounds);
		assert_non_null(bounds);
		fill_bounds(bounds, count);
		for (uint32_t i = 0; value_at(bounds, count, i, &value); i++)
			assert_bucket(ring_bounds_below(bounds, count, value), bounds, count,
				      value);
		free(bounds);
	}
}

/* Which of the buckets has one more than `before`; takes over what they have now. */
static uint32_t bucket_that_grew(struct ring_reader *reader, uint64_t *before, uint32_t count)
{
	uint64_t cells[RING_SERIES_CELLS_MAX];
	uint32_t grown = UINT32_MAX, growth = 0;
	const struct ring_series_info *series = ring_reader_series(reader, 0);

	assert_int_equal(ring_reader_tallies(reader, 0, series->cell, count + 2, cells),
			 RING_SOUND);
	for (uint32_t i = 0; i <= count; i++) {
		if (cells[1 + i] != before[1 + i])
			grown = i;
		growth += (uint32_t)(cells[1 + i] - before[1 + i]);
	}
	assert_int_equal(growth, 1);
	memcpy(before, cells, sizeof cells);
	return grown;
}

static void observe_around_bounds(void **state, uint32_t count)
{
	double bounds[RING_BOUNDS_MAX], value;
	const struct ring_metric_def def = {.name = "test_size",
					    .help = "Sizes.",
					    .kind = RING_HISTOGRAM,
					    .bounds = bounds,
					    .bound_count = count};
	struct ring_options options = workspace_options(*state, "buckets");
	uint64_t before[RING_SERIES_CELLS_MAX] = {0};

	fill_bounds(bounds, count);
	options.metrics = &def;
	options.metric_count = 1;
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	const struct ring_histogram size = ring_histogram_resolve(segment, "test_size", NULL);
	struct ring_reader *reader = workspace_reader(segment);
	for (uint32_t i = 0; value_at(bounds, count, i, &value); i++) {
		ring_histogram_observe(writer, size, value);
		assert_bucket(bucket_that_grew(reader, before, count), bounds, count, value);
	}
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void every_observation_is_counted_once_and_in_its_bucket(void **state)
{
	static const uint32_t counts[] = {1, 2, 3, 4, 5, 10, RING_BOUNDS_MAX};

	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		observe_around_bounds(state, counts[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_below_a_value_are_those_that_a_plain_loop_counts),
		TEST(every_observation_is_counted_once_and_in_its_bucket),
	};

	return cmocka_run_group_tests_name("buckets", tests, NULL, NULL);
}
