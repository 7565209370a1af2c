/* SPDX-License-Identifier: MIT */
/*
 * What a directory can hold beside good files, where more than the verdict matters: that
 * opening does not wait, does not fill holes, and is not fooled between two looks.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "attack.h"
#include "dice.h"
#include "siege.h"
#include "visit.h"

#define SPARSE_BYTES (64 << 20)
#define SWAPS        20000u

static void missing_file_is_an_error_and_no_verdict(void **state)
{
	(void)state;
	assert_int_equal(visit_path(victim.dir_fd, "missing").result, -ENOENT);
	assert_int_equal(visit_path(victim.dir_fd, "").result, -ENOENT);
	assert_int_equal(visit_path(victim.dir_fd, VICTIM_NAME "/under").result, -ENOTDIR);
}

static void character_device_is_not_regular(void **state)
{
	const int dev = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)state;

	assert_true(dev >= 0);
	assert_int_equal(visit_path(dev, "null").result, RING_NOT_REGULAR);
	assert_int_equal(visit_path(dev, "zero").result, RING_NOT_REGULAR);
	close(dev);
}

static void write_lease_does_not_hold_up_the_reader(void **state)
{
	const int fd = victim_copy(&victim, "leased", victim.bytes);
	(void)state;

	/* The kernel tells the holder by this signal, whose default ends the process. */
	signal(SIGIO, SIG_IGN);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
	assert_int_equal(visit_path(victim.dir_fd, "leased").result, -EAGAIN);
	close(fd);
	assert_int_equal(visit_path(victim.dir_fd, "leased").result, 0);
	unlinkat(victim.dir_fd, "leased", 0);
}

/* The header says what the file is, and most of the file is not there. */
static void look_at_a_large_hole_allocates_nothing(void **state)
{
	struct ring_header header = *victim_sound(&victim);
	const int fd = victim_copy(&victim, "sparse", header.cores_offset);
	struct stat before, after;
	(void)state;

	header.segment_bytes = SPARSE_BYTES;
	header.core_stride = SPARSE_BYTES / 2 / VICTIM_CORES;
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &header, sizeof header, 0), sizeof header);
	assert_int_equal(ftruncate(fd, SPARSE_BYTES), 0);
	assert_int_equal(fstat(fd, &before), 0);
	assert_int_equal(visit_path(victim.dir_fd, "sparse").result, RING_SPARSE);
	assert_int_equal(fstat(fd, &after), 0);
	assert_int_equal(after.st_blocks, before.st_blocks);
	close(fd);
	unlinkat(victim.dir_fd, "sparse", 0);
}

/* Each of these takes its turn under the victim's name. The link leads to an empty file, whose
 * verdict shows that it was followed. */
static const char *const impostors[] = {"fifo", "link", "directory"};

static void swap(struct victim *v, uint64_t *dice)
{
	const char *impostor = impostors[dice_roll(dice) % 3];

	renameat2(v->dir_fd, impostor, v->dir_fd, VICTIM_NAME, RENAME_EXCHANGE);
	renameat2(v->dir_fd, impostor, v->dir_fd, VICTIM_NAME, RENAME_EXCHANGE);
}

static void file_swapped_for_something_else_fools_no_check(void **state)
{
	struct attack attack = {.victim = &victim};
	unsigned sound = 0, refused = 0;
	(void)state;

	assert_int_equal(close(victim_copy(&victim, "empty", 0)), 0);
	assert_int_equal(mkfifoat(victim.dir_fd, "fifo", 0600), 0);
	assert_int_equal(symlinkat("empty", victim.dir_fd, "link"), 0);
	assert_int_equal(mkdirat(victim.dir_fd, "directory", 0700), 0);
	assert_int_equal(attack_start(&attack, swap), 0);
	while (sound < SWAPS || refused < SWAPS) {
		const struct visit visit = visit_path(victim.dir_fd, VICTIM_NAME);
		assert_null(visit.broken);
		if (visit.result != RING_SOUND && visit.result != RING_NOT_REGULAR &&
		    visit.result != RING_SYMLINK)
			fail_msg("result %d", visit.result);
		sound += visit.result == RING_SOUND;
		refused += visit.result != RING_SOUND;
	}
	attack_stop(&attack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_file_is_an_error_and_no_verdict),
		cmocka_unit_test(character_device_is_not_regular),
		cmocka_unit_test(write_lease_does_not_hold_up_the_reader),
		cmocka_unit_test(look_at_a_large_hole_allocates_nothing),
		cmocka_unit_test(file_swapped_for_something_else_fools_no_check),
	};

	return cmocka_run_group_tests(tests, siege_begin, siege_end);
}
