/* SPDX-License-Identifier: MIT */
/*
 * From real rings to followers: what samples and tallies say, whoever records it, in whatever
 * order it comes, and what stays of it afterwards.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dice.h"
#include "drain/drain.h"
#include "members.h"
#include "replicating.h"
#include "workspace.h"

#define BEGIN REPLICATING_BEGIN

#define shipped ring_replication_shipped
#define applied ring_replication_applied

/* In both orders of attaching, and of recording. */
static void L1_leader_and_follower_meet_in_either_order(void **state)
{
	struct following *following = *state;

	replicating_begin(following);
	for (int order = 0; order < 2; order++) {
		const char *const names[] = {order ? "a" : "b", order ? "b" : "a"};
		const char *const whom = order ? "f1" : "f0";
		struct plane follower = plane_open(following, names[order], 64);
		plane_record(&follower, applied, whom, 7, BEGIN - 2 * S);
		following_step(following);
		replicating_expect_unknown(following, whom);
		struct plane leader = plane_open(following, names[!order], 64);
		plane_record(&leader, shipped, whom, 7, BEGIN - 9 * S);
		plane_record(&leader, shipped, whom, 8, BEGIN - 4 * S);
		following_step(following);
		replicating_expect(following, whom, 1, -4);
		plane_record(&follower, applied, whom, 8, BEGIN);
		replicating_expect(following, whom, 0, 0);
		plane_close(&leader);
		plane_close(&follower);
		following_remove_file(following, "a");
		following_remove_file(following, "b");
		following_step(following);
		replicating_expect_unknown(following, whom);
	}
	assert_int_equal(following->followers.count, 0);
}

static void L1_counters_that_restart_from_0_begin_anew(void **state)
{
	struct following *following = *state;
	struct plane plane = plane_open(following, "seg", 64);

	replicating_begin(following);
	plane_record(&plane, shipped, "f", 1000, BEGIN - 90 * S);
	plane_record(&plane, applied, "f", 990, BEGIN - 80 * S);
	replicating_expect(following, "f", 10, -90);
	plane_record(&plane, shipped, "f", 0, BEGIN - 70 * S);
	replicating_expect(following, "f", -990, 0);
	plane_record(&plane, applied, "f", 0, BEGIN - 60 * S);
	replicating_expect(following, "f", 0, 0);
	plane_record(&plane, shipped, "f", 3, BEGIN - 50 * S);
	replicating_expect(following, "f", 3, -50);
	plane_record(&plane, applied, "f", 3, BEGIN - 40 * S);
	replicating_expect(following, "f", 0, 0);
	replicating_expect_ignored(following, "stale", 0);
	plane_close(&plane);
}

static void L2_follower_is_gone_when_it_is_taken_back(void **state)
{
	struct following *following = *state;
	struct plane leader = plane_open(following, "leader", 64);
	struct plane follower = plane_open(following, "follower", 64);

	replicating_begin(following);
	plane_record(&leader, shipped, "f", 9, BEGIN - 5 * S);
	plane_record(&follower, applied, "f", 8, BEGIN - 4 * S);
	replicating_expect(following, "f", 1, -5);
	const struct ring_replication_follower handles = ring_replication_follower_resolve(
		&leader.set, "f");
	ring_tick_at(leader.writers[0], BEGIN - 3 * S);
	ring_replication_follower_gone(leader.writers[0], &handles);
	replicating_expect_unknown(following, "f");
	/* What was recorded before that brings nobody back, although tallies are read again. */
	plane_record(&follower, applied, "other", 1, BEGIN - 2 * S);
	replicating_expect_unknown(following, "f");
	plane_record(&leader, shipped, "f", 20, BEGIN - 2 * S);
	plane_record(&follower, applied, "f", 19, BEGIN - 1 * S);
	replicating_expect(following, "f", 1, -2);
	plane_close(&leader);
	plane_close(&follower);
}

/* Its samples make the reader look at the tables again, and are then resolved again. */
static void samples_beside_those_of_a_new_follower_count_once(void **state)
{
	struct following *following = *state;
	struct plane plane = plane_open(following, "seg", 64);

	replicating_begin(following);
	plane_record(&plane, shipped, "old", 1, BEGIN - 9 * S);
	replicating_expect(following, "old", 1, -9);
	plane_record(&plane, shipped, "old", 2, BEGIN - 8 * S);
	plane_record(&plane, shipped, "old", 3, BEGIN - 7 * S);
	plane_record(&plane, shipped, "new", 1, BEGIN - 6 * S);
	plane_record(&plane, shipped, "old", 4, BEGIN - 5 * S);
	replicating_expect(following, "old", 4, -9);
	replicating_expect(following, "new", 1, -6);
	replicating_expect_ignored(following, "stale", 0);
	plane_close(&plane);
}

