/* SPDX-License-Identifier: MIT */
/*
 * One process writes, thousands of laps of a small ring, and others read: two threads that drain
 * as fast as they can, each with its own reader, and a process that is stopped and continued all
 * the time. Every sample that anybody gets is checked, and every account after every batch.
 *
 * The writer changes gear at random, from full speed to pauses in which readers catch up, so
 * that they meet it everywhere in the ring.
 */
#include <inttypes.h>
#include <pthread.h>
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

#define LAPS_MIN       10000u
#define KEPT_MIN       1000u /* by each thread, while the writer writes */
#define STOPS_MIN      50u   /* of the reader that is stopped and continued */
#define GEAR_BURSTS    512u  /* from one change of gear to the next */
#define PAUSE_SPIN_MAX 4096u
#define THREADS        2u

struct geometry {
	unsigned slot_count, burst_max;
};

struct play {
	struct geometry geometry;
	struct scene scene;
	uint64_t seed;
	struct ring_word *created, *begun, *enough; /* flags */
	struct ring_word *total;                    /* records made, set when all are */
	struct ring_word *passes;                   /* of the reader process */
};

struct reading {
	struct play *play;
	struct follower follower;
	struct ring_word kept; /* for the main thread to see */
	pthread_t thread;
};

static const struct epoch epoch;

static void raise_flag(struct ring_word *flag)
{
	/* release, to whoever waits for it. */
	ring_store_release(flag, 1);
}

static bool is_raised(const struct ring_word *flag)
{
	/* acquire, from raise_flag. */
	return ring_load_acquire(flag) != 0;
}

static void pause_for(uint64_t spins)
{
	while (spins-- > 0)
		__asm__ __volatile__("");
}

/* One burst, or as many single records. */
static uint64_t record_some(const struct owner *owner, uint64_t number, uint64_t random)
{
	const bool burst = random & 1;
	const uint64_t count = 1 + (random >> 1) % (2 * (owner->writer->burst_mask_max + 1));

	if (burst)
		ring_burst_begin(owner->writer);
	for (uint64_t i = 0; i < count; i++)
		numbered_record(owner, RING_COUNTER, ++number);
	if (burst)
		ring_burst_end(owner->writer);
	return number;
}

static _Noreturn void write_until_enough(const struct play *play)
{
	uint64_t random_state = play->seed, spin_max = 1, number = 0;
	struct owner owner;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (owner_open(&owner, &play->scene) != 0)
		_exit(EXIT_FAILURE);
	raise_flag(play->created);
	if (!scene_await(play->begun, 1))
		_exit(EXIT_FAILURE);
	for (uint64_t i = 0;
	     !is_raised(play->enough) || number < (uint64_t)LAPS_MIN * play->geometry.slot_count;
	     i++) {
		const uint64_t random = scene_random(&random_state);
		if (i % GEAR_BURSTS == 0)
			spin_max = 1 + (random >> 32) % 3 * (PAUSE_SPIN_MAX / 2);
		number = record_some(&owner, number, random);
		pause_for((random >> 32) % spin_max);
	}
	/* release, to the last look of every reader. */
	ring_store_release(play->total, number);
	owner_close(&owner);
	_exit(EXIT_SUCCESS);
}

/* One pass, and after it: no tally is behind what is published. */
static void pass(struct follower *follower)
{
	follower_pass(follower);
	if (!follower->complaint[0] &&
	    numbered_tallied(follower->reader, RING_COUNTER) < follower->account.written)
		snprintf(follower->complaint, sizeof follower->complaint,
			 "tally behind the %" PRIu64 " written", follower->account.written);
}

static void *read_in_thread(void *argument)
{
	struct reading *reading = argument;

	while (!is_raised(reading->play->total)) {
		pass(&reading->follower);
		/* relaxed: the main thread wants to see it grow. */
		ring_store_relaxed(&reading->kept, reading->follower.kept);
	}
	return NULL;
}

static struct follower follow(const struct play *play)
{
	return (struct follower){
		.reader = scene_read(&play->scene), .epochs = &epoch, .epoch_count = 1};
}

