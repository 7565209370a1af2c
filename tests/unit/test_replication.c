/* SPDX-License-Identifier: MIT */
/*
 * The replication set: how much room it takes, and that all series of one name are its own or
 * none is.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <ring/set/replication.h>

#include "workspace.h"

#define CHANNEL_GAUGES 2u /* which come first */
#define CHANNEL_TOTALS 7u
#define CHANNEL_SERIES (CHANNEL_GAUGES + CHANNEL_TOTALS)

struct plane {
	struct ring_segment *segment;
	struct ring_set set;
};

static struct plane plane_open(const char *dir, const struct ring_set_options *options)
{
	struct ring_options ring = workspace_options(dir, "plane");
	struct plane plane;

	ring.series_spare = ring_set_series(&ring_replication, options);
	ring.metrics_spare = RING_SET_METRICS_MAX;
	plane.segment = workspace_segment(&ring);
	if (ring_set_define(&plane.set, plane.segment, &ring_replication, options) != 0)
		fail_msg("%s", ring_error());
	return plane;
}

static struct ring_replication_channel channel_of(const struct plane *plane, const char *name)
{
	return ring_replication_channel_resolve(&plane->set, name);
}

/* How many handles of the one are those of the other, from the first one on that counts. */
static unsigned common_from(unsigned first, struct ring_replication_channel a,
			    struct ring_replication_channel b)
{
	uint64_t of_a[CHANNEL_SERIES], of_b[CHANNEL_SERIES];
	unsigned count = 0;

	memcpy(of_a, &a, sizeof of_a);
	memcpy(of_b, &b, sizeof of_b);
	for (unsigned i = first; i < CHANNEL_SERIES; i++)
		count += of_a[i] == of_b[i] && of_a[i] != 0;
	return count;
}

static unsigned common(struct ring_replication_channel a, struct ring_replication_channel b)
{
	return common_from(0, a, b);
}

static void R1_one_name_gets_the_same_handles_and_two_names_share_none(void **state)
{
	struct plane plane = plane_open(*state, NULL);
	const struct ring_replication_channel a = channel_of(&plane, "a");
	const struct ring_replication_follower f = ring_replication_follower_resolve(&plane.set,
										     "a");
	const struct ring_replication_follower again = ring_replication_follower_resolve(&plane.set,
											 "a");

	assert_int_equal(common(a, channel_of(&plane, "a")), CHANNEL_SERIES);
	assert_int_equal(common(a, channel_of(&plane, "b")), 0);
	assert_memory_equal(&f, &again, sizeof f);
	assert_int_not_equal(f.shipped.key, 0);
	assert_int_not_equal(f.shipped.key, f.applied.key);
	ring_segment_close(plane.segment);
}

static void room_that_it_asks_for_is_enough_and_half_of_it_is_not(void **state)
{
	char prefix[RING_SET_PREFIX_MAX + 1];
	const struct ring_set_options sets[] = {
		{NULL, {0, 0}}, {"", {100, 100}}, {prefix, {30, 200}}, {NULL, {5000, 10000}}};

	memset(prefix, 'p', sizeof prefix);
	prefix[RING_SET_PREFIX_MAX] = 0;
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
		struct ring_options ring = workspace_options(*state, "room");
		struct ring_set set;
		struct ring_segment *segment;

		ring.metrics_spare = RING_SET_METRICS_MAX;
		ring.series_spare = ring_set_series(&ring_replication, &sets[i]);
		segment = workspace_segment(&ring);
		assert_int_equal(ring_set_define(&set, segment, &ring_replication, &sets[i]), 0);
		ring_segment_close(segment);
		ring.series_spare /= 2;
		segment = workspace_segment(&ring);
		assert_int_equal(ring_set_define(&set, segment, &ring_replication, &sets[i]),
				 -ENOSPC);
		assert_null(set.segment);
		ring_segment_close(segment);
	}
}

static void R2_past_the_budget_all_handles_of_a_channel_are_the_overflows(void **state)
{
	struct plane plane = plane_open(*state, &(struct ring_set_options){.budgets = {2, 1}});
	const struct ring_replication_channel a = channel_of(&plane, "a");
	struct ring_reader *reader = workspace_reader(plane.segment);

	assert_int_equal(ring_reader_series_count(reader), CHANNEL_SERIES);
	channel_of(&plane, "b");
	const struct ring_replication_channel c = channel_of(&plane, "c");
	assert_int_equal(common(c, channel_of(&plane, "d")), CHANNEL_SERIES);
	assert_int_equal(common(c, channel_of(&plane, RING_OVERFLOW_LABEL)), CHANNEL_SERIES);
	assert_int_equal(common(c, a), 0);
	assert_int_equal(common(a, channel_of(&plane, "a")), CHANNEL_SERIES);
	assert_int_not_equal(c.lag[RING_REPLICATION_LEADER].key,
			     c.lag[RING_REPLICATION_REPLICA].key);
	assert_int_equal(ring_reader_refresh(reader), RING_SOUND);
	/* Two channels and the overflow. */
	assert_int_equal(ring_reader_series_count(reader), 3 * CHANNEL_SERIES);
	ring_reader_close(reader);
	ring_segment_close(plane.segment);
}

