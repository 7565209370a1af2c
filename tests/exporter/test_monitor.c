/* SPDX-License-Identifier: MIT */
/*
 * Nodes under watch: who they are, how bad it is, and what it comes to.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "replication/monitor.h"

#define S UINT64_C(1000000000)

static void expect_close(double value, double wanted, double error)
{
	assert_true(fabs(value - wanted) <= error);
}

static void add(struct monitor *monitor, const char *name)
{
	assert_int_equal(monitor_register(monitor, name), 0);
}

static const struct monitor_node *find(struct monitor *monitor, const char *name)
{
	const struct monitor_node *node = monitor_find(monitor, name);

	assert_non_null(node);
	return node;
}

static struct monitor_statistics statistics_of(struct monitor *monitor)
{
	struct monitor_statistics statistics;

	monitor_statistics(monitor, &statistics);
	return statistics;
}

static void M1_defaults_are_the_documents(void **state)
{
	(void)state;
	expect_close(monitor_defaults.thresholds.warning_seconds, 5, 0);
	expect_close(monitor_defaults.thresholds.critical_seconds, 30, 0);
	assert_int_equal(monitor_defaults.retention_ns, 3600 * S);
	assert_int_equal(monitor_defaults.cooldown_ns, 60 * S);
	assert_int_equal(monitor_defaults.breach_count_min, 1);
	assert_true(monitor_defaults.predicts);
	assert_false(monitor_defaults.spares_catch_up);
	assert_null(monitor_thresholds_fault(&monitor_defaults.thresholds));
}

static void M1_thresholds_that_make_no_sense_have_a_fault(void **state)
{
	static const struct monitor_thresholds faulty[] = {{0, 30},   {-1, 30}, {5, 4.9}, {5, -1},
							   {NAN, 30}, {5, NAN}, {0, 0}};
	static const struct monitor_thresholds fine[] = {{5, 5}, {0.001, 0.002}, {5, INFINITY}};

	(void)state;
	for (size_t i = 0; i < sizeof faulty / sizeof faulty[0]; i++)
		assert_non_null(monitor_thresholds_fault(&faulty[i]));
	for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
		assert_null(monitor_thresholds_fault(&fine[i]));
}

static void M1_first_override_that_matches_counts(void **state)
{
	const struct monitor_override overrides[] = {
		{"eu-*", {1, 2}},
		{"*-backup", {100, 200}},
	};
	struct monitor_config config = monitor_defaults;

	(void)state;
	config.overrides = overrides;
	config.override_count = 2;
	struct monitor *monitor = monitor_create(&config);
	add(monitor, "eu-backup");
	add(monitor, "us-backup");
	add(monitor, "us-1");
	const char *const names[] = {"eu-backup", "us-backup", "us-1"};
	const enum severity severities[] = {SEVERITY_CRITICAL, SEVERITY_NORMAL, SEVERITY_WARNING};
	for (int i = 0; i < 3; i++) {
		monitor_update(monitor, names[i], 10, 1, 20, 1 * S);
		assert_int_equal(find(monitor, names[i])->severity, severities[i]);
	}
	monitor_destroy(monitor);
}

/* Five seconds of a lag that grows by 1 s each. */
static void grow(struct monitor *monitor, const char *name, uint64_t now_s)
{
	for (unsigned i = 0; i < 5; i++)
		monitor_update(monitor, name, 100 + i, 90 + i, i, (now_s + i) * S);
}

static void other_configuration_counts_for_nodes_that_are_there(void **state)
{
	struct monitor *monitor = *state;
	struct monitor_override overrides[] = {{"b*", {1, 2}}};
	struct monitor_config config = monitor_defaults;

	add(monitor, "a");
	add(monitor, "b");
	grow(monitor, "a", 1);
	grow(monitor, "b", 1);
	assert_int_equal(find(monitor, "b")->severity, SEVERITY_NORMAL);
	assert_true(find(monitor, "a")->prediction_known && find(monitor, "a")->critical_known);
	config.overrides = overrides;
	config.override_count = 1;
	config.breach_count_min = 2;
	config.predicts = false;
	monitor_configure(monitor, &config);
	assert_false(find(monitor, "a")->prediction_known || find(monitor, "a")->critical_known);
	monitor_update(monitor, "a", 105, 95, 4, 6 * S);
	monitor_update(monitor, "b", 105, 95, 4, 6 * S);
	assert_int_equal(find(monitor, "a")->severity, SEVERITY_NORMAL);
	assert_int_equal(find(monitor, "b")->severity, SEVERITY_CRITICAL);
	assert_false(find(monitor, "a")->prediction_known);
	assert_int_equal(statistics_of(monitor).alerts, 0); /* one breach */
	monitor_update(monitor, "b", 106, 96, 4, 7 * S);
	assert_int_equal(statistics_of(monitor).alerts, 1);
	config.thresholds = (struct monitor_thresholds){3, 4};
	config.overrides = NULL;
	config.override_count = 0;
	monitor_configure(monitor, &config);
	memset(overrides, 0xa5, sizeof overrides);
	add(monitor, "bb");
	monitor_update(monitor, "a", 106, 96, 3, 8 * S);
	assert_int_equal(find(monitor, "a")->severity, SEVERITY_WARNING);
	monitor_update(monitor, "b", 106, 96, 3, 8 * S);
	assert_int_equal(find(monitor, "b")->severity, SEVERITY_WARNING);
}

