/* SPDX-License-Identifier: MIT */
/*
 * The record path makes no system call, and neither does the clock under it, where the machine
 * offers one in user space.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "stage.h"

#define CALLS 100000u

static void bare_clock(struct ring_writer *writer, struct ring_counter handle,
		       const struct ring_histogram *histogram, double value)
{
	struct timespec now;

	(void)writer;
	(void)handle;
	(void)histogram;
	(void)value;
	clock_gettime(CLOCK_MONOTONIC, &now);
}

/* Static, so that the teardown finds it after a failed assertion too. */
static struct stage stage;

static int end(void **state)
{
	(void)state;
	stage_end(&stage);
	return 0;
}

/* How often the child enters or leaves the kernel from its first to behind its last call. */
static unsigned count_system_calls(const struct stage *planned, unsigned calls)
{
	const uint64_t over = stage_after(calls - 1);
	unsigned count = 0;
	uint64_t at;

	stage = *planned;
	stage.calls = calls;
	assert_int_equal(stage_begin(&stage), 0);
	while ((at = tracee_stage(&stage.tracee)) < over) {
		count += at > 0;
		assert_int_equal(tracee_run_to_syscall(&stage.tracee), 0);
	}
	stage_end(&stage);
	return count;
}

static void records_make_no_system_call(void **state)
{
	assert_int_equal(count_system_calls(*state, CALLS), 0);
}

static void T1_ring_tick_makes_no_system_call(void **state)
{
	(void)state;
	if (count_system_calls(&(struct stage){.call = bare_clock}, 1) != 0) {
		printf("# this machine's clock is read by a system call\n");
		skip();
	}
	assert_int_equal(count_system_calls(&(struct stage){.call = record_tick}, CALLS), 0);
}

static struct stage counter_add = {.call = record_counter_add, .kind = RING_COUNTER};
static struct stage gauge_set = {.call = record_gauge_set, .kind = RING_GAUGE};
static struct stage gauge_add = {.call = record_gauge_add, .kind = RING_GAUGE};
static struct stage state_set = {.call = record_state_set, .kind = RING_GAUGE};
static struct stage histogram_observe = {.call = record_histogram_observe, .kind = RING_HISTOGRAM};
static struct stage burst = {.call = record_counter_add, .state = WRITER_BURST};
static struct stage zero_handle = {.call = record_gauge_set, .zero_handle = true};
static struct stage noop_writer = {.call = record_counter_add, .state = WRITER_NOOP};

#define NO_SYSTEM_CALL(planned)                                                 \
	{                                                                       \
		.name = "T1_no_system_call_in_100000_of_" #planned,             \
		.test_func = records_make_no_system_call, .teardown_func = end, \
		.initial_state = &planned,                                      \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NO_SYSTEM_CALL(counter_add),
		NO_SYSTEM_CALL(gauge_set),
		NO_SYSTEM_CALL(gauge_add),
		NO_SYSTEM_CALL(state_set),
		NO_SYSTEM_CALL(histogram_observe),
		NO_SYSTEM_CALL(burst),
		NO_SYSTEM_CALL(zero_handle),
		NO_SYSTEM_CALL(noop_writer),
		cmocka_unit_test_teardown(T1_ring_tick_makes_no_system_call, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