/* All is drained or counted, and the totals are exact. */
static bool ends_well(const struct play *play, struct follower *follower)
{
	/* acquire, from the writer's last act. */
	const uint64_t total = ring_load_acquire(play->total);

	follower_finish(follower);
	if (follower->complaint[0])
		fprintf(stderr, "two_processes: reader: %s\n", follower->complaint);
	return !follower->complaint[0] && follower->account.written == total &&
	       numbered_tallied(follower->reader, RING_COUNTER) == total;
}

static _Noreturn void read_in_process(const struct play *play)
{
	struct follower follower = follow(play);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!follower.reader)
		_exit(EXIT_FAILURE);
	for (uint64_t count = 1; !is_raised(play->total); count++) {
		pass(&follower);
		/* relaxed: the parent wants to see it grow. */
		ring_store_relaxed(play->passes, count);
	}
	_exit(ends_well(play, &follower) ? EXIT_SUCCESS : EXIT_FAILURE);
}

static pid_t start(void (*run)(const struct play *play), const struct play *play)
{
	const pid_t pid = fork();

	if (pid == 0)
		run(play);
	return pid;
}

static bool succeeds(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == EXIT_SUCCESS;
}

/* Stops the process where it happens to be, and lets it make at least one more pass. */
static bool stop_and_continue(const struct play *play, pid_t pid)
{
	int status;

	kill(pid, SIGSTOP);
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		return false;
	/* relaxed: the process stands still. */
	const uint64_t count = ring_load_relaxed(play->passes);
	kill(pid, SIGCONT);
	return scene_await(play->passes, count + 2);
}

/* Until everybody has read enough. Returns whether they did and both processes ended well. */
static bool run(struct play *play, struct reading *readings)
{
	const pid_t writer = start(write_until_enough, play);
	bool well = scene_await(play->created, 1);
	const pid_t reader = start(read_in_process, play);

	for (unsigned i = 0; i < THREADS; i++) {
		readings[i] = (struct reading){.play = play, .follower = follow(play)};
		pthread_create(&readings[i].thread, NULL, read_in_thread, &readings[i]);
	}
	raise_flag(play->begun);
	for (unsigned i = 0; i < STOPS_MIN && well; i++)
		well = stop_and_continue(play, reader);
	for (unsigned i = 0; i < THREADS && well; i++)
		well = scene_await(&readings[i].kept, KEPT_MIN);
	raise_flag(play->enough);
	well = succeeds(writer) && well;
	if (!is_raised(play->total)) /* else the others would read on */
		raise_flag(play->total);
	well = succeeds(reader) && well;
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(readings[i].thread, NULL);
	return well;
}

static bool report(const struct play *play, struct reading *reading)
{
	struct follower *follower = &reading->follower;
	const uint64_t kept = follower->kept;
	const bool well = ends_well(play, follower) && follower->account.dropped > 0;

	printf("# written %" PRIu64 ", kept %" PRIu64 " in flight and %" PRIu64
	       " at the end, dropped %" PRIu64 "\n",
	       follower->account.written, kept, follower->kept - kept, follower->account.dropped);
	ring_reader_close(follower->reader);
	return well;
}

static void account_holds_under_three_readers(void **state)
{
	struct play play = {.geometry = *(const struct geometry *)*state, .seed = scene_seed()};
	struct ring_word **words[] = {&play.created, &play.begun, &play.enough, &play.total,
				      &play.passes};
	struct reading readings[THREADS];

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		assert_non_null(*words[i] = scene_share());
	assert_int_equal(
		scene_begin(&play.scene, play.geometry.slot_count, play.geometry.burst_max), 0);
	bool well = run(&play, readings);
	for (unsigned i = 0; i < THREADS; i++)
		well = report(&play, &readings[i]) && well;
	scene_end(&play.scene);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		scene_unshare(*words[i]);
	assert_true(well);
}

static struct geometry slots_2 = {2, 1};
static struct geometry slots_8 = {8, 4};
static struct geometry slots_64 = {64, 16};
static struct geometry slots_1024 = {1024, 64};

#define RING_OF(slots)                                                                           \
	{                                                                                        \
		.name = "T4_account_holds_under_three_readers_of_a_ring_of_" #slots "_slots",    \
		.test_func = account_holds_under_three_readers, .initial_state = &slots_##slots, \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {RING_OF(2), RING_OF(8), RING_OF(64), RING_OF(1024)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
