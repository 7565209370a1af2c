/* SPDX-License-Identifier: MIT */
/*
 * What becomes of what a polled source says: rows X8, X9, X11, X12 and X6. The clock has no part in
 * it; test_poller.c has the threads, test_poll_overflow.c what does not fit a budget.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "polled.h"

static uint64_t written(struct polled *polled)
{
	struct ring_account account;

	assert_int_equal(ring_reader_account(polled->reader, 0, &account), RING_SOUND);
	return account.written;
}

static void X8_first_poll_is_at_once_and_recorded_by_then(void **state)
{
	const struct told told[] = {sent("a", 10), depth("a", 3)};
	struct polled polled;

	polled_open(&polled, *state, "first");
	polled_tell(&polled, RING_ANSWER_ALL, told, 2);
	polled_add(&polled, "source", 0);
	assert_int_equal(polled_total(&polled, "a"), 10);
	assert_true(polled_value(&polled, DEPTH, "a") == 3);
	polled_close(&polled);
}

static void X8_gauges_are_overwritten(void **state)
{
	const struct told busy = {.metric = MODE, .label = "a", .call = STATE, .total = 2};
	const struct told idle = {.metric = MODE, .label = "a", .call = STATE, .total = 0};
	struct polled polled;

	polled_open(&polled, *state, "gauges");
	POLL(&polled, RING_ANSWER_ALL, depth("a", 3), gauge(PLAIN, NULL, -1.5), busy);
	assert_true(polled_value(&polled, PLAIN, "") == -1.5);
	assert_true(polled_value(&polled, MODE, "a") == 2);
	POLL(&polled, RING_ANSWER_ALL, depth("a", 2.5), gauge(PLAIN, NULL, 0), idle);
	assert_true(polled_value(&polled, DEPTH, "a") == 2.5);
	assert_true(polled_value(&polled, PLAIN, "") == 0);
	assert_true(polled_value(&polled, MODE, "a") == 0);
	polled_close(&polled);
}

static void X8_counters_advance_by_the_positive_delta(void **state)
{
	const uint64_t totals[] = {10, 15, 15, 7, 9, 0, 0, 1};
	const uint64_t shown[] = {10, 15, 15, 15, 17, 17, 17, 18};
	struct polled polled;

	polled_open(&polled, *state, "counters");
	for (unsigned i = 0; i < sizeof totals / sizeof *totals; i++) {
		POLL(&polled, RING_ANSWER_ALL, sent("a", totals[i]));
		assert_int_equal(polled_total(&polled, "a"), shown[i]);
	}
	polled_close(&polled);
}

static void X8_total_that_stays_is_no_sample_and_one_of_0_is_there(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "still");
	POLL(&polled, RING_ANSWER_SOME, sent("a", 0), sent("b", 1));
	assert_int_equal(polled_total(&polled, "a"), 0);
	const uint64_t first = written(&polled);
	POLL(&polled, RING_ANSWER_SOME, sent("a", 0), sent("b", 1));
	const uint64_t own = written(&polled) - first; /* of the poller's own metrics */
	POLL(&polled, RING_ANSWER_SOME, sent("a", 0), sent("b", 2));
	assert_int_equal(written(&polled) - first, 2 * own + 1);
	polled_close(&polled);
}

static void X8_source_that_says_that_it_restarted_counts_whole(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "restart");
	POLL(&polled, RING_ANSWER_SOME, sent("a", 10), sent("b", 20));
	polled.has_restarted = 1;
	POLL(&polled, RING_ANSWER_NONE, sent("a", 3));
	assert_int_equal(polled_total(&polled, "a"), 10);
	/* It is so until there is an answer, and for what this one leaves out. */
	polled.has_restarted = 0;
	POLL(&polled, RING_ANSWER_SOME, sent("a", 12));
	assert_int_equal(polled_total(&polled, "a"), 22);
	POLL(&polled, RING_ANSWER_SOME, sent("a", 13), sent("b", 5));
	assert_int_equal(polled_total(&polled, "a"), 23);
	assert_int_equal(polled_total(&polled, "b"), 25);
	polled_close(&polled);
}

/* Ends the process, as it were, and begins its next life. */
static void live_again(struct polled *polled, const char *dir, const char *name, int outlives)
{
	polled_close(polled);
	polled_open(polled, dir, name);
	polled_add(polled, "source", outlives);
}

