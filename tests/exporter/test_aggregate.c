/* SPDX-License-Identifier: MIT */
/*
 * Values over cores and processes: merge rules, equal names, conflicts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ring/record.h>

#include "members.h"

static void counters_and_histograms_add_up_over_cores_and_members(void **state)
{
	for (uint8_t uuid = 1; uuid <= 2; uuid++) {
		struct aggregate_member *member = members_join(*state, "m", uuid, 0, 2);
		members_add_metric(member, members_metric(RING_COUNTER, 0, "a_total", NULL, NULL));
		members_add_metric(member, members_histogram("h_seconds", NULL));
		members_add_series(member, 0, NULL, NULL);
		members_add_series(member, 1, NULL, NULL);
		for (uint32_t core = 0; core < 2; core++) {
			members_count(member, 0, core, 10 * uuid + core);
			aggregate_set(member, 1, core, (uint64_t[]){ring_bits_of(1.5), 1, 2, uuid});
		}
	}
	members_expect(*state, "a_total 62");
	members_expect(*state, "h_seconds_sum 6");
	members_expect(*state, "h_seconds_bucket{le=\"2.5\"} 12");
	members_expect(*state, "h_seconds_count 18");
}

static void gauges_merge_by_their_rule_over_cores_and_members(void **state)
{
	static const char *const names[] = {"a_sum_of", "a_last", "a_min", "a_max"};

	for (uint8_t uuid = 1; uuid <= 2; uuid++) {
		struct aggregate_member *member = members_join(*state, "m", uuid, 0, 2);
		for (uint32_t rule = RING_SUM; rule <= RING_MAX; rule++) {
			members_add_metric(
				member, members_metric(RING_GAUGE, rule, names[rule], NULL, NULL));
			members_add_series(member, rule, NULL, NULL);
			/* The newest is core 0 of the first member. */
			members_gauge(member, rule, 0, uuid, 10u - uuid);
			members_gauge(member, rule, 1, -0.5 * uuid, 3u - uuid);
		}
	}
	members_expect(*state, "a_sum_of 1.5");
	members_expect(*state, "a_last 1");
	members_expect(*state, "a_min -1");
	members_expect(*state, "a_max 2");
}

static void R1_one_name_is_one_series_and_two_names_never_share(void **state)
{
	struct aggregate_member *one = members_join(*state, "one", 1, 0, 1);
	struct aggregate_member *two = members_join(*state, "two", 2, 0, 1);

	members_add_metric(one, members_metric(RING_COUNTER, 0, "a_total", "x", "y"));
	members_add_metric(two, members_metric(RING_COUNTER, 0, "a_total", "x", "y"));
	members_add_series(one, 0, "a", "bc");
	members_add_series(one, 0, "ab", "c");
	members_add_series(two, 0, "a", "bc");
	members_count(one, 0, 0, 1);
	members_count(one, 1, 0, 2);
	members_count(two, 0, 0, 4);
	members_expect(*state, "a_total{x=\"a\",y=\"bc\"} 5");
	members_expect(*state, "a_total{x=\"ab\",y=\"c\"} 2");
}

static void R7_names_that_print_alike_are_one_series(void **state)
{
	struct aggregate_member *member = members_join(*state, "one", 1, 0, 1);

	members_add_metric(member, members_metric(RING_COUNTER, 0, "a_total", "x", NULL));
	members_add_series(member, 0, "\xff", NULL);
	members_add_series(member, 0, "\xfe", NULL);
	members_add_series(member, 0, "\xef\xbf\xbd", NULL);
	for (uint32_t series = 0; series < 3; series++)
		members_count(member, series, 0, 1u << series);
	members_expect(*state, "a_total{x=\"\xef\xbf\xbd\"} 7");
}

static void series_that_come_later_find_their_place(void **state)
{
	struct aggregate_member *member = members_join(*state, "one", 1, 0, 1);

	members_add_metric(member, members_metric(RING_COUNTER, 0, "b_total", "x", NULL));
	members_add_series(member, 0, "b", NULL);
	members_count(member, 0, 0, 1);
	members_expect(*state, "b_total{x=\"b\"} 1");
	assert_false(aggregate_changed(*state));
	members_add_series(member, 0, "a", NULL);
	assert_true(aggregate_changed(*state));
	members_count(member, 1, 0, 2);
	members_expect(*state, "b_total{x=\"a\"} 2");
	members_expect(*state, "b_total{x=\"b\"} 1");
	members_count(member, 0, 0, 1);
	assert_false(aggregate_changed(*state));
	members_count(member, 0, 0, 3);
	assert_true(aggregate_changed(*state));
	members_expect(*state, "b_total{x=\"b\"} 3");
}

