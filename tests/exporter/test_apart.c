/* SPDX-License-Identifier: MIT */
/*
 * Members that are shown otherwise than they are: labels of the node, series kept apart by core and
 * segment, names changed, budgets and ages limited. No count is lost or doubled by any of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ring/record.h>

#include "members.h"

#define CORES_MAX 3u

static struct shape_labels labels;
static struct shape_rule rules[2];

/* Shows the aggregate by up to two rules and labels; NULL: none. */
static void shape(struct aggregate *aggregate, const char *rule_a, const char *rule_b,
		  const char *label_a, const char *label_b)
{
	const char *const rule_texts[] = {rule_a, rule_b}, *const label_texts[] = {label_a,
										   label_b};
	struct shape all = {.labels = &labels, .rules = rules};

	labels.count = 0;
	for (int i = 0; i < 2; i++) {
		if (rule_texts[i])
			assert_null(shape_rule_parse(rule_texts[i], &rules[all.rule_count++]));
		if (label_texts[i])
			assert_null(shape_label_parse(label_texts[i], &labels));
	}
	aggregate_shape(aggregate, &all);
}

/* A member with a_total{x="v"}, whose cores have counted so much. */
static struct aggregate_member *counting(struct aggregate *aggregate, const char *name,
					 uint8_t uuid, uint8_t predecessor, uint32_t core_count,
					 const uint64_t *totals)
{
	struct aggregate_member *member = members_join(aggregate, name, uuid, predecessor,
						       core_count);
	struct ring_metric_info metric = members_metric(RING_COUNTER, 0, "a_total", "x", NULL);

	metric.series_max = 100;
	metric.overflow_label = (struct ring_text){"_", 1};
	members_add_metric(member, metric);
	members_add_series(member, 0, "v", NULL);
	for (uint32_t core = 0; core < core_count; core++)
		members_count(member, 0, core, totals[core]);
	aggregate_admit(member);
	return member;
}

/* The same of a_total{x=VALUE}, on one core. */
static struct aggregate_member *counting_one(struct aggregate *aggregate, const char *name,
					     uint8_t uuid, uint8_t predecessor, const char *value,
					     uint64_t total)
{
	struct aggregate_member *member = members_join(aggregate, name, uuid, predecessor, 1);
	struct ring_metric_info metric = members_metric(RING_COUNTER, 0, "a_total", "x", NULL);

	metric.series_max = 100;
	metric.overflow_label = (struct ring_text){"_", 1};
	members_add_metric(member, metric);
	members_add_series(member, 0, value, NULL);
	members_count(member, 0, 0, total);
	aggregate_admit(member);
	return member;
}

#define COUNTS(...)         \
	(const uint64_t[])  \
	{                   \
		__VA_ARGS__ \
	}

static void X5_constant_labels_are_on_every_series_behind_its_own(void **state)
{
	shape(*state, NULL, NULL, "node=n\"1", "site=s");
	struct aggregate_member *member = members_join(*state, "m", 1, 0, 1);

	members_add_metric(member, members_metric(RING_COUNTER, 0, "a_total", NULL, NULL));
	members_add_metric(member, members_metric(RING_GAUGE, 0, "b", "x", "y"));
	members_add_metric(member, members_histogram("h_seconds", NULL));
	members_add_series(member, 0, NULL, NULL);
	members_add_series(member, 1, "v", "w");
	members_add_series(member, 2, NULL, NULL);
	members_count(member, 0, 0, 5);
	members_gauge(member, 1, 0, 2, 1);
	aggregate_set(member, 2, 0, (uint64_t[]){ring_bits_of(0.5), 1, 0, 0});
	members_expect(*state, "a_total{node=\"n\\\"1\",site=\"s\"} 5");
	members_expect(*state, "b{x=\"v\",y=\"w\",node=\"n\\\"1\",site=\"s\"} 2");
	members_expect(*state, "h_seconds_bucket{node=\"n\\\"1\",site=\"s\",le=\"2.5\"} 1");
	members_expect(*state, "h_seconds_sum{node=\"n\\\"1\",site=\"s\"} 0.5");
}