static void X8_what_a_server_has_counted_is_counted_once_over_lives_of_its_observer(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "outlives");
	polled_add(&polled, "source", 1);
	POLL(&polled, RING_ANSWER_ALL, sent("a", 100));
	assert_int_equal(polled_total(&polled, "a"), 100);
	live_again(&polled, *state, "outlives", 1);
	POLL(&polled, RING_ANSWER_ALL, sent("a", 130), sent("b", 4));
	assert_int_equal(polled_total(&polled, "a"), 130);
	assert_int_equal(polled_total(&polled, "b"), 4);
	/* The server has had a new life, too: what it counts from now on counts. */
	live_again(&polled, *state, "outlives", 1);
	POLL(&polled, RING_ANSWER_ALL, sent("a", 7));
	assert_int_equal(polled_total(&polled, "a"), 130);
	POLL(&polled, RING_ANSWER_ALL, sent("a", 9));
	assert_int_equal(polled_total(&polled, "a"), 132);
	/* If it says so, that is also true of what is seen for the first time. */
	polled.has_restarted = 1;
	POLL(&polled, RING_ANSWER_ALL, sent("b", 3));
	assert_int_equal(polled_total(&polled, "b"), 7);
	polled_close(&polled);
}

static void X8_what_a_library_has_counted_ends_with_its_process(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "library");
	POLL(&polled, RING_ANSWER_ALL, sent("a", 100));
	live_again(&polled, *state, "library", 0);
	POLL(&polled, RING_ANSWER_ALL, sent("a", 30));
	assert_int_equal(polled_total(&polled, "a"), 130);
	polled_close(&polled);
}

static void X9_no_answer_changes_nothing_however_often(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "none");
	POLL(&polled, RING_ANSWER_ALL, sent("a", 10), depth("a", 3));
	for (int i = 0; i < 10; i++) {
		/* Half an answer. */
		POLL(&polled, RING_ANSWER_NONE, sent("a", 50), sent("b", 1), depth("a", 9),
		     depth("b", 9));
		assert_int_equal(polled_total(&polled, "a"), 10);
		assert_true(polled_value(&polled, DEPTH, "a") == 3);
		assert_int_equal(polled_total(&polled, "b"), UINT64_MAX);
		assert_true(isnan(polled_value(&polled, DEPTH, "b")));
	}
	POLL(&polled, RING_ANSWER_ALL, sent("a", 12), sent("b", 1), depth("a", 4));
	assert_int_equal(polled_total(&polled, "a"), 12);
	assert_int_equal(polled_total(&polled, "b"), 1);
	assert_true(polled_value(&polled, DEPTH, "a") == 4);
	polled_close(&polled);
}

static void X9_answer_of_no_known_kind_is_none(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "odd");
	POLL(&polled, (enum ring_answer)7, sent("a", 10), depth("a", 3));
	assert_int_equal(polled_total(&polled, "a"), UINT64_MAX);
	POLL(&polled, RING_ANSWER_ALL, sent("a", 10));
	assert_int_equal(polled_total(&polled, "a"), 10);
	polled_close(&polled);
}

static void X9_all_forgets_what_has_gone_and_some_keeps_it(void **state)
{
	const struct told mode = {.metric = MODE, .label = "b", .call = STATE, .total = 2};
	struct polled polled;

	polled_open(&polled, *state, "gone");
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 2), mode);
	POLL(&polled, RING_ANSWER_SOME, depth("a", 3));
	assert_true(polled_value(&polled, DEPTH, "a") == 3);
	assert_true(polled_value(&polled, DEPTH, "b") == 2);
	assert_true(polled_value(&polled, MODE, "b") == 2);
	POLL(&polled, RING_ANSWER_ALL, depth("a", 4));
	assert_true(polled_value(&polled, DEPTH, "a") == 4);
	assert_true(isnan(polled_value(&polled, DEPTH, "b")));
	assert_true(isnan(polled_value(&polled, MODE, "b")));
	polled_close(&polled);
}

/* A leader that steps down has nothing to say of its queues, and goes on when it leads again. */
static void X9_stepping_down_takes_the_gauges_and_stepping_up_counts_nothing_twice(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "leader");
	POLL(&polled, RING_ANSWER_ALL, sent("a", 10), depth("a", 3), depth("b", 4));
	for (uint64_t term = 1; term <= 3; term++) {
		polled_poll(&polled, RING_ANSWER_ALL, NULL, 0);
		assert_true(isnan(polled_value(&polled, DEPTH, "a")));
		assert_true(isnan(polled_value(&polled, DEPTH, "b")));
		assert_int_equal(polled_total(&polled, "a"), 9 + term);
		POLL(&polled, RING_ANSWER_ALL, sent("a", 10 + term), depth("a", 5));
		assert_int_equal(polled_total(&polled, "a"), 10 + term);
		assert_true(polled_value(&polled, DEPTH, "a") == 5);
	}
	polled_close(&polled);
}

