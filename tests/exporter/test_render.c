/* SPDX-License-Identifier: MIT */
/*
 * Pages as they come out, byte by byte.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ring/record.h>

#include "dice.h"
#include "members.h"
#include "plain.h"
#include "render/render.h"

static void expect_page(struct aggregate *aggregate, const char *wanted)
{
	char *page = members_page(aggregate);

	assert_string_equal(page, wanted);
	free(page);
}

static void nothing_renders_as_nothing(void **state)
{
	expect_page(*state, "");
}

static void R6_families_are_contiguous_with_one_help_and_one_type_and_series_sorted(void **state)
{
	struct aggregate_member *one = members_join(*state, "one", 1, 0, 1);
	struct aggregate_member *two = members_join(*state, "two", 2, 0, 1);

	members_add_metric(one, members_metric(RING_COUNTER, 0, "b_total", "channel", "way"));
	members_add_metric(one, members_metric(RING_GAUGE, 0, "a", NULL, NULL));
	members_add_series(one, 0, "eth10", "tx");
	members_add_series(one, 0, "eth1", "tx");
	members_add_series(one, 1, NULL, NULL);
	members_add_metric(two, members_metric(RING_COUNTER, 0, "b_total", "channel", "way"));
	members_add_series(two, 0, "eth1", "rx");
	members_count(one, 0, 0, 3);
	members_count(one, 1, 0, 4);
	members_gauge(one, 2, 0, 0.25, 1);
	members_count(two, 0, 0, 5);
	expect_page(*state, "# HELP a Help.\n"
			    "# TYPE a gauge\n"
			    "a 0.25\n"
			    "# HELP b_total Help.\n"
			    "# TYPE b_total counter\n"
			    "b_total{channel=\"eth1\",way=\"rx\"} 5\n"
			    "b_total{channel=\"eth1\",way=\"tx\"} 4\n"
			    "b_total{channel=\"eth10\",way=\"tx\"} 3\n");
}

static void histograms_are_cumulative_and_count_is_the_last_bucket(void **state)
{
	struct aggregate_member *member = members_join(*state, "one", 1, 0, 1);

	members_add_metric(member, members_histogram("h_seconds", "x"));
	members_add_metric(member, members_histogram("i_seconds", NULL));
	members_add_series(member, 0, "v", NULL);
	members_add_series(member, 1, NULL, NULL);
	aggregate_set(member, 0, 0, (uint64_t[]){ring_bits_of(10.5), 1, 2, 3});
	expect_page(*state, "# HELP h_seconds Help.\n"
			    "# TYPE h_seconds histogram\n"
			    "h_seconds_bucket{x=\"v\",le=\"1.0\"} 1\n"
			    "h_seconds_bucket{x=\"v\",le=\"2.5\"} 3\n"
			    "h_seconds_bucket{x=\"v\",le=\"+Inf\"} 6\n"
			    "h_seconds_sum{x=\"v\"} 10.5\n"
			    "h_seconds_count{x=\"v\"} 6\n"
			    "# HELP i_seconds Help.\n"
			    "# TYPE i_seconds histogram\n"
			    "i_seconds_bucket{le=\"1.0\"} 0\n"
			    "i_seconds_bucket{le=\"2.5\"} 0\n"
			    "i_seconds_bucket{le=\"+Inf\"} 0\n"
			    "i_seconds_sum 0\n"
			    "i_seconds_count 0\n");
}

static void counters_go_round_at_two_to_the_53(void **state)
{
	struct aggregate_member *member = members_join(*state, "one", 1, 0, 1);

	members_add_metric(member, members_metric(RING_COUNTER, 0, "a_total", NULL, NULL));
	members_add_series(member, 0, NULL, NULL);
	members_count(member, 0, 0, (UINT64_C(1) << 53) - 1);
	members_expect(*state, "a_total 9007199254740991");
	members_count(member, 0, 0, (UINT64_C(1) << 53) + 2);
	members_expect(*state, "a_total 2");
}

static void histogram_beyond_two_to_the_53_stays_cumulative(void **state)
{
	struct aggregate_member *member = members_join(*state, "one", 1, 0, 1);
	const uint64_t many = (UINT64_C(1) << 53) - 1;

	members_add_metric(member, members_histogram("h_seconds", NULL));
	members_add_series(member, 0, NULL, NULL);
	aggregate_set(member, 0, 0, (uint64_t[]){ring_bits_of(1), many, 0, 4});
	members_expect(*state, "h_seconds_bucket{le=\"1.0\"} 9007199254740991");
	members_expect(*state, "h_seconds_bucket{le=\"+Inf\"} 9007199254740995");
	members_expect(*state, "h_seconds_count 9007199254740995");
}

static void R3_gauge_never_set_has_no_line_and_its_family_no_header(void **state)
{
	struct aggregate_member *member = members_join(*state, "one", 1, 0, 2);

	members_add_metric(member, members_metric(RING_GAUGE, RING_MIN, "lag", "channel", NULL));
	members_add_series(member, 0, "a", NULL);
	members_add_series(member, 0, "b", NULL);
	expect_page(*state, "");
	members_gauge(member, 1, 1, (double)NAN, 1);
	expect_page(*state, "# HELP lag Help.\n# TYPE lag gauge\nlag{channel=\"b\"} NaN\n");
}

static void R7_label_values_and_help_are_escaped_on_the_page(void **state)
{
	struct aggregate_member *member = members_join(*state, "one", 1, 0, 1);
	struct ring_metric_info metric = members_metric(RING_COUNTER, 0, "a_total", "c", NULL);

	metric.help = (struct ring_text){"x\\y\n\xff\"", 6};
	members_add_metric(member, metric);
	members_add_series(member, 0, "q\"b\\n\nr\re\xff", NULL);
	expect_page(*state, "# HELP a_total x\\\\y\\n\xef\xbf\xbd\"\n"
			    "# TYPE a_total counter\n"
			    "a_total{c=\"q\\\"b\\\\n\\nr\re\xef\xbf\xbd\"} 0\n");
}

static void add_counter(struct aggregate *aggregate, const char *name, uint64_t total)
{
	struct aggregate_member *member = members_join(aggregate, "m", 0, 0, 1);

	members_add_metric(member, members_metric(RING_COUNTER, 0, name, "c", NULL));
	members_add_series(member, 0, "\"\"\"\"\"\"\"\"\"\"", NULL);
	members_count(member, 0, 0, total);
}

static struct snapshot_values values_of(struct aggregate *aggregate)
{
	struct catalog *catalog;
	const uint64_t *cells;

	assert_int_equal(aggregate_view(aggregate, &catalog, &cells), 0);
	return (struct snapshot_values){catalog, cells};
}

/* Returns how many families are left out. */
static size_t render_page(struct text *text, struct snapshot_values values)
{
	struct lines *lines = lines_create(values.catalog, text->bytes_max, false);

	assert_non_null(lines);
	const size_t left_out_count = lines->left_out_count;
	render_lines(text, FORMAT_TEXT, lines, values.cells);
	lines_destroy(lines);
	return left_out_count;
}

