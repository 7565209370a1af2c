/* SPDX-License-Identifier: MIT */
/*
 * The lag of one follower: what is shipped and not applied, and how old it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include <ring/ring.h>

#include "replication/lag.h"

#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

static void expect_close(double value, double wanted, double error)
{
	assert_true(fabs(value - wanted) <= error);
}

static void observe(struct lag *lag, enum lag_kind kind, double value, uint64_t time_ns)
{
	lag_observe(lag, kind, ring_bits_of(value), time_ns, time_ns);
}

static void take_back(struct lag *lag, enum lag_kind kind, uint64_t time_ns)
{
	lag_observe(lag, kind, RING_GAUGE_UNSET, time_ns, time_ns);
}

static int64_t entries_of(const struct lag *lag)
{
	int64_t entries;

	assert_true(lag_entries(lag, &entries));
	return entries;
}

static double seconds_of(const struct lag *lag, uint64_t now_ns)
{
	double seconds;

	assert_true(lag_seconds(lag, now_ns, &seconds));
	return seconds;
}

static void expect(const struct lag *lag, uint64_t now_ns, int64_t entries, double seconds)
{
	assert_int_equal(entries_of(lag), entries);
	expect_close(seconds_of(lag, now_ns), seconds, 1e-12);
}

static void expect_unknown(const struct lag *lag)
{
	int64_t entries = 0;
	double seconds = 0;

	assert_false(lag_entries(lag, &entries));
	assert_false(lag_seconds(lag, 1000 * S, &seconds));
	assert_int_equal(entries, 0);
	assert_true(seconds == 0);
}

static void L1_lag_is_shipped_minus_applied_with_its_sign(void **state)
{
	struct lag lag = {0};

	(void)state;
	expect_unknown(&lag);
	observe(&lag, LAG_SHIPPED, 100, 1 * S);
	expect(&lag, 1 * S, 100, 0);
	observe(&lag, LAG_APPLIED, 40, 2 * S);
	expect(&lag, 3 * S, 60, 2);
	observe(&lag, LAG_APPLIED, 100, 4 * S);
	expect(&lag, 5 * S, 0, 0);
	observe(&lag, LAG_APPLIED, 103, 6 * S);
	expect(&lag, 7 * S, -3, 0);
	observe(&lag, LAG_APPLIED, (double)LAG_SEQNO_MAX, 8 * S);
	observe(&lag, LAG_SHIPPED, (double)LAG_SEQNO_MAX, 8 * S);
	expect(&lag, 9 * S, 0, 0);
}

static void L2_follower_that_goes_away_is_not_known(void **state)
{
	struct lag lag = {0};

	(void)state;
	for (int kind = 0; kind < LAG_KIND_COUNT; kind++)
		observe(&lag, (enum lag_kind)kind, 7, 1 * S);
	for (int kind = 0; kind < LAG_KIND_COUNT; kind++)
		take_back(&lag, (enum lag_kind)kind, 2 * S);
	expect_unknown(&lag);
	for (int kind = 0; kind < LAG_KIND_COUNT; kind++)
		observe(&lag, (enum lag_kind)kind, 7, 3 * S);
	for (int kind = 0; kind < LAG_KIND_COUNT; kind++)
		lag_forget(&lag, (enum lag_kind)kind);
	expect_unknown(&lag);
	/* Another segment may say the same of an earlier time. */
	observe(&lag, LAG_SHIPPED, 7, 2 * S);
	observe(&lag, LAG_APPLIED, 6, 2 * S);
	expect(&lag, 4 * S, 1, 2);
	assert_int_equal(lag.stale_count, 0);
}

static void lag_begins_with_the_first_entry_missed_and_idle_leader_is_none(void **state)
{
	struct lag lag = {0};

	(void)state;
	observe(&lag, LAG_SHIPPED, 10, 1 * S);
	observe(&lag, LAG_APPLIED, 10, 2 * S);
	expect(&lag, 3600 * S, 0, 0);
	for (uint64_t i = 1; i <= 20; i++)
		observe(&lag, LAG_SHIPPED, 10 + (double)i, 3600 * S + i * S);
	expect(&lag, 3620 * S, 20, 19);
	expect(&lag, 4601 * S, 20, 1000);
	observe(&lag, LAG_APPLIED, 15, 4601 * S);
	expect(&lag, 4601 * S, 15, 995);
	/* The same again is no progress, of the leader neither. */
	observe(&lag, LAG_SHIPPED, 30, 4602 * S);
	observe(&lag, LAG_APPLIED, 15, 4602 * S);
	expect(&lag, 4602 * S, 15, 996);
	observe(&lag, LAG_APPLIED, 29, 4603 * S);
	expect(&lag, 4603 * S, 1, 983);
}

