/* SPDX-License-Identifier: MIT */
/*
 * Numbers as text, beside the obvious ways to spell them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "contest.h"
#include "pages.h"
#include "plain.h"

#define NUMBER_COUNT 16384u /* of a stretch: more than a branch predictor learns by heart */

enum number_kind { EIGHT_DIGITS, ANY_DIGITS, RANDOM_DOUBLES, SHORT_DOUBLES };

struct numbers {
	enum number_kind kind;
	uint64_t whole[NUMBER_COUNT];
	double real[NUMBER_COUNT];
	char wanted[NUMBER_COUNT][NUMBER_ROOM]; /* terminated */
	char spelled[NUMBER_COUNT][NUMBER_ROOM];
	char *ends[NUMBER_COUNT];
};

static void *numbers_open(const void *kind)
{
	static const enum pages_kind kinds[] = {
		[EIGHT_DIGITS] = PAGES_COUNTS,
		[ANY_DIGITS] = PAGES_MIXED,
		[RANDOM_DOUBLES] = PAGES_DOUBLES,
		[SHORT_DOUBLES] = PAGES_DOUBLES,
	};
	struct numbers *numbers = calloc(1, sizeof *numbers);

	if (!numbers)
		return NULL;
	numbers->kind = *(const enum number_kind *)kind;
	const struct pages pages = {kinds[numbers->kind], NUMBER_COUNT, 0};
	for (size_t i = 0; i < NUMBER_COUNT; i++) {
		numbers->real[i] = pages_value(&pages, i, &numbers->whole[i]);
		if (numbers->kind == SHORT_DOUBLES) /* two digits behind the point */
			numbers->real[i] = (double)(int64_t)(numbers->real[i] * 100) / 100;
		if (numbers->kind <= ANY_DIGITS)
			plain_u64(numbers->wanted[i], numbers->whole[i]);
		else
			plain_double(numbers->wanted[i], numbers->real[i]);
	}
	return numbers;
}

static bool numbers_check(void *state, uint64_t count)
{
	struct numbers *numbers = state;

	for (size_t i = 0; i < count; i++) {
		*numbers->ends[i] = '\0';
		if (strcmp(numbers->spelled[i], numbers->wanted[i]) != 0)
			return bench_fail("%s is spelled %s", numbers->wanted[i],
					  numbers->spelled[i]);
	}
	return true;
}

/* Two digits at a time, from a table. */
static char *paired_u64(char *to, uint64_t value)
{
	static char pairs[100][2];
	char digits[20];
	size_t first = sizeof digits;

	if (pairs[0][0] == 0)
		for (int i = 0; i < 100; i++)
			memcpy(pairs[i], (char[]){(char)('0' + i / 10), (char)('0' + i % 10)}, 2);
	for (; value >= 100; value /= 100)
		memcpy(digits + (first -= 2), pairs[value % 100], 2);
	if (value >= 10)
		memcpy(digits + (first -= 2), pairs[value], 2);
	else
		digits[--first] = (char)('0' + value);
	memcpy(to, digits + first, sizeof digits - first);
	return to + sizeof digits - first;
}

#define NUMBER_LOOP(name, spell_one, member)                                                   \
	static void name(void *state, uint64_t count)                                          \
	{                                                                                      \
		struct numbers *numbers = state;                                               \
		for (size_t i = 0; i < count; i++)                                             \
			numbers->ends[i] = spell_one(numbers->spelled[i], numbers->member[i]); \
	}
NUMBER_LOOP(eight_at_a_time, number_u64, whole)
NUMBER_LOOP(two_at_a_time, paired_u64, whole)
NUMBER_LOOP(one_by_one, plain_u64, whole)
NUMBER_LOOP(schubfach, number_double, real)
NUMBER_LOOP(by_trial, plain_double, real)

static const enum number_kind eight_digits = EIGHT_DIGITS, any_digits = ANY_DIGITS,
			      random_doubles = RANDOM_DOUBLES, short_doubles = SHORT_DOUBLES;

#define NUMBERS(name, values, loop)                        \
	(&(const struct contender){.who = name,            \
				   .setup = &(values),     \
				   .open = numbers_open,   \
				   .check = numbers_check, \
				   .close = free,          \
				   .loops = {loop}})

static const struct contest contests[] = {
	{"eight digits", NUMBER_COUNT,
	 (const struct contender *const[]){NUMBERS("ring", eight_digits, eight_at_a_time),
					   NUMBERS("two at a time", eight_digits, two_at_a_time),
					   NUMBERS("one by one", eight_digits, one_by_one),
					   &contest_end}},
	{"1 to 16 digits", NUMBER_COUNT,
	 (const struct contender *const[]){NUMBERS("ring", any_digits, eight_at_a_time),
					   NUMBERS("two at a time", any_digits, two_at_a_time),
					   NUMBERS("one by one", any_digits, one_by_one),
					   &contest_end}},
	{"random doubles", NUMBER_COUNT,
	 (const struct contender *const[]){NUMBERS("ring", random_doubles, schubfach),
					   NUMBERS("by trial", random_doubles, by_trial),
					   &contest_end}},
	{"short doubles", NUMBER_COUNT,
	 (const struct contender *const[]){NUMBERS("ring", short_doubles, schubfach),
					   NUMBERS("by trial", short_doubles, by_trial),
					   &contest_end}},
};

int main(int argc, char **argv)
{
	const struct bench_options options = bench_begin("numbers", argc, argv);

	for (size_t i = 0; i < sizeof contests / sizeof contests[0]; i++)
		contest_run(&contests[i], &options);
	return bench_end();
}