static void samples_beside_those_of_nobody_count(void **state)
{
	struct following *following = *state;
	struct plane plane = plane_open(following, "seg", 64);

	replicating_begin(following);
	plane_record(&plane, shipped, "f", 1, BEGIN - 9 * S);
	replicating_expect(following, "f", 1, -9);
	ring_writer_put(plane.writers[0], 1, 12345); /* an index beyond the table */
	plane_record(&plane, shipped, "f", 2, BEGIN - 8 * S);
	replicating_expect(following, "f", 2, -9);
	plane_close(&plane);
}

static void tally_of_the_core_before_is_neither_news_nor_stale(void **state)
{
	struct following *following = *state;
	struct plane plane = plane_open(following, "seg", 64);

	replicating_begin(following);
	plane_record_on(&plane, 0, shipped, "f", 1, BEGIN - 9 * S);
	plane_record_on(&plane, 1, shipped, "f", 2, BEGIN - 8 * S);
	replicating_expect(following, "f", 2, -9);
	plane_record_on(&plane, 1, shipped, "new", 1, BEGIN - 7 * S); /* makes tallies be read */
	replicating_expect(following, "f", 2, -9);
	replicating_expect_ignored(following, "stale", 0);
	plane_record_on(&plane, 0, shipped, "f", 1, BEGIN - 9 * S); /* but this sample is */
	replicating_expect_ignored(following, "stale", 1);
	replicating_expect(following, "f", 2, -9);
	plane_close(&plane);
}

/* What an exporter finds that was not there: an hour of history, from the rings. */
static void M3_exporter_that_comes_late_knows_ages_from_the_rings(void **state)
{
	struct following *following = *state;
	struct plane leader = plane_open(following, "leader", 64);
	struct plane follower = plane_open(following, "follower", 64);

	for (uint64_t i = 1; i <= 30; i++)
		plane_record(&leader, shipped, "f", i, BEGIN - (3600 - 100 * i) * S);
	plane_record(&follower, applied, "f", 9, BEGIN - 10 * S);
	replicating_begin(following);
	replicating_expect(following, "f", 21, -2600);
	plane_record(&follower, applied, "f", 19, BEGIN);
	replicating_expect(following, "f", 11, -1600);
	plane_close(&leader);
	plane_close(&follower);
}

/* A core looks at the clock once in a burst. */
static void M3_entries_of_one_burst_have_its_age(void **state)
{
	struct following *following = *state;
	struct plane plane = plane_open(following, "seg", 64);

	for (uint64_t i = 1; i <= 3; i++)
		plane_record(&plane, shipped, "f", i, BEGIN - 3600 * S);
	plane_record(&plane, applied, "f", 1, BEGIN - 1 * S);
	replicating_begin(following);
	replicating_expect(following, "f", 2, -3600);
	plane_record(&plane, applied, "f", 2, BEGIN);
	replicating_expect(following, "f", 1, -3600);
	plane_close(&plane);
}

/* The ring has lost when most of it was shipped: the lag in entries is exact, and no age is greater
 * than the true one, nor less than that of the oldest sample left. */
static void M3_loss_leaves_entries_exact_and_no_age_too_great(void **state)
{
	enum { SLOTS = 8, LAST = 1000 };
	struct following *following = *state;
	struct plane leader = plane_open(following, "leader", SLOTS);
	struct plane follower = plane_open(following, "follower", SLOTS);

	replicating_begin(following);
	plane_record(&leader, shipped, "f", 1, BEGIN);
	plane_record(&follower, applied, "f", 1, BEGIN);
	replicating_expect(following, "f", 0, 0);
	for (uint64_t i = 2; i <= LAST; i++) {
		plane_record(&leader, shipped, "f", i, BEGIN + i * S);
		plane_record(&follower, applied, "f", i / 2, BEGIN + i * S);
	}
	following->now_ns = BEGIN + LAST * S;
	following_drain(following);
	replicating_tick(following);
	members_expect(following->own, "replication_lag_seqno{follower=\"f\"} 500");
	const struct monitor_node *node = monitor_find(following->followers.watch.monitor, "f");
	assert_true(node->lag_seconds <= LAST - 501);
	assert_true(node->lag_seconds >= SLOTS - 4);
	/* From now on it is known again. */
	plane_record(&leader, shipped, "f", LAST + 1, BEGIN + (LAST + 1) * S);
	plane_record(&follower, applied, "f", LAST, BEGIN + (LAST + 1) * S);
	following->now_ns += 31 * S;
	replicating_expect(following, "f", 1, LAST + 1);
	plane_close(&leader);
	plane_close(&follower);
}

