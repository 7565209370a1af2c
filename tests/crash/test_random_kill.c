/* SPDX-License-Identifier: MIT */
/*
 * Thousands of owners in a row, each killed at a random moment, over one and the same segment.
 *
 * Each owner adopts what the one before it left, and records at full speed. One reader is there
 * all the time and drains while owners write and die; another comes anew after each death.
 */
#include <inttypes.h>
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

#include "numbered.h"

#define KILLS           10000u
#define ADOPTION_KILLS  1000u
#define LIFE_NS_MAX     40000u  /* of recording */
#define ADOPTION_NS_MAX 500000u /* from fork to recording, about */
#define SLOTS           64u
#define BURST_MAX       8u
#define REACH           (SLOTS - BURST_MAX)

struct play {
	struct scene scene;
	struct ring_word *alive; /* how many owners have come to recording */
	uint64_t seed;
	struct epoch epochs[KILLS + 1];
	struct follower witness; /* of all of it */
	unsigned halves;         /* deaths between a tally and its publication */
};

/* The child: singles and bursts in turn, without end. */
static _Noreturn void record_until_killed(const struct play *play, uint64_t owner_count)
{
	struct owner owner;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (owner_open(&owner, &play->scene) != 0)
		_exit(EXIT_FAILURE);
	/* relaxed: this process is the only one that records. */
	uint64_t number = ring_load_relaxed(ring_writer_cells(owner.writer, owner.counter.key));
	/* release, to scene_await. */
	ring_store_release(play->alive, owner_count);
	for (;;) {
		for (unsigned i = 0; i < BURST_MAX; i++)
			numbered_record(&owner, RING_COUNTER, ++number);
		ring_burst_begin(owner.writer);
		for (unsigned i = 0; i < BURST_MAX + BURST_MAX / 2; i++)
			numbered_record(&owner, RING_COUNTER, ++number);
		ring_burst_end(owner.writer);
	}
}

static void check_remains(struct play *play)
{
	struct follower newcomer = {.reader = scene_read(&play->scene),
				    .epochs = play->epochs,
				    .epoch_count = play->witness.epoch_count};

	assert_non_null(newcomer.reader);
	assert_false(ring_reader_owner_alive(newcomer.reader));
	follower_finish(&newcomer);
	assert_string_equal(newcomer.complaint, "");
	follower_finish(&play->witness);
	assert_string_equal(play->witness.complaint, "");

	const struct epoch *epoch = &play->epochs[play->witness.epoch_count - 1];
	const uint64_t written = newcomer.account.written;
	const uint64_t tallied = numbered_tallied(newcomer.reader, RING_COUNTER);
	assert_int_equal(newcomer.kept, written < REACH ? written : REACH);
	assert_int_equal(play->witness.account.written, written);
	assert_in_range(tallied - written, epoch->skipped, epoch->skipped + BURST_MAX);
	play->halves += tallied - written > epoch->skipped;
	play->epochs[play->witness.epoch_count++] = (struct epoch){written, tallied - written};
	ring_reader_close(newcomer.reader);
}

/* One owner's life, of at most `life_ns_max` from now or from its first record. */
static void live_and_die(struct play *play, bool from_first_record, uint64_t life_ns_max)
{
	const uint64_t owner_count = play->witness.epoch_count;
	const uint64_t life_ns = scene_random(&play->seed) % life_ns_max;
	const pid_t pid = fork();
	int status;

	if (pid == 0)
		record_until_killed(play, owner_count);
	assert_true(pid > 0);
	const bool recording = !from_first_record || scene_await(play->alive, owner_count);
	for (const uint64_t death_ns = scene_now_ns() + life_ns; scene_now_ns() < death_ns;)
		follower_pass(&play->witness);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(recording);
	assert_true(WIFSIGNALED(status));
	check_remains(play);
}

static int set_up(void **state)
{
	static struct play play;
	struct owner owner;

	play = (struct play){.seed = scene_seed(), .alive = scene_share()};
	if (!play.alive || scene_begin(&play.scene, SLOTS, BURST_MAX) != 0 ||
	    owner_open(&owner, &play.scene) != 0)
		return -1;
	owner_close(&owner);
	play.witness = (struct follower){
		.reader = scene_read(&play.scene), .epochs = play.epochs, .epoch_count = 1};
	*state = &play;
	return play.witness.reader ? 0 : -1;
}

static int tear_down(void **state)
{
	struct play *play = *state;

	ring_reader_close(play->witness.reader);
	scene_end(&play->scene);
	scene_unshare(play->alive);
	return 0;
}

static void report(const struct play *play)
{
	const struct ring_account *account = &play->witness.account;

	assert_true(scene_is_current(&play->scene, play->witness.reader));
	printf("# %zu owners killed, %u of them between tally and publication; written %" PRIu64
	       " = drained %" PRIu64 " + dropped %" PRIu64 "\n",
	       play->witness.epoch_count - 1, play->halves, account->written, account->drained,
	       account->dropped);
}

static void T4_accounts_stay_exact_over_10000_kills(void **state)
{
	struct play *play = *state;

	for (unsigned i = 0; i < KILLS; i++)
		live_and_die(play, true, LIFE_NS_MAX);
	report(play);
	/* Else nobody died where it matters, and this has shown nothing. */
	assert_true(play->halves > 0);
	assert_true(play->witness.account.drained > 0);
	assert_true(play->witness.account.dropped > 0);
}

static void T4_accounts_stay_exact_when_owners_die_while_adopting(void **state)
{
	struct play *play = *state;

	for (unsigned i = 0; i < ADOPTION_KILLS; i++)
		live_and_die(play, false, ADOPTION_NS_MAX);
	report(play);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(T4_accounts_stay_exact_over_10000_kills, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			T4_accounts_stay_exact_when_owners_die_while_adopting, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
