/* SPDX-License-Identifier: MIT */
/*
 * Segment names and UTF-8; the rules for metric names and labels are tested where users meet
 * them, in test_registry.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "names.h"

static bool segment_name(const char *name)
{
	return ring_segment_name_ok(name, strlen(name));
}

static void segment_name_is_a_plain_file_name(void **state)
{
	char longest[RING_NAME_MAX + 2];

	(void)state;
	assert_true(segment_name("fwd"));
	assert_true(segment_name("FWD-0_a.b"));
	assert_false(segment_name(""));
	assert_false(segment_name(".hidden"));
	assert_false(segment_name("a/b"));
	assert_false(segment_name("a b"));
	assert_false(segment_name("a\n"));
	assert_false(segment_name("\xc3\xa9"));
	memset(longest, 'x', sizeof longest);
	assert_true(ring_segment_name_ok(longest, RING_NAME_MAX));
	assert_false(ring_segment_name_ok(longest, RING_NAME_MAX + 1));
}

static void utf8_is_judged_by_the_table_of_the_standard(void **state)
{
	static const char *const good[] = {
		"",
		"plain",
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
	};
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc2",
		"\xe0\x9f\xbf",
		"\xe0\xa0",
		"\xed\xa0\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"a\xc2",
		"\xc2z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(ring_utf8_ok(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(ring_utf8_ok(bad[i], strlen(bad[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segment_name_is_a_plain_file_name),
		cmocka_unit_test(utf8_is_judged_by_the_table_of_the_standard),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
