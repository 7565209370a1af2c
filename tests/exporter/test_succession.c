/* SPDX-License-Identifier: MIT */
/*
 * Members that leave, come back and succeed one another: no total ever goes back, and nothing is
 * counted twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ring/record.h>

#include "members.h"

/* A member with a_total{x} of one or two values, read on its one core. NULL: without. */
static struct aggregate_member *counting(struct aggregate *aggregate, const char *name,
					 uint8_t uuid, uint8_t predecessor, uint64_t total_v,
					 uint64_t total_w)
{
	struct aggregate_member *member = members_join(aggregate, name, uuid, predecessor, 1);

	members_add_metric(member, members_metric(RING_COUNTER, 0, "a_total", "x", NULL));
	members_add_series(member, 0, "v", NULL);
	members_count(member, 0, 0, total_v);
	if (total_w > 0) {
		members_add_series(member, 0, "w", NULL);
		members_count(member, 1, 0, total_w);
	}
	aggregate_admit(member);
	return member;
}

static void counts_stay_and_gauges_go_when_a_member_leaves(void **state)
{
	struct aggregate_member *member = members_join(*state, "m", 1, 0, 2);

	members_add_metric(member, members_metric(RING_COUNTER, 0, "a_total", NULL, NULL));
	members_add_metric(member, members_metric(RING_GAUGE, 0, "b", NULL, NULL));
	members_add_metric(member, members_histogram("h_seconds", NULL));
	for (uint32_t metric = 0; metric < 3; metric++)
		members_add_series(member, metric, NULL, NULL);
	for (uint32_t core = 0; core < 2; core++) {
		members_count(member, 0, core, 5 + core);
		members_gauge(member, 1, core, 1, 1);
		aggregate_set(member, 2, core, (uint64_t[]){ring_bits_of(0.5), 1, 0, core});
	}
	members_expect(*state, "b 2");
	aggregate_leave(member);
	members_expect(*state, "a_total 11");
	members_expect(*state, "h_seconds_sum 1");
	members_expect(*state, "h_seconds_count 3");
	members_expect_not(*state, "# TYPE b gauge");
}

static void dropped_member_leaves_nothing(void **state)
{
	aggregate_drop(counting(*state, "m", 1, 0, 5, 0));
	char *page = members_page(*state);
	assert_string_equal(page, "");
	free(page);
}

static void segment_that_comes_back_is_not_counted_twice(void **state)
{
	for (uint64_t total = 5; total < 8; total++) {
		struct aggregate_member *member = counting(*state, "m", 1, 0, total, 1);
		members_expect(*state, total == 5   ? "a_total{x=\"v\"} 5"
				       : total == 6 ? "a_total{x=\"v\"} 6"
						    : "a_total{x=\"v\"} 7");
		members_expect(*state, "a_total{x=\"w\"} 1");
		aggregate_leave(member);
	}
	members_expect(*state, "a_total{x=\"v\"} 7");
}

static void segment_that_comes_back_as_it_was_earlier_is_not_counted_twice(void **state)
{
	aggregate_leave(counting(*state, "m", 1, 0, 5, 0));
	struct aggregate_member *earlier = counting(*state, "m", 1, 0, 3, 0);

	members_expect(*state, "a_total{x=\"v\"} 5");
	/* What it counts from there on is new. */
	members_count(earlier, 0, 0, 4);
	members_expect(*state, "a_total{x=\"v\"} 6");
	aggregate_leave(earlier);
	counting(*state, "m", 1, 0, 5, 0);
	members_expect(*state, "a_total{x=\"v\"} 6");
}

static void histogram_that_comes_back_as_it_was_earlier_is_not_counted_twice(void **state)
{
	static const uint64_t counts[] = {3, 2};

	for (unsigned i = 0; i < 2; i++) {
		struct aggregate_member *member = members_join(*state, "m", 1, 0, 1);
		members_add_metric(member, members_histogram("h_seconds", NULL));
		members_add_series(member, 0, NULL, NULL);
		aggregate_set(member, 0, 0,
			      (uint64_t[]){ring_bits_of(0.5 * (double)counts[i]), counts[i], 0, 1});
		aggregate_admit(member);
		if (i == 0)
			aggregate_leave(member);
	}
	members_expect(*state, "h_seconds_bucket{le=\"1.0\"} 3");
	members_expect(*state, "h_seconds_count 4");
	members_expect(*state, "h_seconds_sum 1.5");
}

