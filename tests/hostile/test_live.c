/* SPDX-License-Identifier: MIT */
/*
 * Segments that turn bad while they are read: cut, punched, rewritten, turned back. The reader
 * stays alive, within bounds, and true to what it has already said.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "attack.h"
#include "dice.h"
#include "siege.h"
#include "visit.h"

#define FAULTS   1000u
#define ACCESSES 400u /* of count_faults */
#define ATTACHES 10000u
#define TURNS    500u /* of the verdict, between sound and not */

static struct attack attack = {.victim = &victim};

/* After each test, also one that failed while it was under attack. */
static int end_attack(void **state)
{
	(void)state;
	attack_stop(&attack);
	return 0;
}

static struct ring_reader *open_victim(void)
{
	struct ring_reader *reader = NULL;

	assert_int_equal(ring_reader_open(&reader, victim.dir_fd, VICTIM_NAME), 0);
	return reader;
}

static void cut(struct victim *v, uint64_t *dice)
{
	const uint64_t pages = v->bytes / RING_PAGE;

	if (ftruncate(v->fd, (off_t)(dice_roll(dice) % pages * RING_PAGE)) == 0)
		victim_restore(v);
}

/* Makes accesses that say `truncated` for one reason only, a fault. Returns how many did. */
static unsigned count_faults(struct ring_reader *reader)
{
	struct ring_sample samples[VICTIM_SLOTS];
	struct ring_account account;
	const uint32_t series[] = {0};
	uint64_t cells[RING_SERIES_CELLS_MAX];
	size_t count;
	unsigned faults = 0;

	for (unsigned i = 0; i < ACCESSES / 4; i++) {
		const uint32_t core = i % VICTIM_CORES;
		faults += ring_reader_drain(reader, core, samples, VICTIM_SLOTS, &count) ==
			  RING_TRUNCATED;
		faults += ring_reader_account(reader, core, &account) == RING_TRUNCATED;
		faults += ring_reader_tallies(reader, core, 1, 2, cells) == RING_TRUNCATED;
		faults += ring_reader_gather(reader, core, series, 1, cells) == RING_TRUNCATED;
	}
	return faults;
}

/* The resident meets the faults. Strangers come as well, but map and unmap the file, which slows
 * the attacker down: with them alone it took 5 to 34 seconds, not half a second. */
static void truncation_under_the_reader_is_a_verdict(void **state)
{
	struct ring_reader *resident = open_victim();
	unsigned faults = 0, opened = 0;
	(void)state;

	/* Within the test: cmocka has its own handler during each. */
	assert_int_equal(ring_reader_guard(), 0);
	assert_int_equal(attack_start(&attack, cut), 0);
	while (faults < FAULTS) {
		struct ring_reader *stranger;
		const int result = ring_reader_open(&stranger, victim.dir_fd, VICTIM_NAME);
		assert_in_range(result, 0, RING_VERDICT_COUNT - 1);
		if (result == 0) {
			opened++;
			faults += count_faults(stranger);
			ring_reader_close(stranger);
		}
		faults += count_faults(resident);
	}
	attack_stop(&attack);
	printf("# %u faults became verdicts, %u segments opened\n", faults, opened);
	assert_int_equal(count_faults(resident), 0);
	ring_reader_close(resident);
	assert_int_equal(visit_path(victim.dir_fd, VICTIM_NAME).result, 0);
}

static void every_access_to_a_cut_file_is_a_verdict(void **state)
{
	struct ring_reader *reader = open_victim();
	(void)state;

	assert_int_equal(ring_reader_guard(), 0);
	assert_int_equal(count_faults(reader), 0);
	assert_int_equal(ftruncate(victim.fd, 0), 0);
	const unsigned faults = count_faults(reader);
	victim_restore(&victim);
	ring_reader_close(reader);
	assert_int_equal(faults, ACCESSES);
}

/* Leaves the damage there for about a microsecond: time for a reader to come by. */
static void linger(uint64_t *dice)
{
	for (unsigned i = 0; i < 1000; i++)
		dice_roll(dice);
}

