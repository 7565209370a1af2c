/* SPDX-License-Identifier: MIT */
/*
 * Positions beyond 32 bits and across the end of 64: a ring is told that it has a long past, and
 * then followed over the edge.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "numbered.h"

#define SLOTS     16u
#define BURST_MAX 4u
#define REACH     (SLOTS - BURST_MAX)
#define BEFORE    100u /* records from the start to the edge */
#define AFTER     100u

/* Static, so that the teardown finds it after a failed assertion too. */
static struct play {
	struct scene scene;
	struct owner owner;
	struct epoch epoch;
	uint64_t number; /* of the last record */
} play;

/* Moves the past of the segment, which nobody owns, to `position`. */
static void give_past(int fd, uint64_t position)
{
	struct ring_header *header = mmap(NULL, sizeof *header, PROT_READ, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(header, MAP_FAILED);
	struct ring_core *core = mmap(NULL, sizeof *core, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				      (off_t)(header->cores_offset + header->control_offset));
	assert_ptr_not_equal(core, MAP_FAILED);
	/* relaxed: nobody else has the file open. */
	ring_store_relaxed(&core->write_pos, position);
	ring_store_relaxed(&core->first_pos, position);
	munmap(core, sizeof *core);
	munmap(header, sizeof *header);
}

/* A ring with a writer and nothing in it, BEFORE records from the edge. */
static void begin(uint64_t edge)
{
	play = (struct play){.epoch = {.position = edge - BEFORE}};
	assert_int_equal(scene_begin(&play.scene, SLOTS, BURST_MAX), 0);
	assert_int_equal(owner_open(&play.owner, &play.scene), 0);
	const int fd = open(ring_segment_path(play.owner.segment), O_RDWR);
	owner_close(&play.owner);
	assert_true(fd >= 0);
	give_past(fd, play.epoch.position);
	close(fd);
	assert_int_equal(owner_open(&play.owner, &play.scene), 0);
}

static int end(void **state)
{
	(void)state;
	owner_close(&play.owner);
	scene_end(&play.scene);
	return 0;
}

static void record(unsigned count)
{
	while (count-- > 0)
		numbered_record(&play.owner, RING_COUNTER, ++play.number);
}

static void record_burst(unsigned count)
{
	ring_burst_begin(play.owner.writer);
	record(count);
	ring_burst_end(play.owner.writer);
}

static struct follower follow(void)
{
	return (struct follower){
		.reader = scene_read(&play.scene), .epochs = &play.epoch, .epoch_count = 1};
}

/* Drains all and requires `kept` samples since the follower began. */
static void require_kept(struct follower *follower, uint64_t kept)
{
	assert_non_null(follower->reader);
	follower_finish(follower);
	assert_string_equal(follower->complaint, "");
	assert_int_equal(follower->kept, kept);
	assert_int_equal(follower->account.written, play.epoch.position + play.number);
	assert_int_equal(numbered_tallied(follower->reader, RING_COUNTER), play.number);
}

/* One that comes now gets what the ring still has. */
static void require_newcomer_kept(uint64_t kept)
{
	struct follower newcomer = follow();

	require_kept(&newcomer, kept);
	ring_reader_close(newcomer.reader);
}

/* A follower that keeps up gets all, sample by sample and burst by burst. */
static void every_sample_arrives_across_the_edge(void **state)
{
	begin(*(const uint64_t *)*state);
	struct follower follower = follow();
	require_kept(&follower, 0);
	while (play.number < BEFORE + AFTER) {
		if (play.number % 3 == 0)
			record_burst(BURST_MAX);
		else
			record(1);
		require_kept(&follower, play.number);
		require_newcomer_kept(play.number < REACH ? play.number : REACH);
	}
	assert_int_equal(follower.account.dropped, play.epoch.position);
	ring_reader_close(follower.reader);
}

/* One that is lapped, before, on and after the edge, counts exactly what it missed. */
static void laps_are_counted_across_the_edge(void **state)
{
	for (unsigned look = 0; look < BEFORE + AFTER; look++) {
		begin(*(const uint64_t *)*state);
		struct follower follower = follow();
		record(look);
		require_kept(&follower, look < REACH ? look : REACH);
		const uint64_t kept = follower.kept;
		record_burst(BEFORE + AFTER);
		require_kept(&follower, kept + REACH);
		assert_int_equal(follower.account.dropped,
				 play.epoch.position + play.number - kept - REACH);
		ring_reader_close(follower.reader);
		if (look + 1 < BEFORE + AFTER)
			end(NULL);
	}
}

/* A successor goes on from positions that have wrapped. */
static void a_successor_goes_on_behind_the_edge(void **state)
{
	begin(*(const uint64_t *)*state);
	struct follower follower = follow();
	record(BEFORE + 1);
	owner_close(&play.owner);
	assert_int_equal(owner_open(&play.owner, &play.scene), 0);
	record(1);
	require_kept(&follower, REACH);
	require_newcomer_kept(REACH);
	ring_reader_close(follower.reader);
}

static uint64_t edge_32 = UINT64_C(1) << 32;
static uint64_t edge_63 = UINT64_C(1) << 63;
static uint64_t edge_64 = 0;

#define AT_EDGE(behaviour, bits)                                                       \
	{                                                                              \
		.name = "T4_" #behaviour "_of_" #bits "_bits", .test_func = behaviour, \
		.teardown_func = end, .initial_state = &edge_##bits,                   \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_EDGE(every_sample_arrives_across_the_edge, 32),
		AT_EDGE(every_sample_arrives_across_the_edge, 63),
		AT_EDGE(every_sample_arrives_across_the_edge, 64),
		AT_EDGE(laps_are_counted_across_the_edge, 32),
		AT_EDGE(laps_are_counted_across_the_edge, 63),
		AT_EDGE(laps_are_counted_across_the_edge, 64),
		AT_EDGE(a_successor_goes_on_behind_the_edge, 32),
		AT_EDGE(a_successor_goes_on_behind_the_edge, 63),
		AT_EDGE(a_successor_goes_on_behind_the_edge, 64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
