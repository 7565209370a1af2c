/* SPDX-License-Identifier: MIT */
/*
 * A writer that is killed, or merely stands still, at every single instruction of a record.
 *
 * One child per instruction: it is stepped that far and then killed for good, and readers, old
 * and new, and the next owner look at what it left. The program is built twice, optimized much and
 * little: what the compiler merges or moves in one build stands apart in the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "numbered.h"
#include "tracee.h"

#define INSTRUCTIONS_MAX 10000u
#define GO_ON_COUNT      5u

enum { STAGE_RECORDING = 1, STAGE_OVER = 2 };

struct script {
	enum ring_kind kind;
	unsigned slot_count;
	unsigned burst_max;
	unsigned before; /* records made before stepping */
	unsigned count;  /* records that are stepped through */
	bool burst;      /* between ring_burst_begin and ring_burst_end */
};

/* Static, so that the teardown finds it after a failed assertion too. */
static struct play {
	struct script script;
	struct scene scene;
	struct tracee tracee;
	struct follower awake;  /* attached before the record, and has drained all until then */
	struct follower asleep; /* attached at the same time, and drains for the first time after */
	struct epoch epochs[2];
	size_t epoch_count;
} play;

/* The child. */
static void act(struct ring_word *mark, void *argument)
{
	const struct script *script = argument;
	struct owner owner;
	uint64_t number = 0;

	if (owner_open(&owner, &play.scene) != 0)
		return;
	while (number < script->before)
		numbered_record(&owner, script->kind, ++number);
	tracee_ready();
	tracee_enter(mark, STAGE_RECORDING);
	if (script->burst)
		ring_burst_begin(owner.writer);
	while (number < script->before + script->count)
		numbered_record(&owner, script->kind, ++number);
	if (script->burst)
		ring_burst_end(owner.writer);
	tracee_enter(mark, STAGE_OVER);
}

static struct follower follow(void)
{
	struct follower follower = {.reader = scene_read(&play.scene), .epochs = play.epochs};

	assert_non_null(follower.reader);
	return follower;
}

/* Takes all there is, whole and in its place. */
static void finish(struct follower *follower)
{
	follower->epoch_count = play.epoch_count;
	follower_finish(follower);
	assert_string_equal(follower->complaint, "");
}

/* Up to the first instruction of the record. */
static void raise_curtain(const struct script *script)
{
	unsigned count;

	play = (struct play){.script = *script, .epoch_count = 1};
	assert_int_equal(scene_begin(&play.scene, script->slot_count, script->burst_max), 0);
	assert_int_equal(tracee_start(&play.tracee, act, &play.script), 0);
	play.awake = follow();
	play.asleep = follow();
	finish(&play.awake);
	assert_int_equal(play.awake.account.written, script->before);
	assert_int_equal(tracee_step_to(&play.tracee, STAGE_RECORDING, &count), 0);
}

static int drop_curtain(void **state)
{
	(void)state;
	tracee_kill(&play.tracee);
	ring_reader_close(play.awake.reader);
	ring_reader_close(play.asleep.reader);
	scene_end(&play.scene);
	return 0;
}

/* A reader that comes now finds all that a ring can hold, and counts the rest. */
static void check_newcomer(void)
{
	const uint64_t reach = play.script.slot_count - play.script.burst_max;
	struct follower newcomer = follow();

	finish(&newcomer);
	ring_reader_close(newcomer.reader);
	const uint64_t written = newcomer.account.written;
	assert_int_equal(newcomer.kept, written < reach ? written : reach);
}

/* What must hold at every instruction. Returns the number of the last record in the tallies. */
static uint64_t check_readers(void)
{
	const struct script *script = &play.script;
	struct ring_reader *reader = play.awake.reader;

	finish(&play.awake);
	finish(&play.asleep);
	check_newcomer();
	const uint64_t written = play.awake.account.written;
	const uint64_t tallied = numbered_tallied(reader, script->kind);
	assert_in_range(written, script->before, script->before + script->count);
	assert_in_range(tallied, written, script->before + script->count);
	assert_in_range(tallied - written, 0, script->burst ? script->burst_max : 1);
	assert_true(numbered_tallies_hold(reader, script->kind, tallied));
	return tallied;
}

