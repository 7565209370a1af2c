/* SPDX-License-Identifier: MIT */
/*
 * An owner that stands still, or is killed, behind every instruction that changes the segment while
 * a series changes hands: the one that is forgotten is shown under its name with its value, or not
 * at all; so is the next; and the owner after that finds tables that it can go on with. Row X10.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "scene.h"
#include "tracee.h"

#define COOL_DOWN_MS 1u
#define STEPS_MAX    100000u

enum { STAGE_FORGETTING = 1, STAGE_WAITING, STAGE_TAKING, STAGE_OVER };

static const struct ring_metric_def metric = {
	.name = "queue_messages",
	.help = "Messages.",
	.kind = RING_GAUGE,
	.merge = RING_LAST,
	.label_keys = {"queue"},
	.series_max = 1,
	.overflow_label = "_other",
};

/* Names and what is recorded for them. The second is longer, so that its labels move. */
static const char *const before = "a", *const after = "a-name-that-is-longer";

/* Static, so that the teardown finds it after a failed assertion too. */
static struct play {
	struct scene scene;
	struct tracee tracee;
	struct ring_reader *awake; /* attached before the change */
	const uint8_t *file;       /* as it is, and as it was when this last looked */
	uint8_t *known;
	size_t bytes;
} play;

static struct ring_segment *own(void)
{
	const struct ring_options options = {
		.name = SCENE_NAME,
		.dir = play.scene.dir,
		.core_count = 1,
		.slot_count = 8,
		.series_spare = 1,
		.metrics_spare = 1,
		.cool_down_ms = COOL_DOWN_MS,
		.metrics = &metric,
		.metric_count = 1,
	};
	struct ring_segment *segment;

	return ring_segment_create(&segment, &options) == 0 ? segment : NULL;
}

static void record(struct ring_segment *segment, struct ring_writer *writer, const char *queue)
{
	ring_gauge_set(writer, ring_gauge_resolve(segment, metric.name, RING_LABELS(queue)),
		       (double)strlen(queue));
}

/* Sleeps until the place may be another's. */
static void cool_down(void)
{
	const struct timespec pause = {.tv_nsec = 2 * COOL_DOWN_MS * 1000000L};

	nanosleep(&pause, NULL);
}

/* The child. */
static void act(struct ring_word *mark, void *argument)
{
	struct ring_segment *segment = own();
	(void)argument;

	if (!segment)
		return;
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	record(segment, writer, before);
	tracee_ready();
	tracee_enter(mark, STAGE_FORGETTING);
	ring_series_forget(segment, metric.name, RING_LABELS(before));
	tracee_enter(mark, STAGE_WAITING);
	cool_down();
	tracee_enter(mark, STAGE_TAKING);
	record(segment, writer, after);
	tracee_enter(mark, STAGE_OVER);
}

/* Every value is the length of the name that it was recorded for. Returns the length of the name
 * shown, or 0. */
static size_t shown(struct ring_reader *reader)
{
	size_t length = 0;
	uint64_t cells[2];

	for (uint32_t i = 0; i < ring_reader_series_count(reader); i++) {
		struct ring_text labels = ring_reader_series(reader, i)->labels, name;
		assert_int_equal(ring_reader_gather(reader, 0, &i, 1, cells), RING_SOUND);
		if (cells[0] == RING_GAUGE_UNSET)
			continue;
		assert_true(ring_label_next(&labels, &name));
		assert_true(ring_double_of(cells[0]) == name.bytes);
		length = name.bytes;
	}
	return length;
}

/* What must hold at every instruction, for one who was there, before and after another look, and
 * for one who comes now. */
static void check_readers(void)
{
	struct ring_reader *newcomer = scene_read(&play.scene);

	shown(play.awake);
	assert_int_equal(ring_reader_refresh(play.awake), RING_SOUND);
	assert_non_null(newcomer);
	/* One may know already what the other does not: then one of them shows nothing. */
	const size_t now = shown(newcomer), then = shown(play.awake);
	assert_true(now == then || now == 0 || then == 0);
	ring_reader_close(newcomer);
}

/* The next owner has the one place to give, to a name of its own. */
static void check_successor(void)
{
	static const char name[] = "successor";
	struct ring_segment *segment = own();

	assert_non_null(segment);
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	assert_int_equal(ring_reader_refresh(play.awake), RING_SOUND);
	assert_int_equal(shown(play.awake), 0);
	cool_down();
	record(segment, writer, name);
	assert_int_equal(ring_reader_refresh(play.awake), RING_SOUND);
	assert_int_equal(shown(play.awake), strlen(name));
	assert_int_equal(ring_reader_series_count(play.awake), 1);
	check_readers();
	ring_segment_close(segment);
}

static const uint8_t *map_file(size_t bytes)
{
	char path[64];

	snprintf(path, sizeof path, "%s/%s", play.scene.dir, SCENE_NAME);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *file = fd < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return file == MAP_FAILED ? NULL : file;
}

static void raise_curtain(void)
{
	unsigned count;

	memset(&play, 0, sizeof play);
	assert_int_equal(scene_begin(&play.scene, 8, 1), 0);
	assert_int_equal(tracee_start(&play.tracee, act, NULL), 0);
	play.awake = scene_read(&play.scene);
	assert_non_null(play.awake);
	assert_int_equal(shown(play.awake), strlen(before));
	play.bytes = ring_reader_header(play.awake)->segment_bytes;
	play.file = map_file(play.bytes);
	play.known = malloc(play.bytes);
	assert_non_null(play.file);
	assert_non_null(play.known);
	memcpy(play.known, play.file, play.bytes);
	assert_int_equal(tracee_step_to(&play.tracee, STAGE_FORGETTING, &count), 0);
}

static int drop_curtain(void **state)
{
	(void)state;
	tracee_kill(&play.tracee);
	ring_reader_close(play.awake);
	play.awake = NULL;
	if (play.file)
		munmap((void *)(uintptr_t)play.file, play.bytes);
	play.file = NULL;
	free(play.known);
	play.known = NULL;
	scene_end(&play.scene);
	return 0;
}

/* Lets instructions happen until one has changed the segment. False: it was over before. */
static bool step_to_change(void)
{
	for (unsigned i = 0; i < STEPS_MAX && tracee_stage(&play.tracee) != STAGE_OVER; i++) {
		assert_int_equal(tracee_step(&play.tracee), 0);
		if (memcmp(play.known, play.file, play.bytes) != 0) {
			memcpy(play.known, play.file, play.bytes);
			return true;
		}
	}
	assert_int_equal(tracee_stage(&play.tracee), STAGE_OVER);
	return false;
}

static void X10_stopped_behind_every_change(void **state)
{
	unsigned count = 0;
	(void)state;

	raise_curtain();
	for (; step_to_change(); count++)
		check_readers();
	assert_int_equal(shown(play.awake), strlen(after));
	assert_true(count > 10);
	printf("# stopped behind each of %u changes\n", count);
}

static void X10_killed_behind_every_change(void **state)
{
	bool over = false;
	unsigned last = 0;
	(void)state;

	for (; !over; last++) {
		raise_curtain();
		for (unsigned i = 0; i < last && !over; i++)
			over = !step_to_change();
		tracee_kill(&play.tracee);
		check_readers();
		check_successor();
		drop_curtain(NULL);
	}
	printf("# killed behind each of %u changes\n", last - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(X10_stopped_behind_every_change, drop_curtain),
		cmocka_unit_test_teardown(X10_killed_behind_every_change, drop_curtain),
	};
	return cmocka_run_group_tests_name("changes of hands", tests, NULL, NULL);
}