static void names_that_print_alike_come_back_as_one(void **state)
{
	for (uint64_t less = 0; less < 3; less++) { /* each time as it was still earlier */
		struct aggregate_member *member = members_join(*state, "m", 1, 0, 1);
		members_add_metric(member, members_metric(RING_COUNTER, 0, "a_total", "x", NULL));
		members_add_series(member, 0, "\xff", NULL);
		members_add_series(member, 0, "\xfe", NULL);
		members_count(member, 0, 0, 3 - less);
		members_count(member, 1, 0, 4 - less);
		aggregate_admit(member);
		members_expect(*state, "a_total{x=\"\xef\xbf\xbd\"} 7");
		aggregate_leave(member);
		members_expect(*state, "a_total{x=\"\xef\xbf\xbd\"} 7");
	}
}

static void successor_replaces_what_it_carries_on_and_the_rest_stays(void **state)
{
	aggregate_leave(counting(*state, "m", 1, 0, 5, 7));
	struct aggregate_member *next = counting(*state, "m", 2, 1, 6, 0);

	members_expect(*state, "a_total{x=\"v\"} 6");
	members_expect(*state, "a_total{x=\"w\"} 7");
	/* What it did not carry on it counts from nothing, on top of the rest. */
	members_add_series(next, 0, "w", NULL);
	members_count(next, 1, 0, 2);
	members_expect(*state, "a_total{x=\"w\"} 9");
}

static void what_stayed_survives_a_successors_own_return(void **state)
{
	aggregate_leave(counting(*state, "m", 1, 0, 5, 7));
	struct aggregate_member *next = counting(*state, "m", 2, 1, 6, 0);

	members_add_series(next, 0, "w", NULL);
	members_count(next, 1, 0, 9);
	members_expect(*state, "a_total{x=\"w\"} 16");
	aggregate_leave(next);
	members_expect(*state, "a_total{x=\"w\"} 16");
	counting(*state, "m", 2, 1, 6, 9);
	members_expect(*state, "a_total{x=\"v\"} 6");
	members_expect(*state, "a_total{x=\"w\"} 16");
}

static void unrelated_segment_of_the_same_name_counts_on_top(void **state)
{
	aggregate_leave(counting(*state, "m", 1, 0, 5, 0));
	counting(*state, "m", 2, 0, 6, 0);
	members_expect(*state, "a_total{x=\"v\"} 11");
}

static void generations_that_were_missed_are_not_counted_twice(void **state)
{
	aggregate_leave(counting(*state, "m", 1, 0, 5, 0));
	counting(*state, "m", 4, 3, 6, 0);
	members_expect(*state, "a_total{x=\"v\"} 6");
}

static void missed_generations_replace_the_last_of_that_name_alone(void **state)
{
	aggregate_leave(counting(*state, "m", 1, 0, 5, 0));
	aggregate_leave(counting(*state, "other", 9, 0, 1, 0));
	aggregate_leave(counting(*state, "m", 2, 0, 2, 0));
	counting(*state, "m", 4, 3, 6, 0);
	members_expect(*state, "a_total{x=\"v\"} 12");
}

static void impostor_of_a_predecessor_never_takes_a_total_back(void **state)
{
	aggregate_leave(counting(*state, "m", 1, 0, 5, 7));
	counting(*state, "evil", 66, 1, 0, 0);
	members_expect(*state, "a_total{x=\"v\"} 5");
	members_expect(*state, "a_total{x=\"w\"} 7");
}

static void histogram_is_carried_on_by_its_buckets_not_its_sum(void **state)
{
	for (uint8_t uuid = 1; uuid <= 2; uuid++) {
		struct aggregate_member *member = members_join(*state, "m", uuid,
							       (uint8_t)(uuid - 1), 1);
		members_add_metric(member, members_histogram("h_seconds", NULL));
		members_add_series(member, 0, NULL, NULL);
		/* Observations may be negative, so the sum may fall. */
		aggregate_set(member, 0, 0,
			      (uint64_t[]){ring_bits_of(uuid == 1 ? 5.0 : -1.0), uuid, 1, 1});
		aggregate_admit(member);
		if (uuid == 1)
			aggregate_leave(member);
	}
	members_expect(*state, "h_seconds_sum -1");
	members_expect(*state, "h_seconds_count 4");
}

