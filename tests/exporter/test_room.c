/* SPDX-License-Identifier: MIT */
/* Series that come when there is no room, and what becomes of them when there is again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "members.h"

/* A member with a_total{x=VALUE}, on one core. */
static struct aggregate_member *counting(struct aggregate *aggregate, const char *name,
					 uint8_t uuid, const char *value, uint64_t total)
{
	struct ring_metric_info metric = members_metric(RING_COUNTER, 0, "a_total", "x", NULL);
	struct aggregate_member *member = members_join(aggregate, name, uuid, 0, 1);

	metric.series_max = 100;
	metric.overflow_label = (struct ring_text){"_", 1};
	members_add_metric(member, metric);
	members_add_series(member, 0, value, NULL);
	members_count(member, 0, 0, total);
	aggregate_admit(member);
	return member;
}

static void what_had_no_room_stays_in_the_overflow_series_under_another_name(void **state)
{
	struct shape_rule rule;

	assert_null(shape_rule_parse("*:labels=segment", &rule));
	aggregate_shape(*state, &(struct shape){.rules = &rule, .rule_count = 1});
	aggregate_limit(*state, &(struct aggregate_limits){.series_max = 1});
	struct aggregate_member *first = counting(*state, "first", 1, "v", 1);
	struct aggregate_member *second = counting(*state, "second", 2, "v", 5);
	members_expect(*state, "a_total{x=\"_\",segment=\"_\"} 5");
	aggregate_drop(first);
	aggregate_leave(second);
	counting(*state, "other", 2, "v", 7);
	members_expect(*state, "a_total{x=\"_\",segment=\"_\"} 7");
	assert_int_equal(aggregate_series_count(*state), 0);
}

/* One of its two had room. */
static void each_stays_where_it_was_under_another_name(void **state)
{
	struct ring_metric_info metric = members_metric(RING_COUNTER, 0, "a_total", "x", NULL);
	struct shape_rule rule;

	metric.series_max = 100;
	metric.overflow_label = (struct ring_text){"_", 1};
	assert_null(shape_rule_parse("*:labels=segment", &rule));
	aggregate_shape(*state, &(struct shape){.rules = &rule, .rule_count = 1});
	aggregate_limit(*state, &(struct aggregate_limits){.series_max = 1});
	for (uint64_t life = 0; life < 2; life++) {
		struct aggregate_member *member = members_join(
			*state, life == 0 ? "before" : "after", 1, 0, 1);
		members_add_metric(member, metric);
		members_add_series(member, 0, "v", NULL);
		members_add_series(member, 0, "w", NULL);
		members_count(member, 0, 0, 5 + life);
		members_count(member, 1, 0, 7 + life);
		aggregate_admit(member);
		if (life == 0)
			aggregate_leave(member);
	}
	members_expect(*state, "a_total{x=\"v\",segment=\"after\"} 6");
	members_expect(*state, "a_total{x=\"_\",segment=\"_\"} 8");
	assert_int_equal(aggregate_series_count(*state), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_had_no_room_stays_in_the_overflow_series_under_another_name,
			members_make, members_unmake),
		cmocka_unit_test_setup_teardown(each_stays_where_it_was_under_another_name,
						members_make, members_unmake),
	};

	return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