static void family_that_may_not_fit_is_left_out_whole_and_the_others_stay(void **state)
{
	struct aggregate_member *member = members_join(*state, "big", 1, 0, 1);
	struct text text;
	char label[200] = "";

	add_counter(*state, "a_total", 1);
	members_add_metric(member, members_metric(RING_COUNTER, 0, "b_total", "c", NULL));
	memset(label, 'x', sizeof label - 1);
	for (label[0] = 'a'; label[0] <= 'z'; label[0]++)
		members_add_series(member, 0, label, NULL);
	add_counter(*state, "c_total", 2);
	text_init(&text, 4096);
	assert_int_equal(render_page(&text, values_of(*state)), 1);
	text_append(&text, "", 1);
	assert_int_equal(text.error, 0);
	assert_non_null(strstr(text.data, "\na_total{"));
	assert_null(strstr(text.data, "b_total"));
	assert_string_equal(strstr(text.data, "# HELP c_total"),
			    "# HELP c_total Help.\n# TYPE c_total counter\n"
			    "c_total{c=\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\"} 2\n");
	text_release(&text);
}

static void family_that_is_rendered_fits_whatever_is_in_it(void **state)
{
	struct aggregate_member *member = members_join(*state, "one", 1, 0, 1);
	const double ends[] = {-2.2250738585072014e-308, 1.7976931348623157e+308};
	struct ring_metric_info metric = members_histogram("h_seconds", "c");
	char label[RING_LABEL_VALUE_MAX] = "";
	size_t shown_count = 0;
	struct text text;

	metric.bounds = ends;
	metric.help = (struct ring_text){"\n\n\n\n\n\n\n\n\n\n", 10};
	members_add_metric(member, metric);
	memset(label, '"', sizeof label - 1);
	members_add_series(member, 0, label, NULL);
	members_add_series(member, 0, "\xff\xfe\xff\xfe", NULL);
	for (uint32_t series = 0; series < 2; series++)
		aggregate_set(member, series, 0,
			      (uint64_t[]){ring_bits_of(-ends[1]), 1, UINT64_C(1) << 52, 3});
	const struct snapshot_values values = values_of(*state);
	for (size_t bytes_max = 300; bytes_max < 8000; bytes_max++) {
		text_init(&text, bytes_max);
		shown_count += render_page(&text, values) == 0;
		assert_int_equal(text.error, 0);
		text_release(&text);
	}
	assert_in_range(shown_count, 1, 7699);
}