static void coverage_knows_segments_and_their_predecessors(void **state)
{
	const struct identity none = {.uuid = {0}}, one = {.uuid = {1}}, two = {.uuid = {2}},
			      three = {.uuid = {3}};
	struct aggregate_member *member;

	assert_false(aggregate_covers(*state, &one));
	member = counting(*state, "m", 2, 1, 5, 0);
	assert_true(aggregate_covers(*state, &one));
	assert_true(aggregate_covers(*state, &two));
	assert_false(aggregate_covers(*state, &three));
	assert_false(aggregate_covers(*state, &none));
	counting(*state, "nobody", 0, 0, 1, 0);
	assert_false(aggregate_covers(*state, &none)); /* zeros are no uuid */
	aggregate_leave(member);
	assert_true(aggregate_covers(*state, &one));
	assert_false(aggregate_covers(*state, &two)); /* it may come back */
}

/* How many lines of the page begin with this. */
static unsigned line_count(struct aggregate *aggregate, const char *begin)
{
	char *page = members_page_of(aggregate, SIZE_MAX / 2);
	const char *const end = page + strlen(page);
	unsigned count = 0;

	for (const char *line = page; line < end;
	     line = memchr(line, '\n', (size_t)(end - line)) + 1)
		count += strncmp(line, begin, strlen(begin)) == 0;
	free(page);
	return count;
}

/* A member that counts one in each of `count` series, named after it if they are its own, comes,
 * and goes if told to. */
static void pass_through(struct aggregate *aggregate, unsigned uuid, unsigned count, bool own,
			 bool leave)
{
	struct identity identity = {.name = "m"};
	struct aggregate_member *member;
	char series[32], who[32];

	memcpy(identity.uuid, &uuid, sizeof uuid);
	assert_int_equal(aggregate_join(aggregate, &member, &identity, 1), 0);
	members_add_metric(member, members_metric(RING_COUNTER, 0, "a_total", "who", "i"));
	snprintf(who, sizeof who, "%u", own ? uuid : 0);
	for (unsigned i = 0; i < count; i++) {
		snprintf(series, sizeof series, "%u", i);
		members_add_series(member, 0, who, series);
		members_count(member, i, 0, 1);
	}
	aggregate_admit(member);
	if (leave)
		aggregate_leave(member);
	aggregate_trim(aggregate, 1);
}

static void counts_of_very_many_gone_members_melt_and_stay(void **state)
{
	const unsigned count = AGGREGATE_GONE_MAX + 100;
	char wanted[64];

	for (unsigned uuid = 1; uuid <= count; uuid++)
		pass_through(*state, uuid, 1, false, true);
	snprintf(wanted, sizeof wanted, "a_total{who=\"0\",i=\"0\"} %u", count);
	members_expect(*state, wanted);
	pass_through(*state, count, 1, false, true); /* still known */
	members_expect(*state, wanted);
	pass_through(*state, 1, 1, false, true); /* not any more */
	snprintf(wanted, sizeof wanted, "a_total{who=\"0\",i=\"0\"} %u", count + 1);
	members_expect(*state, wanted);
	assert_int_equal(aggregate_forgotten_count(*state), 0);
}

static void gone_members_with_very_many_series_melt_and_their_counts_stay(void **state)
{
	const unsigned count = AGGREGATE_GONE_PARTS_MAX / AGGREGATE_GONE_SERIES_MAX + 1;
	const unsigned last = AGGREGATE_GONE_SERIES_MAX - 1;
	char wanted[64];

	for (unsigned uuid = 1; uuid <= count; uuid++)
		pass_through(*state, uuid, last + 1, false, true);
	snprintf(wanted, sizeof wanted, "a_total{who=\"0\",i=\"9\"} %u\n", count);
	assert_int_equal(line_count(*state, wanted), 1);
	pass_through(*state, count, last + 1, false, true); /* still known */
	assert_int_equal(line_count(*state, wanted), 1);
	pass_through(*state, 1, 10, false, true); /* the only one that is not */
	snprintf(wanted, sizeof wanted, "a_total{who=\"0\",i=\"9\"} %u\n", count + 1);
	assert_int_equal(line_count(*state, wanted), 1);
}