static void R2_totals_of_names_that_are_too_long_for_the_heap_fold_as_a_whole(void **state)
{
	struct plane plane = plane_open(*state, &(struct ring_set_options){.budgets = {64, 1}});
	struct ring_replication_channel handles[64], overflow;
	char name[RING_LABEL_VALUE_MAX + 1];
	unsigned folded = 0;

	for (unsigned i = 0; i < 64; i++) {
		snprintf(name, sizeof name, "%0*u", (int)RING_LABEL_VALUE_MAX, i);
		handles[i] = channel_of(&plane, name);
	}
	overflow = channel_of(&plane, RING_OVERFLOW_LABEL);
	for (unsigned i = 0; i < 64; i++) {
		const unsigned shared = common_from(CHANNEL_GAUGES, handles[i], overflow);
		assert_true(shared == 0 || shared == CHANNEL_TOTALS);
		folded += shared == CHANNEL_TOTALS;
		snprintf(name, sizeof name, "%0*u", (int)RING_LABEL_VALUE_MAX, i);
		assert_int_equal(common(handles[i], channel_of(&plane, name)), CHANNEL_SERIES);
	}
	assert_in_range(folded, 1, 63);
	ring_segment_close(plane.segment);
}

static void room_that_it_asks_for_holds_names_of_63_bytes(void **state)
{
	struct plane plane = plane_open(*state, &(struct ring_set_options){.budgets = {1000, 1}});
	const struct ring_replication_channel overflow = channel_of(&plane, RING_OVERFLOW_LABEL);
	char name[64];

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "%063d", i);
		assert_int_equal(common(channel_of(&plane, name), overflow), 0);
	}
	ring_segment_close(plane.segment);
}

#define RACERS    8
#define NAMES     3000u
#define NAMES_OWN 1024u

struct race {
	const struct plane *plane;
	pthread_barrier_t *start;
	unsigned first;
	struct ring_replication_channel handles[NAMES];
};

static void *race_for_channels(void *argument)
{
	struct race *race = argument;
	char name[16];

	pthread_barrier_wait(race->start);
	for (unsigned i = 0; i < NAMES; i++) {
		const unsigned at = (race->first + i) % NAMES;
		snprintf(name, sizeof name, "c%u", at);
		race->handles[at] = channel_of(race->plane, name);
	}
	return NULL;
}

static void start_race(struct race races[RACERS], pthread_t threads[RACERS],
		       pthread_barrier_t *start, const struct plane *plane)
{
	pthread_barrier_init(start, NULL, RACERS + 1);
	for (unsigned t = 0; t < RACERS; t++) {
		races[t] = (struct race){
			.plane = plane, .start = start, .first = t * NAMES / RACERS};
		assert_int_equal(pthread_create(&threads[t], NULL, race_for_channels, &races[t]),
				 0);
	}
	pthread_barrier_wait(start);
}

/* As it is now, where a reader has it as of its last look. Ends with the process. */
static const struct ring_header *live_header(const struct ring_segment *segment)
{
	const int fd = open(ring_segment_path(segment), O_RDONLY);
	void *map = mmap(NULL, sizeof(struct ring_header), PROT_READ, MAP_SHARED, fd, 0);

	close(fd);
	assert_ptr_not_equal(map, MAP_FAILED);
	return map;
}

