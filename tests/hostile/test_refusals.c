/* SPDX-License-Identifier: MIT */
/*
 * Each kind of damage ends in its own verdict, and every verdict has a case.
 *
 * The cases are tables (refusals.h); each row is one test of the name `<damage>_is_<verdict>`.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "refusals.h"
#include "siege.h"
#include "visit.h"

#define NOBODY      65534
#define OBJECT_NAME "object"

static bool covered[RING_VERDICT_COUNT];

static void expect(struct visit visit, enum ring_verdict verdict)
{
	assert_null(visit.broken);
	assert_in_range(visit.result, 0, RING_VERDICT_COUNT - 1);
	assert_string_equal(ring_verdict_word((enum ring_verdict)visit.result),
			    ring_verdict_word(verdict));
	covered[verdict] = true;
}

static void write_number(const struct refusal *refusal)
{
	field_set(victim_at(&victim, refusal->part, refusal->index) + refusal->offset,
		  refusal->bytes, refusal->number);
}

static void run_refusal(void **state)
{
	const struct refusal *refusal = *state;

	write_number(refusal);
	const struct visit visit = visit_path(victim.dir_fd, VICTIM_NAME);
	victim_restore(&victim);
	expect(visit, refusal->verdict);
}

static void run_late_refusal(void **state)
{
	const struct refusal *refusal = *state;
	struct ring_reader *reader;

	assert_int_equal(ring_reader_open(&reader, victim.dir_fd, VICTIM_NAME), 0);
	write_number(refusal);
	const struct visit visit = visit_reader(reader);
	victim_restore(&victim);
	const struct visit visit_of_repaired = visit_reader(reader);
	ring_reader_close(reader);
	expect(visit, refusal->verdict);
	assert_null(visit_of_repaired.broken);
}

static void run_text_refusal(void **state)
{
	const struct text_refusal *refusal = *state;
	struct ring_span span;

	memcpy(&span, victim_at(&victim, refusal->part, refusal->index) + refusal->span_offset,
	       sizeof span);
	assert_true(refusal->at < span.bytes);
	*victim_heap(&victim, span.offset + refusal->at) = refusal->byte;
	const struct visit visit = visit_path(victim.dir_fd, VICTIM_NAME);
	victim_restore(&victim);
	expect(visit, refusal->verdict);
}

/* As a user without privileges, whoever runs the test. */
static struct visit visit_as_nobody(const char *path)
{
	struct visit visit = {.broken = "the child ends with a result"};
	int pipe_fds[2];

	assert_int_equal(pipe(pipe_fds), 0);
	const pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (geteuid() == 0 && setuid(NOBODY) != 0)
			_exit(1);
		const struct visit seen = visit_path(victim.dir_fd, path);
		_exit(write(pipe_fds[1], &seen, sizeof seen) != sizeof seen);
	}
	close(pipe_fds[1]);
	if (read(pipe_fds[0], &visit, sizeof visit) != sizeof visit)
		visit.broken = "the child ends with a result";
	close(pipe_fds[0]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	return visit;
}

static void run_file_refusal(void **state)
{
	const struct file_refusal *refusal = *state;
	struct stat before, after;

	assert_int_equal(fchmod(victim.dir_fd, 0755), 0);
	assert_true(refusal->make(&victim, OBJECT_NAME));
	assert_int_equal(fstatat(victim.dir_fd, OBJECT_NAME, &before, AT_SYMLINK_NOFOLLOW), 0);
	const struct visit visit = refusal->verdict == RING_FORBIDDEN
					   ? visit_as_nobody(OBJECT_NAME)
					   : visit_path(victim.dir_fd, OBJECT_NAME);
	assert_int_equal(fstatat(victim.dir_fd, OBJECT_NAME, &after, AT_SYMLINK_NOFOLLOW), 0);
	unlinkat(victim.dir_fd, OBJECT_NAME, S_ISDIR(after.st_mode) ? AT_REMOVEDIR : 0);
	expect(visit, refusal->verdict);
	/* A look at a hole may not fill it. */
	assert_int_equal(after.st_blocks, before.st_blocks);
}

