/* SPDX-License-Identifier: MIT */
/*
 * What polled sources say of more names than a metric has room for: row X10. Sums are exact, and no
 * value ever stands under another's name.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "polled.h"

#define OTHER "_other"

static void X10_counters_past_the_budget_add_up_and_never_leave(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "counters");
	POLL(&polled, RING_ANSWER_ALL, sent("a", 1), sent("b", 2), sent("c", 30), sent("d", 400));
	assert_int_equal(polled_total(&polled, "a"), 1);
	assert_int_equal(polled_total(&polled, "b"), 2);
	assert_int_equal(polled_total(&polled, OTHER), 430);
	POLL(&polled, RING_ANSWER_ALL, sent("c", 31), sent("d", 400), sent("e", 5000));
	assert_int_equal(polled_total(&polled, OTHER), 5431);
	/* One that comes back goes on where it was, one that has restarted counts nothing. */
	POLL(&polled, RING_ANSWER_ALL, sent("a", 1));
	POLL(&polled, RING_ANSWER_ALL, sent("c", 33), sent("d", 7), sent("e", 5000));
	assert_int_equal(polled_total(&polled, OTHER), 5433);
	assert_int_equal(polled_total(&polled, "a"), 1);
	assert_int_equal(polled_total(&polled, "c"), UINT64_MAX);
	polled_close(&polled);
}

static void X10_gauges_past_the_budget_amount_to_what_the_rule_says(void **state)
{
	const double shown[POLLED_METRICS] = {[DEPTH] = 11, [LAST] = 4, [LEAST] = 2, [MOST] = 5};
	struct polled polled;

	polled_open(&polled, *state, "gauges");
	for (unsigned metric = DEPTH; metric <= MOST; metric++) {
		POLL(&polled, RING_ANSWER_SOME, gauge(metric, "a", 100), gauge(metric, "b", -100),
		     gauge(metric, "c", 5), gauge(metric, "d", 2), gauge(metric, "e", 4));
		assert_true(polled_value(&polled, metric, OTHER) == shown[metric]);
		assert_true(polled_value(&polled, metric, "a") == 100);
	}
	polled_close(&polled);
}

static void X10_gauge_that_shares_a_series_keeps_its_part_until_it_says_another(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "part");
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 1), depth("c", 5), depth("d", 7));
	assert_true(polled_value(&polled, DEPTH, OTHER) == 12);
	POLL(&polled, RING_ANSWER_SOME, depth("c", 6));
	assert_true(polled_value(&polled, DEPTH, OTHER) == 13);
	POLL(&polled, RING_ANSWER_NONE, depth("c", 60));
	assert_true(polled_value(&polled, DEPTH, OTHER) == 13);
	polled.has_restarted = 1; /* which is a matter of counters */
	POLL(&polled, RING_ANSWER_SOME, depth("e", 100));
	assert_true(polled_value(&polled, DEPTH, OTHER) == 113);
	polled_close(&polled);
}

static void X10_overflow_series_goes_with_its_last_member(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "last");
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 1), depth("c", 5), depth("d", 7));
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 1), depth("d", 7));
	assert_true(polled_value(&polled, DEPTH, OTHER) == 7);
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 1));
	assert_true(isnan(polled_value(&polled, DEPTH, OTHER)));
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 1), depth("f", 9));
	assert_true(polled_value(&polled, DEPTH, OTHER) == 9);
	/* Also where nobody says so. */
	assert_int_equal(ring_poller_remove(polled.poller, "source"), 0);
	assert_true(isnan(polled_value(&polled, DEPTH, OTHER)));
	polled_close(&polled);
}

static void X10_place_that_has_cooled_down_is_that_of_one_who_shared(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "freed");
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 2), depth("c", 5), depth("d", 7));
	POLL(&polled, RING_ANSWER_ALL, depth("b", 2), depth("c", 5), depth("d", 7));
	assert_true(isnan(polled_value(&polled, DEPTH, "a")));
	polled_cool_down();
	POLL(&polled, RING_ANSWER_ALL, depth("b", 3), depth("c", 6), depth("d", 8));
	assert_true(polled_value(&polled, DEPTH, "b") == 3);
	assert_true(polled_value(&polled, DEPTH, "c") == 6);
	assert_true(polled_value(&polled, DEPTH, "d") != 8);
	assert_true(polled_value(&polled, DEPTH, OTHER) == 8);
	polled_close(&polled);
}