static void R2_racing_threads_agree_and_readers_see_whole_channels_only(void **state)
{
	struct plane plane = plane_open(*state, &(struct ring_set_options){.budgets = {NAMES_OWN}});
	const struct ring_header *header = live_header(plane.segment);
	static struct race races[RACERS];
	pthread_t threads[RACERS];
	pthread_barrier_t start;
	uint32_t count;
	unsigned own = 0;

	start_race(races, threads, &start, &plane);
	do {
		/* relaxed: only the number matters. */
		count = (uint32_t)ring_load_relaxed(&header->series_count);
		if (count < NAMES_OWN * CHANNEL_SERIES)
			assert_int_equal(count % CHANNEL_SERIES, 0);
	} while (count < NAMES_OWN * CHANNEL_SERIES);
	for (unsigned t = 0; t < RACERS; t++)
		pthread_join(threads[t], NULL);
	const struct ring_replication_channel overflow = channel_of(&plane, RING_OVERFLOW_LABEL);
	for (unsigned i = 0; i < NAMES; i++) {
		const unsigned shared = common(races[0].handles[i], overflow);
		assert_true(shared == 0 || shared == CHANNEL_SERIES);
		own += shared == 0;
		for (unsigned t = 1; t < RACERS; t++)
			assert_int_equal(common(races[0].handles[i], races[t].handles[i]),
					 CHANNEL_SERIES);
	}
	assert_int_equal(own, NAMES_OWN);
	pthread_barrier_destroy(&start);
	ring_segment_close(plane.segment);
}

/* A series as it stands in the segment. */
static uint64_t bits_of(struct ring_segment *segment, const char *metric, const char *label)
{
	struct ring_reader *reader = workspace_reader(segment);
	const uint64_t bits = workspace_value(reader, metric, label, 0);

	ring_reader_close(reader);
	return bits;
}

static void R3_lag_is_the_double_next_to_the_seconds_and_never_the_mark_for_unset(void **state)
{
	static const struct {
		uint64_t ns;
		double seconds;
	} lags[] = {{0, 0},           {1, 1e-9},         {500000, 0.0005},
		    {250000000, .25}, {2000000000, 2.0}, {UINT64_MAX, 18446744073.709551615}};
	struct plane plane = plane_open(*state, NULL);
	struct ring_writer *writer = ring_writer_claim(plane.segment, 0);
	const struct ring_replication_follower f = ring_replication_follower_resolve(&plane.set,
										     "f");

	assert_true(bits_of(plane.segment, RING_REPLICATION_RECORDED_LAG, "f") == RING_GAUGE_UNSET);
	for (size_t i = 0; i < sizeof lags / sizeof lags[0]; i++) {
		ring_replication_recorded_lag(writer, &f, lags[i].ns);
		assert_true(bits_of(plane.segment, RING_REPLICATION_RECORDED_LAG, "f") ==
			    ring_bits_of(lags[i].seconds));
	}
	ring_segment_close(plane.segment);
}

static void a_follower_that_is_gone_has_none_of_its_three_values(void **state)
{
	static const char *const metrics[] = {RING_REPLICATION_SHIPPED, RING_REPLICATION_APPLIED,
					      RING_REPLICATION_RECORDED_LAG};
	struct plane plane = plane_open(*state, NULL);
	struct ring_writer *writer = ring_writer_claim(plane.segment, 0);
	const struct ring_replication_follower f = ring_replication_follower_resolve(&plane.set,
										     "f");

	ring_replication_shipped(writer, &f, 1);
	ring_replication_applied(writer, &f, 2);
	ring_replication_recorded_lag(writer, &f, 3000000000);
	for (unsigned i = 0; i < 3; i++)
		assert_true(bits_of(plane.segment, metrics[i], "f") == ring_bits_of(i + 1));
	ring_replication_follower_gone(writer, &f);
	for (unsigned i = 0; i < 3; i++)
		assert_true(bits_of(plane.segment, metrics[i], "f") == RING_GAUGE_UNSET);
	ring_segment_close(plane.segment);
}

/* Every call of the set. */
static void record_all(struct ring_writer *writer, const struct ring_set *set)
{
	const struct ring_replication_channel c = ring_replication_channel_resolve(set, "x");
	const struct ring_replication_follower f = ring_replication_follower_resolve(set, "x");

	ring_replication_leader_lag(writer, &c, 1);
	ring_replication_replica_lag(writer, &c, 1);
	ring_replication_sync_bytes(writer, &c, 1);
	ring_replication_leader_change(writer, &c);
	ring_replication_under_capacity(writer, &c);
	ring_replication_skip_ahead(writer, &c);
	ring_replication_election_thrash(writer, &c);
	ring_replication_witness_withdrawal(writer, &c);
	ring_replication_announce_divergence(writer, &c);
	ring_replication_shipped(writer, &f, 1);
	ring_replication_applied(writer, &f, 1);
	ring_replication_recorded_lag(writer, &f, 1);
	ring_replication_follower_gone(writer, &f);
}

