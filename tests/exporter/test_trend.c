/* SPDX-License-Identifier: MIT */
/*
 * What the samples of a node say: its history, its rate, and where its lag is going.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "dice.h"
#include "replication/monitor.h"

#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

/* Years of uptime: as a double of seconds, no nanosecond would be left of it. */
#define LONG_AGO (UINT64_C(10) * 365 * 86400 * S)

static uint64_t dice;

static void expect_close(double value, double wanted, double error)
{
	assert_true(fabs(value - wanted) <= error);
}

/* A sample at so many milliseconds. */
static const struct monitor_node *at(struct monitor *monitor, uint64_t ms, uint64_t follower,
				     double lag)
{
	monitor_update(monitor, "a", follower + 10, follower, lag, LONG_AGO + ms * MS);
	return monitor_find(monitor, "a");
}

static void M3_history_is_trimmed_to_the_retention_and_thinned_out(void **state)
{
	const uint64_t retention = monitor_defaults.retention_ns;
	const struct monitor_node *node = NULL;

	for (uint64_t i = 0; i < 10000; i++) {
		node = at(*state, i * 1000, i, 1);
		const struct monitor_sample *samples = node->samples;
		const uint32_t count = node->sample_count;
		const uint64_t now = LONG_AGO + i * S;
		assert_true(count <= MONITOR_HISTORY_MAX);
		/* The newest one by one, and all of the retention covered. */
		for (uint32_t back = 0; back < MONITOR_NEWEST && back <= i; back++)
			assert_int_equal(samples[count - 1 - back].time_ns, now - back * S);
		const uint64_t oldest = i * S < retention ? LONG_AGO : now - retention;
		assert_in_range(samples[0].time_ns, oldest, oldest + retention / 60);
		for (uint32_t j = 1; j < count; j++)
			assert_true(samples[j].time_ns - samples[j - 1].time_ns <= retention / 60);
	}
	at(*state, 20000 * 1000, 20000, 1);
	assert_int_equal(node->sample_count, 1);
}

static void M3_history_is_bounded_at_any_pace(void **state)
{
	struct monitor_config config = monitor_defaults;

	(void)state;
	for (int round = 0; round < 200; round++) {
		const uint64_t pace = 1 + dice_roll(&dice) % 40;
		uint64_t now_ns = 1;
		config.retention_ns = 1 + dice_roll(&dice) % 2000;
		struct monitor *monitor = monitor_create(&config);
		monitor_register(monitor, "a");
		const struct monitor_node *node = monitor_find(monitor, "a");
		for (int i = 0; i < 1000; i++) {
			now_ns += dice_roll(&dice) % pace;
			monitor_update(monitor, "a", 1, 1, 1, now_ns);
			assert_in_range(node->sample_count, 1, MONITOR_HISTORY_MAX);
			assert_int_equal(node->samples[node->sample_count - 1].time_ns, now_ns);
			assert_true(now_ns - node->samples[0].time_ns <= config.retention_ns);
		}
		monitor_destroy(monitor);
	}
}

static void M3_rate_is_the_followers_own_progress_of_late(void **state)
{
	const struct monitor_node *node = at(*state, 0, 1000, 1);

	assert_false(node->rate_known);
	at(*state, 0, 2000, 1);
	assert_false(node->rate_known); /* at one instant */
	at(*state, 500, 2100, 1);
	assert_true(node->rate_known);
	expect_close(node->rate, 2200, 1e-9);
	for (uint64_t i = 1; i <= 20; i++)
		at(*state, 500 + i * 1000, 2100 + i * 50, 1);
	expect_close(node->rate, 50, 1e-9);
	expect_close(node->rate_seconds, MONITOR_STALL_SECONDS, 1e-9);
	for (uint64_t i = 1; i <= 5; i++)
		at(*state, 20500 + i * 1000, 3100, 1);
	expect_close(node->rate, 25, 1e-9);
}

static void M3_rate_begins_anew_when_the_follower_goes_back(void **state)
{
	const struct monitor_node *node = NULL;

	for (uint64_t i = 0; i < 15; i++)
		node = at(*state, i * 1000, 5000 + i, 1);
	at(*state, 15000, 1, 1);
	assert_false(node->rate_known);
	at(*state, 17000, 21, 1);
	expect_close(node->rate, 10, 1e-9);
	expect_close(node->rate_seconds, 2, 1e-9);
	assert_int_equal(node->sample_count, 17);
}