static void series_longest_without_a_member_are_forgotten_and_counted(void **state)
{
	const unsigned half = AGGREGATE_GONE_SERIES_MAX / 2;

	pass_through(*state, 1, half, true, true);
	pass_through(*state, 2, half, true, true);
	pass_through(*state, 3, 1, true, false); /* is present, and does not matter */
	assert_int_equal(aggregate_forgotten_count(*state), 0);
	pass_through(*state, 4, 3, true, true);
	assert_int_equal(aggregate_forgotten_count(*state), 3);
	assert_int_equal(line_count(*state, "a_total{who=\"1\","), half - 3);
	assert_int_equal(line_count(*state, "a_total{who=\"2\","), half);
	assert_int_equal(line_count(*state, "a_total{who=\"4\","), 3);
	/* What comes back shows what it has counted, no more. */
	pass_through(*state, 1, half, true, false);
	assert_int_equal(line_count(*state, "a_total{who=\"1\","), half);
	assert_int_equal(line_count(*state, "a_total{who=\"1\",i=\"0\"} 1\n"), 1);
	assert_int_equal(line_count(*state, "a_total{who=\"1\",i=\"9\"} 1\n"), 1);
}

/* Random lives of a few names, mirrored by plain arithmetic: a producer counts, dies, is carried
 * on with or without its totals, is hidden and shown again. */
struct life {
	const char *name;
	struct aggregate_member *member;
	uint8_t uuid, predecessor;
	uint64_t total; /* of the present file */
};

static uint64_t page_total(struct aggregate *aggregate)
{
	char *page = members_page(aggregate);
	const char *line = strstr(page, "\na_total{x=\"v\"} ");
	const uint64_t total = line ? strtoull(strchr(line, '}') + 1, NULL, 10) : 0;

	free(page);
	return total;
}

static void life_step(struct aggregate *aggregate, struct life *life, uint8_t *uuid_last,
		      uint64_t *counted)
{
	const unsigned what = (unsigned)lrand48() % 8;
	const uint64_t more = (uint64_t)lrand48() % 5;

	if (life->member && what < 5) { /* counts */
		life->total += more;
		*counted += more;
		members_count(life->member, 0, 0, life->total);
	} else if (life->member) { /* goes */
		aggregate_leave(life->member);
		life->member = NULL;
	} else {
		if (what == 0) { /* a fresh start */
			life->predecessor = 0;
			life->uuid = ++*uuid_last;
			life->total = 0;
		} else if (what < 4) { /* another schema, with the totals */
			life->predecessor = life->uuid;
			life->uuid = ++*uuid_last;
		} /* or the same file again; either way it may have counted unseen */
		life->total += more;
		*counted += more;
		life->member = counting(aggregate, life->name, life->uuid, life->predecessor,
					life->total, 0);
	}
}

static void random_lives_add_up_exactly_at_every_step(void **state)
{
	const unsigned seed = 7;

	print_message("# seed %u\n", seed);
	srand48(seed);
	for (int round = 0; round < 200; round++) {
		struct aggregate *aggregate = aggregate_create();
		struct life lives[3] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
		uint8_t uuid_last = 0;
		uint64_t counted = 0;

		for (int i = 0; i < 3; i++)
			lives[i].uuid = ++uuid_last;
		for (int step = 0; step < 60; step++) {
			life_step(aggregate, &lives[lrand48() % 3], &uuid_last, &counted);
			assert_int_equal(page_total(aggregate), counted);
		}
		aggregate_destroy(aggregate);
	}
	(void)state;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, members_make, members_unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(counts_stay_and_gauges_go_when_a_member_leaves),
		TEST(dropped_member_leaves_nothing),
		TEST(segment_that_comes_back_is_not_counted_twice),
		TEST(segment_that_comes_back_as_it_was_earlier_is_not_counted_twice),
		TEST(histogram_that_comes_back_as_it_was_earlier_is_not_counted_twice),
		TEST(names_that_print_alike_come_back_as_one),
		TEST(successor_replaces_what_it_carries_on_and_the_rest_stays),
		TEST(what_stayed_survives_a_successors_own_return),
		TEST(unrelated_segment_of_the_same_name_counts_on_top),
		TEST(generations_that_were_missed_are_not_counted_twice),
		TEST(missed_generations_replace_the_last_of_that_name_alone),
		TEST(impostor_of_a_predecessor_never_takes_a_total_back),
		TEST(histogram_is_carried_on_by_its_buckets_not_its_sum),
		TEST(coverage_knows_segments_and_their_predecessors),
		TEST(counts_of_very_many_gone_members_melt_and_stay),
		TEST(gone_members_with_very_many_series_melt_and_their_counts_stay),
		TEST(series_longest_without_a_member_are_forgotten_and_counted),
		cmocka_unit_test(random_lives_add_up_exactly_at_every_step),
	};

	return cmocka_run_group_tests_name("succession", tests, NULL, NULL);
}