static void without_a_set_or_a_segment_every_call_records_nothing(void **state)
{
	const struct ring_set none = {.segment = NULL};
	const struct ring_options options = workspace_options(*state, "plane");
	struct ring_segment *segment = workspace_segment(&options), *noop;
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	struct ring_reader *reader = workspace_reader(segment);
	struct ring_account account;
	struct ring_set set;

	record_all(writer, &none);
	assert_int_equal(ring_set_define(&set, segment, &ring_replication, NULL), -ENOSPC);
	record_all(writer, &set);
	assert_int_equal(ring_reader_account(reader, 0, &account), RING_SOUND);
	assert_int_equal(account.written, 0);
	assert_int_equal(ring_segment_create(&noop, &options), -EBUSY);
	assert_int_equal(ring_set_define(&set, noop, &ring_replication, NULL), 0);
	record_all(ring_writer_claim(noop, 0), &set);
	ring_segment_close(noop);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void prefix_is_judged_and_several_may_share_a_segment(void **state)
{
	char longest[RING_SET_PREFIX_MAX + 2];
	struct plane plane = plane_open(*state, NULL);
	struct ring_set set;

	assert_int_equal(ring_set_define(&set, plane.segment, &ring_replication, NULL), 0);
	assert_int_equal(
		common(channel_of(&plane, "a"), ring_replication_channel_resolve(&set, "a")),
		CHANNEL_SERIES);
	memset(longest, 'p', sizeof longest);
	longest[sizeof longest - 1] = 0;
	assert_int_equal(ring_set_define(&set, plane.segment, &ring_replication,
					 &(struct ring_set_options){longest, {1, 1}}),
			 -EINVAL);
	assert_non_null(strstr(ring_error(), "has more than 100 bytes"));
	assert_int_equal(ring_set_define(&set, plane.segment, &ring_replication,
					 &(struct ring_set_options){"9_", {1, 1}}),
			 -EINVAL);
	assert_non_null(strstr(ring_error(), "not starting with a digit"));
	assert_null(set.segment);
	ring_segment_close(plane.segment);
}

/* What "a" has counted after one more run with this budget; -1 if the set is refused. */
static int64_t count_in_run(const char *dir, unsigned budget, bool declared)
{
	const struct ring_set_options options = {.budgets = {budget}};
	struct ring_options ring = workspace_options(dir, "plane");
	struct ring_set_schema schema;
	struct plane plane;
	int64_t count = -1;

	ring_set_declare(&schema, &ring_replication, &options);
	ring.metrics = declared ? schema.metrics : NULL;
	ring.metric_count = declared ? schema.metric_count : 0;
	ring.series_spare = declared ? 1 : ring_set_series(&ring_replication, &options);
	plane.segment = workspace_segment(&ring);
	if (ring_set_define(&plane.set, plane.segment, &ring_replication, &options) == 0) {
		const struct ring_replication_channel a = channel_of(&plane, "a");
		ring_replication_sync_bytes(ring_writer_claim(plane.segment, 0), &a, 5);
		count = (int64_t)bits_of(plane.segment, "dataforts_replication_sync_bytes_total",
					 "a");
	}
	ring_segment_close(plane.segment);
	return count;
}

static void totals_go_on_after_a_restart_and_a_declared_budget_may_change(void **state)
{
	assert_int_equal(count_in_run(*state, 2, true), 5);
	assert_int_equal(count_in_run(*state, 2, true), 10);
	assert_int_equal(count_in_run(*state, 3, true), 15);
	assert_int_equal(count_in_run(*state, 1, true), 20);
}

static void budget_that_was_not_declared_may_not_change(void **state)
{
	assert_int_equal(count_in_run(*state, 2, false), 5);
	assert_int_equal(count_in_run(*state, 2, false), 10);
	assert_int_equal(count_in_run(*state, 3, false), -1);
	assert_non_null(strstr(ring_error(), "already defined otherwise"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(R1_one_name_gets_the_same_handles_and_two_names_share_none),
		TEST(room_that_it_asks_for_is_enough_and_half_of_it_is_not),
		TEST(R2_past_the_budget_all_handles_of_a_channel_are_the_overflows),
		TEST(R2_totals_of_names_that_are_too_long_for_the_heap_fold_as_a_whole),
		TEST(room_that_it_asks_for_holds_names_of_63_bytes),
		TEST(R2_racing_threads_agree_and_readers_see_whole_channels_only),
		TEST(R3_lag_is_the_double_next_to_the_seconds_and_never_the_mark_for_unset),
		TEST(a_follower_that_is_gone_has_none_of_its_three_values),
		TEST(without_a_set_or_a_segment_every_call_records_nothing),
		TEST(prefix_is_judged_and_several_may_share_a_segment),
		TEST(totals_go_on_after_a_restart_and_a_declared_budget_may_change),
		TEST(budget_that_was_not_declared_may_not_change),
	};

	return cmocka_run_group_tests_name("replication", tests, NULL, NULL);
}
