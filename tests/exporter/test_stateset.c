/* SPDX-License-Identifier: MIT */
/*
 * State sets as pages show them: exactly one state is 1, whatever the cells hold and whoever wrote
 * them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ring/record.h>

#include "members.h"

static void expect_page(struct aggregate *aggregate, enum format format, const char *wanted)
{
	char *page = members_page_in(aggregate, format);

	assert_string_equal(page, wanted);
	free(page);
}

/* A member that has set states of "mode", one for each core. */
static struct aggregate_member *join(struct aggregate *aggregate, uint8_t uuid,
				     struct ring_metric_info metric, uint32_t core_count,
				     const double *states)
{
	struct aggregate_member *member = members_join(aggregate, "m", uuid, 0, core_count);

	members_add_metric(member, metric);
	members_add_series(member, 0, metric.label_count > 0 ? "a" : NULL, NULL);
	for (uint32_t core = 0; core < core_count; core++)
		members_gauge(member, 0, core, states[core], 10 * uuid + core);
	return member;
}

static void X12_each_state_is_a_line_labelled_with_the_metric_s_name(void **state)
{
	join(*state, 1, members_stateset("mode", "disk"), 1, (double[]){2});
	expect_page(*state, FORMAT_TEXT,
		    "# HELP mode Help.\n# TYPE mode gauge\n"
		    "mode{disk=\"a\",mode=\"idle\"} 0\n"
		    "mode{disk=\"a\",mode=\"ready\"} 0\n"
		    "mode{disk=\"a\",mode=\"\\\"\"} 1\n");
	expect_page(*state, FORMAT_OPENMETRICS,
		    "# TYPE mode stateset\n# HELP mode Help.\n"
		    "mode{disk=\"a\",mode=\"idle\"} 0\n"
		    "mode{disk=\"a\",mode=\"ready\"} 0\n"
		    "mode{disk=\"a\",mode=\"\\\"\"} 1\n");
}

static void X12_whatever_is_no_state_s_number_shows_the_default(void **state)
{
	const double odd[] = {
		3,   -1,       0.5,       1e300,      -1e300,
		NAN, INFINITY, -INFINITY, 4294967296, ring_double_of(RING_GAUGE_UNSET)};
	struct aggregate_member *member = join(*state, 1, members_stateset("mode", NULL), 1,
					       (double[]){0});

	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		members_gauge(member, 0, 0, 0, 1);
		members_expect(*state, "mode{mode=\"idle\"} 1");
		members_expect(*state, "mode{mode=\"ready\"} 0");
		members_gauge(member, 0, 0, odd[i], 1);
		members_expect(*state, "mode{mode=\"idle\"} 0");
		members_expect(*state, "mode{mode=\"ready\"} 1");
		members_expect(*state, "mode{mode=\"\\\"\"} 0");
	}
}

static void X12_one_state_holds_of_several_cores_and_segments(void **state)
{
	static const char *const lines[] = {[RING_LAST] = "mode{mode=\"ready\"} 1",
					    [RING_MIN] = "mode{mode=\"idle\"} 1",
					    [RING_MAX] = "mode{mode=\"\\\"\"} 1"};
	struct ring_metric_info metric = members_stateset("mode", NULL);
	const double unset = ring_double_of(RING_GAUGE_UNSET);

	metric.state_default = 0; /* and no core without a state counts as in that one */
	for (enum ring_merge merge = RING_LAST; merge <= RING_MAX; merge++) {
		metric.merge = merge;
		struct aggregate_member *one = join(*state, 1, metric, 2, (double[]){0, 2});
		struct aggregate_member *two = join(*state, 2, metric, 2, (double[]){1, unset});
		members_expect(*state, lines[merge]);
		aggregate_drop(two);
		members_expect(*state, merge == RING_MIN ? lines[RING_MIN] : lines[RING_MAX]);
		aggregate_drop(one);
	}
}

static void states_go_with_their_segment(void **state)
{
	struct aggregate_member *member = join(*state, 1, members_stateset("mode", NULL), 1,
					       (double[]){2});

	aggregate_leave(member);
	expect_page(*state, FORMAT_TEXT, "");
}

static void states_or_defaults_that_differ_are_a_conflict(void **state)
{
	struct ring_metric_info others[3];

	for (unsigned i = 0; i < 3; i++)
		others[i] = members_stateset("mode", NULL);
	others[0].states.data = "\5ready\4idle\1\"";
	others[1].states.bytes = 11;
	others[1].state_count = 2;
	others[2].state_default = 0;
	join(*state, 1, members_stateset("mode", NULL), 1, (double[]){0});
	for (uint8_t i = 0; i < 3; i++) {
		const struct aggregate_member *other = join(*state, 2 + i, others[i], 1,
							    (double[]){1});
		assert_int_equal(aggregate_conflict_count(other), 1);
	}
	members_expect(*state, "mode{mode=\"idle\"} 1");
	assert_int_equal(aggregate_conflict_count(
				 join(*state, 5, members_stateset("mode", NULL), 1, (double[]){2})),
			 0);
	members_expect(*state, "mode{mode=\"idle\"} 0");
}

static void counter_cannot_have_a_state_set_s_name_in_openmetrics(void **state)
{
	struct aggregate_member *member = join(*state, 1, members_stateset("mode", NULL), 1,
					       (double[]){0});

	members_add_metric(member, members_metric(RING_COUNTER, 0, "mode_total", NULL, NULL));
	members_add_series(member, 1, NULL, NULL);
	char *page = members_page_in(*state, FORMAT_OPENMETRICS);
	assert_non_null(strstr(page, "# TYPE mode_total unknown\n"));
	free(page);
}

int main(void)
{
#define WITH_AGGREGATE(test) cmocka_unit_test_setup_teardown(test, members_make, members_unmake)
	const struct CMUnitTest tests[] = {
		WITH_AGGREGATE(X12_each_state_is_a_line_labelled_with_the_metric_s_name),
		WITH_AGGREGATE(X12_whatever_is_no_state_s_number_shows_the_default),
		WITH_AGGREGATE(X12_one_state_holds_of_several_cores_and_segments),
		WITH_AGGREGATE(states_go_with_their_segment),
		WITH_AGGREGATE(states_or_defaults_that_differ_are_a_conflict),
		WITH_AGGREGATE(counter_cannot_have_a_state_set_s_name_in_openmetrics),
	};

	return cmocka_run_group_tests_name("stateset", tests, NULL, NULL);
}
