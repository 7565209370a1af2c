/* SPDX-License-Identifier: MIT */
/*
 * What ends a claim: its release, the end of its thread, the closing of its segment, a fork. Each
 * ends that claim and no other, and leaves what an open burst has recorded readable.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "workspace.h"

#define CORES 3u

static struct ring_segment *open_segment(void **state, const char *name)
{
	struct ring_options options = workspace_options(*state, name);

	options.core_count = CORES;
	options.burst_max = 4;
	return workspace_segment(&options);
}

static struct ring_writer *claim(struct ring_segment *segment, unsigned core)
{
	struct ring_writer *writer = ring_writer_claim(segment, core);

	assert_true(ring_writer_is_live(writer));
	return writer;
}

/* A claim with a burst of three samples that nobody has ended. */
static struct ring_writer *claim_in_burst(struct ring_segment *segment, unsigned core)
{
	struct ring_writer *writer = claim(segment, core);

	ring_burst_begin(writer);
	for (int i = 0; i < 3; i++)
		ring_counter_add(writer, workspace_packets(segment, "a"), 1);
	return writer;
}

static uint64_t written_of(struct ring_reader *reader, uint32_t core)
{
	struct ring_account account;

	assert_int_equal(ring_reader_account(reader, core, &account), RING_SOUND);
	return account.written;
}

/* The first claim is the last of the thread's list, the second is amid it. */
static void *hold_three_and_release_the_second(void *segment)
{
	claim_in_burst(segment, 0);
	struct ring_writer *second = claim_in_burst(segment, 1);
	claim_in_burst(segment, 2);
	ring_writer_release(second);
	return NULL;
}

static void thread_that_ends_ends_every_claim_that_it_holds(void **state)
{
	struct ring_segment *segment = open_segment(state, "thread");
	struct ring_reader *reader = workspace_reader(segment);
	pthread_t thread;

	for (uint64_t round = 1; round <= 2; round++) {
		assert_int_equal(
			pthread_create(&thread, NULL, hold_three_and_release_the_second, segment),
			0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		for (unsigned core = 0; core < CORES; core++)
			assert_int_equal(written_of(reader, core), 3 * round);
	}
	for (unsigned core = 0; core < CORES; core++)
		claim(segment, core);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

struct meeting {
	struct ring_segment *closed, *other;
	pthread_barrier_t barrier;
};

static void *outlive_a_segment(void *argument)
{
	struct meeting *meeting = argument;
	struct ring_writer *writer = claim(meeting->other, 1);
	const struct ring_counter counter = workspace_packets(meeting->other, "a");

	claim_in_burst(meeting->closed, 0);
	claim_in_burst(meeting->closed, 2);
	pthread_barrier_wait(&meeting->barrier); /* claimed */
	pthread_barrier_wait(&meeting->barrier); /* closed */
	ring_counter_add(writer, counter, 1);
	return NULL;
}

static void closing_a_segment_ends_its_claims_and_keeps_their_bursts(void **state)
{
	struct meeting meeting = {open_segment(state, "closed"), open_segment(state, "other")};
	char path[RING_PATH_BYTES];
	struct ring_reader *reader = NULL;
	pthread_t thread;

	strcpy(path, ring_segment_path(meeting.closed));
	pthread_barrier_init(&meeting.barrier, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, outlive_a_segment, &meeting), 0);
	pthread_barrier_wait(&meeting.barrier);
	ring_segment_close(meeting.closed);
	pthread_barrier_wait(&meeting.barrier);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_barrier_destroy(&meeting.barrier);

	assert_int_equal(ring_reader_open(&reader, AT_FDCWD, path), 0);
	assert_int_equal(written_of(reader, 0), 3);
	assert_int_equal(written_of(reader, 1), 0);
	assert_int_equal(written_of(reader, 2), 3);
	ring_reader_close(reader);
	reader = workspace_reader(meeting.other);
	assert_int_equal(written_of(reader, 1), 1);
	claim(meeting.other, 1);
	ring_reader_close(reader);
	ring_segment_close(meeting.other);
}

/* The parent had begun a burst with each. */
static int record_as_the_child(struct ring_writer *const writers[CORES],
			       struct ring_counter counter)
{
	int live = 0;

	for (unsigned core = 0; core < CORES; core++) {
		for (int i = 0; i < 100; i++)
			ring_counter_add(writers[core], counter, 1);
		ring_burst_end(writers[core]);
		live += ring_writer_is_live(writers[core]);
		ring_writer_release(writers[core]);
	}
	return live;
}

static void child_of_a_fork_records_nowhere_on_any_core(void **state)
{
	struct ring_segment *segment = open_segment(state, "fork");
	struct ring_reader *reader = workspace_reader(segment);
	struct ring_writer *writers[CORES];
	int status;

	for (unsigned core = 0; core < CORES; core++)
		writers[core] = claim_in_burst(segment, core);
	const struct ring_counter counter = workspace_packets(segment, "a");
	const pid_t child = fork();
	if (child == 0)
		_exit(record_as_the_child(writers, counter));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(workspace_value(reader, "test_packets_total", "a", 0), 3 * CORES);
	for (unsigned core = 0; core < CORES; core++) {
		assert_int_equal(written_of(reader, core), 0);
		ring_counter_add(writers[core], counter, 1);
		assert_int_equal(written_of(reader, core), 4);
	}
	ring_reader_close(reader);
	ring_segment_close(segment);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(thread_that_ends_ends_every_claim_that_it_holds),
		TEST(closing_a_segment_ends_its_claims_and_keeps_their_bursts),
		TEST(child_of_a_fork_records_nowhere_on_any_core),
	};

	return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