/* One byte is wrong at any time, so that the damage is never stopped at the first check. */
static void flip(struct victim *v, uint64_t *dice)
{
	const struct ring_header *sound = victim_sound(v);
	const uint64_t used = sound->heap_offset + sound->heap_used.bits;
	const uint64_t roll = dice_roll(dice);
	uint8_t *byte = v->map + roll % used;

	if (roll >> 62 == 0)
		byte = v->map + sound->cores_offset + sound->control_offset +
		       roll % sizeof(struct ring_core);
	const uint8_t right = v->sound[byte - v->map];
	/* relaxed: atomic only so that both stores are made. */
	__atomic_store_n(byte, right ^ (uint8_t)(roll >> 32 | 1), __ATOMIC_RELAXED);
	linger(dice);
	__atomic_store_n(byte, right, __ATOMIC_RELAXED);
}

static void flipping_bytes_under_the_reader_are_harmless(void **state)
{
	struct ring_reader *reader = open_victim();
	unsigned verdicts[RING_VERDICT_COUNT] = {0};
	(void)state;

	assert_int_equal(attack_start(&attack, flip), 0);
	for (unsigned i = 0; i < ATTACHES; i++) {
		const struct visit stranger = visit_path(victim.dir_fd, VICTIM_NAME);
		const struct visit resident = visit_reader(reader);
		if (stranger.broken || resident.broken)
			fail_msg("%s", stranger.broken ? stranger.broken : resident.broken);
		assert_in_range(stranger.result, 0, RING_VERDICT_COUNT - 1);
		assert_in_range(resident.result, 0, RING_VERDICT_COUNT - 1);
		verdicts[stranger.result]++;
	}
	attack_stop(&attack);
	ring_reader_close(reader);
	for (unsigned i = 0; i < RING_VERDICT_COUNT; i++)
		if (verdicts[i] > 0)
			printf("# %s: %u\n", ring_verdict_word((enum ring_verdict)i), verdicts[i]);
	assert_true(verdicts[RING_SOUND] > 0 && verdicts[RING_SOUND] < ATTACHES);
}

/* What two writers on one ring do to its position: forward on the whole, but not always. */
static void seesaw(struct victim *v, uint64_t *dice)
{
	struct ring_word *write_pos = (struct ring_word *)(void *)victim_at(v, PART_CORE, 0);
	/* relaxed, as below: the positions alone matter here, not what they publish. */
	const uint64_t position = ring_load_relaxed(write_pos);

	ring_store_relaxed(write_pos, position - dice_roll(dice) % VICTIM_SLOTS);
	linger(dice);
	ring_store_relaxed(write_pos, position + dice_roll(dice) % VICTIM_BURST);
	linger(dice);
}

static void position_that_goes_back_and_forth_spoils_no_account(void **state)
{
	struct ring_reader *reader = open_victim();
	struct ring_sample samples[VICTIM_SLOTS];
	enum ring_verdict verdict = RING_SOUND;
	uint64_t position = 0;
	unsigned turns = 0;
	(void)state;

	assert_int_equal(attack_start(&attack, seesaw), 0);
	while (turns < TURNS) {
		const enum ring_verdict last = verdict;
		struct ring_account account;
		size_t count;
		verdict = ring_reader_drain(reader, 0, samples, VICTIM_SLOTS, &count);
		assert_true(verdict == RING_SOUND || verdict == RING_POSITION_BACK);
		assert_true(count <= VICTIM_SLOTS);
		turns += verdict != last;
		if (ring_reader_account(reader, 0, &account) != RING_SOUND)
			continue;
		/* Drained and dropped together are the cursor. */
		if (account.drained + account.dropped < position)
			fail_msg("cursor back to %llu from %llu after %u turns",
				 (unsigned long long)(account.drained + account.dropped),
				 (unsigned long long)position, turns);
		position = account.drained + account.dropped;
	}
	attack_stop(&attack);
	ring_reader_close(reader);
}

static void position_back_leaves_the_cursor_where_it_was(void **state)
{
	struct ring_word *write_pos = (struct ring_word *)(void *)victim_at(&victim, PART_CORE, 0);
	struct ring_reader *reader = open_victim();
	struct ring_account before, after;
	struct ring_sample sample;
	size_t count;
	(void)state;

	assert_int_equal(ring_reader_drain(reader, 0, &sample, 1, &count), RING_SOUND);
	assert_int_equal(ring_reader_account(reader, 0, &before), RING_SOUND);
	/* relaxed, as all stores here: one thread. */
	ring_store_relaxed(write_pos, before.written - VICTIM_SLOTS);
	assert_int_equal(ring_reader_drain(reader, 0, &sample, 1, &count), RING_POSITION_BACK);
	assert_int_equal(count, 0);
	ring_store_relaxed(write_pos, before.written + (UINT64_C(1) << 60));
	assert_int_equal(ring_reader_drain(reader, 0, &sample, 1, &count), RING_POSITION_JUMP);
	assert_int_equal(count, 0);
	ring_store_relaxed(write_pos, before.written);
	assert_int_equal(ring_reader_account(reader, 0, &after), RING_SOUND);
	assert_memory_equal(&before, &after, sizeof before);
	ring_reader_close(reader);
	victim_restore(&victim);
}

