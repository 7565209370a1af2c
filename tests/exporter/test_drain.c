/* SPDX-License-Identifier: MIT */
/*
 * From real rings to exact totals: through loss, new series, samples of nobody and a change of
 * file. The rings of workspace.h hold eight samples.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drain/drain.h"
#include "following.h"
#include "members.h"
#include "workspace.h"

static struct ring_account account(struct following *following, const char *name, uint32_t core)
{
	const struct ring_account account = following_source(following, name)->rings[core].account;

	assert_int_equal(account.written, account.drained + account.dropped + account.pending);
	return account;
}

static void T4_totals_stay_exact_when_the_ring_loses_nearly_everything(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	following_step(following);
	following_count(segment, "rare", 0, 9, 1); /* no sample of it will be left */
	following_count(segment, "a", 0, 3, 1000);
	following_count(segment, "b", 1, 1, 5);
	following_step(following);
	members_expect(following->aggregate, "test_packets_total{channel=\"rare\"} 9");
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 3000");
	members_expect(following->aggregate, "test_packets_total{channel=\"b\"} 5");
	assert_int_equal(account(following, "seg", 0).written, 1001);
	assert_in_range(account(following, "seg", 0).dropped, 1001 - 8, 1001);
	assert_int_equal(account(following, "seg", 1).drained, 5);
	ring_segment_close(segment);
}

static void T5_nothing_new_drains_nothing(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	following_count(segment, "a", 0, 1, 3);
	following_step(following);
	following_step(following);
	assert_int_equal(account(following, "seg", 0).drained, 3);
	assert_int_equal(account(following, "seg", 0).pending, 0);
	ring_segment_close(segment);
}

static void sample_alone_tells_which_tally_to_read(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	following_count(segment, "a", 0, 1, 1);
	following_step(following);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 1");
	following_count(segment, "a", 0, 41, 1);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 1");
	following_step(following);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 42");
	ring_segment_close(segment);
}

/* More series of twelve cells than are read at a time, in the samples of one drain. */
static void many_histograms_touched_at_once_are_each_read(void **state)
{
	enum { SERIES_COUNT = 100, OBSERVATIONS = 2 };
	static const double bounds[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	static const struct ring_metric_def metric = {
		.kind = RING_HISTOGRAM,
		.name = "test_wide",
		.help = "Wide.",
		.label_keys = {"channel"},
		.series_max = SERIES_COUNT,
		.bounds = bounds,
		.bound_count = sizeof bounds / sizeof bounds[0],
	};
	struct following *following = *state;
	struct ring_options options = workspace_options(following->dir, "seg");
	char text[64];

	options.metrics = &metric;
	options.metric_count = 1;
	options.slot_count = 512;
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	following_step(following);
	for (int i = 0; i < SERIES_COUNT; i++) {
		snprintf(text, sizeof text, "%d", i);
		const struct ring_histogram histogram = ring_histogram_resolve(segment, "test_wide",
									       RING_LABELS(text));
		for (int n = 0; n < OBSERVATIONS; n++)
			ring_histogram_observe(writer, histogram, i);
	}
	following_step(following);
	assert_int_equal(account(following, "seg", 0).drained, SERIES_COUNT * OBSERVATIONS);
	for (int i = 0; i < SERIES_COUNT; i++) {
		snprintf(text, sizeof text, "test_wide_sum{channel=\"%d\"} %d", i,
			 i * OBSERVATIONS);
		members_expect(following->aggregate, text);
		snprintf(text, sizeof text, "test_wide_count{channel=\"%d\"} %d", i, OBSERVATIONS);
		members_expect(following->aggregate, text);
	}
	ring_segment_close(segment);
}

static void series_made_later_are_learned_from_their_samples(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	following_step(following);
	following_count(segment, "late", 0, 7, 1);
	following_step(following);
	members_expect(following->aggregate, "test_packets_total{channel=\"late\"} 7");
	assert_int_equal(following_source(following, "seg")->rings[0].rejected, 0);
	ring_segment_close(segment);
}

static void samples_of_no_series_are_rejected_and_counted(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	struct ring_writer *writer = ring_writer_claim(segment, 1);

	following_step(following);
	ring_writer_put(writer, 1, 12345);      /* an index beyond the table */
	ring_writer_put(writer, 1, UINT64_MAX); /* beyond all limits */
	ring_writer_release(writer);
	following_count(segment, "a", 1, 2, 1);
	following_step(following);
	assert_int_equal(following_source(following, "seg")->rings[1].rejected, 2);
	assert_int_equal(account(following, "seg", 1).drained, 3);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 2");
	ring_segment_close(segment);
}

static void accounts_go_on_when_another_schema_takes_over(void **state)
{
	struct following *following = *state;
	struct ring_options options = workspace_options(following->dir, "seg");
	struct ring_segment *segment = workspace_segment(&options);

	following_step(following);
	following_count(segment, "a", 0, 1, 4);
	following_step(following);
	following_count(segment, "a", 0, 1, 100);
	ring_segment_close(segment);
	options.metric_count--;
	options.core_count++;
	segment = workspace_segment(&options);
	following_count(segment, "a", 0, 1, 2);
	following_count(segment, "b", 2, 1, 3);
	following_step(following);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 106");
	assert_int_equal(account(following, "seg", 0).written, 106);
	/* The first four, the last of the hundred, the two of the new file. */
	assert_in_range(account(following, "seg", 0).drained, 4 + 5 + 2, 4 + 8 + 2);
	assert_int_equal(account(following, "seg", 2).drained, 3);
	ring_segment_close(segment);
}

/* Two successors between two looks: the one in the middle was never seen. */
static void accounts_go_on_over_a_generation_that_was_missed(void **state)
{
	struct following *following = *state;
	struct ring_options options = workspace_options(following->dir, "seg");
	struct ring_segment *segment = workspace_segment(&options);

	following_count(segment, "a", 0, 1, 4);
	following_step(following);
	for (int i = 0; i < 2; i++) {
		ring_segment_close(segment);
		options.slot_count *= 2;
		segment = workspace_segment(&options);
		following_count(segment, "a", 0, 1, 2);
	}
	following_step(following);
	const struct ring_account now = account(following, "seg", 0);
	assert_int_equal(now.written, 8);
	assert_int_equal(now.drained, 4 + 2);
	assert_int_equal(now.dropped, 2); /* in the file that nobody read */
	ring_segment_close(segment);
}

static void R2_budget_holds_for_all_segments_together(void **state)
{
	struct following *following = *state;
	struct ring_segment *p = following_segment(following, "p");
	struct ring_segment *q = following_segment(following, "q");

	for (int i = 0; i < 3; i++) /* each within its own budget of three */
		following_count(p, (const char *[]){"a", "b", "c"}[i], 0, 1, 1);
	following_step(following);
	for (int i = 0; i < 3; i++)
		following_count(q, (const char *[]){"c", "d", "e"}[i], 0, 10, 1);
	following_step(following);
	members_expect(following->aggregate, "test_packets_total{channel=\"__overflow__\"} 20\n"
					     "test_packets_total{channel=\"a\"} 1\n"
					     "test_packets_total{channel=\"b\"} 1\n"
					     "test_packets_total{channel=\"c\"} 11");
	ring_segment_close(p);
	ring_segment_close(q);
}

static void R3_gauge_is_shown_as_it_was_set_and_not_before(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	const struct ring_gauge depth = ring_gauge_resolve(segment, "test_depth", NULL);
	static const struct {
		double value;
		const char *line;
	} cases[] = {
		{0.25, "test_depth 0.25"},
		{2, "test_depth 2"},
		{0.0005, "test_depth 0.0005"},
		{1.7976931348623157e308, "test_depth 1.7976931348623157e+308"},
	};

	following_step(following);
	char *page = members_page(following->aggregate);
	assert_null(strstr(page, "test_depth"));
	free(page);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ring_gauge_set(writer, depth, cases[i].value);
		following_step(following);
		members_expect(following->aggregate, cases[i].line);
	}
	ring_segment_close(segment);
}