static void of_two_values_for_one_series_the_later_one_holds(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "twice");
	POLL(&polled, RING_ANSWER_ALL, sent("a", 10), depth("a", 3), sent("a", 12), depth("a", 2));
	assert_int_equal(polled_total(&polled, "a"), 12);
	assert_true(polled_value(&polled, DEPTH, "a") == 2);
	polled_close(&polled);
}

static void X11_depth_below_0_is_0(void **state)
{
	const int64_t depths[] = {-1, 5, INT64_MIN, 0, 1000000000000};
	struct polled polled;

	polled_open(&polled, *state, "depth");
	for (unsigned i = 0; i < sizeof depths / sizeof *depths; i++) {
		const struct told told = {
			.metric = DEPTH, .label = "a", .call = BACKLOG, .backlog = depths[i]};
		polled_poll(&polled, RING_ANSWER_ALL, &told, 1);
		assert_true(polled_value(&polled, DEPTH, "a") ==
			    (double)(depths[i] < 0 ? 0 : depths[i]));
	}
	polled_close(&polled);
}

static void X12_unknown_mode_is_the_default(void **state)
{
	static const struct {
		const char *name;
		double state;
	} modes[] = {{"busy", 2}, {"asleep", 1}, {"idle", 0}, {"", 1}, {"ready", 1}, {"bus", 1}};
	const uint64_t places[] = {2, 3, 0, UINT64_MAX, 1};
	struct polled polled;

	polled_open(&polled, *state, "mode");
	for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
		const struct told told = {
			.metric = MODE, .label = "a", .call = NAMED, .state = modes[i].name};
		polled_poll(&polled, RING_ANSWER_ALL, &told, 1);
		assert_true(polled_value(&polled, MODE, "a") == modes[i].state);
	}
	for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
		const struct told told = {
			.metric = MODE, .label = "a", .call = STATE, .total = places[i]};
		polled_poll(&polled, RING_ANSWER_ALL, &told, 1);
		assert_true(polled_value(&polled, MODE, "a") ==
			    (places[i] < 3 ? (double)places[i] : 1));
	}
	polled_close(&polled);
}

static void value_that_cannot_be_taken_is_refused_and_harms_no_other(void **state)
{
	char longer[RING_LABEL_VALUE_MAX + 2];
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	const struct told told[] = {
		{.metric = POLLED_METRICS, .label = "a", .call = TOTAL},
		{.metric = DEPTH, .label = "a", .call = TOTAL},
		{.metric = SENT, .label = "a", .call = VALUE},
		{.metric = DEPTH, .label = "a", .call = NAMED, .state = "busy"},
		{.metric = SENT, .label = NULL, .call = TOTAL},
		{.metric = PLAIN, .label = "a", .call = VALUE},
		{.metric = SENT, .label = longer, .call = TOTAL},
		sent("a", 5),
	};
	const int results[] = {-ENOENT, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL, 0};
	struct polled polled;

	polled_open(&polled, *state, "refused");
	POLL(&polled, RING_ANSWER_SOME, depth("a", 1));
	polled_tell(&polled, RING_ANSWER_ALL, told, POLLED_TOLD);
	assert_int_equal(ring_poller_poll(polled.poller, "source"), 0);
	assert_memory_equal(polled.results, results, sizeof results);
	assert_int_equal(polled_total(&polled, "a"), 5);
	assert_int_equal(workspace_value(polled.reader, "poller_values_refused_total", "source", 0),
			 7);
	/* Also where nothing comes of it. */
	polled.answer = RING_ANSWER_NONE;
	assert_int_equal(ring_poller_poll(polled.poller, "source"), 0);
	assert_int_equal(workspace_value(polled.reader, "poller_values_refused_total", "source", 0),
			 14);
	polled_close(&polled);
}

