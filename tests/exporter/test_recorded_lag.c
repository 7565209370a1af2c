/* SPDX-License-Identifier: MIT */
/*
 * A lag that somebody recorded who knows better: for as long as there is somebody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "drain/drain.h"
#include "replicating.h"

#define BEGIN REPLICATING_BEGIN

#define shipped  ring_replication_shipped
#define applied  ring_replication_applied
#define recorded ring_replication_recorded_lag

/* Each process that resolves a follower has all three of its series, set or not. */
static void recorded_lag_ends_with_who_recorded_it_and_nobody_else(void **state)
{
	struct following *following = *state;
	struct plane leader = plane_open(following, "leader", 64);
	struct plane collector = plane_open(following, "collector", 64);

	replicating_begin(following);
	plane_record(&leader, shipped, "f", 5, BEGIN - 1 * S);
	plane_record(&collector, recorded, "f", 40 * S, BEGIN - 1 * S);
	replicating_expect_seconds(following, "f", 40);
	plane_close(&leader);
	following_remove_file(following, "leader");
	following_step(following);
	replicating_expect_seconds(following, "f", 40);
	leader = plane_open(following, "leader", 64);
	plane_record(&leader, shipped, "f", 6, BEGIN - 1 * S);
	following_step(following);
	replicating_expect_seconds(following, "f", 40);
	/* Its process may live on, or not. */
	following_remove_file(following, "collector");
	following_step(following);
	replicating_expect(following, "f", 6, -1);
	plane_close(&collector);
	plane_close(&leader);
}

static void recorded_lag_ends_with_a_quarantine_and_is_not_taken_from_the_dead(void **state)
{
	struct following *following = *state;
	struct plane leader = plane_open(following, "leader", 64);
	struct plane collector = plane_open(following, "collector", 64);
	struct plane dead = plane_open(following, "dead", 64);

	plane_record(&dead, recorded, "f", 90 * S, BEGIN - 1 * S);
	plane_close(&dead);
	replicating_begin(following);
	replicating_expect_unknown(following, "f");
	plane_record(&leader, shipped, "f", 5, BEGIN - 1 * S);
	plane_record(&collector, recorded, "f", 40 * S, BEGIN - 1 * S);
	replicating_expect_seconds(following, "f", 40);
	source_quarantine(following_source(following, "collector"), RING_TRUNCATED);
	replicating_expect(following, "f", 5, -1);
	plane_close(&collector);
	plane_close(&leader);
}

static void recorded_lag_outlives_a_segment_that_joins_again(void **state)
{
	struct following *following = *state;
	struct plane plane = plane_open(following, "seg", 64);

	replicating_begin(following);
	plane_record(&plane, shipped, "f", 5, BEGIN - 9 * S);
	plane_record(&plane, shipped, "f", 6, BEGIN - 3 * S);
	plane_record(&plane, recorded, "f", 40 * S, BEGIN - 1 * S);
	plane_record(&plane, applied, "f", 5, BEGIN - 1 * S);
	replicating_expect_seconds(following, "f", 40);
	assert_int_equal(source_rejoin(following_source(following, "seg"), following->aggregate),
			 0);
	replicating_expect_seconds(following, "f", 40);
	following->now_ns += 60 * S;
	replicating_expect(following, "f", 1, -3); /* which the history says */
	plane_close(&plane);
}

static void recorded_lag_ends_with_its_owner_whenever_that_is_noticed(void **state)
{
	struct following *following = *state;
	struct plane leader = plane_open(following, "leader", 64);
	struct plane collector = plane_open(following, "collector", 64);
	struct source *source;

	replicating_begin(following);
	plane_record(&leader, shipped, "f", 5, BEGIN - 1 * S);
	plane_record(&collector, recorded, "f", 40 * S, BEGIN - 1 * S);
	replicating_expect_seconds(following, "f", 40);
	/* A new series makes the tables be read again, before anybody asks for the owner. */
	plane_record(&collector, recorded, "new", 50 * S, BEGIN - 1 * S);
	plane_close(&collector);
	following_drain(following);
	source = following_source(following, "collector");
	assert_int_equal(drain_look_after(source), 0);
	assert_int_equal(source_state(source), SOURCE_DEAD);
	replicating_expect(following, "f", 5, -1);
	replicating_expect_unknown(following, "new");
	plane_close(&leader);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, following_make, following_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(recorded_lag_ends_with_who_recorded_it_and_nobody_else),
		TEST(recorded_lag_ends_with_a_quarantine_and_is_not_taken_from_the_dead),
		TEST(recorded_lag_outlives_a_segment_that_joins_again),
		TEST(recorded_lag_ends_with_its_owner_whenever_that_is_noticed),
	};

	return cmocka_run_group_tests_name("recorded_lag", tests, NULL, NULL);
}