static void interval_follows_the_fastest_ring_and_backs_off_by_doubling(void **state)
{
	(void)state;
	assert_int_equal(drain_interval_ns(1000000, 500000), 500000);
	assert_int_equal(drain_interval_ns(1000000, 50000000), 2000000);
	assert_int_equal(drain_interval_ns(1000000, 1), DRAIN_INTERVAL_NS_MIN);
	assert_int_equal(drain_interval_ns(DRAIN_INTERVAL_NS_MAX, DRAIN_INTERVAL_NS_MAX),
			 DRAIN_INTERVAL_NS_MAX);
}

static void fastest_ring_sets_the_time_to_fill_a_quarter(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	uint64_t fill_ns = DRAIN_INTERVAL_NS_MAX;

	following_step(following);
	following_count(segment, "a", 0, 1, 4);
	following_count(segment, "a", 1, 1, 1);
	/* Four samples in a millisecond: a quarter of eight slots takes half of that. */
	assert_int_equal(drain_source(following_source(following, "seg"), 1000000, &fill_ns), 0);
	assert_int_equal(fill_ns, 500000);
	ring_segment_close(segment);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, following_make, following_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(T4_totals_stay_exact_when_the_ring_loses_nearly_everything),
		TEST(T5_nothing_new_drains_nothing),
		TEST(sample_alone_tells_which_tally_to_read),
		TEST(many_histograms_touched_at_once_are_each_read),
		TEST(series_made_later_are_learned_from_their_samples),
		TEST(samples_of_no_series_are_rejected_and_counted),
		TEST(accounts_go_on_when_another_schema_takes_over),
		TEST(accounts_go_on_over_a_generation_that_was_missed),
		TEST(R2_budget_holds_for_all_segments_together),
		TEST(R3_gauge_is_shown_as_it_was_set_and_not_before),
		cmocka_unit_test(interval_follows_the_fastest_ring_and_backs_off_by_doubling),
		TEST(fastest_ring_sets_the_time_to_fill_a_quarter),
	};

	return cmocka_run_group_tests_name("drain", tests, NULL, NULL);
}
