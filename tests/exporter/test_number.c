/* SPDX-License-Identifier: MIT */
/*
 * Numbers, held against the obvious ways to spell them.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/number.h"
#include "dice.h"
#include "plain.h"

#define RANDOM_COUNT 1000000

static uint64_t dice;

static int seed(void **state)
{
	(void)state;
	dice = dice_seed();
	return 0;
}

static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static double double_of(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static void check_u64(uint64_t value)
{
	char number[NUMBER_ROOM], wanted[32];

	*number_u64(number, value) = '\0';
	*plain_u64(wanted, value) = '\0';
	if (strcmp(number, wanted) != 0)
		fail_msg("%s is spelled %s", wanted, number);
}

static void check_double(double value)
{
	char number[NUMBER_ROOM], wanted[64];
	char *end = number_double(number, value);

	*plain_double(wanted, value) = '\0';
	if ((size_t)(end - number) > NUMBER_BYTES_MAX)
		fail_msg("%s takes too many bytes", wanted);
	*end = '\0';
	if (strcmp(number, wanted) != 0)
		fail_msg("%s (%a) is spelled %s", wanted, value, number);
}

/* The value, which is positive, and its neighbours; and their negatives. */
static void check_around(double value)
{
	for (uint64_t bits = bits_of(value) - 1; bits <= bits_of(value) + 1; bits++) {
		check_double(double_of(bits));
		check_double(-double_of(bits));
	}
}

static void whole_numbers_have_no_leading_zeros_and_no_digit_is_lost(void **state)
{
	(void)state;
	for (uint64_t power = 1;; power *= 10) {
		for (uint64_t digit = 1; digit < 10; digit++)
			check_u64(digit * power);
		check_u64(power - 1);
		check_u64(power + 1);
		if (power > UINT64_MAX / 10)
			break;
	}
	for (unsigned bits = 0; bits < 64; bits++)
		check_u64(UINT64_MAX >> bits);
}

static void random_whole_numbers_of_every_length(void **state)
{
	(void)state;
	for (int i = 0; i < RANDOM_COUNT; i++)
		check_u64(dice_roll(&dice) >> dice_roll(&dice) % 64);
}

static void four_digits_all(void **state)
{
	(void)state;
	for (uint64_t value = 0; value < 10000; value++) {
		check_u64(value);
		check_u64(value * 10000);
		check_u64(value * 100000000 + value);
	}
}

static void powers_of_two_whose_neighbours_are_not_equally_far(void **state)
{
	(void)state;
	for (int exponent = DBL_MIN_EXP - DBL_MANT_DIG; exponent < DBL_MAX_EXP; exponent++)
		check_around(ldexp(1, exponent));
}

static void powers_of_ten(void **state)
{
	char text[16];

	(void)state;
	for (int exponent = -323; exponent <= DBL_MAX_10_EXP; exponent++)
		for (int digit = 1; digit < 10; digit++) {
			snprintf(text, sizeof text, "%de%d", digit, exponent);
			check_around(strtod(text, NULL));
		}
}

static void ends_of_the_range(void **state)
{
	const double values[] = {
		0,    DBL_TRUE_MIN, DBL_MIN, DBL_MAX, DBL_EPSILON,       0x1p53,    1e15,   1e16,
		1e17, 1e21,         1e-4,    1e-5,    999999999999999.9, 0.1 + 0.2, 1.0 / 3};

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		check_around(values[i]);
	check_double((double)NAN);
	check_double(-(double)NAN);
	check_double((double)INFINITY);
	check_double(-(double)INFINITY);
}

static void whole_doubles_on_both_sides_of_fifteen_digits(void **state)
{
	(void)state;
	for (int i = 0; i < RANDOM_COUNT / 10; i++)
		check_double((double)(dice_roll(&dice) >> dice_roll(&dice) % 24));
	for (int i = 0; i < 1000; i++) {
		check_double(1e15 + i - 500);
		check_double(0x1p53 + i - 500);
	}
}

static void random_bits(void **state)
{
	(void)state;
	for (int i = 0; i < RANDOM_COUNT; i++)
		check_double(double_of(dice_roll(&dice)));
}

static void random_subnormals(void **state)
{
	(void)state;
	for (int i = 0; i < RANDOM_COUNT / 100; i++)
		check_double(double_of(dice_roll(&dice) % bits_of(DBL_MIN)));
}

/* What people and sums make: few digits, and those a little off. */
static void random_decimals_and_their_neighbours(void **state)
{
	char text[40];

	(void)state;
	for (int i = 0; i < RANDOM_COUNT / 10; i++) {
		const uint64_t digits = dice_roll(&dice) >> dice_roll(&dice) % 64;
		snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits,
			 (int)(dice_roll(&dice) % 40) - 30);
		check_around(strtod(text, NULL));
	}
}

/* A tie goes to the even double, so the decimal is short for one of the two and not the other. */
static void neighbours_of_a_short_decimal_halfway_between_doubles(void **state)
{
	(void)state;
	for (int i = 0; i < RANDOM_COUNT / 10; i++) {
		/* An odd number of 54 bits that many fives divide, times as many twos. */
		uint64_t fives = 1, halves;
		for (uint64_t count = dice_roll(&dice) % 22; count > 0; count--)
			fives *= 5;
		halves = (UINT64_C(1) << 53 | dice_roll(&dice) >> 11) / fives * fives;
		if (halves % 2 == 0 || halves < UINT64_C(1) << 53)
			continue;
		const int exponent = (int)(dice_roll(&dice) % 100) - 20;
		check_double(ldexp((double)(halves / 2), exponent));
		check_double(ldexp((double)(halves / 2 + 1), exponent));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_numbers_have_no_leading_zeros_and_no_digit_is_lost),
		cmocka_unit_test(random_whole_numbers_of_every_length),
		cmocka_unit_test(four_digits_all),
		cmocka_unit_test(powers_of_two_whose_neighbours_are_not_equally_far),
		cmocka_unit_test(powers_of_ten),
		cmocka_unit_test(ends_of_the_range),
		cmocka_unit_test(whole_doubles_on_both_sides_of_fifteen_digits),
		cmocka_unit_test(random_bits),
		cmocka_unit_test(random_subnormals),
		cmocka_unit_test(random_decimals_and_their_neighbours),
		cmocka_unit_test(neighbours_of_a_short_decimal_halfway_between_doubles),
	};

	return cmocka_run_group_tests_name("number", tests, seed, NULL);
}