/* A follower that its leader was known without begins at 0, and has applied nothing of what it has.
 */
static void M3_rate_begins_where_the_follower_is_first_heard_of(void **state)
{
	const struct monitor_node *node = NULL;

	for (uint64_t i = 0; i < 5; i++)
		node = at(*state, i * 1000, 0, 1);
	expect_close(node->rate, 0, 0);
	at(*state, 5000, 1000000, 1);
	assert_false(node->rate_known);
	at(*state, 6000, 1000003, 1);
	expect_close(node->rate, 3, 1e-9);
}

static void M3_rate_is_known_over_long_enough_at_any_pace(void **state)
{
	const struct monitor_node *node = NULL;

	for (uint64_t i = 0; i < 1200; i++)
		node = at(*state, i * 100, i, 1);
	expect_close(node->rate, 10, 1e-9);
	assert_true(node->rate_seconds >= MONITOR_STALL_SECONDS);
	/* A minute between two: the last two say it. */
	at(*state, 180000, 5000, 1);
	at(*state, 240000, 5600, 1);
	expect_close(node->rate, 10, 1e-9);
	expect_close(node->rate_seconds, 60, 1e-9);
}

static void M5_linear_growth_is_predicted(void **state)
{
	for (uint64_t i = 0; i < 4; i++)
		assert_false(at(*state, i * 1000, 0, 1 + 0.25 * (double)i)->prediction_known);
	for (uint64_t i = 4; i < 20; i++) {
		const double lag = 1 + 0.25 * (double)i;
		const struct monitor_node *node = at(*state, i * 1000, 0, lag);
		assert_true(node->prediction_known && node->critical_known);
		expect_close(node->predicted_seconds, lag + 15, 1e-9);
		expect_close(node->until_critical_seconds, (30 - lag) / 0.25, 1e-9);
	}
}

static void M5_growth_with_noise_is_predicted_within_1_percent(void **state)
{
	double error = 0;

	for (uint64_t i = 0; i < 200; i++) {
		const double noise = (double)(dice_roll(&dice) % 2001) / 1e6 - 1e-3;
		const double lag = 2 + 0.1 * (double)i;
		const struct monitor_node *node = at(*state, i * 1000, 0, lag + noise);
		const double off = fabs(node->predicted_seconds / (lag + 6) - 1);
		if (i >= MONITOR_FIT && off > error)
			error = off;
	}
	assert_true(error > 0 && error < 0.01);
}

static void M5_shrinking_lag_is_predicted_to_be_0(void **state)
{
	const struct monitor_node *node = NULL;

	for (uint64_t i = 0; i < 10; i++)
		node = at(*state, i * 1000, 0, 25 - (double)i);
	assert_true(node->prediction_known);
	assert_true(node->predicted_seconds == 0);
	assert_false(node->critical_known);
}

static void M5_constant_lag_is_predicted_to_be_itself(void **state)
{
	const struct monitor_node *node = NULL;

	for (uint64_t i = 0; i < 25; i++) {
		node = at(*state, i * 997, 0, 7.3);
		assert_true(!node->prediction_known || node->predicted_seconds == 7.3);
		assert_false(node->critical_known);
	}
	assert_true(node->prediction_known);
}

static void M5_uneven_intervals_do_not_bend_the_prediction(void **state)
{
	uint64_t ms = 0;

	for (int i = 0; i < 200; i++) {
		const double lag = 1 + (double)ms / 1000 * 0.01;
		const struct monitor_node *node = at(*state, ms, 0, lag);
		if (i >= 4)
			expect_close(node->predicted_seconds, lag + 0.6, 1e-9);
		ms += 1 + dice_roll(&dice) % (dice_roll(&dice) % 2 ? 10 : 10000);
	}
}

static void M5_samples_at_one_instant_give_no_prediction(void **state)
{
	const struct monitor_node *node = NULL;

	for (int i = 0; i < 12; i++) {
		node = at(*state, 1000, 0, 1.1 + i);
		assert_false(node->prediction_known || node->critical_known);
	}
	assert_int_equal(node->sample_count, 12);
}