static void M2_nodes_register_and_unregister(void **state)
{
	struct monitor *monitor = *state;

	assert_null(monitor_find(monitor, "a"));
	assert_null(monitor_next(monitor, NULL));
	add(monitor, "a");
	assert_int_equal(find(monitor, "a")->severity, SEVERITY_NORMAL);
	assert_int_equal(find(monitor, "a")->updated_ns, 0);
	monitor_trim(monitor, 1000 * S);
	monitor_update(monitor, "a", 9, 1, 1, 1 * S);
	add(monitor, "a");
	assert_int_equal(find(monitor, "a")->lag_entries, 8);
	monitor_unregister(monitor, "a", 2 * S);
	assert_null(monitor_find(monitor, "a"));
	assert_null(monitor_next(monitor, NULL));
	monitor_unregister(monitor, "a", 2 * S);
	monitor_destroy(NULL);
}

static void M2_updates_of_unknown_nodes_and_unsound_ones_are_ignored_and_counted(void **state)
{
	struct monitor *monitor = *state;

	monitor_update(monitor, "nobody", 9, 1, 100, 1 * S);
	assert_int_equal(statistics_of(monitor).ignored, 1);
	assert_int_equal(statistics_of(monitor).nodes, 0);
	add(monitor, "a");
	monitor_update(monitor, "a", 9, 1, 1, 5 * S);
	monitor_update(monitor, "a", 9, 1, 100, 5 * S - 1);
	monitor_update(monitor, "a", 9, 1, NAN, 6 * S);
	monitor_update(monitor, "a", 9, 1, -1, 6 * S);
	monitor_update(monitor, "a", 9, 1, INFINITY, 6 * S);
	assert_int_equal(statistics_of(monitor).ignored, 5);
	assert_int_equal(find(monitor, "a")->updated_ns, 5 * S);
	assert_int_equal(find(monitor, "a")->severity, SEVERITY_NORMAL);
	monitor_unregister(monitor, "a", 6 * S);
	monitor_update(monitor, "a", 9, 1, 100, 7 * S);
	assert_int_equal(statistics_of(monitor).ignored, 6);
}

static void M3_status_tells_entries_seconds_and_when(void **state)
{
	struct monitor *monitor = *state;

	add(monitor, "a");
	monitor_update(monitor, "a", 100, 90, 1.5, 1 * S);
	const struct monitor_node *node = find(monitor, "a");
	assert_string_equal(node->name, "a");
	assert_int_equal(node->lag_entries, 10);
	expect_close(node->lag_seconds, 1.5, 0);
	assert_int_equal(node->updated_ns, 1 * S);
	assert_int_equal(node->sample_count, 1);
	/* The leader has begun anew. */
	monitor_update(monitor, "a", 3, 90, 0, 2 * S);
	assert_int_equal(node->lag_entries, 0);
	assert_int_equal(node->severity, SEVERITY_NORMAL);
}

static void M4_severity_goes_by_the_thresholds(void **state)
{
	static const struct {
		double seconds;
		enum severity severity;
	} cases[] = {
		{0, SEVERITY_NORMAL},    {4.999, SEVERITY_NORMAL},   {5, SEVERITY_WARNING},
		{6, SEVERITY_WARNING},   {29.999, SEVERITY_WARNING}, {30, SEVERITY_CRITICAL},
		{35, SEVERITY_CRITICAL}, {1e9, SEVERITY_CRITICAL},
	};
	struct monitor *monitor = *state;

	add(monitor, "a");
	for (uint64_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		monitor_update(monitor, "a", 100, 50, cases[i].seconds, (i + 1) * S);
		assert_int_equal(find(monitor, "a")->severity, cases[i].severity);
	}
	monitor_update(monitor, "a", 100, 100, 0, 100 * S);
	assert_int_equal(find(monitor, "a")->severity, SEVERITY_NORMAL);
}

/* Updates once a second from `from` to `to`: the follower is so many entries behind and makes
 * `step` of them a second. Returns the severity at the end. */