static void header_of_the_other_byte_order_is_foreign_endian(void **state)
{
	const struct fields *fields = &fields_of[PART_HEADER];
	(void)state;

	for (size_t i = 0; i < fields->count; i++) {
		const struct field *field = &fields->list[i];
		const uint64_t number = field_get(victim.map + field->offset, field->unit);
		if (field->unit > 1)
			field_set(victim.map + field->offset, field->unit,
				  __builtin_bswap64(number) >> (64 - 8 * field->unit));
	}
	const struct visit visit = visit_path(victim.dir_fd, VICTIM_NAME);
	victim_restore(&victim);
	expect(visit, RING_FOREIGN_ENDIAN);
}

static void label_values_are_passed_on_byte_by_byte(void **state)
{
	static const char hostile[] = {'"', '\n', 0, '\xff'};
	struct ring_series_entry entry;
	struct ring_reader *reader;
	struct ring_text value;
	(void)state;

	/* The first value is "dns". */
	memcpy(&entry, victim_at(&victim, PART_SERIES, 0), sizeof entry);
	for (size_t i = 0; i < sizeof hostile; i++) {
		memset(victim_heap(&victim, entry.labels.offset + 1), hostile[i], 3);
		assert_int_equal(ring_reader_open(&reader, victim.dir_fd, VICTIM_NAME), 0);
		struct ring_text labels = ring_reader_series(reader, 0)->labels;
		assert_int_equal(ring_label_next(&labels, &value), 1);
		assert_int_equal(value.bytes, 3);
		for (size_t at = 0; at < 3; at++)
			assert_int_equal(value.data[at], hostile[i]);
		ring_reader_close(reader);
	}
	victim_restore(&victim);
}

/* Behind the packed values nothing is allocated, as an address sanitizer knows. */
static void label_value_that_is_cut_is_not_handed_out(void **state)
{
	(void)state;
	for (uint32_t bytes = 1; bytes <= RING_LABEL_VALUE_MAX; bytes++) {
		char *packed = calloc(bytes, 1);
		struct ring_text labels = {packed, bytes}, value;
		assert_non_null(packed);
		packed[0] = (char)bytes;
		assert_int_equal(ring_label_next(&labels, &value), 0);
		packed[0] = (char)(bytes - 1);
		assert_int_equal(ring_label_next(&labels, &value), 1);
		assert_int_equal(value.bytes, bytes - 1);
		assert_int_equal(ring_label_next(&labels, &value), 0);
		free(packed);
	}
}

static void every_verdict_has_a_case(void **state)
{
	(void)state;
	/* A reader opens whatever path it is told: who lists a directory judges its names. */
	covered[RING_BAD_FILE_NAME] = true;
	for (unsigned i = 0; i < RING_VERDICT_COUNT; i++)
		if (!covered[i])
			fail_msg("no case for %s", ring_verdict_word((enum ring_verdict)i));
}

#define TESTS_MAX 256u

static struct CMUnitTest tests[TESTS_MAX];
static char names[TESTS_MAX][100];
static size_t test_count;

static void add(const char *damage, enum ring_verdict verdict, CMUnitTestFunction run,
		const void *row)
{
	if (test_count == TESTS_MAX)
		abort();
	snprintf(names[test_count], sizeof names[0], "%s_is_%s", damage,
		 ring_verdict_word(verdict));
	tests[test_count] = (struct CMUnitTest){.name = names[test_count],
						.test_func = run,
						.initial_state = (void *)(uintptr_t)row};
	test_count++;
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(header_of_the_other_byte_order_is_foreign_endian),
		cmocka_unit_test(label_values_are_passed_on_byte_by_byte),
		cmocka_unit_test(label_value_that_is_cut_is_not_handed_out),
		cmocka_unit_test(every_verdict_has_a_case),
	};

	for (const struct refusal *row = refusals; row < refusals + refusal_count; row++)
		add(row->damage, row->verdict, run_refusal, row);
	for (const struct refusal *row = late_refusals; row < late_refusals + late_refusal_count;
	     row++)
		add(row->damage, row->verdict, run_late_refusal, row);
	for (const struct text_refusal *row = text_refusals;
	     row < text_refusals + text_refusal_count; row++)
		add(row->damage, row->verdict, run_text_refusal, row);
	for (const struct file_refusal *row = file_refusals;
	     row < file_refusals + file_refusal_count; row++)
		add(row->damage, row->verdict, run_file_refusal, row);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		tests[test_count++] = others[i];
	/* The function behind cmocka_run_group_tests, which takes arrays only. */
	return _cmocka_run_group_tests("refusals", tests, test_count, siege_begin, siege_end);
}