/* The next owner: takes over the same file, and totals, numbers and positions go on. */
static void check_successor(uint64_t tallied)
{
	const enum ring_kind kind = play.script.kind;
	const uint64_t written = play.awake.account.written;
	struct ring_reader *reader = play.awake.reader;
	struct owner owner;

	assert_int_equal(owner_open(&owner, &play.scene), 0);
	assert_true(scene_is_current(&play.scene, reader));
	assert_true(ring_reader_owner_alive(reader));
	assert_int_equal(numbered_tallied(reader, kind), kind == RING_GAUGE ? 0 : tallied);
	play.epochs[play.epoch_count++] = (struct epoch){written, tallied - written};
	for (uint64_t number = tallied + 1; number <= tallied + GO_ON_COUNT; number++)
		numbered_record(&owner, kind, number);
	finish(&play.awake);
	check_newcomer();
	assert_int_equal(play.awake.account.written, written + GO_ON_COUNT);
	assert_int_equal(numbered_tallied(reader, kind), tallied + GO_ON_COUNT);
	owner_close(&owner);
}

/* One child, killed after `instruction` instructions. Returns whether it was over by then. */
static bool kill_at(const struct script *script, unsigned instruction)
{
	raise_curtain(script);
	for (unsigned i = 0; i < instruction; i++)
		assert_int_equal(tracee_step(&play.tracee), 0);
	const bool over = tracee_stage(&play.tracee) == STAGE_OVER;
	tracee_kill(&play.tracee);
	assert_false(ring_reader_owner_alive(play.awake.reader));
	const uint64_t tallied = check_readers();
	if (over)
		assert_int_equal(play.awake.account.written, script->before + script->count);
	check_successor(tallied);
	return over;
}

static void kill_everywhere(void **state)
{
	unsigned instruction = 0;

	while (!kill_at(*state, instruction)) {
		drop_curtain(NULL);
		assert_true(++instruction < INSTRUCTIONS_MAX);
	}
	assert_in_range(instruction, 10, INSTRUCTIONS_MAX);
	printf("# killed at each of %u instructions\n", instruction);
}

/* A tracee between two steps is stopped as by SIGSTOP. */
static void stop_everywhere(void **state)
{
	const struct script *script = *state;
	unsigned count = 0;

	raise_curtain(script);
	for (; tracee_stage(&play.tracee) != STAGE_OVER; count++) {
		assert_true(ring_reader_owner_alive(play.awake.reader));
		check_readers();
		assert_int_equal(tracee_step(&play.tracee), 0);
	}
	assert_int_equal(check_readers(), script->before + script->count);
	assert_int_equal(play.awake.account.written, script->before + script->count);
	printf("# stopped at each of %u instructions\n", count);
}

static struct script counter = {RING_COUNTER, 64, 4, 3, 1, false};
static struct script gauge = {RING_GAUGE, 64, 4, 3, 1, false};
static struct script histogram = {RING_HISTOGRAM, 64, 4, 3, 1, false};
static struct script burst_at_once = {RING_COUNTER, 64, 4, 3, 4, true};
static struct script burst_in_two = {RING_COUNTER, 64, 2, 3, 3, true};
static struct script wrap = {RING_COUNTER, 8, 1, 7, 2, false};
static struct script lap = {RING_COUNTER, 8, 1, 21, 2, false};
static struct script smallest = {RING_COUNTER, 2, 1, 5, 2, false};
static struct script lap_in_burst = {RING_GAUGE, 8, 2, 21, 4, true};

#define KILLED(script)                                                       \
	{                                                                    \
		.name = "T4_killed_at_every_instruction_of_a_" #script,      \
		.test_func = kill_everywhere, .teardown_func = drop_curtain, \
		.initial_state = &script,                                    \
	}
#define STOPPED(script)                                                      \
	{                                                                    \
		.name = "T4_stopped_at_every_instruction_of_a_" #script,     \
		.test_func = stop_everywhere, .teardown_func = drop_curtain, \
		.initial_state = &script,                                    \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KILLED(counter),       KILLED(gauge),    KILLED(histogram), KILLED(burst_at_once),
		KILLED(burst_in_two),  KILLED(wrap),     KILLED(lap),       KILLED(smallest),
		KILLED(lap_in_burst),  STOPPED(counter), STOPPED(gauge),    STOPPED(histogram),
		STOPPED(burst_in_two), STOPPED(wrap),    STOPPED(lap),      STOPPED(smallest),
		STOPPED(lap_in_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