static enum severity run(struct monitor *monitor, uint64_t from, uint64_t to, uint64_t behind,
			 uint64_t step)
{
	for (uint64_t i = from; i <= to; i++) {
		const uint64_t follower = 5000 + i * step;
		monitor_update(monitor, "a", follower + behind, follower, 1, i * S);
	}
	return find(monitor, "a")->severity;
}

static void M4_stalled_is_far_behind_and_not_moving_for_long(void **state)
{
	struct monitor *monitor = *state;

	add(monitor, "a");
	assert_int_equal(run(monitor, 1, 10, 101, 0), SEVERITY_NORMAL); /* for 9 s */
	assert_int_equal(run(monitor, 11, 11, 101, 0), SEVERITY_STALLED);
	/* One entry in ten seconds is a rate of 0.1, and not under it. */
	const uint64_t moved = find(monitor, "a")->samples[0].follower_seqno + 1;
	monitor_update(monitor, "a", 9999, moved, 1, 12 * S);
	assert_int_equal(find(monitor, "a")->severity, SEVERITY_NORMAL);
}

static void M4_idle_follower_is_not_stalled_when_work_comes(void **state)
{
	struct monitor *monitor = *state;

	add(monitor, "a");
	assert_int_equal(run(monitor, 1, 60, 100, 0), SEVERITY_NORMAL);
	assert_int_equal(run(monitor, 61, 70, 200000, 0), SEVERITY_NORMAL);
	assert_int_equal(run(monitor, 71, 71, 200000, 0), SEVERITY_STALLED);
	/* Neither long ago nor in sum: at a stretch. */
	assert_int_equal(run(monitor, 72, 72, 100, 0), SEVERITY_NORMAL);
	assert_int_equal(run(monitor, 73, 82, 200000, 0), SEVERITY_NORMAL);
	assert_int_equal(run(monitor, 83, 83, 200000, 0), SEVERITY_STALLED);
}

static void M4_stalled_comes_before_critical(void **state)
{
	struct monitor *monitor = *state;

	add(monitor, "a");
	for (uint64_t i = 1; i <= 11; i++)
		monitor_update(monitor, "a", 500, 100, 100, i * S);
	assert_int_equal(find(monitor, "a")->severity, SEVERITY_STALLED);
	assert_true(monitor_node_is_critical(find(monitor, "a")));
}

static void M4_busy_follower_at_constant_lag_is_not_stalled(void **state)
{
	struct monitor *monitor = *state;

	add(monitor, "a");
	assert_int_equal(run(monitor, 1, 60, 1000, 1000), SEVERITY_NORMAL);
	expect_close(find(monitor, "a")->rate, 1000, 1e-9);
	/* Nor is one that has been restored, and takes up where it was then. */
	monitor_update(monitor, "a", 70000, 10, 1, 61 * S);
	assert_int_equal(find(monitor, "a")->severity, SEVERITY_NORMAL);
	assert_false(find(monitor, "a")->rate_known);
}

static void M7_lists_are_by_name_and_tell_the_critical_ones(void **state)
{
	static const char *const names[] = {"m", "c", "z", "a", "cc", "", "b"};
	struct monitor *monitor = *state;
	const struct monitor_node *node = NULL;
	char listed[32] = "", critical[32] = "";

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		add(monitor, names[i]);
		monitor_update(monitor, names[i], 9, 1, i < 3 ? 30 : 29, 1 * S);
	}
	while ((node = monitor_next(monitor, node ? node->name : NULL))) {
		strcat(strcat(listed, node->name), " ");
		if (monitor_node_is_critical(node))
			strcat(strcat(critical, node->name), " ");
	}
	assert_string_equal(listed, " a b c cc m z ");
	assert_string_equal(critical, "c m z ");
	/* Also from a name that is not there. */
	assert_string_equal(monitor_next(monitor, "bb")->name, "c");
	assert_null(monitor_next(monitor, "zz"));
}

