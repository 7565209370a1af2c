/* SPDX-License-Identifier: MIT */
/*
 * Every number of every struct of a sound segment, one after the other, set to each value that
 * breaks bounds, sums or alignments somewhere; then many random combinations. Whatever a
 * reader finds, it says a verdict of the list, or everything it hands out is sound.
 *
 * Which verdict belongs to which damage is test_refusals.c's matter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dice.h"
#include "edits.h"
#include "siege.h"
#include "visit.h"

#define RANDOM_CASES 200000u
#define VALUES_MAX   256u

/* The values to try in place of `number`. */
static size_t list_values(uint64_t number, size_t unit, uint64_t values[VALUES_MAX])
{
	static const uint64_t steps[] = {1, 2, 8, RING_LINE, RING_PAGE};
	const uint64_t max = UINT64_MAX >> (64 - 8 * unit);
	size_t count = 0;

	values[count++] = 0;
	for (unsigned bit = 0; bit < 8 * unit; bit++) {
		values[count++] = UINT64_C(1) << bit;
		values[count++] = number ^ UINT64_C(1) << bit;
		values[count++] = max - (UINT64_C(1) << bit) + 1;
	}
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		values[count++] = number + steps[i];
		values[count++] = number - steps[i];
		values[count++] = max / 2 + steps[i];
	}
	return count;
}

static void expect_harmless(struct visit visit, const char *where, uint64_t value)
{
	if (visit.broken || visit.result < 0) {
		print_error("%s set to 0x%llx: %s, result %d\n", where, (unsigned long long)value,
			    visit.broken ? visit.broken : "no promise broken", visit.result);
		fail();
	}
}

/* Opens the file that has the value, and gives it to a reader that had the file before. */
static void try_value(const char *where, uint8_t *at, size_t unit, uint64_t value)
{
	struct ring_reader *reader;

	assert_int_equal(ring_reader_open(&reader, victim.dir_fd, VICTIM_NAME), 0);
	field_set(at, unit, value);
	const struct visit stranger = visit_path(victim.dir_fd, VICTIM_NAME);
	const struct visit resident = visit_reader(reader);
	ring_reader_close(reader);
	victim_restore(&victim);
	expect_harmless(stranger, where, value);
	expect_harmless(resident, where, value);
}

static unsigned try_field(const struct fields *fields, const struct field *field, uint8_t *at)
{
	uint64_t values[VALUES_MAX];
	unsigned tried = 0;
	char where[100];

	for (size_t i = 0; i < field->bytes; i += field->unit) {
		snprintf(where, sizeof where, "%s.%s at %zu", fields->name, field->name, i);
		const size_t count = list_values(field_get(at + i, field->unit), field->unit,
						 values);
		for (size_t v = 0; v < count; v++)
			try_value(where, at + i, field->unit, values[v]);
		tried += (unsigned)count;
	}
	return tried;
}

static void every_field_with_every_bad_value_is_harmless(void **state)
{
	const enum part part = *(const enum part *)*state;
	const struct fields *fields = &fields_of[part];
	unsigned tried = 0;

	assert_true(victim_count(&victim, part) > 0);
	for (size_t index = 0; index < victim_count(&victim, part); index++)
		for (size_t i = 0; i < fields->count; i++)
			tried += try_field(fields, &fields->list[i],
					   victim_at(&victim, part, index) +
						   fields->list[i].offset);
	printf("# %s: %u values tried\n", fields->name, tried);
}

static void field_tables_cover_each_struct_completely(void **state)
{
	(void)state;
	for (enum part part = 0; part < PART_COUNT; part++)
		assert_true(fields_cover(&fields_of[part]));
}

static void untouched_segment_is_sound_and_full(void **state)
{
	(void)state;
	const struct visit visit = visit_path(victim.dir_fd, VICTIM_NAME);

	assert_int_equal(visit.result, 0);
	assert_null(visit.broken);
	assert_int_equal(visit.samples, VICTIM_CORES * (VICTIM_SLOTS - VICTIM_BURST));
}

/* Runs up to six random edits and says what came of it. */
static struct visit try_random(uint64_t *dice)
{
	uint8_t input[6 * EDIT_BYTES];
	const size_t bytes = (1 + dice_roll(dice) % 6) * EDIT_BYTES;

	for (size_t i = 0; i < bytes; i++)
		input[i] = (uint8_t)dice_roll(dice);
	edits_apply(&victim, input, bytes);
	const struct visit visit = visit_path(victim.dir_fd, VICTIM_NAME);
	victim_restore(&victim);
	return visit;
}

static void random_combinations_of_edits_are_harmless(void **state)
{
	unsigned verdicts[RING_VERDICT_COUNT] = {0};
	uint64_t dice = dice_seed();
	(void)state;

	for (unsigned i = 0; i < RANDOM_CASES; i++) {
		const uint64_t start = dice;
		const struct visit visit = try_random(&dice);
		expect_harmless(visit, "the combination that begins with the dice", start);
		verdicts[visit.result]++;
	}
	for (unsigned i = 0; i < RING_VERDICT_COUNT; i++)
		if (verdicts[i] > 0)
			printf("# %s: %u\n", ring_verdict_word((enum ring_verdict)i), verdicts[i]);
	/* Both ends of the road are reached, or the edits are not worth their name. */
	assert_true(verdicts[RING_SOUND] > RANDOM_CASES / 100);
	assert_true(verdicts[RING_BAD_SERIES] > 0 && verdicts[RING_BAD_NAME] > 0);
}

int main(void)
{
	static enum part parts[] = {PART_HEADER, PART_METRIC, PART_SERIES, PART_CORE};
#define EVERY_VALUE_OF(name, part)                                                             \
	{                                                                                      \
		"every_number_of_" name "_with_every_bad_value_is_harmless",                   \
			every_field_with_every_bad_value_is_harmless, NULL, NULL, &parts[part] \
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(field_tables_cover_each_struct_completely),
		cmocka_unit_test(untouched_segment_is_sound_and_full),
		EVERY_VALUE_OF("the_header", PART_HEADER),
		EVERY_VALUE_OF("the_metric_table", PART_METRIC),
		EVERY_VALUE_OF("the_series_table", PART_SERIES),
		EVERY_VALUE_OF("the_cores", PART_CORE),
		cmocka_unit_test(random_combinations_of_edits_are_harmless),
	};

	return cmocka_run_group_tests(tests, siege_begin, siege_end);
}