static void entries_rewritten_after_publication_change_nothing_for_the_reader(void **state)
{
	const struct ring_header *sound = victim_sound(&victim);
	struct ring_reader *reader = open_victim();
	(void)state;

	const struct visit before = visit_reader(reader);
	for (uint32_t i = 0; i < sound->metric_capacity; i++)
		memset(victim.map + sound->metrics_offset + i * sizeof(struct ring_metric_entry),
		       0xa5, offsetof(struct ring_metric_entry, named_count));
	memset(victim.map + sound->series_offset, 0xa5,
	       sound->heap_offset + sound->heap_bytes - sound->series_offset);
	const struct visit after = visit_reader(reader);
	ring_reader_close(reader);
	victim_restore(&victim);
	assert_int_equal(before.result, 0);
	assert_int_equal(after.result, 0);
	/* The sums differ by the samples, which the second visit has already seen. */
	assert_int_equal(after.samples, 0);
	reader = open_victim();
	visit_reader(reader);
	assert_int_equal(after.sum, visit_reader(reader).sum);
	ring_reader_close(reader);
}

static void punch(struct victim *v, uint64_t *dice)
{
	const uint64_t pages = v->bytes / RING_PAGE;

	fallocate(v->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		  (off_t)(dice_roll(dice) % pages * RING_PAGE), RING_PAGE);
	victim_restore(v);
}

static void holes_punched_under_the_reader_are_harmless(void **state)
{
	struct ring_reader *reader = open_victim();
	unsigned refused = 0;
	(void)state;

	assert_int_equal(attack_start(&attack, punch), 0);
	for (unsigned i = 0; i < ATTACHES || refused == 0; i++) {
		const struct visit stranger = visit_path(victim.dir_fd, VICTIM_NAME);
		const struct visit resident = visit_reader(reader);
		assert_null(stranger.broken);
		assert_null(resident.broken);
		refused += resident.result != 0;
	}
	attack_stop(&attack);
	ring_reader_close(reader);
}

static void hole_punched_since_is_sparse(void **state)
{
	struct ring_reader *reader = open_victim();
	(void)state;

	assert_int_equal(fallocate(victim.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   (off_t)victim_sound(&victim)->cores_offset, RING_PAGE),
			 0);
	assert_int_equal(ring_reader_refresh(reader), RING_SPARSE);
	victim_restore(&victim);
	assert_int_equal(ring_reader_refresh(reader), RING_SOUND);
	ring_reader_close(reader);
}

static void truncation_since_is_truncated(void **state)
{
	struct ring_reader *reader = open_victim();
	(void)state;

	assert_int_equal(ftruncate(victim.fd, (off_t)victim.bytes - 1), 0);
	assert_int_equal(ring_reader_refresh(reader), RING_TRUNCATED);
	victim_restore(&victim);
	assert_int_equal(ring_reader_refresh(reader), RING_SOUND);
	ring_reader_close(reader);
}

#define LIVE_TEST(name) cmocka_unit_test_teardown(name, end_attack)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(truncation_under_the_reader_is_a_verdict),
		LIVE_TEST(every_access_to_a_cut_file_is_a_verdict),
		LIVE_TEST(truncation_since_is_truncated),
		LIVE_TEST(flipping_bytes_under_the_reader_are_harmless),
		LIVE_TEST(position_that_goes_back_and_forth_spoils_no_account),
		LIVE_TEST(position_back_leaves_the_cursor_where_it_was),
		LIVE_TEST(entries_rewritten_after_publication_change_nothing_for_the_reader),
		LIVE_TEST(holes_punched_under_the_reader_are_harmless),
		LIVE_TEST(hole_punched_since_is_sparse),
	};

	return cmocka_run_group_tests(tests, siege_begin, siege_end);
}