static void metric_that_has_a_label_of_ours_is_a_conflict(void **state)
{
	static const char *const keys[] = {"node", "segment", "core"};

	shape(*state, "*:labels=core+segment", NULL, "node=n", NULL);
	struct aggregate_member *member = members_join(*state, "m", 1, 0, 1);
	for (uint32_t i = 0; i < 3; i++) {
		const struct ring_metric_info metric = members_metric(RING_COUNTER, 0, "a_total",
								      "x", keys[i]);
		members_add_metric(member, metric);
		members_add_series(member, i, "v", "w");
		members_count(member, i, 0, 1);
		assert_int_equal(aggregate_conflict_count(member), i + 1);
		assert_false(aggregate_can_agree(member, i, &metric));
	}
	char *page = members_page(*state);
	assert_string_equal(page, "");
	free(page);
}

static void cores_and_segments_are_kept_apart_where_a_rule_says_so(void **state)
{
	shape(*state, "a_*:labels=core+segment", "*:labels=segment", NULL, NULL);
	for (uint8_t uuid = 1; uuid <= 2; uuid++) {
		struct aggregate_member *member = counting(*state, uuid == 1 ? "one" : "two", uuid,
							   0, 2, COUNTS(uuid, 10));
		members_add_metric(member, members_metric(RING_GAUGE, RING_MAX, "b", NULL, NULL));
		members_add_series(member, 1, NULL, NULL);
		members_gauge(member, 1, 0, uuid, 1);
		members_gauge(member, 1, 1, -1, 1);
	}
	members_expect(*state, "a_total{x=\"v\",segment=\"one\",core=\"0\"} 1");
	members_expect(*state, "a_total{x=\"v\",segment=\"one\",core=\"1\"} 10");
	members_expect(*state, "a_total{x=\"v\",segment=\"two\",core=\"0\"} 2");
	members_expect(*state, "a_total{x=\"v\",segment=\"two\",core=\"1\"} 10");
	members_expect(*state, "b{segment=\"one\"} 1");
	members_expect(*state, "b{segment=\"two\"} 2");
}

static void merge_rule_is_the_overrides(void **state)
{
	shape(*state, "b:merge=max", NULL, NULL, NULL);
	for (uint8_t uuid = 1; uuid <= 2; uuid++) { /* which do not agree by themselves */
		struct aggregate_member *member = members_join(*state, "m", uuid, 0, 1);
		members_add_metric(member,
				   members_metric(RING_GAUGE, uuid == 1 ? RING_SUM : RING_LAST, "b",
						  NULL, NULL));
		members_add_series(member, 0, NULL, NULL);
		members_gauge(member, 0, 0, 10 - uuid, uuid);
		assert_int_equal(aggregate_conflict_count(member), 0);
	}
	members_expect(*state, "b 9");
}

static void two_metrics_of_a_segment_under_one_name_are_a_conflict(void **state)
{
	const struct ring_metric_info b = members_metric(RING_COUNTER, 0, "b_total", NULL, NULL);

	shape(*state, "a_total:rename=c_total", "b_total:rename=c_total", NULL, NULL);
	struct aggregate_member *one = members_join(*state, "one", 1, 0, 1);
	members_add_metric(one, members_metric(RING_COUNTER, 0, "a_total", NULL, NULL));
	members_add_metric(one, b);
	for (uint32_t i = 0; i < 2; i++) {
		members_add_series(one, i, NULL, NULL);
		members_count(one, i, 0, 1 + i);
	}
	assert_int_equal(aggregate_conflict_count(one), 1);
	assert_false(aggregate_can_agree(one, 1, &b));
	members_expect(*state, "c_total 1");
	/* As anything of two segments that has one name is. */
	struct aggregate_member *two = members_join(*state, "two", 2, 0, 1);
	members_add_metric(two, b);
	members_add_series(two, 0, NULL, NULL);
	members_count(two, 0, 0, 4);
	members_expect(*state, "c_total 5");
}