/* Polls of the source by answer, in the order of enum ring_answer. */
static void count_polls(struct polled *polled, uint64_t counts[3])
{
	static const char *const answers[] = {"none", "some", "all"};

	memset(counts, 0, 3 * sizeof *counts);
	assert_int_equal(ring_reader_refresh(polled->reader), RING_SOUND);
	for (uint32_t i = 0; i < ring_reader_series_count(polled->reader); i++) {
		const struct ring_series_info *series = ring_reader_series(polled->reader, i);
		struct ring_text labels = series->labels, source, answer;
		if (memcmp(ring_reader_metric(polled->reader, series->metric)->name.data,
			   "poller_polls_total", 18) != 0)
			continue;
		ring_label_next(&labels, &source);
		ring_label_next(&labels, &answer);
		for (unsigned a = 0; a < 3; a++)
			if (memcmp(answer.data, answers[a], answer.bytes) == 0)
				assert_int_equal(ring_reader_tallies(polled->reader, 0,
								     series->cell, 1, &counts[a]),
						 RING_SOUND);
	}
}

static void poller_says_how_its_sources_do(void **state)
{
	struct polled polled;
	uint64_t counts[3];

	polled_open(&polled, *state, "own");
	POLL(&polled, RING_ANSWER_NONE, sent("a", 1));
	count_polls(&polled, counts);
	assert_memory_equal(counts, ((const uint64_t[]){1, 0, 0}), sizeof counts);
	assert_true(isnan(polled_own(&polled, "poller_last_answer_timestamp_seconds")));
	POLL(&polled, RING_ANSWER_SOME, sent("a", 1));
	POLL(&polled, RING_ANSWER_ALL, sent("a", 1));
	POLL(&polled, RING_ANSWER_ALL, sent("a", 1));
	count_polls(&polled, counts);
	assert_memory_equal(counts, ((const uint64_t[]){1, 1, 2}), sizeof counts);
	assert_true(polled_own(&polled, "poller_overdue") == 0);
	assert_true(polled_own(&polled, "poller_poll_duration_seconds") > 0);
	assert_true(polled_own(&polled, "poller_poll_duration_seconds") < 60);
	const double ago = (double)time(NULL) -
			   polled_own(&polled, "poller_last_answer_timestamp_seconds");
	assert_true(ago > -2 && ago < 60);
	/* They go with the source, but for the totals. */
	assert_int_equal(ring_poller_remove(polled.poller, "source"), 0);
	assert_true(isnan(polled_own(&polled, "poller_overdue")));
	assert_true(isnan(polled_own(&polled, "poller_poll_duration_seconds")));
	assert_true(isnan(polled_own(&polled, "poller_last_answer_timestamp_seconds")));
	count_polls(&polled, counts);
	assert_memory_equal(counts, ((const uint64_t[]){1, 1, 2}), sizeof counts);
	polled_close(&polled);
}

static void metrics_of_the_poller_can_be_declared(void **state)
{
	struct ring_metric_def declared[RING_POLLER_METRICS];
	struct ring_options options = workspace_options(*state, "declared");
	struct ring_poller *poller;

	ring_poller_declare(declared);
	options.metrics = declared;
	options.metric_count = RING_POLLER_METRICS;
	options.metrics_spare = 1;
	options.series_spare = 1;
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_reader *reader = workspace_reader(segment);
	assert_int_equal(ring_poller_start(&poller, segment, RING_CORE_ANY), 0);
	assert_int_equal(ring_reader_metric_count(reader), RING_POLLER_METRICS);
	assert_int_equal(ring_poller_stop(poller), 0);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void metrics_of_the_poller_have_room_among_those_that_come_later(void **state)
{
	struct ring_options options = workspace_options(*state, "later");
	struct ring_poller *poller;

	options.metric_count = 0;
	options.metrics_spare = RING_POLLER_METRICS;
	options.series_spare = RING_POLLER_SERIES;
	struct ring_segment *segment = workspace_segment(&options);
	assert_int_equal(ring_poller_start(&poller, segment, RING_CORE_ANY), 0);
	assert_int_equal(ring_poller_stop(poller), 0);
	ring_segment_close(segment);
}

static void removing_a_source_forgets_its_gauges_and_keeps_its_totals(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "removed");
	POLL(&polled, RING_ANSWER_SOME, sent("a", 10), depth("a", 3), gauge(PLAIN, NULL, 1));
	assert_int_equal(ring_poller_remove(polled.poller, "source"), 0);
	assert_int_equal(ring_poller_remove(polled.poller, "source"), -ENOENT);
	assert_int_equal(ring_poller_poll(polled.poller, "source"), -ENOENT);
	assert_int_equal(polled_total(&polled, "a"), 10);
	assert_true(isnan(polled_value(&polled, DEPTH, "a")));
	assert_true(isnan(polled_value(&polled, PLAIN, "")));
	polled_close(&polled);
}