/* Of everything that the ring has lost there is the tally. */
static void last_values_that_the_ring_has_lost_come_from_the_tallies(void **state)
{
	struct following *following = *state;
	struct plane plane = plane_open(following, "seg", 8);

	replicating_begin(following);
	plane_record(&plane, shipped, "f", 10, BEGIN - 9 * S);
	replicating_expect(following, "f", 10, -9);
	plane_record(&plane, shipped, "f", 20, BEGIN - 8 * S);
	plane_record(&plane, applied, "f", 15, BEGIN - 7 * S);
	for (unsigned i = 0; i < 100; i++)
		plane_record(&plane, shipped, "noise", i, BEGIN - 6 * S);
	replicating_expect(following, "f", 5, -8);
	plane_record(&plane, applied, "f", 20, BEGIN - 5 * S);
	for (unsigned i = 0; i < 100; i++)
		plane_record(&plane, shipped, "noise", 100 + i, BEGIN - 4 * S);
	replicating_expect(following, "f", 0, 0);
	replicating_expect_ignored(following, "stale", 0);
	plane_close(&plane);
}

static void so_do_those_of_many_followers(void **state)
{
	enum { COUNT = 200 };
	struct following *following = *state;
	struct plane plane = plane_open(following, "seg", 8);
	char name[16];

	for (int value = 1; value <= 2; value++) {
		for (int i = 0; i < COUNT; i++) {
			snprintf(name, sizeof name, "f%d", i);
			plane_record(&plane, shipped, name, (uint64_t)(1000 * value + i), BEGIN);
		}
		if (value == 1)
			replicating_begin(following);
	}
	following_drain(following);
	replicating_tick(following);
	for (int i = 0; i < COUNT; i++) {
		char line[64];
		snprintf(line, sizeof line, "replication_lag_seqno{follower=\"f%d\"} %d", i,
			 2000 + i);
		members_expect(following->own, line);
	}
	plane_close(&plane);
}

static void of_two_segments_that_disagree_the_newest_record_counts(void **state)
{
	struct following *following = *state;
	struct plane one = plane_open(following, "one", 64);
	struct plane other = plane_open(following, "other", 64);

	replicating_begin(following);
	plane_record(&one, shipped, "f", 100, BEGIN - 9 * S);
	plane_record(&other, shipped, "f", 50, BEGIN - 8 * S);
	replicating_expect(following, "f", 50, -8);
	plane_record(&one, shipped, "f", 101, BEGIN - 7 * S);
	replicating_expect(following, "f", 101, -8); /* a leader that has moved on */
	plane_record(&other, shipped, "f", 51, BEGIN - 7 * S - 1);
	replicating_expect(following, "f", 101, -8);
	replicating_expect_ignored(following, "stale", 1);
	plane_close(&one);
	plane_close(&other);
}

#define FOLLOWED(metric_name, metric_kind, ...)                                      \
	{                                                                            \
		.name = metric_name, .help = "Not of the set.", .kind = metric_kind, \
		.label_keys = {__VA_ARGS__}, .series_max = 1                         \
	}

static void metrics_of_another_shape_are_nobody_s_lag(void **state)
{
	static const struct ring_metric_def defs[] = {
		FOLLOWED(RING_REPLICATION_SHIPPED, RING_GAUGE, NULL),
		FOLLOWED(RING_REPLICATION_APPLIED, RING_GAUGE, "follower", "channel"),
		FOLLOWED(RING_REPLICATION_RECORDED_LAG "_total", RING_COUNTER, "follower"),
	};
	static const char *const labels[][3] = {{NULL}, {"f", "c", NULL}, {"f", NULL}};
	struct following *following = *state;
	struct ring_segment *segment = workspace_segment(
		&(struct ring_options){.name = "seg",
				       .dir = following->dir,
				       .core_count = 1,
				       .metrics = defs,
				       .metric_count = 3});
	struct ring_writer *writer = ring_writer_claim(segment, 0);

	replicating_begin(following);
	for (unsigned i = 0; i < 2; i++)
		ring_gauge_set(writer, ring_gauge_resolve(segment, defs[i].name, labels[i]), 7);
	ring_counter_add(writer, ring_counter_resolve(segment, defs[2].name, labels[2]), 7);
	following_drain(following);
	replicating_tick(following);
	assert_int_equal(following->followers.count, 0);
	assert_null(following_source(following, "seg")->feeds);
	members_expect(following->aggregate, RING_REPLICATION_SHIPPED " 7");
	members_expect(following->aggregate,
		       RING_REPLICATION_APPLIED "{follower=\"f\",channel=\"c\"} 7");
	ring_segment_close(segment);
}

