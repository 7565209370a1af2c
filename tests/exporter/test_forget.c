/* SPDX-License-Identifier: MIT */
/*
 * Series of gauges and state sets that are given up, and places that are other series' later
 * (X10). Nothing is shown under a name that it was not recorded for, and nothing stays.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "members.h"

/* A member with a budget of so many of depth{queue}, which cores and segments add up. */
static struct aggregate_member *with_depths(struct aggregate *aggregate, const char *name,
					    uint32_t core_count, uint32_t series_max)
{
	struct aggregate_member *member = members_join(aggregate, name, 0, 0, core_count);
	struct ring_metric_info metric = members_metric(RING_GAUGE, RING_SUM, "depth", "queue",
							NULL);

	metric.series_max = series_max;
	metric.overflow_label = (struct ring_text){"_other", 6};
	members_add_metric(member, metric);
	aggregate_admit(member);
	return member;
}

static void name_series(struct aggregate_member *member, uint32_t series, const char *value)
{
	char packed[64];
	const int bytes = snprintf(packed, sizeof packed, "%c%s", (int)strlen(value), value);

	assert_int_equal(aggregate_name_series(member, series, 0,
					       (struct ring_text){packed, (uint32_t)bytes}),
			 0);
}

static void add_depth(struct aggregate_member *member, uint32_t series, const char *queue,
		      double depth)
{
	members_add_series(member, 0, queue, NULL);
	members_gauge(member, series, 0, depth, 1);
}

static uint32_t count_lines(struct aggregate *aggregate, const char *beginning)
{
	char *page = members_page(aggregate);
	uint32_t count = 0;

	for (const char *at = page; (at = strstr(at, beginning)); at++)
		count += at == page || at[-1] == '\n';
	free(page);
	return count;
}

static void X10_forgotten_series_leaves_with_the_next_view_and_leaves_nothing(void **state)
{
	struct aggregate_member *member = with_depths(*state, "m", 1, 10);

	add_depth(member, 0, "a", 1);
	add_depth(member, 1, "b", 2);
	members_expect(*state, "depth{queue=\"a\"} 1");
	aggregate_forget_series(member, 0);
	assert_true(aggregate_changed(*state));
	members_expect_not(*state, "depth{queue=\"a\"} 1");
	members_expect(*state, "depth{queue=\"b\"} 2");
	assert_int_equal(aggregate_series_count(*state), 1);
	/* What is read of the place goes nowhere, and to forget it again changes nothing. */
	members_gauge(member, 0, 0, 7, 1);
	aggregate_forget_series(member, 0);
	assert_int_equal(count_lines(*state, "depth{"), 1);
	aggregate_trim(*state, 1);
	assert_int_equal(aggregate_forgotten_count(*state), 0);
	aggregate_leave(member);
	assert_int_equal(count_lines(*state, "depth{"), 0);
}

static void X10_place_is_shown_under_the_name_that_it_has_now(void **state)
{
	struct aggregate_member *member = with_depths(*state, "m", 2, 10);

	add_depth(member, 0, "a", 1);
	add_depth(member, 1, "b", 2);
	aggregate_forget_series(member, 0);
	name_series(member, 0, "c");
	/* Not set since: what the one before had is not its. */
	assert_int_equal(count_lines(*state, "depth{queue=\"c\"}"), 0);
	members_gauge(member, 0, 1, 5, 2);
	members_expect(*state, "depth{queue=\"c\"} 5");
	members_expect(*state, "depth{queue=\"b\"} 2");
	assert_int_equal(count_lines(*state, "depth{queue=\"a\"}"), 0);
}

static void X10_place_that_is_nobodys_at_first_is_shown_when_it_has_a_name(void **state)
{
	struct aggregate_member *member = with_depths(*state, "m", 1, 10);

	assert_int_equal(aggregate_add_place(member), 0);
	members_gauge(member, 0, 0, 3, 1);
	add_depth(member, 1, "b", 2);
	assert_int_equal(count_lines(*state, "depth{"), 1);
	name_series(member, 0, "a");
	members_gauge(member, 0, 0, 4, 1);
	members_expect(*state, "depth{queue=\"a\"} 4");
}

