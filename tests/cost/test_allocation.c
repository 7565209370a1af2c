/* SPDX-License-Identifier: MIT */
/* The record path allocates nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "allocations.h"
#include "records.h"
#include "scene.h"

#define CALLS 100000u

static void record_all(const struct owner *owner, struct ring_writer *writer)
{
	const struct ring_counter gauge = {.key = owner->gauge.key};

	ring_burst_begin(writer);
	for (unsigned i = 0; i < CALLS; i++) {
		record_tick(writer, owner->counter, NULL, 0);
		record_counter_add(writer, owner->counter, NULL, 0);
		record_gauge_set(writer, gauge, NULL, i);
		record_gauge_add(writer, gauge, NULL, i);
		record_state_set(writer, gauge, &owner->histogram, i);
		record_histogram_observe(writer, gauge, &owner->histogram, i);
	}
	ring_burst_end(writer);
}

static void T1_records_allocate_nothing(void **state)
{
	struct scene scene;
	struct owner owner;

	(void)state;
	assert_int_equal(scene_begin(&scene, 64, 8), 0);
	const unsigned long before = allocations();
	assert_int_equal(owner_open(&owner, &scene), 0);
	/* Creating does allocate, so the counting works. */
	const unsigned long opened = allocations();
	assert_true(opened > before);
	record_all(&owner, owner.writer);
	record_all(&owner, ring_writer_claim(owner.segment, 0)); /* refused: a no-op */
	assert_int_equal(allocations(), opened);
	owner_close(&owner);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(T1_records_allocate_nothing)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