static void X10_states_past_the_budget_share_one(void **state)
{
	const struct told told[] = {
		{.metric = MODE, .label = "a", .call = STATE, .total = 2},
		{.metric = MODE, .label = "b", .call = STATE, .total = 2},
		{.metric = MODE, .label = "c", .call = STATE, .total = 0},
		{.metric = MODE, .label = "d", .call = NAMED, .state = "ready"},
	};
	struct polled polled;

	polled_open(&polled, *state, "states");
	polled_poll(&polled, RING_ANSWER_ALL, told, 4);
	assert_true(polled_value(&polled, MODE, OTHER) == 1);
	polled_poll(&polled, RING_ANSWER_ALL, told, 3);
	assert_true(polled_value(&polled, MODE, OTHER) == 0);
	polled_close(&polled);
}

static enum ring_answer say_fixed(struct ring_poll *poll, void *context)
{
	const double *value = context;

	ring_poll_counter(poll, "queue_sent_total", RING_LABELS("x"), (uint64_t)*value);
	ring_poll_gauge(poll, "queue_messages", RING_LABELS("x"), *value);
	return RING_ANSWER_ALL;
}

static void X10_sources_share_what_is_past_the_budget(void **state)
{
	double value = 1000;
	const struct ring_source second = {
		.name = "second", .poll = say_fixed, .context = &value, .interval_ms = HOUR_MS};
	struct polled polled;

	polled_open(&polled, *state, "sources");
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 1), depth("c", 5), sent("a", 1),
	     sent("b", 1), sent("c", 5));
	assert_int_equal(ring_poller_add(polled.poller, &second), 0);
	assert_true(polled_value(&polled, DEPTH, OTHER) == 1005);
	assert_int_equal(polled_total(&polled, OTHER), 1005);
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 1), depth("c", 6));
	assert_true(polled_value(&polled, DEPTH, OTHER) == 1006);
	/* Nor does it matter who leaves first. */
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 1));
	assert_true(polled_value(&polled, DEPTH, OTHER) == 1000);
	assert_int_equal(ring_poller_remove(polled.poller, "second"), 0);
	assert_true(isnan(polled_value(&polled, DEPTH, OTHER)));
	assert_int_equal(polled_total(&polled, OTHER), 1005);
	polled_close(&polled);
}

/* What one says of a series that others have names in goes with the last of its own names. */
static void X10_pollers_share_what_is_past_the_budget(void **state)
{
	double value = 1000;
	const struct ring_source second = {
		.name = "second", .poll = say_fixed, .context = &value, .interval_ms = HOUR_MS};
	struct ring_poller *other;
	struct polled polled;

	polled_open(&polled, *state, "pollers");
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 1), depth("c", 5));
	assert_int_equal(ring_poller_start(&other, polled.segment, RING_CORE_ANY), 0);
	assert_int_equal(ring_poller_add(other, &second), 0);
	assert_true(polled_value(&polled, DEPTH, OTHER) == 1005);
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 1));
	assert_true(polled_value(&polled, DEPTH, OTHER) == 1000);
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 1), depth("c", 6));
	assert_true(polled_value(&polled, DEPTH, OTHER) == 1006);
	assert_int_equal(ring_poller_stop(other), 0);
	assert_true(polled_value(&polled, DEPTH, OTHER) == 6);
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 1));
	assert_true(isnan(polled_value(&polled, DEPTH, OTHER)));
	polled_close(&polled);
}

static void X10_shared_totals_of_a_server_are_counted_once_over_lives_of_its_observer(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "lives");
	polled_add(&polled, "source", 1);
	for (unsigned life = 0; life < 3; life++) {
		POLL(&polled, RING_ANSWER_ALL, sent("a", 1), sent("b", 2), sent("c", 30 + life),
		     sent("d", 400));
		assert_int_equal(polled_total(&polled, OTHER), 430 + life);
		polled_close(&polled);
		polled_open(&polled, *state, "lives");
		polled_add(&polled, "source", 1);
	}
	/* One of them has counted more by now, another is there no more: nobody can tell. */
	POLL(&polled, RING_ANSWER_ALL, sent("a", 1), sent("c", 240));
	assert_int_equal(polled_total(&polled, OTHER), 432);
	/* Of this name it has not said anything, so that it must be new. */
	POLL(&polled, RING_ANSWER_ALL, sent("a", 1), sent("c", 241), sent("e", 5000));
	assert_int_equal(polled_total(&polled, OTHER), 5433);
	polled_close(&polled);
}

static enum ring_answer say_total(struct ring_poll *poll, void *context)
{
	const uint64_t *total = context;

	ring_poll_counter(poll, "queue_sent_total", RING_LABELS("x"), *total);
	return RING_ANSWER_ALL;
}

