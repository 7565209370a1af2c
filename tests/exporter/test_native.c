/* SPDX-License-Identifier: MIT */
/*
 * Native buckets beside a model that keeps every value and sorts it into buckets by their bounds.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aggregate/native.h"
#include "dice.h"

#define VALUES_MAX 3000u
#define ROUNDS     60u

static int make(void **state)
{
	struct native *native = calloc(1, sizeof *native);

	native_init(native);
	*state = native;
	return 0;
}

static int unmake(void **state)
{
	native_release(*state);
	free(*state);
	return 0;
}

/* Whether a value is above the upper bound of that bucket. */
static bool is_above(double value, int32_t index, int32_t schema)
{
	return (long double)value > exp2l(ldexpl((long double)index, -schema));
}

static int32_t model_index(double value, int32_t schema)
{
	if (isinf(value))
		return (int32_t)ceill(ldexpl(1024, schema)) + 1;
	int32_t index = (int32_t)ceill(ldexpl(log2l((long double)value), schema));
	while (is_above(value, index, schema))
		index++;
	while (!is_above(value, index - 1, schema))
		index--;
	return index;
}

static uint64_t count_in(const struct native_side *side, int32_t index)
{
	for (uint32_t i = 0; i < side->count; i++)
		if (side->indexes[i] == index)
			return side->counts[i];
	return 0;
}

static void expect_sorted(const struct native_side *side)
{
	for (uint32_t i = 0; i < side->count; i++) {
		assert_true(side->counts[i] > 0);
		assert_true(i == 0 || side->indexes[i - 1] < side->indexes[i]);
	}
}

/* How many of the values the model has in that bucket, of either sign. */
static uint64_t model_count(const double *values, size_t count, double sign, int32_t index,
			    int32_t schema)
{
	uint64_t found = 0;

	for (size_t i = 0; i < count; i++) {
		const double value = values[i] * sign;
		found += value > NATIVE_ZERO_THRESHOLD && model_index(value, schema) == index;
	}
	return found;
}

static void expect_side(const struct native_side *side, const double *values, size_t count,
			double sign, int32_t schema)
{
	uint64_t total = 0, wanted = 0;

	expect_sorted(side);
	for (uint32_t i = 0; i < side->count; i++) {
		assert_int_equal(side->counts[i],
				 model_count(values, count, sign, side->indexes[i], schema));
		total += side->counts[i];
	}
	for (size_t i = 0; i < count; i++)
		wanted += values[i] * sign > NATIVE_ZERO_THRESHOLD;
	assert_int_equal(total, wanted);
}

static double roll_value(uint64_t *dice, unsigned octaves)
{
	static const double odd[] = {0,
				     -0.0,
				     (double)NAN,
				     (double)INFINITY,
				     -(double)INFINITY,
				     DBL_MAX,
				     -DBL_MAX,
				     DBL_MIN,
				     5e-324,
				     1,
				     -1,
				     2,
				     0.5,
				     NATIVE_ZERO_THRESHOLD};
	const uint64_t roll = dice_roll(dice);

	if (octaves > 64 && roll % 16 == 0)
		return odd[dice_roll(dice) % (sizeof odd / sizeof *odd)];
	const int exponent = (int)(dice_roll(dice) % octaves) - (int)octaves / 2;
	const double fraction = 1 + (double)(dice_roll(dice) >> 12) * 0x1p-52;
	return (octaves > 8 && roll % 3 == 0 ? -1 : 1) * ldexp(fraction, exponent);
}

static void values_are_in_the_buckets_of_the_model(void **state)
{
	static const unsigned octaves[] = {1, 8, 20, 100, 1000, 2000};
	static double values[VALUES_MAX];
	uint64_t dice = dice_seed();
	int32_t lowest = NATIVE_SCHEMA_FIRST;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		/* Seven and six have no common divisor: so many come of each range. */
		const size_t count = round % 7 ? 1 + dice_roll(&dice) % 300 : VALUES_MAX;
		struct native native;
		uint64_t zeros = 0;
		native_init(&native);
		for (size_t i = 0; i < count; i++) {
			values[i] = roll_value(&dice, octaves[round % 6]);
			zeros += fabs(values[i]) <= NATIVE_ZERO_THRESHOLD;
			assert_true(native_observe(&native, values[i], 1));
		}
		assert_int_equal(native.zero_count, zeros);
		assert_in_range(native.positive.count + native.negative.count, 0,
				NATIVE_BUCKETS_MAX);
		assert_true(native.schema >= NATIVE_SCHEMA_LAST);
		lowest = native.schema < lowest ? native.schema : lowest;
		expect_side(&native.positive, values, count, 1, native.schema);
		expect_side(&native.negative, values, count, -1, native.schema);
		native_release(&native);
	}
	assert_int_equal(lowest, NATIVE_SCHEMA_LAST);
}