static void totals_of_each_core_go_on_in_a_successor(void **state)
{
	shape(*state, "*:labels=core+segment", NULL, NULL, NULL);
	aggregate_leave(counting(*state, "m", 1, 0, 2, COUNTS(5, 7)));
	members_expect(*state, "a_total{x=\"v\",segment=\"m\",core=\"1\"} 7");
	counting(*state, "m", 2, 1, 3, COUNTS(6, 7, 1));
	members_expect(*state, "a_total{x=\"v\",segment=\"m\",core=\"0\"} 6");
	members_expect(*state, "a_total{x=\"v\",segment=\"m\",core=\"1\"} 7");
	members_expect(*state, "a_total{x=\"v\",segment=\"m\",core=\"2\"} 1");
}

static void fresh_start_counts_on_top_core_by_core(void **state)
{
	shape(*state, "*:labels=core", NULL, NULL, NULL);
	aggregate_leave(counting(*state, "m", 1, 0, 2, COUNTS(5, 7)));
	counting(*state, "m", 2, 0, 1, COUNTS(1));
	members_expect(*state, "a_total{x=\"v\",core=\"0\"} 6");
	members_expect(*state, "a_total{x=\"v\",core=\"1\"} 7");
}

static void successor_with_fewer_cores_has_the_others_in_core_0(void **state)
{
	shape(*state, "*:labels=core", NULL, "node=n", NULL);
	aggregate_leave(counting(*state, "m", 1, 0, 3, COUNTS(5, 7, 1)));
	counting(*state, "m", 2, 1, 1, COUNTS(5 + 7 + 1 + 2));
	members_expect(*state, "a_total{x=\"v\",core=\"0\",node=\"n\"} 15");
	members_expect_not(*state, "a_total{x=\"v\",core=\"1\",node=\"n\"} 7");
	members_expect_not(*state, "a_total{x=\"v\",core=\"2\",node=\"n\"} 1");
}

static void segment_whose_file_has_another_name_goes_on_under_that_one(void **state)
{
	shape(*state, "*:labels=segment", NULL, NULL, NULL);
	aggregate_leave(counting(*state, "m", 1, 0, 1, COUNTS(5)));
	aggregate_leave(counting(*state, "n", 1, 0, 1, COUNTS(6)));
	members_expect(*state, "a_total{x=\"v\",segment=\"n\"} 6");
	members_expect_not(*state, "a_total{x=\"v\",segment=\"m\"} 5");
	/* Another one's word is not enough. */
	counting(*state, "evil", 66, 1, 1, COUNTS(0));
	members_expect(*state, "a_total{x=\"v\",segment=\"n\"} 6");
}

static void what_goes_on_under_another_name_started_when_it_did(void **state)
{
	shape(*state, "*:labels=segment", NULL, NULL, NULL);
	aggregate_set_time(*state, UINT64_C(5000000000));
	aggregate_leave(counting(*state, "m", 1, 0, 1, COUNTS(5)));
	aggregate_set_time(*state, UINT64_C(9000000000));
	aggregate_admit(members_join(*state, "n", 1, 0, 1)); /* it has no series yet */
	char *page = members_page_in(*state, FORMAT_OPENMETRICS);
	assert_non_null(strstr(page, "\na_total{x=\"v\",segment=\"n\"} 5\n"));
	assert_non_null(strstr(page, "\na_created{x=\"v\",segment=\"n\"} 5.000\n"));
	free(page);
}