static void first_meaning_of_a_name_stands_and_the_other_is_left_out(void **state)
{
	const struct ring_metric_info others[] = {
		members_metric(RING_GAUGE, RING_SUM, "a", "x", NULL),
		members_metric(RING_GAUGE, RING_MIN, "a", "y", NULL),
		members_metric(RING_GAUGE, RING_MIN, "a", "x", "y"),
		members_metric(RING_GAUGE, RING_MIN, "a", NULL, NULL),
		members_metric(RING_COUNTER, 0, "a", "x", NULL),
		members_histogram("a", "x"),
	};
	struct aggregate_member *first = members_join(*state, "first", 1, 0, 1);

	members_add_metric(first, members_metric(RING_GAUGE, RING_MIN, "a", "x", NULL));
	members_add_series(first, 0, "v", NULL);
	members_gauge(first, 0, 0, 5, 1);
	for (uint8_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		struct aggregate_member *other = members_join(*state, "other", 2 + i, 0, 1);
		members_add_metric(other, others[i]);
		members_add_metric(other, members_metric(RING_COUNTER, 0, "b_total", NULL, NULL));
		members_add_series(other, 0, "v", "w");
		members_add_series(other, 1, NULL, NULL);
		aggregate_set(other, 0, 0, (uint64_t[]){ring_bits_of(1), 2, 3, 4});
		members_count(other, 1, 0, 1);
		assert_int_equal(aggregate_conflict_count(other), 1);
	}
	assert_int_equal(aggregate_conflict_count(first), 0);
	members_expect(*state, "a{x=\"v\"} 5");
	members_expect(*state, "b_total 6");
}

static void bounds_that_differ_are_a_conflict(void **state)
{
	static const double bounds[] = {1, 3};
	struct aggregate_member *first = members_join(*state, "first", 1, 0, 1);
	struct aggregate_member *other = members_join(*state, "other", 2, 0, 1);
	struct ring_metric_info metric = members_histogram("h_seconds", NULL);

	members_add_metric(first, metric);
	metric.bounds = bounds;
	members_add_metric(other, metric);
	assert_int_equal(aggregate_conflict_count(other), 1);
}

static double page_sum(struct aggregate *aggregate)
{
	char *page = members_page(aggregate);
	const double sum = strtod(strstr(page, "\nh_seconds_sum ") + 15, NULL);

	free(page);
	return sum;
}

static void sum_of_a_histogram_never_falls_by_a_rounding(void **state)
{
	const int seed = 1;

	(void)state;
	print_message("# seed %d\n", seed);
	srand48(seed);
	for (int round = 0; round < 500; round++) {
		struct aggregate *aggregate = aggregate_create();
		struct aggregate_member *members[3];
		for (uint8_t i = 0; i < 3; i++) {
			members[i] = members_join(aggregate, "m", 1 + i, 0, 2);
			members_add_metric(members[i], members_histogram("h_seconds", NULL));
			members_add_series(members[i], 0, NULL, NULL);
			for (uint32_t core = 0; core < 2; core++)
				aggregate_set(members[i], 0, core,
					      (uint64_t[]){ring_bits_of((double)lrand48() / 1e9), 1,
							   0, 0});
		}
		double before = page_sum(aggregate);
		for (uint64_t i = 0; i < 3; i++) {
			aggregate_leave(members[i]);
			if (i < 2) /* a change, so that it is evaluated anew */
				members_add_series(members[2], 0, NULL, NULL);
			const double after = page_sum(aggregate);
			assert_true(after >= before && after <= before * (1 + 1e-12));
			before = after;
		}
		aggregate_destroy(aggregate);
	}
}

static void sum_of_a_histogram_falls_by_a_negative_observation(void **state)
{
	struct aggregate_member *member = members_join(*state, "m", 1, 0, 1);

	members_add_metric(member, members_histogram("h_seconds", NULL));
	members_add_series(member, 0, NULL, NULL);
	aggregate_set(member, 0, 0, (uint64_t[]){ring_bits_of(1.5), 0, 1, 0});
	members_expect(*state, "h_seconds_sum 1.5");
	aggregate_set(member, 0, 0, (uint64_t[]){ring_bits_of(1.25), 1, 1, 0});
	members_expect(*state, "h_seconds_sum 1.25");
}

