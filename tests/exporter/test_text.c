/* SPDX-License-Identifier: MIT */
/*
 * How numbers, times, label values and foreign bytes are spelled.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/text.h"

static void expect(struct text *text, const char *wanted, size_t bytes)
{
	assert_int_equal(text->error, 0);
	assert_int_equal(text->bytes, bytes);
	assert_memory_equal(text->data, wanted, bytes);
	text_release(text);
}

static void expect_double(double value, const char *wanted)
{
	struct text text;

	text_init(&text, 100);
	text_double(&text, value);
	expect(&text, wanted, strlen(wanted));
}

static void expect_bound(double bound, const char *wanted)
{
	struct text text;

	text_init(&text, 100);
	text_bound(&text, bound);
	expect(&text, wanted, strlen(wanted));
}

static void R3_doubles_have_no_trailing_zeros(void **state)
{
	(void)state;
	expect_double(0.25, "0.25");
	expect_double(2, "2");
	expect_double(0.0005, "0.0005");
	expect_double(0, "0");
	expect_double(-1.5, "-1.5");
	expect_double(1e15, "1e+15");
	expect_double(999999999999999, "999999999999999");
}

static void doubles_out_of_the_ordinary_have_their_words(void **state)
{
	(void)state;
	expect_double((double)NAN, "NaN");
	expect_double((double)INFINITY, "+Inf");
	expect_double(-(double)INFINITY, "-Inf");
	expect_double(-0.0, "-0");
	expect_double(5e-324, "4.94065645841247e-324");
	expect_double(1.7976931348623157e308, "1.7976931348623157e+308");
}

static void doubles_read_back_as_the_same_bits(void **state)
{
	const unsigned seed = 1;

	(void)state;
	print_message("# seed %u\n", seed);
	srand48(seed);
	for (int i = 0; i < 100000; i++) {
		const uint64_t bits = (uint64_t)mrand48() << 32 ^ (uint64_t)mrand48();
		double value, back;
		struct text text;

		memcpy(&value, &bits, sizeof value);
		if (isnan(value))
			continue;
		text_init(&text, 100);
		text_double(&text, value);
		text_append(&text, "", 1);
		back = strtod(text.data, NULL);
		assert_memory_equal(&value, &back, sizeof value);
		text_release(&text);
	}
}

static void bounds_always_look_like_doubles(void **state)
{
	(void)state;
	expect_bound(1, "1.0");
	expect_bound(0.5, "0.5");
	expect_bound(-3, "-3.0");
	expect_bound(1e20, "1e+20");
	expect_bound((double)INFINITY, "+Inf");
}

/* strconv.FormatFloat(bound, 'g', -1, 64), and a point where that has neither point nor exponent.
 */
static void bounds_have_the_names_that_prometheus_gives_them(void **state)
{
	(void)state;
	expect_bound(100000, "100000.0");
	expect_bound(999999.5, "999999.5");
	expect_bound(1000000, "1e+06");
	expect_bound(1048576, "1.048576e+06");
	expect_bound(-1500000.25, "-1.50000025e+06");
	expect_bound(123456789012, "1.23456789012e+11");
	expect_bound(1e15, "1e+15");
	expect_bound(9007199254740992, "9.007199254740992e+15");
	expect_bound(0.0001, "0.0001");
	expect_bound(0.00001, "1e-05");
	expect_bound(0, "0.0");
}

static void whole_numbers_of_any_size_are_exact(void **state)
{
	const uint64_t values[] = {0, 9, 10, UINT64_C(1) << 53, UINT64_MAX};
	char wanted[32];

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct text text;
		text_init(&text, 100);
		text_u64(&text, values[i]);
		snprintf(wanted, sizeof wanted, "%llu", (unsigned long long)values[i]);
		expect(&text, wanted, strlen(wanted));
	}
}

static void R7_label_values_escape_backslash_quote_line_feed_alone(void **state)
{
	static const char value[] = "a\\b\"c\nd\re\tf", wanted[] = "a\\\\b\\\"c\\nd\re\tf";
	struct text text;

	(void)state;
	text_init(&text, 100);
	text_label_value(&text, value, sizeof value - 1);
	expect(&text, wanted, sizeof wanted - 1);
}

static void help_leaves_quotes_alone(void **state)
{
	static const char value[] = "a\\b\"c\nd", wanted[] = "a\\\\b\"c\\nd";
	struct text text;

	(void)state;
	text_init(&text, 100);
	text_help(&text, value, sizeof value - 1);
	expect(&text, wanted, sizeof wanted - 1);
}

#define BAD "\xef\xbf\xbd"