static void follower_may_appear_before_its_leader_or_after(void **state)
{
	struct lag early = {0}, late = {0};
	int64_t entries;
	double seconds;

	(void)state;
	observe(&early, LAG_APPLIED, 1000, 1 * S);
	assert_false(lag_entries(&early, &entries));
	assert_false(lag_seconds(&early, 100 * S, &seconds));
	observe(&early, LAG_SHIPPED, 1000, 100 * S);
	expect(&early, 200 * S, 0, 0);
	observe(&early, LAG_SHIPPED, 1001, 200 * S);
	expect(&early, 203 * S, 1, 3);

	observe(&late, LAG_SHIPPED, 0, 1 * S);
	expect(&late, 50 * S, 0, 0);
	observe(&late, LAG_SHIPPED, 1000, 100 * S);
	expect(&late, 103 * S, 1000, 3);
	observe(&late, LAG_APPLIED, 1000, 104 * S);
	expect(&late, 105 * S, 0, 0);
}

static void leader_that_starts_again_from_0_is_no_lag_until_it_is_ahead(void **state)
{
	struct lag lag = {0};

	(void)state;
	for (int i = 1; i <= 10; i++)
		observe(&lag, LAG_SHIPPED, 1000 + i, (uint64_t)i * S);
	observe(&lag, LAG_APPLIED, 1005, 10 * S);
	expect(&lag, 11 * S, 5, 5);
	observe(&lag, LAG_SHIPPED, 0, 20 * S);
	expect(&lag, 21 * S, -1005, 0);
	observe(&lag, LAG_SHIPPED, 50, 30 * S);
	expect(&lag, 1000 * S, -955, 0);
	/* Then the follower does too; what it lacks is what the new leader has shipped. */
	observe(&lag, LAG_APPLIED, 0, 1001 * S);
	expect(&lag, 1001 * S, 50, 971);
	observe(&lag, LAG_APPLIED, 50, 1002 * S);
	expect(&lag, 1003 * S, 0, 0);
}

static void restored_follower_is_as_late_as_the_oldest_step_still_known(void **state)
{
	struct lag lag = {0};

	(void)state;
	for (int i = 1; i <= 10; i++)
		observe(&lag, LAG_SHIPPED, i, (uint64_t)i * S);
	observe(&lag, LAG_APPLIED, 6, 10 * S);
	expect(&lag, 10 * S, 4, 3);
	observe(&lag, LAG_APPLIED, 2, 11 * S);
	expect(&lag, 11 * S, 8, 4);
	observe(&lag, LAG_APPLIED, 10, 12 * S);
	expect(&lag, 12 * S, 0, 0);
	/* All was applied, and dropped; that the leader shipped the last one at 10 s is known. */
	observe(&lag, LAG_APPLIED, 1, 13 * S);
	expect(&lag, 13 * S, 9, 3);
}

static void what_is_recorded_wins_until_it_is_taken_back(void **state)
{
	struct lag lag = {0};

	(void)state;
	observe(&lag, LAG_RECORDED, 0.25, 1 * S);
	expect_close(seconds_of(&lag, 9 * S), 0.25, 0);
	observe(&lag, LAG_SHIPPED, 3, 1 * S);
	expect(&lag, 5 * S, 3, 0.25);
	observe(&lag, LAG_RECORDED, 0.125, 2 * S);
	expect(&lag, 5 * S, 3, 0.125);
	take_back(&lag, LAG_RECORDED, 3 * S);
	expect(&lag, 5 * S, 3, 4);
	observe(&lag, LAG_APPLIED, 3, 3 * S);
	take_back(&lag, LAG_APPLIED, 4 * S);
	expect(&lag, 5 * S, 3, 4);
}

static void older_records_are_ignored_and_counted(void **state)
{
	struct lag lag = {0};

	(void)state;
	observe(&lag, LAG_SHIPPED, 10, 10 * S);
	lag_observe(&lag, LAG_SHIPPED, ring_bits_of(5), 9 * S, 10 * S);
	lag_observe(&lag, LAG_SHIPPED, ring_bits_of(50), 9 * S, 10 * S);
	lag_observe(&lag, LAG_SHIPPED, RING_GAUGE_UNSET, 9 * S, 10 * S);
	assert_int_equal(lag.stale_count, 3);
	expect(&lag, 11 * S, 10, 1);
	take_back(&lag, LAG_SHIPPED, 12 * S);
	lag_observe(&lag, LAG_SHIPPED, ring_bits_of(9), 11 * S, 12 * S);
	assert_int_equal(lag.stale_count, 4);
	expect_unknown(&lag);
}

