/* SPDX-License-Identifier: MIT */
/*
 * Sizes, right and wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/size.h"

static void bytes_and_binary_units_are_taken(void **state)
{
	static const struct {
		const char *text;
		size_t bytes;
	} sizes[] = {
		{"0", 0},
		{"1", 1},
		{"1000000", 1000000},
		{"007", 7},
		{"1KiB", 1024},
		{"64MiB", 64 << 20},
		{"3GiB", (size_t)3 << 30},
		{"18446744073709551615", SIZE_MAX},
		{"17179869183GiB", (size_t)17179869183 << 30},
	};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t bytes = 42;
		assert_null(size_parse(sizes[i].text, &bytes));
		assert_int_equal(bytes, sizes[i].bytes);
	}
}

static void everything_else_is_refused(void **state)
{
	static const char *const texts[][2] = {
		{"", "like"},
		{"MiB", "like"},
		{"1M", "like"},
		{"1MB", "like"},
		{"1mib", "like"},
		{"1 MiB", "like"},
		{" 1", "like"},
		{"1 ", "like"},
		{"+1", "like"},
		{"-1", "like"},
		{"1.5MiB", "like"},
		{"0x10", "like"},
		{"1MiB1", "like"},
		{"1TiB", "like"},
		{"18446744073709551616", "large"},
		{"17179869184GiB", "large"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		size_t bytes = 42;
		const char *fault = size_parse(texts[i][0], &bytes);
		if (!fault || !strstr(fault, texts[i][1]) || bytes != 42)
			fail_msg("%s: %s", texts[i][0], fault ? fault : "was taken");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_and_binary_units_are_taken),
		cmocka_unit_test(everything_else_is_refused),
	};

	return cmocka_run_group_tests_name("size", tests, NULL, NULL);
}
