/* SPDX-License-Identifier: MIT */
/*
 * The drain thread allocates nothing once it knows a segment: not for samples, lost or not, not
 * for tallies, not for snapshots, not for its own figures. What does allocate is looking through
 * the directory, every five seconds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "allocations.h"
#include "base/clock.h"
#include "base/log.h"
#include "collect.h"
#include "scene.h"

#define SLOTS          64u
#define BURST_MAX      8u
#define CHUNK          10u /* samples of each kind */
#define LOSS_CHUNK     (4 * SLOTS)
#define LOSS_PERIOD    100u /* chunks */
#define TURN_SNAPSHOTS 11u  /* take longer than everything that is done once a second */
#define TURNS          5u
#define LOOK_NS        UINT64_C(5000000000) /* between two looks at the directory, which allocate */

static uint64_t snapshot_count(void)
{
	const struct snapshot *snapshot = snapshot_borrow();
	const uint64_t count = snapshot ? snapshot->sequence : 0;

	snapshot_return();
	return count;
}

static void record_chunk(const struct owner *owner, unsigned chunk)
{
	const struct timespec pause = {.tv_nsec = 100000};
	const unsigned count = chunk % LOSS_PERIOD == 0 ? LOSS_CHUNK : CHUNK;

	ring_tick(owner->writer);
	for (unsigned i = 0; i < count; i++) {
		ring_counter_add(owner->writer, owner->counter, 1);
		ring_gauge_set(owner->writer, owner->gauge, chunk);
		ring_histogram_observe(owner->writer, owner->histogram, i);
	}
	nanosleep(&pause, NULL);
}

/* Records until there are so many snapshots more. */
static void record_for(const struct owner *owner, uint64_t snapshots)
{
	const uint64_t end = snapshot_count() + snapshots;

	for (unsigned chunk = 0; snapshot_count() < end; chunk++)
		record_chunk(owner, chunk);
}

static void expect_samples(const struct collect *collect)
{
	const struct ring_account *account = &collect->attach.sources[0]->rings[0].account;

	assert_true(account->drained > 0);
	assert_true(account->dropped > 0);
	assert_int_equal(account->written, account->drained + account->dropped + account->pending);
}

static void draining_allocates_nothing(void **state)
{
	static struct collect collect; /* large */
	struct scene scene;
	struct owner owner;
	unsigned allocating_turns = 0;

	(void)state;
	log_init(LOG_ERROR, LOG_LOGFMT);
	assert_int_equal(scene_begin(&scene, SLOTS, BURST_MAX), 0);
	assert_int_equal(owner_open(&owner, &scene), 0);
	const unsigned long before = allocations();
	assert_int_equal(
		collect_open(&collect, &(struct collect_options){.dir = scene.dir,
								 .followed_max = 1,
								 .exporter_metrics = true,
								 .native_histograms = true,
								 .monitor = &monitor_defaults}),
		0);
	assert_true(allocations() > before); /* so the counting works */
	assert_int_equal(collect_start(&collect), 0);
	/* The first snapshots need memory, which then goes round. */
	record_for(&owner, TURN_SNAPSHOTS);
	const uint64_t begin_ns = clock_monotonic_ns();
	for (unsigned turn = 0; turn < TURNS; turn++) {
		const unsigned long known = allocations();
		record_for(&owner, TURN_SNAPSHOTS);
		allocating_turns += allocations() != known;
	}
	/* A look may fall into two turns; on a slow machine there are more of them. */
	const uint64_t touched = 2 * ((clock_monotonic_ns() - begin_ns) / LOOK_NS + 1);
	collect_stop(&collect);
	expect_samples(&collect);
	collect_close(&collect);
	owner_close(&owner);
	scene_end(&scene);
	assert_in_range(allocating_turns, 0, touched < TURNS ? touched : TURNS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(draining_allocates_nothing)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