static void of_one_time_the_highest_wins(void **state)
{
	struct lag lag = {0};

	(void)state;
	for (int pass = 0; pass < 3; pass++) {
		observe(&lag, LAG_SHIPPED, 10, 10 * S);
		observe(&lag, LAG_SHIPPED, 11, 10 * S);
		observe(&lag, LAG_APPLIED, 9, 10 * S);
		observe(&lag, LAG_APPLIED, 8, 10 * S);
	}
	expect(&lag, 11 * S, 2, 1);
	/* Twice 10 after 11, and three times 8 after 9. */
	assert_int_equal(lag.stale_count, 5);
	observe(&lag, LAG_RECORDED, 2, 10 * S);
	observe(&lag, LAG_RECORDED, 1, 10 * S);
	expect_close(seconds_of(&lag, 11 * S), 1, 0);
}

static void tally_without_a_time_of_its_own_counts_as_of_now(void **state)
{
	struct lag lag = {0}, first = {0};

	(void)state;
	observe(&lag, LAG_SHIPPED, 10, 1 * S);
	observe(&lag, LAG_APPLIED, 10, 1 * S);
	/* An hour later, read between the value and its time; then both. */
	lag_recall(&lag, LAG_SHIPPED, ring_bits_of(11), 1 * S, 3600 * S);
	expect(&lag, 3600 * S, 1, 0);
	lag_observe(&lag, LAG_SHIPPED, ring_bits_of(11), 3600 * S - 1, 3601 * S);
	expect(&lag, 3602 * S, 1, 2);
	/* The other way round. */
	lag_observe(&lag, LAG_SHIPPED, ring_bits_of(11), 3603 * S, 3604 * S);
	lag_recall(&lag, LAG_SHIPPED, ring_bits_of(12), 3603 * S, 3605 * S);
	observe(&lag, LAG_APPLIED, 11, 3605 * S);
	expect(&lag, 3605 * S, 1, 0);
	/* The very first value, whose time was still 0. */
	lag_recall(&first, LAG_SHIPPED, ring_bits_of(11), 0, 3600 * S);
	expect(&first, 3601 * S, 11, 1);
	take_back(&first, LAG_SHIPPED, 3602 * S);
	lag_recall(&first, LAG_SHIPPED, ring_bits_of(12), 3602 * S, 7200 * S);
	expect(&first, 7203 * S, 12, 3);
}

static void samples_of_one_time_are_of_that_time(void **state)
{
	struct lag lag = {0};

	(void)state;
	for (int i = 1; i <= 3; i++)
		lag_observe(&lag, LAG_SHIPPED, ring_bits_of(i), 1 * S, 3600 * S);
	expect(&lag, 3601 * S, 3, 3600);
	observe(&lag, LAG_APPLIED, 2, 3601 * S);
	expect(&lag, 3601 * S, 1, 3600);
}

static void tallies_that_are_no_news_are_not_counted(void **state)
{
	struct lag lag = {0};

	(void)state;
	observe(&lag, LAG_SHIPPED, 10, 10 * S);
	assert_true(
		lag_recall(&lag, LAG_SHIPPED, ring_bits_of(10), 10 * S, 20 * S)); /* it stands */
	assert_false(lag_recall(&lag, LAG_SHIPPED, ring_bits_of(9), 9 * S, 20 * S));
	assert_false(lag_recall(&lag, LAG_SHIPPED, ring_bits_of(9), 10 * S, 20 * S));
	expect(&lag, 20 * S, 10, 10);
	assert_int_equal(lag.stale_count + lag.refused_count, 0);
	assert_true(lag_recall(&lag, LAG_SHIPPED, ring_bits_of(11), 15 * S, 20 * S));
	/* Samples from before it, which had not been read yet, and its own. */
	lag_observe(&lag, LAG_SHIPPED, ring_bits_of(10), 14 * S, 20 * S);
	observe(&lag, LAG_SHIPPED, 11, 15 * S);
	assert_int_equal(lag.stale_count, 0);
	lag_observe(&lag, LAG_SHIPPED, ring_bits_of(10), 14 * S, 20 * S);
	assert_int_equal(lag.stale_count, 1);
	observe(&lag, LAG_APPLIED, 10, 16 * S);
	expect(&lag, 20 * S, 1, 5);
}

static void record_from_the_future_counts_as_of_now(void **state)
{
	struct lag lag = {0};

	(void)state;
	lag_observe(&lag, LAG_SHIPPED, ring_bits_of(5), UINT64_MAX, 10 * S);
	expect(&lag, 10 * S, 5, 0);
	expect(&lag, 12 * S, 5, 2);
	/* Nor does it keep later ones out. */
	observe(&lag, LAG_SHIPPED, 6, 11 * S);
	assert_int_equal(entries_of(&lag), 6);
	assert_int_equal(lag.stale_count, 0);
	/* The present may be behind what was seen. */
	expect(&lag, 1 * S, 6, 0);
}