static void X10_what_another_segment_has_of_that_name_stays(void **state)
{
	struct aggregate_member *one = with_depths(*state, "one", 1, 10);
	struct aggregate_member *two = with_depths(*state, "two", 1, 10);

	add_depth(one, 0, "a", 1);
	add_depth(two, 0, "a", 2);
	members_expect(*state, "depth{queue=\"a\"} 3");
	aggregate_forget_series(one, 0);
	members_expect(*state, "depth{queue=\"a\"} 2");
	aggregate_forget_series(two, 0);
	assert_int_equal(count_lines(*state, "depth{"), 0);
}

static void X10_overflow_series_goes_with_the_last_one_in_it(void **state)
{
	struct aggregate_member *member = with_depths(*state, "m", 1, 1);
	struct aggregate_member *other = with_depths(*state, "n", 1, 1);

	add_depth(member, 0, "a", 1);
	add_depth(member, 1, "_other", 2); /* the segment's own */
	add_depth(other, 0, "b", 4);
	members_expect(*state, "depth{queue=\"_other\"} 6");
	aggregate_forget_series(member, 1);
	members_expect(*state, "depth{queue=\"_other\"} 4");
	aggregate_forget_series(other, 0);
	assert_int_equal(count_lines(*state, "depth{queue=\"_other\"}"), 0);
	/* And the room of one that is forgotten is the next one's. */
	aggregate_forget_series(member, 0);
	name_series(other, 0, "c");
	members_gauge(other, 0, 0, 8, 1);
	members_expect(*state, "depth{queue=\"c\"} 8");
}

static void X10_cores_apart_go_together(void **state)
{
	struct shape_rule rule;

	assert_null(shape_rule_parse("depth:labels=core+segment", &rule));
	aggregate_shape(*state, &(struct shape){.rules = &rule, .rule_count = 1});
	struct aggregate_member *member = with_depths(*state, "m", 2, 10);
	add_depth(member, 0, "a", 1);
	members_gauge(member, 0, 1, 2, 1);
	members_expect(*state, "depth{queue=\"a\",segment=\"m\",core=\"1\"} 2");
	aggregate_forget_series(member, 0);
	members_gauge(member, 0, 1, 9, 1);
	assert_int_equal(count_lines(*state, "depth{"), 0);
	name_series(member, 0, "b");
	members_gauge(member, 0, 1, 3, 1);
	members_expect(*state, "depth{queue=\"b\",segment=\"m\",core=\"1\"} 3");
	assert_int_equal(count_lines(*state, "depth{"), 1);
	aggregate_drop(member);
}

static void X10_state_sets_are_forgotten_too(void **state)
{
	struct aggregate_member *member = members_join(*state, "m", 1, 0, 1);

	members_add_metric(member, members_stateset("mode", "shard"));
	members_add_series(member, 0, "a", NULL);
	aggregate_set(member, 0, 0, (uint64_t[]){0, 1});
	assert_int_equal(count_lines(*state, "mode{shard=\"a\",mode=\"idle\"} 1"), 1);
	aggregate_forget_series(member, 0);
	assert_int_equal(count_lines(*state, "mode{"), 0);
	name_series(member, 0, "b");
	/* The default holds until one is set. */
	assert_int_equal(count_lines(*state, "mode{shard=\"b\",mode=\"ready\"} 1"), 1);
	assert_int_equal(count_lines(*state, "mode{shard=\"a\""), 0);
}

static void X10_metric_in_conflict_has_nothing_to_forget(void **state)
{
	struct aggregate_member *first = members_join(*state, "first", 1, 0, 1);

	members_add_metric(first, members_metric(RING_COUNTER, RING_SUM, "depth", "queue", NULL));
	struct aggregate_member *member = with_depths(*state, "m", 1, 10);
	add_depth(member, 0, "a", 1);
	aggregate_forget_series(member, 0);
	name_series(member, 0, "b");
	members_gauge(member, 0, 0, 3, 1);
	assert_int_equal(count_lines(*state, "depth{"), 0);
}

#define MEMBERS 3
#define PLACES  6
#define QUEUES  10

