/* SPDX-License-Identifier: MIT */
/*
 * Budgets over all segments of metrics whose overflow series keep the values of their last labels
 * (X10): what has no room is folded no further than it has to be, and no total is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "members.h"

/* A member with so many of ops_total{queue,kind}, and so many overflow series that have a kind. */
static struct aggregate_member *counting(struct aggregate *aggregate, const char *name,
					 uint8_t uuid, uint8_t predecessor, uint32_t series_max,
					 uint32_t overflow_max)
{
	struct aggregate_member *member = members_join(aggregate, name, uuid, predecessor, 1);
	struct ring_metric_info metric = members_metric(RING_COUNTER, RING_SUM, "ops_total",
							"queue", "kind");

	metric.series_max = series_max;
	metric.overflow_max = overflow_max + 1; /* the last one keeps nothing */
	metric.kept_labels = 1;
	metric.overflow_label = (struct ring_text){"_", 1};
	members_add_metric(member, metric);
	return member;
}

static void count(struct aggregate_member *member, uint32_t series, const char *queue,
		  const char *kind, uint64_t total)
{
	members_add_series(member, 0, queue, kind);
	members_count(member, series, 0, total);
}

static void X10_overflow_series_keep_the_last_labels(void **state)
{
	struct aggregate_member *member = counting(*state, "m", 1, 0, 1, 4);

	count(member, 0, "a", "get", 1);
	count(member, 1, "b", "get", 2);
	count(member, 2, "c", "put", 4);
	count(member, 3, "d", "get", 8);
	members_expect(*state, "ops_total{queue=\"a\",kind=\"get\"} 1");
	members_expect(*state, "ops_total{queue=\"_\",kind=\"get\"} 10");
	members_expect(*state, "ops_total{queue=\"_\",kind=\"put\"} 4");
	assert_int_equal(aggregate_series_count(*state), 1);
	assert_int_equal(aggregate_overflowed_count(*state), 3);
}

static void X10_kept_values_have_a_budget_of_their_own(void **state)
{
	struct aggregate_member *member = counting(*state, "m", 1, 0, 1, 2);

	count(member, 0, "a", "get", 1);
	count(member, 1, "b", "get", 2);
	count(member, 2, "b", "put", 4);
	count(member, 3, "b", "cut", 8);
	count(member, 4, "b", "nip", 16);
	count(member, 5, "c", "put", 32);
	members_expect(*state, "ops_total{queue=\"_\",kind=\"get\"} 2");
	members_expect(*state, "ops_total{queue=\"_\",kind=\"put\"} 36");
	members_expect(*state, "ops_total{queue=\"_\",kind=\"_\"} 24");
}

/* What a segment has folded is shown as it is, whatever room there is. */
static void X10_overflow_series_of_segments_are_on_top_of_the_budget(void **state)
{
	struct aggregate_member *one = counting(*state, "one", 1, 0, 2, 2);
	struct aggregate_member *two = counting(*state, "two", 2, 0, 2, 2);

	count(one, 0, "_", "get", 1);
	count(one, 1, "_", "put", 2);
	count(two, 0, "_", "get", 4);
	count(two, 1, "a", "get", 8);
	count(two, 2, "b", "get", 16);
	assert_int_equal(aggregate_series_count(*state), 2);
	assert_int_equal(aggregate_overflowed_count(*state), 0);
	members_expect(*state, "ops_total{queue=\"_\",kind=\"get\"} 5");
	members_expect(*state, "ops_total{queue=\"_\",kind=\"put\"} 2");
	/* More kinds than there may be, whoever has them. */
	count(two, 3, "_", "cut", 32);
	members_expect(*state, "ops_total{queue=\"_\",kind=\"_\"} 32");
}

static void X10_largest_number_of_overflow_series_holds(void **state)
{
	struct aggregate_member *one = counting(*state, "one", 1, 0, 1, 1);
	struct aggregate_member *two = counting(*state, "two", 2, 0, 1, 2);

	count(one, 0, "_", "get", 1);
	count(two, 0, "_", "put", 2);
	count(two, 1, "_", "cut", 4);
	members_expect(*state, "ops_total{queue=\"_\",kind=\"get\"} 1");
	members_expect(*state, "ops_total{queue=\"_\",kind=\"put\"} 2");
	members_expect(*state, "ops_total{queue=\"_\",kind=\"_\"} 4");
}

static void X10_room_of_overflow_series_that_are_gone_is_others(void **state)
{
	struct aggregate_member *one = counting(*state, "one", 1, 0, 1, 1);
	struct aggregate_member *two = counting(*state, "two", 2, 0, 1, 1);

	count(one, 0, "_", "get", 1);
	aggregate_drop(one);
	count(two, 0, "_", "put", 2);
	members_expect(*state, "ops_total{queue=\"_\",kind=\"put\"} 2");
}

/* Segment and core are folded before what is kept; the node's labels never. */
static void X10_kept_labels_outlast_those_that_keep_segments_apart(void **state)
{
	struct shape_labels labels = {.count = 0};
	struct shape_rule rule;

	assert_null(shape_rule_parse("*:labels=core+segment,series=1", &rule));
	assert_null(shape_label_parse("node=n", &labels));
	aggregate_shape(*state,
			&(struct shape){.labels = &labels, .rules = &rule, .rule_count = 1});
	struct aggregate_member *one = counting(*state, "one", 1, 0, 9, 1);
	struct aggregate_member *two = counting(*state, "two", 2, 0, 9, 1);
	count(one, 0, "a", "get", 1);
	count(one, 1, "b", "get", 2);
	count(two, 0, "a", "get", 4);
	count(two, 1, "a", "put", 8);
	members_expect(*state, "ops_total{queue=\"a\",kind=\"get\",segment=\"one\",core=\"0\","
			       "node=\"n\"} 1");
	members_expect(*state, "ops_total{queue=\"_\",kind=\"get\",segment=\"_\",core=\"_\","
			       "node=\"n\"} 6");
	members_expect(*state, "ops_total{queue=\"_\",kind=\"_\",segment=\"_\",core=\"_\","
			       "node=\"n\"} 8");
}

static void X10_successor_finds_its_totals_where_they_were_folded(void **state)
{
	struct aggregate_member *other = counting(*state, "other", 9, 0, 1, 2);
	struct aggregate_member *member = counting(*state, "m", 1, 0, 1, 2);

	count(other, 0, "x", "get", 1);
	count(member, 0, "a", "get", 5);
	count(member, 1, "a", "put", 6);
	aggregate_admit(other);
	aggregate_admit(member);
	aggregate_leave(member);
	aggregate_drop(other); /* there is room again */
	member = counting(*state, "m", 2, 1, 1, 2);
	count(member, 0, "a", "get", 7);
	count(member, 1, "a", "put", 8);
	aggregate_admit(member);
	members_expect(*state, "ops_total{queue=\"_\",kind=\"get\"} 7");
	members_expect(*state, "ops_total{queue=\"_\",kind=\"put\"} 8");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, members_make, members_unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(X10_overflow_series_keep_the_last_labels),
		TEST(X10_kept_values_have_a_budget_of_their_own),
		TEST(X10_overflow_series_of_segments_are_on_top_of_the_budget),
		TEST(X10_largest_number_of_overflow_series_holds),
		TEST(X10_room_of_overflow_series_that_are_gone_is_others),
		TEST(X10_kept_labels_outlast_those_that_keep_segments_apart),
		TEST(X10_successor_finds_its_totals_where_they_were_folded),
	};

	return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