static void what_has_moved_to_core_0_stays_there_under_another_name(void **state)
{
	shape(*state, "*:labels=core+segment", NULL, NULL, NULL);
	aggregate_leave(counting(*state, "m", 1, 0, 2, COUNTS(5, 7)));
	aggregate_leave(counting(*state, "m", 2, 1, 2, COUNTS(5, 3))); /* lacks 4 */
	aggregate_drop(counting(*state, "m", 3, 1, 1, COUNTS(0)));
	members_expect(*state, "a_total{x=\"v\",segment=\"m\",core=\"0\"} 9");
	members_expect(*state, "a_total{x=\"v\",segment=\"m\",core=\"1\"} 3");
	counting(*state, "n", 1, 0, 2, COUNTS(0, 0));
	members_expect(*state, "a_total{x=\"v\",segment=\"n\",core=\"0\"} 4");
}

/* Random lives of two names with up to three cores, mirrored by plain arithmetic: their cores
 * count, they go, come back, or are carried on with other cores. */
struct life {
	const char *name;
	struct aggregate_member *member;
	uint8_t uuid, predecessor;
	uint32_t core_count;
	uint64_t totals[CORES_MAX];
};

static uint64_t page_total(struct aggregate *aggregate)
{
	char *page = members_page(aggregate);
	uint64_t total = 0;

	for (const char *line = page; (line = strstr(line, "\na_total{")); line++)
		total += strtoull(strchr(line, '}') + 1, NULL, 10);
	free(page);
	return total;
}

/* What libring does when a segment of that many cores is carried on. */
static void life_inherit(struct life *life, uint32_t core_count)
{
	for (uint32_t core = core_count; core < life->core_count; core++)
		life->totals[0] += life->totals[core];
	for (uint32_t core = 0; core < CORES_MAX; core++)
		if (core >= core_count || core >= life->core_count)
			life->totals[core] = 0;
	life->core_count = core_count;
}

static void life_step(struct aggregate *aggregate, struct life *life, uint8_t *uuid_last,
		      uint64_t *counted)
{
	const unsigned what = (unsigned)lrand48() % 8;
	const uint32_t core = (uint32_t)lrand48() % life->core_count;
	const uint64_t more = (uint64_t)lrand48() % 5;

	if (life->member && what >= 5) {
		aggregate_leave(life->member);
		life->member = NULL;
		return;
	}
	if (!life->member && what < 2) {
		life->predecessor = 0;
		life->uuid = ++*uuid_last;
		memset(life->totals, 0, sizeof life->totals);
	} else if (!life->member && what < 6) {
		life->predecessor = life->uuid;
		life->uuid = ++*uuid_last;
		life_inherit(life, 1 + (uint32_t)lrand48() % CORES_MAX);
	}
	const uint32_t on = core < life->core_count ? core : 0;
	life->totals[on] += more;
	*counted += more;
	if (life->member)
		members_count(life->member, 0, on, life->totals[on]);
	else
		life->member = counting(aggregate, life->name, life->uuid, life->predecessor,
					life->core_count, life->totals);
}

static void seed_lives(void)
{
	const char *const seed_text = getenv("RING_SEED");
	const long seed = seed_text ? atol(seed_text) : 11;

	print_message("# seed %ld\n", seed);
	srand48(seed);
}

static void random_lives_of_cores_apart_add_up_exactly_at_every_step(void **state)
{
	seed_lives();
	for (int round = 0; round < 200; round++) {
		struct aggregate *aggregate = aggregate_create();
		struct life lives[2] = {{.name = "a", .uuid = 1, .core_count = 2},
					{.name = "b", .uuid = 2, .core_count = 1}};
		uint8_t uuid_last = 2;
		uint64_t counted = 0;

		shape(aggregate, round % 2 ? "*:labels=core" : "*:labels=core+segment", NULL,
		      round % 3 ? "node=n" : NULL, NULL);
		for (int step = 0; step < 60; step++) {
			life_step(aggregate, &lives[lrand48() % 2], &uuid_last, &counted);
			assert_int_equal(page_total(aggregate), counted);
		}
		aggregate_destroy(aggregate);
	}
	(void)state;
}