static enum ring_answer never(struct ring_poll *poll, void *context)
{
	(void)poll;
	fail_msg("asked: %s", (const char *)context);
	return RING_ANSWER_NONE;
}

static void expect_nothing(struct ring_poller *poller)
{
	const struct ring_source source = {.name = "source", .poll = never, .context = "no-op"};

	assert_int_equal(ring_poller_add(poller, &source), 0);
	assert_int_equal(ring_poller_poll(poller, "source"), 0);
	assert_int_equal(ring_poller_remove(poller, "source"), 0);
	assert_int_equal(ring_poller_stop(poller), 0);
}

static void X6_what_is_not_there_is_polled_without_a_word(void **state)
{
	struct ring_options options = workspace_options(*state, "noop");
	struct ring_segment *segment;
	struct ring_poller *poller;

	expect_nothing(NULL);
	options.dir = "/proc/nowhere";
	assert_int_not_equal(ring_segment_create(&segment, &options), 0);
	assert_int_equal(ring_poller_start(&poller, segment, 0), 0);
	expect_nothing(poller);
	ring_segment_close(segment);
	assert_int_equal(ring_poller_start(&poller, NULL, 0), 0);
	expect_nothing(poller);

	assert_int_equal(ring_poll_counter(NULL, "a", RING_LABELS("a"), 1), 0);
	assert_int_equal(ring_poll_gauge(NULL, "a", NULL, 1), 0);
	assert_int_equal(ring_poll_depth(NULL, "a", NULL, 1), 0);
	assert_int_equal(ring_poll_state(NULL, "a", NULL, 1), 0);
	assert_int_equal(ring_poll_mode(NULL, "a", NULL, "on"), 0);
	ring_poll_restarted(NULL);
}

static void X6_source_without_a_function_is_never_asked(void **state)
{
	const struct ring_source none = {.name = "none"};
	struct polled polled;

	polled_open(&polled, *state, "null");
	assert_int_equal(ring_poller_add(polled.poller, NULL), 0);
	assert_int_equal(ring_poller_add(polled.poller, &none), 0);
	assert_int_equal(ring_poller_add(polled.poller, &none), -EEXIST);
	assert_int_equal(ring_poller_poll(polled.poller, "none"), 0);
	assert_int_equal(ring_poller_remove(polled.poller, "none"), 0);
	assert_int_equal(ring_poller_remove(polled.poller, "none"), -ENOENT);
	assert_int_equal(ring_poller_add(polled.poller, &none), 0);
	polled_close(&polled);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(X8_first_poll_is_at_once_and_recorded_by_then),
		TEST(X8_gauges_are_overwritten),
		TEST(X8_counters_advance_by_the_positive_delta),
		TEST(X8_total_that_stays_is_no_sample_and_one_of_0_is_there),
		TEST(X8_source_that_says_that_it_restarted_counts_whole),
		TEST(X8_what_a_server_has_counted_is_counted_once_over_lives_of_its_observer),
		TEST(X8_what_a_library_has_counted_ends_with_its_process),
		TEST(X9_no_answer_changes_nothing_however_often),
		TEST(X9_answer_of_no_known_kind_is_none),
		TEST(X9_all_forgets_what_has_gone_and_some_keeps_it),
		TEST(X9_stepping_down_takes_the_gauges_and_stepping_up_counts_nothing_twice),
		TEST(of_two_values_for_one_series_the_later_one_holds),
		TEST(X11_depth_below_0_is_0),
		TEST(X12_unknown_mode_is_the_default),
		TEST(value_that_cannot_be_taken_is_refused_and_harms_no_other),
		TEST(poller_says_how_its_sources_do),
		TEST(metrics_of_the_poller_can_be_declared),
		TEST(metrics_of_the_poller_have_room_among_those_that_come_later),
		TEST(removing_a_source_forgets_its_gauges_and_keeps_its_totals),
		TEST(X6_what_is_not_there_is_polled_without_a_word),
		TEST(X6_source_without_a_function_is_never_asked),
	};

	return cmocka_run_group_tests_name("poll", tests, NULL, NULL);
}
