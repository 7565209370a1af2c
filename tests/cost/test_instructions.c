/* SPDX-License-Identifier: MIT */
/*
 * How many instructions a record takes: the same at every position of the ring, at most what is
 * stated here, none of them a lock, and whatever readers do.
 *
 * The figures are those of the call itself, without the call and return instructions around it
 * and with its handle in registers. They are upper bounds of what it takes inlined.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "stage.h"

#define CALLS (3 * STAGE_SLOTS) /* three laps */

/* Static, so that the teardown finds it after a failed assertion too. */
static struct stage stage;

static int end(void **state)
{
	(void)state;
	stage_end(&stage);
	return 0;
}

static void begin(const struct stage *planned, unsigned calls)
{
	stage = *planned;
	stage.calls = calls;
	assert_int_equal(stage_begin(&stage), 0);
}

static unsigned count_call(unsigned call)
{
	unsigned between, count;

	assert_int_equal(tracee_step_to(&stage.tracee, stage_before(call), &between), 0);
	assert_int_equal(tracee_step_to(&stage.tracee, stage_after(call), &count), 0);
	return count;
}

/* What calling a function and entering the next stage takes. */
static unsigned count_nothing(void)
{
	begin(&(struct stage){.call = record_nothing}, 1);
	const unsigned count = count_call(0);
	stage_end(&stage);
	return count;
}

/* What a call may take at most. */
struct limit {
	const char *name;
	struct stage stage;
	unsigned count_max;
	bool uniform; /* and at least as many */
};

static void count_is_bounded(void **state)
{
	const struct limit *limit = *state;
	const unsigned nothing = count_nothing();
	unsigned min = ~0u, max = 0;

	begin(&limit->stage, CALLS);
	for (unsigned i = 0; i < CALLS; i++) {
		const unsigned count = count_call(i) - nothing;
		min = count < min ? count : min;
		max = count > max ? count : max;
	}
	printf("# %s: %u to %u instructions, of at most %u\n", limit->name, min, max,
	       limit->count_max);
	assert_in_range(max, 1, limit->count_max);
	if (limit->uniform)
		assert_int_equal(min, max);
}

static void no_instruction_locks(void **state)
{
	const struct limit *limit = *state;

#ifndef __x86_64__
	skip();
#endif
	begin(&limit->stage, STAGE_SLOTS + 1);
	while (tracee_stage(&stage.tracee) < stage_after(STAGE_SLOTS)) {
		assert_false(tracee_is_at_barrier(&stage.tracee));
		assert_int_equal(tracee_step(&stage.tracee), 0);
	}
}

/* A reader in a process of its own, which drains until it is killed. */
static pid_t start_reader(const struct scene *scene, struct ring_word *passes)
{
	struct ring_sample samples[STAGE_SLOTS];
	const pid_t pid = fork();
	size_t count;

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct ring_reader *reader = scene_read(scene);
	if (!reader)
		_exit(EXIT_FAILURE);
	for (uint64_t pass = 1;; pass++) {
		ring_reader_drain(reader, 0, samples, STAGE_SLOTS, &count);
		/* relaxed: the parent wants to see it grow. */
		ring_store_relaxed(passes, pass);
	}
}

static void require_lap_of(unsigned count, unsigned *call)
{
	for (unsigned i = 0; i < STAGE_SLOTS; i++)
		assert_int_equal(count_call((*call)++), count);
}

static void T6_attaching_stopping_and_killing_a_reader_costs_the_writer_nothing(void **state)
{
	struct ring_word *passes = scene_share();
	unsigned call = 0;
	int status;

	(void)state;
	assert_non_null(passes);
	begin(&(struct stage){.call = record_counter_add}, 6 * STAGE_SLOTS);
	const unsigned alone = count_call(call++);
	require_lap_of(alone, &call);
	const pid_t pid = start_reader(&stage.scene, passes);
	assert_true(pid > 0);
	assert_true(scene_await(passes, 1));
	require_lap_of(alone, &call);
	kill(pid, SIGSTOP);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	require_lap_of(alone, &call);
	/* relaxed: the reader stands still. */
	const uint64_t pass = ring_load_relaxed(passes);
	kill(pid, SIGCONT);
	assert_true(scene_await(passes, pass + 2));
	require_lap_of(alone, &call);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	require_lap_of(alone, &call);
	scene_unshare(passes);
}

/* What gcc 12 or clang 14 takes for x86-64. */
static struct limit counter_add = {
	"counter_add", {.call = record_counter_add, .kind = RING_COUNTER}, 20, true};
static struct limit gauge_set = {
	"gauge_set", {.call = record_gauge_set, .kind = RING_GAUGE}, 24, true};
static struct limit gauge_add = {
	"gauge_add", {.call = record_gauge_add, .kind = RING_GAUGE}, 32, false};
static struct limit state_set = {
	"state_set", {.call = record_state_set, .kind = RING_GAUGE}, 30, true};
static struct limit histogram_observe = {
	"histogram_observe", {.call = record_histogram_observe, .kind = RING_HISTOGRAM}, 80, true};
static struct limit counter_add_in_burst = {
	"counter_add_in_burst",
	{.call = record_counter_add, .kind = RING_COUNTER, .state = WRITER_BURST},
	20,
	false};
static struct limit zero_counter = {
	"zero_counter", {.call = record_counter_add, .zero_handle = true}, 2, true};
static struct limit zero_state = {
	"zero_state", {.call = record_state_set, .zero_handle = true}, 12, true};
static struct limit zero_histogram = {
	"zero_histogram", {.call = record_histogram_observe, .zero_handle = true}, 8, true};
static struct limit noop_writer = {
	"noop_writer", {.call = record_counter_add, .state = WRITER_NOOP}, 2, true};

#define BOUNDED(limit)                                                                            \
	{                                                                                         \
		.name = "T1_instructions_are_bounded_for_" #limit, .test_func = count_is_bounded, \
		.teardown_func = end, .initial_state = &limit,                                    \
	}
#define LOCKLESS(limit)                                                                           \
	{                                                                                         \
		.name = "T1_no_instruction_is_locked_of_" #limit,                                 \
		.test_func = no_instruction_locks, .teardown_func = end, .initial_state = &limit, \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOUNDED(counter_add),
		BOUNDED(gauge_set),
		BOUNDED(gauge_add),
		BOUNDED(state_set),
		BOUNDED(histogram_observe),
		BOUNDED(counter_add_in_burst),
		BOUNDED(zero_counter),
		BOUNDED(zero_state),
		BOUNDED(zero_histogram),
		BOUNDED(noop_writer),
		LOCKLESS(counter_add),
		LOCKLESS(gauge_set),
		LOCKLESS(gauge_add),
		LOCKLESS(state_set),
		LOCKLESS(histogram_observe),
		LOCKLESS(counter_add_in_burst),
		cmocka_unit_test_teardown(
			T6_attaching_stopping_and_killing_a_reader_costs_the_writer_nothing, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