/* There is room for one series, which somebody else has now and then. */
static void random_lives_past_a_limit_add_up_exactly_at_every_step(void **state)
{
	seed_lives();
	for (int round = 0; round < 200; round++) {
		struct aggregate *aggregate = aggregate_create();
		struct aggregate_member *other = NULL;
		struct life lives[2] = {{.name = "a", .uuid = 1, .core_count = 2},
					{.name = "b", .uuid = 2, .core_count = 1}};
		uint8_t uuid_last = 2;
		uint64_t counted = 0;

		aggregate_limit(aggregate, &(struct aggregate_limits){.series_max = 1});
		for (int step = 0; step < 60; step++) {
			if (other && lrand48() % 4 == 0) {
				aggregate_drop(other);
				other = NULL;
			} else if (!other && lrand48() % 4 == 0) {
				other = counting_one(aggregate, "other", 0, 0, "w", 0);
			}
			life_step(aggregate, &lives[lrand48() % 2], &uuid_last, &counted);
			assert_int_equal(page_total(aggregate), counted);
		}
		aggregate_destroy(aggregate);
	}
	(void)state;
}

static void past_a_budget_the_overflow_series_has_no_label_but_the_nodes(void **state)
{
	shape(*state, "*:labels=core,series=2", NULL, "node=n", NULL);
	counting(*state, "m", 1, 0, 3, COUNTS(1, 2, 4));
	counting(*state, "n", 2, 0, 3, COUNTS(8, 16, 32));
	members_expect(*state, "a_total{x=\"v\",core=\"0\",node=\"n\"} 9");
	members_expect(*state, "a_total{x=\"v\",core=\"1\",node=\"n\"} 18");
	members_expect(*state, "a_total{x=\"_\",core=\"_\",node=\"n\"} 36");
	assert_int_equal(aggregate_overflowed_count(*state), 2);
	assert_int_equal(aggregate_series_count(*state), 2);
}

static void limit_holds_for_all_metrics_together_and_sums_stay_exact(void **state)
{
	const struct aggregate_limits limits = {.series_max = 2};
	struct ring_metric_info metric = members_metric(RING_COUNTER, 0, "b_total", "x", NULL);

	aggregate_limit(*state, &limits);
	struct aggregate_member *member = counting(*state, "m", 1, 0, 1, COUNTS(1));
	metric.series_max = 100;
	metric.overflow_label = (struct ring_text){"_", 1};
	members_add_metric(member, metric);
	members_add_metric(member, members_metric(RING_COUNTER, 0, "c_total", NULL, NULL));
	for (uint32_t i = 1; i <= 3; i++) {
		const char value[] = {(char)('a' + i), '\0'};
		members_add_series(member, 1, value, NULL);
		members_count(member, i, 0, i);
	}
	members_add_series(member, 2, NULL, NULL);
	members_count(member, 4, 0, 9);
	members_expect(*state, "a_total{x=\"v\"} 1");
	members_expect(*state, "b_total{x=\"b\"} 1");
	members_expect(*state, "b_total{x=\"_\"} 5");
	members_expect(*state, "c_total 9"); /* there is only one of them */
	aggregate_drop(member);
	assert_int_equal(aggregate_series_count(*state), 0);
}