static void R7_invalid_utf8_is_replaced_byte_by_byte(void **state)
{
	static const struct {
		const char *from, *to;
		size_t from_bytes;
	} cases[] = {
		{"plain", "plain", 5},
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9},
		{"a\0b", "a" BAD "b", 3},
		{"\xff", BAD, 1},
		{"\x80x", BAD "x", 2},
		{"\xc0\x80", BAD BAD, 2},                 /* overlong NUL */
		{"\xe0\x9f\xbf", BAD BAD BAD, 3},         /* overlong */
		{"\xed\xa0\x80", BAD BAD BAD, 3},         /* a surrogate */
		{"\xf4\x90\x80\x80", BAD BAD BAD BAD, 4}, /* past the last code point */
		{"\xe2\x82", BAD BAD, 2},                 /* cut off */
		{"x\xe2\x82\n", "x" BAD BAD "\n", 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct text text;
		text_init(&text, 100);
		text_utf8(&text, cases[i].from, cases[i].from_bytes);
		expect(&text, cases[i].to, strlen(cases[i].to));
	}
}

static void quoted_text_has_no_control_bytes(void **state)
{
	static const char value[] = "a\"b\\c\nd\x7f"
				    "e\xff",
			  wanted[] = "a\\\"b\\\\c\\u000ad\\u007fe" BAD;
	struct text text;

	(void)state;
	text_init(&text, 100);
	text_quoted(&text, value, sizeof value - 1);
	expect(&text, wanted, sizeof wanted - 1);
}

static void html_text_has_no_mark_up(void **state)
{
	static const struct {
		const char *from, *to;
		size_t from_bytes;
	} cases[] = {
		{"plain", "plain", 5},
		{"<a b=\"c\" d='e'>&amp;", "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;", 20},
		{"a\tb\nc\rd", "a\tb\nc" BAD "d", 7},
		{"\0\x01\x1f\x7f", BAD BAD BAD BAD, 4},
		{"\xc3\xa4\xff<\xe2\x82", "\xc3\xa4" BAD "&lt;" BAD BAD, 6},
		{"", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct text text;
		text_init(&text, 100);
		text_html(&text, cases[i].from, cases[i].from_bytes);
		expect(&text, cases[i].to, strlen(cases[i].to));
	}
}

static void url_parts_are_percent_encoded(void **state)
{
	static const char value[] = "aZ09-._~/?&=+% \"'\xc3\xa4\n\0",
			  wanted[] = "aZ09-._~%2F%3F%26%3D%2B%25%20%22%27%C3%A4%0A%00";
	struct text text;

	(void)state;
	text_init(&text, 100);
	text_percent(&text, value, sizeof value - 1);
	expect(&text, wanted, sizeof wanted - 1);
}

static void expect_time(uint64_t wall_ns, const char *wanted)
{
	struct text text;

	text_init(&text, 100);
	text_time(&text, wall_ns);
	expect(&text, wanted, strlen(wanted));
}

static void times_are_rfc_3339(void **state)
{
	(void)state;
	expect_time(0, "1970-01-01T00:00:00.000Z");
	expect_time(UINT64_C(951782399999999999), "2000-02-28T23:59:59.999Z");
	expect_time(UINT64_C(951782400000000000), "2000-02-29T00:00:00.000Z");
	expect_time(UINT64_C(4107542400000000000), "2100-03-01T00:00:00.000Z");
	expect_time(UINT64_MAX, "2554-07-21T23:34:33.709Z");
}

static void dates_are_those_of_the_c_library(void **state)
{
	const uint64_t day_ns = UINT64_C(86400000000000);
	char wanted[32];

	(void)state;
	for (uint64_t day = 0; day < UINT64_MAX / day_ns; day++) {
		const time_t seconds = (time_t)(day * 86400);
		strftime(wanted, sizeof wanted, "%Y-%m-%dT00:00:00.000Z", gmtime(&seconds));
		expect_time(day * day_ns, wanted);
	}
}

static void text_past_its_limit_is_an_error_that_stays(void **state)
{
	struct text text;

	(void)state;
	text_init(&text, 4);
	text_string(&text, "abc");
	text_string(&text, "de");
	assert_int_not_equal(text.error, 0);
	text_string(&text, "f");
	assert_int_not_equal(text.error, 0);
	assert_int_equal(text.bytes, 3);
	text_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R3_doubles_have_no_trailing_zeros),
		cmocka_unit_test(doubles_out_of_the_ordinary_have_their_words),
		cmocka_unit_test(doubles_read_back_as_the_same_bits),
		cmocka_unit_test(bounds_always_look_like_doubles),
		cmocka_unit_test(bounds_have_the_names_that_prometheus_gives_them),
		cmocka_unit_test(whole_numbers_of_any_size_are_exact),
		cmocka_unit_test(R7_label_values_escape_backslash_quote_line_feed_alone),
		cmocka_unit_test(help_leaves_quotes_alone),
		cmocka_unit_test(R7_invalid_utf8_is_replaced_byte_by_byte),
		cmocka_unit_test(quoted_text_has_no_control_bytes),
		cmocka_unit_test(html_text_has_no_mark_up),
		cmocka_unit_test(url_parts_are_percent_encoded),
		cmocka_unit_test(times_are_rfc_3339),
		cmocka_unit_test(dates_are_those_of_the_c_library),
		cmocka_unit_test(text_past_its_limit_is_an_error_that_stays),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