static void M8_statistics_tell_how_many_and_how_much(void **state)
{
	struct monitor *monitor = *state;
	const char *const names[] = {"a", "b", "c", "d"};

	expect_close(statistics_of(monitor).lag_mean_seconds, 0, 0);
	for (size_t i = 0; i < 4; i++)
		add(monitor, names[i]);
	monitor_update(monitor, "a", 100, 95, 2, 1 * S);
	monitor_update(monitor, "b", 100, 90, 6, 1 * S);
	monitor_update(monitor, "c", 100, 50, 36, 1 * S);
	for (uint64_t i = 1; i <= 11; i++)
		monitor_update(monitor, "d", 1000, 50, 4, i * S);
	const struct monitor_statistics statistics = statistics_of(monitor);
	assert_int_equal(statistics.nodes, 4);
	for (int i = 0; i < SEVERITY_COUNT; i++)
		assert_int_equal(statistics.nodes_by_severity[i], 1);
	expect_close(statistics.lag_mean_seconds, 12, 1e-12);
	expect_close(statistics.lag_max_seconds, 36, 0);
	assert_int_equal(statistics.alerts, 3);
	/* One that is gone does not count, but for its alerts. */
	monitor_unregister(monitor, "c", 12 * S);
	assert_int_equal(statistics_of(monitor).nodes, 3);
	expect_close(statistics_of(monitor).lag_mean_seconds, 4, 1e-12);
	assert_int_equal(statistics_of(monitor).nodes_by_severity[SEVERITY_CRITICAL], 0);
	expect_close(statistics_of(monitor).lag_max_seconds, 6, 0);
	assert_int_equal(statistics_of(monitor).alerts, 3);
}

static void ten_thousand_followers_are_watched(void **state)
{
	const unsigned count = 10000;
	struct monitor *monitor = *state;
	char name[16];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "f%u", i * 7919 % count);
		add(monitor, name);
	}
	for (uint64_t second = 1; second <= 20; second++) {
		for (unsigned i = 0; i < count; i++) {
			snprintf(name, sizeof name, "f%u", i);
			monitor_update(monitor, name, second * 100, second * 100 - i % 50, i % 5,
				       second * S);
		}
	}
	const struct monitor_statistics statistics = statistics_of(monitor);
	assert_int_equal(statistics.nodes, count);
	assert_int_equal(statistics.nodes_by_severity[SEVERITY_NORMAL], count);
	expect_close(statistics.lag_mean_seconds, 2, 1e-9);
	assert_int_equal(statistics.alerts + statistics.ignored, 0);
	size_t listed = 0;
	const struct monitor_node *node = NULL;
	while ((node = monitor_next(monitor, node ? node->name : NULL)))
		listed++;
	assert_int_equal(listed, count);
}

static void nodes_are_bounded_and_the_one_gone_for_longest_makes_room(void **state)
{
	struct monitor *monitor = *state;
	char name[16];

	for (unsigned i = 0; i < MONITOR_NODES_MAX; i++) {
		snprintf(name, sizeof name, "f%u", i);
		add(monitor, name);
		monitor_update(monitor, name, 1, 0, 10, 1 * S);
	}
	assert_int_equal(monitor_register(monitor, "more"), -ENOSPC);
	assert_int_equal(statistics_of(monitor).turned_away, 1);
	monitor_unregister(monitor, "f5", 3 * S);
	monitor_unregister(monitor, "f9000", 2 * S);
	monitor_unregister(monitor, "f70", 4 * S);
	add(monitor, "more");
	assert_string_equal(monitor_next(monitor, "f4999")->name, "f5");
	assert_string_equal(monitor_next(monitor, "f900")->name, "f9001");
	add(monitor, "still more");
	assert_string_equal(monitor_next(monitor, "f4999")->name, "f50");
	add(monitor, "f70");
	assert_int_equal(monitor_register(monitor, "one too many"), -ENOSPC);
	assert_int_equal(statistics_of(monitor).nodes, MONITOR_NODES_MAX);
}

static int open_monitor(void **state)
{
	*state = monitor_create(&monitor_defaults);
	return *state ? 0 : -1;
}

static int close_monitor(void **state)
{
	monitor_destroy(*state);
	return 0;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_monitor, close_monitor)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(M1_defaults_are_the_documents),
		cmocka_unit_test(M1_thresholds_that_make_no_sense_have_a_fault),
		cmocka_unit_test(M1_first_override_that_matches_counts),
		TEST(other_configuration_counts_for_nodes_that_are_there),
		TEST(M2_nodes_register_and_unregister),
		TEST(M2_updates_of_unknown_nodes_and_unsound_ones_are_ignored_and_counted),
		TEST(M3_status_tells_entries_seconds_and_when),
		TEST(M4_severity_goes_by_the_thresholds),
		TEST(M4_stalled_is_far_behind_and_not_moving_for_long),
		TEST(M4_idle_follower_is_not_stalled_when_work_comes),
		TEST(M4_stalled_comes_before_critical),
		TEST(M4_busy_follower_at_constant_lag_is_not_stalled),
		TEST(M7_lists_are_by_name_and_tell_the_critical_ones),
		TEST(M8_statistics_tell_how_many_and_how_much),
		TEST(ten_thousand_followers_are_watched),
		TEST(nodes_are_bounded_and_the_one_gone_for_longest_makes_room),
	};

	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
