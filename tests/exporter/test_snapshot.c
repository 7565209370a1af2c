/* SPDX-License-Identifier: MIT */
/*
 * What is borrowed stands until it is returned, however much is published meanwhile. Snapshots
 * of one publisher count up, and all cells of each hold its number, so that memory reused too
 * early shows as a number of a later one.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "aggregate/snapshot.h"

#define CELL_COUNT 512u
#define PAUSE_US   1000
#define ROUNDS     100u /* with a pause each: many grace periods, were they not waited for */
#define RACES      20000u
#define READERS    2u

static struct catalog *catalog; /* without families: nothing here looks inside */
static uint64_t published;

static int make_catalog(void **state)
{
	(void)state;
	catalog = catalog_create(&(struct catalog_size){.cell_count = CELL_COUNT});
	if (catalog)
		catalog->cell_count = CELL_COUNT;
	return catalog ? 0 : -1;
}

static int release_catalog(void **state)
{
	(void)state;
	catalog_release(catalog);
	return 0;
}

/* Publishes the next number, as the one part or as both. */
static void publish(bool with_data)
{
	uint64_t numbers[CELL_COUNT];
	/* With as many words behind the cells as there are cells. */
	const struct snapshot_values parts[SNAPSHOT_PART_COUNT] = {
		[SNAPSHOT_SELF] = {catalog, numbers, numbers, CELL_COUNT},
		[SNAPSHOT_DATA] = {with_data ? catalog : NULL, numbers, numbers, CELL_COUNT},
	};

	published++;
	for (unsigned i = 0; i < CELL_COUNT; i++)
		numbers[i] = published;
	assert_int_equal(snapshot_publish(parts), 0);
}

/* Whether the part is of that publication, from its first cell to its last. */
static bool shows(const struct snapshot *snapshot, enum snapshot_part part, uint64_t number)
{
	for (unsigned i = 0; i < CELL_COUNT; i++)
		if (snapshot->parts[part].cells[i] != number ||
		    snapshot->parts[part].observed[i] != number)
			return false;
	return snapshot->parts[part].catalog == catalog &&
	       snapshot->parts[part].observed_count == CELL_COUNT;
}

/* Time for what has expired to be reused, if anybody thinks that it has. */
static void publish_rounds(bool with_data)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		publish(with_data);
		usleep(PAUSE_US);
	}
}

static void before_the_first_publication_there_is_nothing(void **state)
{
	(void)state;
	assert_null(snapshot_borrow());
	snapshot_return();
}

static void what_is_borrowed_stands_until_it_is_returned(void **state)
{
	(void)state;
	publish(true);
	const uint64_t number = published;
	const struct snapshot *held = snapshot_borrow();
	assert_non_null(held);
	const uint64_t sequence = held->sequence;
	publish_rounds(true);
	const bool stands = held->sequence == sequence && shows(held, SNAPSHOT_SELF, number) &&
			    shows(held, SNAPSHOT_DATA, number);
	snapshot_return();
	assert_true(stands);
	const struct snapshot *newest = snapshot_borrow();
	assert_int_equal(newest->sequence, sequence + ROUNDS);
	assert_true(shows(newest, SNAPSHOT_DATA, published));
	snapshot_return();
}

static void part_that_does_not_change_outlives_the_snapshots_that_shared_it(void **state)
{
	(void)state;
	publish(true);
	const uint64_t number = published;
	publish_rounds(false);
	const struct snapshot *newest = snapshot_borrow();
	assert_true(shows(newest, SNAPSHOT_DATA, number));
	assert_true(shows(newest, SNAPSHOT_SELF, published));
	snapshot_return();
}

/* Ends with the last number; returns what was wrong, or NULL. */
static void *read_on(void *argument)
{
	const uint64_t *last = argument;
	uint64_t number = 0;

	while (number < *last) {
		const struct snapshot *snapshot = snapshot_borrow();
		const uint64_t before = number;
		number = snapshot->parts[SNAPSHOT_SELF].cells[0];
		const uint64_t data = snapshot->parts[SNAPSHOT_DATA].cells[0];
		const bool whole = shows(snapshot, SNAPSHOT_SELF, number) &&
				   shows(snapshot, SNAPSHOT_DATA, data);
		snapshot_return();
		if (!whole)
			return "a snapshot changed while it was borrowed";
		if (number < before || data > number)
			return "an old snapshot came after a newer one";
	}
	return NULL;
}

static void readers_at_full_speed_see_whole_snapshots_in_order(void **state)
{
	pthread_t readers[READERS];
	void *complaints[READERS];
	(void)state;

	publish(true);
	const uint64_t last = published + RACES;
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_on, (void *)&last), 0);
	for (unsigned i = 0; i < RACES; i++)
		publish(i % 3 == 0);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(readers[i], &complaints[i]);
	for (unsigned i = 0; i < READERS; i++)
		if (complaints[i])
			fail_msg("%s", (const char *)complaints[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_the_first_publication_there_is_nothing),
		cmocka_unit_test(what_is_borrowed_stands_until_it_is_returned),
		cmocka_unit_test(part_that_does_not_change_outlives_the_snapshots_that_shared_it),
		cmocka_unit_test(readers_at_full_speed_see_whole_snapshots_in_order),
	};

	return cmocka_run_group_tests_name("snapshot", tests, make_catalog, release_catalog);
}