static void X10_servers_that_share_a_total_are_each_counted_once(void **state)
{
	uint64_t total = 1000, other = 30;
	const struct ring_source second = {.name = "second",
					   .poll = say_total,
					   .context = &total,
					   .interval_ms = HOUR_MS,
					   .outlives = 1};
	struct polled polled;

	for (unsigned life = 0; life < 3; life++) {
		polled_open(&polled, *state, "servers");
		polled_add(&polled, "source", 1);
		POLL(&polled, RING_ANSWER_ALL, sent("a", 1), sent("b", 2), sent("c", other));
		other += 10;
		POLL(&polled, RING_ANSWER_ALL, sent("a", 1), sent("b", 2), sent("c", other));
		assert_int_equal(ring_poller_add(polled.poller, &second), 0);
		assert_int_equal(polled_total(&polled, OTHER), total + other);
		/* Nor does it matter how often they are taken up. */
		assert_int_equal(ring_poller_remove(polled.poller, "second"), 0);
		total += 5;
		assert_int_equal(ring_poller_add(polled.poller, &second), 0);
		assert_int_equal(polled_total(&polled, OTHER), total + other);
		total += 5;
		assert_int_equal(ring_poller_poll(polled.poller, "second"), 0);
		assert_int_equal(polled_total(&polled, OTHER), total + other);
		polled_close(&polled);
	}
}

/* Nor is what a core of the data plane records there taken for what an earlier life has. */
static void X10_servers_share_a_total_with_the_data_plane(void **state)
{
	uint64_t total = 1000;
	const struct ring_source second = {.name = "second",
					   .poll = say_total,
					   .context = &total,
					   .interval_ms = HOUR_MS,
					   .outlives = 1};
	struct polled polled;

	for (unsigned life = 0; life < 3; life++) {
		polled_open(&polled, *state, "inline");
		POLL(&polled, RING_ANSWER_ALL, sent("a", 0), sent("b", 0));
		struct ring_writer *writer = ring_writer_claim(polled.segment, 1);
		ring_counter_add(
			writer,
			ring_counter_resolve(polled.segment, "queue_sent_total", RING_LABELS("c")),
			30);
		total += 5;
		assert_int_equal(ring_poller_add(polled.poller, &second), 0);
		/* Of what an earlier life has, nobody can tell which part was the server's. */
		assert_true(life > 0 || polled_total(&polled, OTHER) == total + 30);
		assert_int_equal(ring_poller_remove(polled.poller, "second"), 0);
		const uint64_t before = polled_total(&polled, OTHER);
		assert_int_equal(ring_poller_add(polled.poller, &second), 0);
		assert_int_equal(polled_total(&polled, OTHER), before);
		polled_close(&polled);
	}
}

/* Somebody else takes a source's series away, and another name gets its place. */
static void X10_value_never_stands_under_the_name_that_has_its_place_now(void **state)
{
	struct polled polled;

	polled_open(&polled, *state, "names");
	POLL(&polled, RING_ANSWER_SOME, depth("a", 1), depth("b", 2));
	struct ring_writer *writer = ring_writer_claim(polled.segment, 1);
	assert_int_equal(ring_series_forget(polled.segment, "queue_messages", RING_LABELS("a")), 0);
	polled_cool_down();
	const struct ring_gauge z = ring_gauge_resolve(polled.segment, "queue_messages",
						       RING_LABELS("z"));
	ring_gauge_set(writer, z, 26);
	POLL(&polled, RING_ANSWER_SOME, depth("a", 4), depth("b", 5));
	assert_true(polled_value(&polled, DEPTH, "z") == 26);
	assert_true(polled_value(&polled, DEPTH, "b") == 5);
	assert_true(polled_value(&polled, DEPTH, OTHER) == 4);
	polled_close(&polled);
}

/* The same of what shares, of which one source has nothing to say any more. */
static void X10_part_of_a_shared_series_that_has_got_a_place_is_shown_there(void **state)
{
	double value = 1000;
	const struct ring_source second = {
		.name = "second", .poll = say_fixed, .context = &value, .interval_ms = HOUR_MS};
	struct polled polled;

	polled_open(&polled, *state, "moved");
	POLL(&polled, RING_ANSWER_ALL, depth("a", 1), depth("b", 2), depth("c", 3));
	assert_int_equal(ring_poller_add(polled.poller, &second), 0);
	POLL(&polled, RING_ANSWER_ALL, depth("b", 2), depth("c", 3));
	polled_cool_down();
	/* "c" leaves the shared series, which is looked at for that: "x" gets the place of "a". */
	POLL(&polled, RING_ANSWER_ALL, depth("b", 2));
	assert_true(polled_value(&polled, DEPTH, "x") == 1000);
	assert_true(isnan(polled_value(&polled, DEPTH, OTHER)));
	polled_close(&polled);
}