static void family_is_left_out_by_the_longest_that_its_numbers_can_be(void **state)
{
	struct aggregate_member *member = members_join(*state, "one", 1, 0, 1);
	struct text text;

	members_add_metric(member, members_metric(RING_GAUGE, 0, "a", "c", NULL));
	members_add_series(member, 0, "\"", NULL);
	members_gauge(member, 0, 0, -2.2250738585072014e-308, 1);
	text_init(&text, strlen("# HELP a Help.\n# TYPE a gauge\n"
				"a{c=\"\\\"\"} -2.2250738585072014e-308\n"));
	assert_int_equal(render_page(&text, values_of(*state)), 0);
	assert_int_equal(text.error, 0);
	assert_int_equal(text.bytes, text.bytes_max);
	members_gauge(member, 0, 0, 1, 1);
	text.bytes = 0;
	text.bytes_max--;
	assert_int_equal(render_page(&text, values_of(*state)), 1);
	assert_int_equal(text.bytes, 0);
	text_release(&text);
}

static void expect_plain(struct text *text, const struct snapshot_values *values)
{
	struct text plain;

	text_init(&plain, SIZE_MAX / 2);
	plain_page(&plain, values);
	assert_int_equal(plain.error, 0);
	assert_int_equal(text->bytes, plain.bytes);
	if (plain.bytes > 0)
		assert_memory_equal(text->data, plain.data, plain.bytes);
	text_release(&plain);
}

/* A few bytes of those that matter. */
static const char *random_label(uint64_t *dice, char label[8])
{
	static const char bytes[] = "ab\"\\\n\xff\xc3\xa4";
	const size_t length = dice_roll(dice) % 8;

	for (size_t i = 0; i < length; i++)
		label[i] = bytes[dice_roll(dice) % (sizeof bytes - 1)];
	label[length] = '\0';
	return label;
}

static void add_random_metric(struct aggregate_member *member, uint64_t *dice, uint32_t metric,
			      uint32_t *series)
{
	char name[16], labels[2][8];
	const enum ring_kind kind = 1 + dice_roll(dice) % 4;
	const char *const key = dice_roll(dice) % 2 ? "k" : NULL;
	uint64_t cells[4];

	snprintf(name, sizeof name, "m%u", metric);
	if (kind == RING_HISTOGRAM)
		members_add_metric(member, members_histogram(name, key));
	else if (kind == RING_STATESET)
		members_add_metric(member, members_stateset(name, key));
	else
		members_add_metric(member, members_metric(kind, 0, name, key, key ? "l" : NULL));
	for (uint64_t count = dice_roll(dice) % 6; count > 0; count--) {
		members_add_series(member, metric, key ? random_label(dice, labels[0]) : NULL,
				   key && kind < RING_HISTOGRAM ? random_label(dice, labels[1])
								: NULL);
		for (int i = 0; i < 4; i++)
			cells[i] = dice_roll(dice) >> dice_roll(dice) % 64;
		if (dice_roll(dice) % 4 > 0)
			aggregate_set(member, *series, 0, cells);
		(*series)++;
	}
}

static void pages_are_what_they_are_when_spelled_piece_by_piece(void **state)
{
	uint64_t dice = dice_seed();

	(void)state;
	for (int round = 0; round < 500; round++) {
		struct aggregate *aggregate = aggregate_create();
		struct aggregate_member *member = members_join(aggregate, "one", 1, 0, 1);
		struct text text;
		uint32_t series = 0;
		for (uint32_t metric = 0; metric < 12; metric++)
			add_random_metric(member, &dice, metric, &series);
		const struct snapshot_values values = values_of(aggregate);
		text_init(&text, 1u << 20);
		assert_int_equal(render_page(&text, values), 0);
		assert_int_equal(text.error, 0);
		expect_plain(&text, &values);
		text_release(&text);
		aggregate_destroy(aggregate);
	}
}

