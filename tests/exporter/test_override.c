/* SPDX-License-Identifier: MIT */
/*
 * Thresholds of some followers, right and wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "replication/override.h"

static const struct monitor_thresholds standard = {5, 30};
static char pattern[OVERRIDE_PATTERN_BYTES];

static void expect(const char *text, const char *names, double warning, double critical)
{
	struct monitor_override override;
	const char *fault = override_parse(text, &override, pattern);

	if (fault)
		fail_msg("%s: %s", text, fault);
	assert_string_equal(override.pattern, names);
	assert_null(override_complete(&override, &standard));
	assert_true(override.thresholds.warning_seconds == warning);
	assert_true(override.thresholds.critical_seconds == critical);
}

static void refuse(const char *text, const char *word)
{
	struct monitor_override override;
	const char *fault = override_parse(text, &override, pattern);

	if (!fault)
		fault = override_complete(&override, &standard);
	if (!fault || !strstr(fault, word))
		fail_msg("%s: %s", text, fault ? fault : "was taken");
}

static void thresholds_come_in_any_order_after_the_last_colon(void **state)
{
	(void)state;
	expect("a*:warning=1m,critical=2m", "a*", 60, 120);
	expect("a*:critical=2m,warning=1m", "a*", 60, 120);
	expect("a:b:[0-9]:warning=7ms,critical=7ms", "a:b:[0-9]", 0.007, 0.007);
	expect("a=b,c:warning=1s", "a=b,c", 1, 30);
}

static void threshold_that_is_not_given_is_as_for_all(void **state)
{
	(void)state;
	expect("a:warning=10s", "a", 10, 30);
	expect("a:warning=30s", "a", 30, 30);
	expect("a:critical=10s", "a", 5, 10);
	refuse("a:warning=30001ms", "below");
	refuse("a:critical=4999ms", "below");
}

static void critical_below_warning_is_refused_in_any_order(void **state)
{
	(void)state;
	refuse("a:warning=2s,critical=1s", "below");
	refuse("a:critical=1s,warning=2s", "below");
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const char *const texts[][2] = {
		{"", "PATTERN"},
		{"a", "PATTERN"},
		{":warning=1s", "PATTERN"},
		{"warning=1s", "PATTERN"},
		{"a:", "last colon"},
		{"a:b", "last colon"},
		{"a:warning", "last colon"},
		{"a:=1s", "last colon"},
		{"a:warn=1s", "last colon"},
		{"a:warnings=1s", "last colon"},
		{"a:criticaL=1s", "last colon"},
		{"a:Warning=1s", "last colon"},
		{"a: warning=1s", "last colon"},
		{"a:warning=1s,", "last colon"},
		{"a:,warning=1s", "last colon"},
		{"a:warning=1s;critical=2s", "duration like"},
		{"a:warning=1s:critical=2s", "below"},
		{"a:warning=", "duration like"},
		{"a:warning=1", "duration like"},
		{"a:warning=-1s", "duration like"},
		{"a:warning=0s", "more than nothing"},
		{"a:critical=300y", "too long"},
		{"a:warning=1s,critical=0ms", "more than nothing"},
		{"a:warning=1s,warning=2s", "twice"},
		{"a:critical=1m,critical=1m", "twice"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		refuse(texts[i][0], texts[i][1]);
}

static void longest_pattern_is_the_longest_name(void **state)
{
	char text[RING_LABEL_VALUE_MAX + 32];
	struct monitor_override override;

	(void)state;
	memset(text, 'x', sizeof text);
	strcpy(text + RING_LABEL_VALUE_MAX, ":warning=1s");
	assert_null(override_parse(text, &override, pattern));
	assert_int_equal(strlen(override.pattern), RING_LABEL_VALUE_MAX);
	strcpy(text + RING_LABEL_VALUE_MAX, "x:warning=1s");
	refuse(text, "PATTERN");
}

static void duration_is_not_cut_off(void **state)
{
	char text[512] = "a:warning=";
	const size_t bytes = strlen(text);

	(void)state;
	memset(text + bytes, '0', 61);
	strcpy(text + bytes + 61, "1s");
	expect(text, "a", 1, 30);
	strcpy(text + bytes + 61, "1ms"); /* one more, and cut off it would be a minute */
	expect(text, "a", 0.001, 30);
	memset(text + bytes, '0', 300);
	strcpy(text + bytes + 300, "1s");
	refuse(text, "too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thresholds_come_in_any_order_after_the_last_colon),
		cmocka_unit_test(threshold_that_is_not_given_is_as_for_all),
		cmocka_unit_test(critical_below_warning_is_refused_in_any_order),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(longest_pattern_is_the_longest_name),
		cmocka_unit_test(duration_is_not_cut_off),
	};

	return cmocka_run_group_tests_name("override", tests, NULL, NULL);
}