static void observation_of_zero_shows_though_the_sum_stays(void **state)
{
	struct aggregate_member *member = members_join(*state, "m", 1, 0, 1);

	members_add_metric(member, members_histogram("h_seconds", NULL));
	members_add_series(member, 0, NULL, NULL);
	aggregate_set(member, 0, 0, (uint64_t[]){ring_bits_of(1.5), 0, 1, 0});
	members_expect(*state, "h_seconds_count 1");
	aggregate_set(member, 0, 0, (uint64_t[]){ring_bits_of(1.5), 1, 1, 0});
	assert_true(aggregate_changed(*state));
	members_expect(*state, "h_seconds_sum 1.5");
	members_expect(*state, "h_seconds_bucket{le=\"1.0\"} 1");
	members_expect(*state, "h_seconds_count 2");
}

static void catalog_stands_for_as_long_as_it_is_held(void **state)
{
	struct aggregate_member *member = members_join(*state, "m", 1, 0, 1);
	struct catalog *first, *second;
	const uint64_t *cells;

	members_add_metric(member, members_metric(RING_COUNTER, 0, "a_total", "x", NULL));
	members_add_series(member, 0, "v", NULL);
	assert_int_equal(aggregate_view(*state, &first, &cells), 0);
	catalog_hold(first);
	members_add_series(member, 0, "w", NULL);
	assert_int_equal(aggregate_view(*state, &second, &cells), 0);
	assert_int_equal(first->series_count, 1);
	assert_string_equal(first->series[0].labels, "v");
	assert_int_equal(second->series_count, 2);
	catalog_release(first);
	members_add_series(member, 0, "x", NULL); /* the second one has been shown to nobody */
	assert_int_equal(aggregate_view(*state, &second, &cells), 0);
}

static void name_goes_to_the_next_when_only_what_is_gone_holds_it(void **state)
{
	struct aggregate_member *first = members_join(*state, "first", 1, 0, 1);
	struct aggregate_member *other;

	members_add_metric(first, members_metric(RING_COUNTER, 0, "a_total", "x", NULL));
	members_add_series(first, 0, "v", NULL);
	members_count(first, 0, 0, 5);
	aggregate_leave(first);
	members_expect(*state, "a_total{x=\"v\"} 5");
	other = members_join(*state, "other", 2, 0, 1);
	members_add_metric(other, members_metric(RING_COUNTER, 0, "a_total", "y", NULL));
	members_add_series(other, 0, "w", NULL);
	members_count(other, 0, 0, 1);
	aggregate_admit(other);
	assert_int_equal(aggregate_conflict_count(other), 0);
	members_expect_not(*state, "a_total{x=\"v\"} 5");
	members_expect(*state, "a_total{y=\"w\"} 1");
}

static void reserved_name_is_left_out(void **state)
{
	struct aggregate_member *member = members_join(*state, "one", 1, 0, 1);
	const struct ring_metric_info metric = members_metric(
		RING_COUNTER, 0, "ring_samples_written_total", NULL, NULL);

	assert_int_equal(aggregate_reserve(*state, metric.name), 0);
	members_add_metric(member, metric);
	members_add_series(member, 0, NULL, NULL);
	members_count(member, 0, 0, 1);
	assert_int_equal(aggregate_conflict_count(member), 1);
	char *page = members_page(*state);
	assert_string_equal(page, "");
	free(page);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, members_make, members_unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(counters_and_histograms_add_up_over_cores_and_members),
		TEST(gauges_merge_by_their_rule_over_cores_and_members),
		TEST(R1_one_name_is_one_series_and_two_names_never_share),
		TEST(R7_names_that_print_alike_are_one_series),
		TEST(series_that_come_later_find_their_place),
		TEST(first_meaning_of_a_name_stands_and_the_other_is_left_out),
		TEST(bounds_that_differ_are_a_conflict),
		cmocka_unit_test(sum_of_a_histogram_never_falls_by_a_rounding),
		TEST(sum_of_a_histogram_falls_by_a_negative_observation),
		TEST(observation_of_zero_shows_though_the_sum_stays),
		TEST(catalog_stands_for_as_long_as_it_is_held),
		TEST(name_goes_to_the_next_when_only_what_is_gone_holds_it),
		TEST(reserved_name_is_left_out),
	};

	return cmocka_run_group_tests_name("aggregate", tests, NULL, NULL);
}