/* Which queue each place is; -1: nobody's. */
struct model {
	struct aggregate_member *members[MEMBERS];
	int queues[MEMBERS][PLACES];
};

/* What is shown of a queue, of which each series records 1; 0: nothing. */
static unsigned long shown(const char *page, const char *queue)
{
	char beginning[64];

	snprintf(beginning, sizeof beginning, "\ndepth{queue=\"%s\"} ", queue);
	const char *line = strstr(page, beginning);
	return line ? strtoul(line + strlen(beginning), NULL, 10) : 0;
}

static void model_check(const struct model *model, struct aggregate *aggregate)
{
	unsigned long live[QUEUES] = {0}, live_sum = 0, sum;
	char *page = members_page(aggregate);
	char name[16];

	for (int i = 0; i < MEMBERS * PLACES; i++) {
		const int queue = model->queues[i / PLACES][i % PLACES];
		live_sum += queue >= 0;
		if (queue >= 0)
			live[queue]++;
	}
	sum = shown(page, "_other");
	for (int queue = 0; queue < QUEUES; queue++) {
		snprintf(name, sizeof name, "q%d", queue);
		if (shown(page, name) > live[queue])
			fail_msg("%s has what is others':\n%s", name, page);
		sum += shown(page, name);
	}
	if (sum != live_sum)
		fail_msg("%lu are shown of %lu:\n%s", sum, live_sum, page);
	free(page);
}

/* Forgets a series, or names a place anew. */
static void model_step(struct model *model, uint64_t *dice)
{
	const unsigned which = (unsigned)(dice_roll(dice) % (MEMBERS * PLACES));
	struct aggregate_member *member = model->members[which / PLACES];
	int *queue = &model->queues[which / PLACES][which % PLACES];
	char name[16];

	if (*queue >= 0) {
		aggregate_forget_series(member, which % PLACES);
		*queue = -1;
		return;
	}
	*queue = (int)(dice_roll(dice) % QUEUES);
	snprintf(name, sizeof name, "q%d", *queue);
	name_series(member, which % PLACES, name);
	members_gauge(member, which % PLACES, 0, 1, 1);
}

static void X10_random_lives_are_shown_under_their_own_names_and_add_up(void **state)
{
	uint64_t dice = dice_seed();
	struct model model;

	for (uint32_t i = 0; i < MEMBERS; i++) {
		model.members[i] = with_depths(*state, "m", 1, 4);
		for (uint32_t place = 0; place < PLACES; place++) {
			model.queues[i][place] = -1;
			assert_int_equal(aggregate_add_place(model.members[i]), 0);
		}
	}
	for (int step = 0; step < 2000; step++) {
		model_step(&model, &dice);
		model_check(&model, *state);
		assert_true(aggregate_series_count(*state) <= 4);
	}
}

static void X10_renewing_takes_no_memory(void **state)
{
	struct aggregate_member *member = with_depths(*state, "m", 1, 4);
	size_t before = 0;
	char name[16];

	add_depth(member, 0, "q", 1);
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof name, "q%06d", i);
		aggregate_forget_series(member, 0);
		name_series(member, 0, name);
		if (i == 100)
			before = mallinfo2().uordblks;
	}
	/* Sanitizers keep their own accounts, and then both are 0. */
	assert_true(mallinfo2().uordblks <= before + 4096);
	assert_int_equal(aggregate_series_count(*state), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, members_make, members_unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(X10_forgotten_series_leaves_with_the_next_view_and_leaves_nothing),
		TEST(X10_place_is_shown_under_the_name_that_it_has_now),
		TEST(X10_place_that_is_nobodys_at_first_is_shown_when_it_has_a_name),
		TEST(X10_what_another_segment_has_of_that_name_stays),
		TEST(X10_overflow_series_goes_with_the_last_one_in_it),
		TEST(X10_cores_apart_go_together),
		TEST(X10_state_sets_are_forgotten_too),
		TEST(X10_metric_in_conflict_has_nothing_to_forget),
		TEST(X10_random_lives_are_shown_under_their_own_names_and_add_up),
		TEST(X10_renewing_takes_no_memory),
	};

	return cmocka_run_group_tests_name("forget", tests, NULL, NULL);
}
