/* SPDX-License-Identifier: MIT */
/*
 * Pages as they come out, byte by byte.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ring/record.h>

#include "members.h"
#include "render.h"

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
	const struct snapshot_values values = values_of(*state);
	assert_int_equal(render_values(&text, &values), 1);
	text_append(&text, "", 1);
	assert_int_equal(text.error, 0);
	assert_non_null(strstr(text.data, "\na_total{"));
	assert_null(strstr(text.data, "b_total"));
	assert_non_null(strstr(text.data, "\nc_total{"));
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
		shown_count += render_values(&text, &values) == 0;
		assert_int_equal(text.error, 0);
		text_release(&text);
	}
	assert_in_range(shown_count, 1, 7699);
}

static void own_metrics_come_first_and_tell_how_many_families_are_left_out(void **state)
{
	struct aggregate *self = aggregate_create();
	struct snapshot snapshot;
	struct text text;

	add_counter(*state, "data_total", 1);
	add_counter(self, "own_total", 1);
	snapshot.parts[SNAPSHOT_DATA] = values_of(*state);
	snapshot.parts[SNAPSHOT_SELF] = values_of(self);
	text_init(&text, 500);
	render_snapshot(&text, &snapshot);
	text_append(&text, "", 1);
	assert_int_equal(text.error, 0);
	assert_non_null(strstr(text.data, "\nown_total{"));
	assert_null(strstr(text.data, "data_total"));
	assert_non_null(strstr(text.data, "\nring_families_left_out 1\n"));
	text_release(&text);
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
		TEST(own_metrics_come_first_and_tell_how_many_families_are_left_out),
	};

	return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
