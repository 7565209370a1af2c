/* SPDX-License-Identifier: MIT */
/*
 * Durations: what they come to, and what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/duration.h"
#include "dice.h"

#define S UINT64_C(1000000000)
#define H (3600 * S)

static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	{"y", 365 * 24 * H}, {"w", 7 * 24 * H}, {"d", 24 * H},     {"h", H},
	{"m", 60 * S},       {"s", S},          {"ms", S / 1000u},
};

#define UNIT_COUNT (sizeof units / sizeof units[0])

static void expect(const char *text, uint64_t ns)
{
	uint64_t got = 1;
	const char *reason = duration_parse(text, &got);

	if (reason)
		fail_msg("%s: %s", text, reason);
	assert_int_equal(got, ns);
}

/* Demands that the reason has the word, and that nothing is written. */
static void refuse(const char *text, const char *word)
{
	uint64_t ns = 77;
	double seconds = 77;
	const char *reason = duration_parse(text, &ns);

	if (!reason || !strstr(reason, word))
		fail_msg("\"%s\": %s", text, reason ? reason : "was taken");
	assert_string_equal(duration_parse_seconds(text, &seconds), reason);
	assert_true(ns == 77 && seconds == 77);
}

static void each_unit_is_worth_what_it_says(void **state)
{
	char text[16];

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT; i++) {
		snprintf(text, sizeof text, "7%s", units[i].name);
		expect(text, 7 * units[i].ns);
	}
	expect("1h30m", 5400 * S);
	expect("1y2w3d4h5m6s7ms", (365 + 14 + 3) * 24 * H + 4 * H + 306 * S + 7 * S / 1000);
	expect("0h1ms", S / 1000);
	expect("000000000000000000000000000005s", 5 * S);
	expect("90m", 90 * 60 * S);
}

static void seconds_have_fractions(void **state)
{
	double seconds;

	(void)state;
	assert_null(duration_parse_seconds("1m500ms", &seconds));
	assert_true(seconds == 60.5);
}

static void units_come_once_and_the_larger_first(void **state)
{
	char text[32];

	(void)state;
	for (size_t first = 0; first < UNIT_COUNT; first++) {
		for (size_t second = 0; second < UNIT_COUNT; second++) {
			snprintf(text, sizeof text, "1%s2%s", units[first].name,
				 units[second].name);
			if (first < second)
				expect(text, units[first].ns + 2 * units[second].ns);
			else
				refuse(text, "duration like");
		}
	}
}

static void what_is_no_duration_is_refused(void **state)
{
	static const char *const malformed[] = {
		"",     " ",    "5",      "s",    "-5s", "+5s", "5 s",    " 5s",   "5s ",
		"5S",   "5sec", "1.5s",   "1,5s", "5s5", "5us", "5ns",    "0x5s",  "1e3s",
		"5mss", "5s\n", "1h,30m", "h5",   "inf", "nan", "5\xb5s", "5m-3s",
	};

	(void)state;
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
		refuse(malformed[i], "duration like");
}

static void nothing_is_no_duration(void **state)
{
	(void)state;
	refuse("0s", "more than nothing");
	refuse("0y0w0d0h0m0s0ms", "more than nothing");
}

static void duration_ends_at_292_years(void **state)
{
	(void)state;
	expect("292y", 292 * units[0].ns);
	expect("292y24w3d23h47m16s854ms", UINT64_C(9223372036854000000));
	refuse("292y24w3d23h47m16s855ms", "too long");
	refuse("293y", "too long");
	refuse("9223372036854775807ms", "too long");
	refuse("99999999999999999999999999999999999999y", "too long");
	/* Modulo 2^64 the count, its nanoseconds or the sum would do. */
	refuse("18446744073709551615ms", "too long");
	refuse("18446744073709551616ms", "too long");
	refuse("18446744073709551621ms", "too long");
	refuse("18446744074s", "too long");
	refuse("1y30500w", "too long");
}

static void any_duration_in_order_is_the_sum_of_its_parts(void **state)
{
	uint64_t dice = dice_seed();

	(void)state;
	for (unsigned round = 0; round < 10000; round++) {
		char text[128] = "";
		uint64_t ns = 0;
		for (size_t i = 0; i < UNIT_COUNT; i++) {
			const uint64_t count = dice_roll(&dice) % 40;
			if (dice_roll(&dice) % 2 == 0)
				continue;
			const size_t bytes = strlen(text);
			snprintf(text + bytes, sizeof text - bytes, "%d%s", (int)count,
				 units[i].name);
			ns += count * units[i].ns;
		}
		if (ns > 0)
			expect(text, ns);
		else
			refuse(text, *text ? "more than nothing" : "duration like");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_unit_is_worth_what_it_says),
		cmocka_unit_test(seconds_have_fractions),
		cmocka_unit_test(units_come_once_and_the_larger_first),
		cmocka_unit_test(what_is_no_duration_is_refused),
		cmocka_unit_test(nothing_is_no_duration),
		cmocka_unit_test(duration_ends_at_292_years),
		cmocka_unit_test(any_duration_in_order_is_the_sum_of_its_parts),
	};

	return cmocka_run_group_tests_name("duration", tests, NULL, NULL);
}