#define NAMES 200000u

static enum ring_answer say_new_names(struct ring_poll *poll, void *context)
{
	unsigned *said = context;
	char name[16];

	ring_poll_counter(poll, "queue_sent_total", RING_LABELS("one"), 1);
	ring_poll_counter(poll, "queue_sent_total", RING_LABELS("two"), 1);
	ring_poll_counter(poll, "queue_sent_total", RING_LABELS("stays"), 1000000 + *said);
	for (unsigned i = 0; i < NAMES / 4; i++) {
		snprintf(name, sizeof name, "q%u", (*said)++);
		ring_poll_counter(poll, "queue_sent_total", RING_LABELS(name), 3);
		if (i % 100 == 0)
			ring_poll_gauge(poll, "queue_messages", RING_LABELS(name), 1);
	}
	return RING_ANSWER_ALL;
}

static void X10_names_that_come_and_go_add_up_however_many(void **state)
{
	unsigned said = 0;
	const struct ring_source source = {
		.name = "many", .poll = say_new_names, .context = &said, .interval_ms = HOUR_MS};
	struct polled polled;

	polled_open(&polled, *state, "many");
	assert_int_equal(ring_poller_add(polled.poller, &source), 0);
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(ring_poller_poll(polled.poller, "many"), 0);
	assert_int_equal(said, NAMES);
	assert_int_equal(polled_total(&polled, OTHER), 1000000 + NAMES * 3 / 4 + NAMES * 3);
	/* Two more may have got places that had cooled down. */
	const double shared = polled_value(&polled, DEPTH, OTHER);
	assert_true(shared >= NAMES / 400 - 2 && shared <= NAMES / 400);
	polled_close(&polled);
}

/* More than the registry remembers. */
#define CROWD 70000u

static enum ring_answer say_as_ever(struct ring_poll *poll, void *context)
{
	const unsigned *count = context;
	char name[16];

	for (unsigned i = 0; i < *count; i++) {
		snprintf(name, sizeof name, "q%u", i);
		ring_poll_gauge(poll, "queue_messages", RING_LABELS(name), 1);
		ring_poll_counter(poll, "queue_sent_total", RING_LABELS(name), 3);
	}
	return RING_ANSWER_ALL;
}

static void X10_names_past_the_budget_count_once_and_go_however_many(void **state)
{
	unsigned count = CROWD;
	const struct ring_source source = {
		.name = "many", .poll = say_as_ever, .context = &count, .interval_ms = HOUR_MS};
	struct polled polled;

	polled_open(&polled, *state, "members");
	assert_int_equal(ring_poller_add(polled.poller, &source), 0);
	assert_int_equal(ring_poller_poll(polled.poller, "many"), 0);
	assert_int_equal(ring_poller_poll(polled.poller, "many"), 0);
	assert_true(polled_value(&polled, DEPTH, OTHER) == CROWD - 2);
	assert_int_equal(polled_total(&polled, OTHER), 3 * (CROWD - 2));
	count = 0;
	assert_int_equal(ring_poller_poll(polled.poller, "many"), 0);
	assert_true(isnan(polled_value(&polled, DEPTH, OTHER)));
	polled_close(&polled);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(X10_counters_past_the_budget_add_up_and_never_leave),
		TEST(X10_gauges_past_the_budget_amount_to_what_the_rule_says),
		TEST(X10_gauge_that_shares_a_series_keeps_its_part_until_it_says_another),
		TEST(X10_overflow_series_goes_with_its_last_member),
		TEST(X10_place_that_has_cooled_down_is_that_of_one_who_shared),
		TEST(X10_states_past_the_budget_share_one),
		TEST(X10_sources_share_what_is_past_the_budget),
		TEST(X10_pollers_share_what_is_past_the_budget),
		TEST(X10_shared_totals_of_a_server_are_counted_once_over_lives_of_its_observer),
		TEST(X10_servers_that_share_a_total_are_each_counted_once),
		TEST(X10_servers_share_a_total_with_the_data_plane),
		TEST(X10_value_never_stands_under_the_name_that_has_its_place_now),
		TEST(X10_part_of_a_shared_series_that_has_got_a_place_is_shown_there),
		TEST(X10_names_that_come_and_go_add_up_however_many),
		TEST(X10_names_past_the_budget_count_once_and_go_however_many),
	};

	return cmocka_run_group_tests_name("poll_overflow", tests, NULL, NULL);
}