static void page_follows_values_and_series(void **state)
{
	struct aggregate *self = aggregate_create();
	struct snapshot snapshot = {.parts[SNAPSHOT_SELF] = values_of(self)};
	const struct snapshot_values *data = &snapshot.parts[SNAPSHOT_DATA];
	struct aggregate_member *member = members_join(*state, "one", 1, 0, 1);
	struct render render;

	members_add_metric(member, members_metric(RING_COUNTER, 0, "a_total", "c", NULL));
	render_init(&render, NULL);
	for (uint32_t series = 0; series < 20; series++) {
		const char value[] = {(char)('a' + series), '\0'};
		members_add_series(member, 0, value, NULL);
		for (uint64_t total = 0; total < 2; total++) {
			struct text text;
			members_count(member, series, 0, total);
			snapshot.parts[SNAPSHOT_DATA] = values_of(*state);
			text_init(&text, 1u << 20);
			render_snapshot(&render, &text, FORMAT_TEXT, &snapshot);
			text_append(&text, "", 1);
			assert_int_equal(text.error, 0);
			*strstr(text.data, "# HELP " RENDER_LEFT_OUT_NAME) = '\0';
			text.bytes = strlen(text.data);
			expect_plain(&text, data);
			text_release(&text);
		}
	}
	render_release(&render);
	aggregate_destroy(self);
}

static void family_comes_back_when_there_is_room_again(void **state)
{
	struct aggregate *self = aggregate_create();
	struct snapshot snapshot;
	struct render render;

	render_init(&render, NULL);
	add_counter(*state, "data_total", 1);
	snapshot.parts[SNAPSHOT_DATA] = values_of(*state);
	snapshot.parts[SNAPSHOT_SELF] = values_of(self);
	for (int round = 0; round < 4; round++) {
		struct text text;
		text_init(&text, round % 2 == 0 ? 300 : 1000);
		render_snapshot(&render, &text, FORMAT_TEXT, &snapshot);
		text_append(&text, "", 1);
		assert_int_equal(text.error, 0);
		assert_int_equal(strstr(text.data, "data_total") != NULL, round % 2);
		text_release(&text);
	}
	render_release(&render);
	aggregate_destroy(self);
}

static void own_metrics_come_first_and_tell_how_many_families_are_left_out(void **state)
{
	struct aggregate *self = aggregate_create();
	struct render render;
	struct snapshot snapshot;
	struct text text;

	render_init(&render, NULL);
	add_counter(*state, "data_total", 1);
	add_counter(self, "own_total", 1);
	snapshot.parts[SNAPSHOT_DATA] = values_of(*state);
	snapshot.parts[SNAPSHOT_SELF] = values_of(self);
	text_init(&text, 400);
	render_snapshot(&render, &text, FORMAT_TEXT, &snapshot);
	text_append(&text, "", 1);
	assert_int_equal(text.error, 0);
	assert_non_null(strstr(text.data, "\nown_total{"));
	assert_null(strstr(text.data, "data_total"));
	assert_non_null(strstr(text.data, "\nring_families_left_out 1\n"));
	text_release(&text);
	render_release(&render);
	aggregate_destroy(self);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, members_make, members_unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_renders_as_nothing),
		TEST(R6_families_are_contiguous_with_one_help_and_one_type_and_series_sorted),
		TEST(histograms_are_cumulative_and_count_is_the_last_bucket),
		TEST(counters_go_round_at_two_to_the_53),
		TEST(histogram_beyond_two_to_the_53_stays_cumulative),
		TEST(R3_gauge_never_set_has_no_line_and_its_family_no_header),
		TEST(R7_label_values_and_help_are_escaped_on_the_page),
		TEST(family_that_may_not_fit_is_left_out_whole_and_the_others_stay),
		TEST(family_that_is_rendered_fits_whatever_is_in_it),
		TEST(family_is_left_out_by_the_longest_that_its_numbers_can_be),
		TEST(pages_are_what_they_are_when_spelled_piece_by_piece),
		TEST(page_follows_values_and_series),
		TEST(family_comes_back_when_there_is_room_again),
		TEST(own_metrics_come_first_and_tell_how_many_families_are_left_out),
	};

	return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