static void series_without_a_segment_go_after_their_time_and_not_before(void **state)
{
	const struct aggregate_limits limits = {.retention_ns = 100};

	aggregate_limit(*state, &limits);
	struct aggregate_member *one = counting(*state, "one", 1, 0, 1, COUNTS(5));
	struct aggregate_member *two = counting(*state, "two", 2, 0, 1, COUNTS(6));
	members_add_series(one, 0, "w", NULL);
	members_count(one, 1, 0, 1);
	aggregate_trim(*state, 1000);
	aggregate_leave(one);
	aggregate_trim(*state, 1010);
	aggregate_trim(*state, 1109);
	members_expect(*state, "a_total{x=\"w\"} 1");
	assert_int_equal(aggregate_forgotten_count(*state), 0);
	aggregate_trim(*state, 1110);
	members_expect_not(*state, "a_total{x=\"w\"} 1");
	assert_int_equal(aggregate_forgotten_count(*state), 1);
	/* What another segment has too stays, with all that it has counted. */
	members_expect(*state, "a_total{x=\"v\"} 11");
	aggregate_leave(two);
	aggregate_trim(*state, 2000);
	aggregate_leave(counting(*state, "two", 2, 0, 1, COUNTS(7))); /* time begins anew */
	aggregate_trim(*state, 2050);
	aggregate_trim(*state, 2149);
	members_expect(*state, "a_total{x=\"v\"} 12");
	aggregate_trim(*state, 2150);
	char *page = members_page(*state);
	assert_string_equal(page, "");
	free(page);
	/* It comes back with what it has counted, without what the other one had. */
	counting(*state, "two", 2, 0, 1, COUNTS(8));
	members_expect(*state, "a_total{x=\"v\"} 8");
}

/* Else it would be counted twice: by itself, and by what it was before in the overflow series. */
static void what_had_no_room_stays_in_the_overflow_series_in_a_successor(void **state)
{
	const struct aggregate_limits limits = {.series_max = 1, .retention_ns = 100};

	aggregate_limit(*state, &limits);
	struct aggregate_member *one = counting_one(*state, "one", 1, 0, "p", 1);
	struct aggregate_member *two = counting_one(*state, "two", 2, 0, "r", 5);
	members_expect(*state, "a_total{x=\"_\"} 5");
	aggregate_leave(one);
	aggregate_trim(*state, 1000);
	aggregate_trim(*state, 1100); /* now there is room */
	assert_int_equal(aggregate_series_count(*state), 0);
	aggregate_leave(two);
	two = counting_one(*state, "two", 3, 2, "r", 7);
	members_expect(*state, "a_total{x=\"_\"} 7");
	members_expect_not(*state, "a_total{x=\"r\"} 7");
	/* Another one's series of that name is not where it has been. */
	counting_one(*state, "three", 4, 0, "r", 3);
	members_expect(*state, "a_total{x=\"r\"} 3");
	aggregate_leave(two);
	two = counting_one(*state, "two", 5, 3, "r", 9);
	members_expect(*state, "a_total{x=\"_\"} 9");
	members_expect(*state, "a_total{x=\"r\"} 3");
	/* What comes later has not been there. */
	aggregate_limit(*state, &(struct aggregate_limits){.series_max = 2});
	members_add_series(two, 0, "s", NULL);
	members_count(two, 1, 0, 4);
	members_expect(*state, "a_total{x=\"s\"} 4");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, members_make, members_unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(X5_constant_labels_are_on_every_series_behind_its_own),
		TEST(metric_that_has_a_label_of_ours_is_a_conflict),
		TEST(cores_and_segments_are_kept_apart_where_a_rule_says_so),
		TEST(merge_rule_is_the_overrides),
		TEST(two_metrics_of_a_segment_under_one_name_are_a_conflict),
		TEST(totals_of_each_core_go_on_in_a_successor),
		TEST(fresh_start_counts_on_top_core_by_core),
		TEST(successor_with_fewer_cores_has_the_others_in_core_0),
		TEST(segment_whose_file_has_another_name_goes_on_under_that_one),
		TEST(what_goes_on_under_another_name_started_when_it_did),
		TEST(what_has_moved_to_core_0_stays_there_under_another_name),
		TEST(random_lives_of_cores_apart_add_up_exactly_at_every_step),
		TEST(random_lives_past_a_limit_add_up_exactly_at_every_step),
		TEST(past_a_budget_the_overflow_series_has_no_label_but_the_nodes),
		TEST(limit_holds_for_all_metrics_together_and_sums_stay_exact),
		TEST(what_had_no_room_stays_in_the_overflow_series_in_a_successor),
		TEST(series_without_a_segment_go_after_their_time_and_not_before),
	};

	return cmocka_run_group_tests_name("apart", tests, NULL, NULL);
}
