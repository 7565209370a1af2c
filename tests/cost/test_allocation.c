/* SPDX-License-Identifier: MIT */
/*
 * The record path allocates nothing: this program's own malloc and its kin count their calls.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "records.h"
#include "scene.h"

#define CALLS 100000u

/* The C library's own, under the names it keeps for those who replace the others. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static unsigned long allocation_count;

void *malloc(size_t bytes)
{
	allocation_count++;
	return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	allocation_count++;
	return __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
	allocation_count++;
	return __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	allocation_count++;
	return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **result, size_t alignment, size_t bytes)
{
	*result = aligned_alloc(alignment, bytes);
	return *result ? 0 : ENOMEM;
}

static void record_all(const struct owner *owner, struct ring_writer *writer)
{
	const struct ring_counter gauge = {.key = owner->gauge.key};

	ring_burst_begin(writer);
	for (unsigned i = 0; i < CALLS; i++) {
		record_tick(writer, owner->counter, NULL, 0);
		record_counter_add(writer, owner->counter, NULL, 0);
		record_gauge_set(writer, gauge, NULL, i);
		record_gauge_add(writer, gauge, NULL, i);
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
	const unsigned long before = allocation_count;
	assert_int_equal(owner_open(&owner, &scene), 0);
	/* Creating does allocate, so the counting works. */
	const unsigned long opened = allocation_count;
	assert_true(opened > before);
	record_all(&owner, owner.writer);
	record_all(&owner, ring_writer_claim(owner.segment, 0)); /* refused: a no-op */
	assert_int_equal(allocation_count, opened);
	owner_close(&owner);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(T1_records_allocate_nothing)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