static void what_many_followers_share_is_nobody_s_lag(void **state)
{
	static const struct ring_set_options options = {
		.budgets = {[RING_REPLICATION_FOLLOWERS] = 1}};
	struct following *following = *state;
	struct ring_set_schema schema;
	struct plane plane;

	ring_set_declare(&schema, &ring_replication, &options);
	plane.segment = workspace_segment(
		&(struct ring_options){.name = "seg",
				       .dir = following->dir,
				       .core_count = 1,
				       .metrics = schema.metrics,
				       .metric_count = schema.metric_count});
	assert_int_equal(ring_set_define(&plane.set, plane.segment, &ring_replication, &options),
			 0);
	plane.writers[0] = ring_writer_claim(plane.segment, 0);
	replicating_begin(following);
	plane_record(&plane, shipped, "own", 1, BEGIN - 1 * S);
	plane_record(&plane, shipped, "shares", 2, BEGIN);
	plane_record(&plane, shipped, RING_OVERFLOW_LABEL, 3, BEGIN);
	replicating_expect(following, "own", 1, -1);
	replicating_expect_unknown(following, RING_OVERFLOW_LABEL);
	assert_int_equal(following->followers.count, 1);
	members_expect(following->aggregate,
		       RING_REPLICATION_SHIPPED "{follower=\"" RING_OVERFLOW_LABEL "\"} 3");
	plane_close(&plane);
}

/* The whole file, writable, as whoever may write segments has it. */
static uint8_t *map_file(const struct plane *plane, size_t *bytes)
{
	const int fd = open(ring_segment_path(plane->segment), O_RDWR | O_CLOEXEC);
	struct stat status;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	*bytes = (size_t)status.st_size;
	uint8_t *map = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	assert_true(map != MAP_FAILED);
	return map;
}

static void expect_sound_nodes(struct following *following)
{
	const struct monitor_node *node = NULL;
	const struct monitor *monitor = following->followers.watch.monitor;

	while ((node = monitor_next(monitor, node ? node->name : NULL)))
		assert_true(node->lag_seconds >= 0 && node->rate >= 0 &&
			    node->predicted_seconds >= 0 && node->until_critical_seconds >= 0);
}

/* Samples of any series, value and time, and now and then a byte of anything that is not what it
 * was. */
static void segment_full_of_nonsense_harms_nobody(void **state)
{
	enum { TURNS = 1000, SLOTS = 64 };
	struct following *following = *state;
	struct plane bad = plane_open(following, "bad", SLOTS);
	struct plane good = plane_open(following, "good", SLOTS);
	uint64_t dice = dice_seed();
	unsigned quarantined = 0;
	size_t bytes;
	uint8_t *map = map_file(&bad, &bytes);

	for (unsigned i = 0; i < 5; i++)
		plane_record(&bad, shipped, (const char *[]){"f", "\xff", "\xfe", "x", "y"}[i], i,
			     i);
	replicating_begin(following);
	for (uint64_t turn = 0; turn < TURNS; turn++) {
		for (unsigned i = 0; i < SLOTS / 2; i++) {
			const uint64_t roll = dice_roll(&dice);
			ring_tick_at(bad.writers[0],
				     roll % 3 ? following->now_ns - roll % S : roll);
			ring_writer_put(bad.writers[0], dice_roll(&dice) >> (roll % 64), roll % 40);
		}
		uint8_t *byte = &map[dice_roll(&dice) % (turn % 2 ? bytes : RING_PAGE)];
		const uint8_t before = *byte;
		*byte ^= (uint8_t)dice_roll(&dice);
		following_step(following);
		quarantined += following_source(following, "bad")->reason != 0;
		replicating_tick(following);
		expect_sound_nodes(following);
		*byte = before;
		plane_record(&good, shipped, "fine", turn + 3, following->now_ns);
		plane_record(&good, applied, "fine", turn, following->now_ns);
		following_drain(following);
		replicating_tick(following);
		members_expect(following->own, "replication_lag_seqno{follower=\"fine\"} 3");
	}
	assert_in_range(quarantined, 1, TURNS - 1);
	assert_int_equal(munmap(map, bytes), 0);
	plane_close(&bad);
	plane_close(&good);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, following_make, following_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(L1_leader_and_follower_meet_in_either_order),
		TEST(L1_counters_that_restart_from_0_begin_anew),
		TEST(L2_follower_is_gone_when_it_is_taken_back),
		TEST(samples_beside_those_of_a_new_follower_count_once),
		TEST(samples_beside_those_of_nobody_count),
		TEST(tally_of_the_core_before_is_neither_news_nor_stale),
		TEST(M3_exporter_that_comes_late_knows_ages_from_the_rings),
		TEST(M3_entries_of_one_burst_have_its_age),
		TEST(M3_loss_leaves_entries_exact_and_no_age_too_great),
		TEST(last_values_that_the_ring_has_lost_come_from_the_tallies),
		TEST(so_do_those_of_many_followers),
		TEST(of_two_segments_that_disagree_the_newest_record_counts),
		TEST(metrics_of_another_shape_are_nobody_s_lag),
		TEST(what_many_followers_share_is_nobody_s_lag),
		TEST(segment_full_of_nonsense_harms_nobody),
	};

	return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