static void M5_only_the_last_10_samples_count(void **state)
{
	const struct monitor_node *node = NULL;

	for (uint64_t i = 0; i < 50; i++)
		at(*state, i * 1000, 0, 20);
	for (uint64_t i = 50; i < 59; i++)
		node = at(*state, i * 1000, 0, 4);
	assert_true(fabs(node->predicted_seconds - 4) > 1);
	at(*state, 59 * 1000, 0, 4);
	expect_close(node->predicted_seconds, 4, 1e-12);
}

static void M5_time_to_critical_is_0_when_it_is_and_unknown_when_it_does_not_grow(void **state)
{
	const struct monitor_node *node = at(*state, 0, 0, 30);

	assert_true(node->critical_known);
	assert_true(node->until_critical_seconds == 0);
	assert_false(node->prediction_known);
	/* It has just come down, and the line has not: at once, but not before now. */
	for (uint64_t i = 1; i < 9; i++)
		at(*state, i * 1000, 0, 30 + 10 * (double)i);
	at(*state, 9 * 1000, 0, 29);
	assert_true(node->critical_known);
	assert_true(node->until_critical_seconds == 0);
	for (uint64_t i = 10; i < 20; i++)
		at(*state, i * 1000, 0, 29 - (double)i);
	assert_false(node->critical_known);
}

static void M5_absurd_lags_give_no_absurd_prediction(void **state)
{
	for (uint64_t i = 0; i < 20; i++) {
		const struct monitor_node *node = at(*state, i, 0, i % 2 ? 1.7e308 : 0);
		assert_true(!node->prediction_known || isfinite(node->predicted_seconds));
		assert_true(!node->critical_known || isfinite(node->until_critical_seconds));
	}
}

static void M5_what_is_never_critical_has_no_time_to_it(void **state)
{
	struct monitor_config config = monitor_defaults;

	(void)state;
	config.thresholds.critical_seconds = INFINITY;
	assert_null(monitor_thresholds_fault(&config.thresholds));
	struct monitor *monitor = monitor_create(&config);
	monitor_register(monitor, "a");
	const struct monitor_node *node = NULL;
	for (uint64_t i = 0; i < 10; i++)
		node = at(monitor, i * 1000, 0, (double)i);
	assert_true(node->prediction_known);
	assert_false(node->critical_known);
	monitor_destroy(monitor);
}

static void M5_prediction_can_be_off(void **state)
{
	struct monitor_config config = monitor_defaults;

	(void)state;
	config.predicts = false;
	struct monitor *monitor = monitor_create(&config);
	monitor_register(monitor, "a");
	for (uint64_t i = 0; i < 40; i++) {
		const struct monitor_node *node = at(monitor, i * 1000, 0, (double)i);
		assert_false(node->prediction_known || node->critical_known);
	}
	monitor_destroy(monitor);
}

static int open_monitor(void **state)
{
	struct monitor *monitor = monitor_create(&monitor_defaults);

	*state = monitor;
	return monitor_register(monitor, "a");
}

static int close_monitor(void **state)
{
	monitor_destroy(*state);
	return 0;
}

static int seed(void **state)
{
	(void)state;
	dice = dice_seed();
	return 0;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_monitor, close_monitor)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(M3_history_is_trimmed_to_the_retention_and_thinned_out),
		cmocka_unit_test(M3_history_is_bounded_at_any_pace),
		TEST(M3_rate_is_the_followers_own_progress_of_late),
		TEST(M3_rate_begins_anew_when_the_follower_goes_back),
		TEST(M3_rate_begins_where_the_follower_is_first_heard_of),
		TEST(M3_rate_is_known_over_long_enough_at_any_pace),
		TEST(M5_linear_growth_is_predicted),
		TEST(M5_growth_with_noise_is_predicted_within_1_percent),
		TEST(M5_shrinking_lag_is_predicted_to_be_0),
		TEST(M5_constant_lag_is_predicted_to_be_itself),
		TEST(M5_uneven_intervals_do_not_bend_the_prediction),
		TEST(M5_samples_at_one_instant_give_no_prediction),
		TEST(M5_only_the_last_10_samples_count),
		TEST(M5_time_to_critical_is_0_when_it_is_and_unknown_when_it_does_not_grow),
		TEST(M5_absurd_lags_give_no_absurd_prediction),
		cmocka_unit_test(M5_what_is_never_critical_has_no_time_to_it),
		cmocka_unit_test(M5_prediction_can_be_off),
	};

	return cmocka_run_group_tests_name("trend", tests, seed, NULL);
}