static void values_that_are_no_sequence_number_or_no_time_are_refused(void **state)
{
	static const double values[] = {NAN, -1, -0.5, INFINITY, -INFINITY, 9007199254740994.0};
	struct lag lag = {0};
	uint64_t refused = 0;

	(void)state;
	for (int kind = 0; kind < LAG_KIND_COUNT; kind++) {
		for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
			observe(&lag, (enum lag_kind)kind, 3, (2 * i + 1) * S);
			assert_true(lag.known[kind]);
			/* What was recorded before is not what was recorded last. */
			observe(&lag, (enum lag_kind)kind, values[i], (2 * i + 2) * S);
			assert_false(lag.known[kind]);
			assert_int_equal(lag.refused_count, ++refused);
		}
	}
	observe(&lag, LAG_SHIPPED, 4, 100 * S);
	assert_int_equal(entries_of(&lag), 4);
	observe(&lag, LAG_SHIPPED, 3.5, 101 * S);
	assert_false(lag.known[LAG_SHIPPED]);
	assert_int_equal(lag.refused_count, refused + 1);
	assert_int_equal(lag.stale_count, 0);
	observe(&lag, LAG_SHIPPED, 5, 102 * S);
	lag_recall(&lag, LAG_SHIPPED, ring_bits_of(-1), 103 * S, 200 * S);
	assert_false(lag.known[LAG_SHIPPED]);
	assert_int_equal(lag.refused_count, refused + 1);
}

/* Whose writer has never called ring_tick. */
static void record_without_a_time_counts_as_of_now(void **state)
{
	struct lag lag = {0};

	(void)state;
	lag_observe(&lag, LAG_SHIPPED, ring_bits_of(9), 0, 1000 * S);
	expect(&lag, 1003 * S, 9, 3);
	lag_observe(&lag, LAG_APPLIED, ring_bits_of(9), 0, 1004 * S);
	expect(&lag, 1005 * S, 0, 0);
}

static void steps_close_together_are_one_as_of_the_first(void **state)
{
	struct lag lag = {0};

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		observe(&lag, LAG_SHIPPED, 1 + (double)i, 10 * S + i * MS / 100);
	assert_int_equal(lag.step_count, 10);
	for (uint64_t applied = 0; applied < 1000; applied++) {
		const uint64_t now_ns = 11 * S, exact_ns = now_ns - 10 * S - applied * MS / 100;
		observe(&lag, LAG_APPLIED, (double)applied, now_ns);
		const double error = seconds_of(&lag, now_ns) - (double)exact_ns / 1e9;
		assert_true(error > -1e-12 && error < (double)LAG_STEP_NS / 1e9);
	}
}

static void hour_of_steps_tells_every_age_within_a_part_of_it(void **state)
{
	const uint64_t hour = 3600;
	struct lag lag = {0};

	(void)state;
	for (uint64_t i = 1; i <= hour; i++) {
		observe(&lag, LAG_SHIPPED, (double)i, i * S);
		expect_close(seconds_of(&lag, i * S), (double)i - 1, 0);
	}
	for (uint64_t applied = 0; applied < hour; applied++) {
		observe(&lag, LAG_APPLIED, (double)applied, hour * S);
		const double exact = (double)(hour - applied - 1);
		const double seconds = seconds_of(&lag, hour * S);
		assert_true(seconds <= exact && seconds >= exact - (double)hour / LAG_PARTS);
	}
	expect_close(seconds_of(&lag, hour * S + 5 * S), 5, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L1_lag_is_shipped_minus_applied_with_its_sign),
		cmocka_unit_test(L2_follower_that_goes_away_is_not_known),
		cmocka_unit_test(lag_begins_with_the_first_entry_missed_and_idle_leader_is_none),
		cmocka_unit_test(follower_may_appear_before_its_leader_or_after),
		cmocka_unit_test(leader_that_starts_again_from_0_is_no_lag_until_it_is_ahead),
		cmocka_unit_test(restored_follower_is_as_late_as_the_oldest_step_still_known),
		cmocka_unit_test(what_is_recorded_wins_until_it_is_taken_back),
		cmocka_unit_test(older_records_are_ignored_and_counted),
		cmocka_unit_test(of_one_time_the_highest_wins),
		cmocka_unit_test(tally_without_a_time_of_its_own_counts_as_of_now),
		cmocka_unit_test(samples_of_one_time_are_of_that_time),
		cmocka_unit_test(tallies_that_are_no_news_are_not_counted),
		cmocka_unit_test(record_from_the_future_counts_as_of_now),
		cmocka_unit_test(values_that_are_no_sequence_number_or_no_time_are_refused),
		cmocka_unit_test(record_without_a_time_counts_as_of_now),
		cmocka_unit_test(steps_close_together_are_one_as_of_the_first),
		cmocka_unit_test(hour_of_steps_tells_every_age_within_a_part_of_it),
	};

	return cmocka_run_group_tests_name("lag", tests, NULL, NULL);
}