static void upper_bound_is_in_its_bucket_and_the_next_double_is_not(void **state)
{
	struct native *native = *state;

	for (int exponent = -127; exponent < 1024; exponent++) {
		native_release(native);
		native_init(native);
		native_observe(native, ldexp(1, exponent), 1);
		native_observe(native, nextafter(ldexp(1, exponent), DBL_MAX), 1);
		assert_int_equal(count_in(&native->positive, 8 * exponent), 1);
		assert_int_equal(count_in(&native->positive, 8 * exponent + 1), 1);
	}
}

/* Most bounds are no doubles: the last one below is in the bucket, the first one above is not. */
static void bounds_within_an_octave_are_those_of_the_powers(void **state)
{
	struct native *native = *state;

	for (int i = 1; i < 8; i++) {
		const long double bound = exp2l(i / 8.0L);
		double below = (double)bound;
		if (below > bound)
			below = nextafter(below, 0);
		native_release(native);
		native_init(native);
		native_observe(native, below, 1);
		native_observe(native, nextafter(below, 2), 1);
		assert_int_equal(count_in(&native->positive, i), 1);
		assert_int_equal(count_in(&native->positive, i + 1), 1);
	}
}

static void infinity_comes_after_the_largest_double_and_nan_is_nowhere(void **state)
{
	struct native *native = *state;

	native_observe(native, DBL_MAX, 1);
	native_observe(native, (double)INFINITY, 2);
	native_observe(native, -(double)INFINITY, 3);
	native_observe(native, (double)NAN, 4);
	assert_int_equal(count_in(&native->positive, 8192), 1);
	assert_int_equal(count_in(&native->positive, 8193), 2);
	assert_int_equal(count_in(&native->negative, 8193), 3);
	assert_int_equal(native->positive.count + native->negative.count, 3);
	assert_int_equal(native->zero_count, 0);
}

static void zero_bucket_has_what_is_near_zero(void **state)
{
	static const double values[] = {0, -0.0, 5e-324, NATIVE_ZERO_THRESHOLD,
					-NATIVE_ZERO_THRESHOLD};
	struct native *native = *state;

	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		native_observe(native, values[i], 1);
	assert_int_equal(native->zero_count, sizeof values / sizeof *values);
	native_observe(native, nextafter(NATIVE_ZERO_THRESHOLD, 1), 1);
	assert_int_equal(count_in(&native->positive, -128 * 8 + 1), 1);
}

/* 161 neighbours become 81 pairs; nothing is lost. */
static void resolution_falls_when_there_are_too_many_buckets(void **state)
{
	struct native *native = *state;
	uint64_t total = 0;

	for (int i = 1; i <= 160; i++)
		native_observe(native, exp2((i - 0.5) / 8), 10);
	assert_int_equal(native->schema, 3);
	assert_int_equal(native->positive.count, 160);
	native_observe(native, exp2(160.5 / 8), 10);
	assert_int_equal(native->schema, 2);
	assert_int_equal(native->positive.count, 81);
	assert_int_equal(native->positive.indexes[0], 1);
	assert_int_equal(native->positive.counts[0], 20);
	assert_int_equal(native->positive.counts[80], 10);
	for (uint32_t i = 0; i < native->positive.count; i++)
		total += native->positive.counts[i];
	assert_int_equal(total, 1610);
}

static void what_is_above_goes_where_others_are_or_just_above(void **state)
{
	struct native *native = *state;

	native_observe(native, 0.5, 1);
	native_observe_above(native, 1, 5); /* nobody is there */
	assert_int_equal(count_in(&native->positive, 1), 5);
	native_observe(native, 100, 1);
	native_observe(native, (double)INFINITY, 1); /* is no number */
	native_observe_above(native, 1, 5);
	assert_int_equal(count_in(&native->positive, 54), 6);
	native_observe_above(native, 1000, 2);
	assert_int_equal(count_in(&native->positive, 80), 2);
	native_observe_above(native, -1, 3); /* above that, too */
	assert_int_equal(count_in(&native->positive, 80), 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values_are_in_the_buckets_of_the_model),
		TEST(upper_bound_is_in_its_bucket_and_the_next_double_is_not),
		TEST(bounds_within_an_octave_are_those_of_the_powers),
		TEST(infinity_comes_after_the_largest_double_and_nan_is_nowhere),
		TEST(zero_bucket_has_what_is_near_zero),
		TEST(resolution_falls_when_there_are_too_many_buckets),
		TEST(what_is_above_goes_where_others_are_or_just_above),
	};

	return cmocka_run_group_tests_name("native", tests, NULL, NULL);
}
