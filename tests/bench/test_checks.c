/* SPDX-License-Identifier: MIT */
/* What makes a figure count: a contest calls every check, and a check sees what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "contest.h"
#include "push.h"
#include "recording.h"
#include "subject.h"

#define ROUNDS    2u
#define STRETCHES ((ROUNDS + 1) * 9u * CONTEST_PLACES) /* with the round that is thrown away */

static const struct bench_options options = {.rounds = ROUNDS, .brief = true};

static unsigned check_count;
static unsigned wrong_at; /* the check that says no */

static void *open_nothing(const void *setup)
{
	(void)setup;
	return &check_count;
}

static bool check_nothing(void *state, uint64_t count)
{
	(void)state;
	(void)count;
	return check_count++ != wrong_at;
}

static void do_nothing(void *state, uint64_t count)
{
	(void)state;
	(void)count;
}

static const struct contender nobody = {
	.who = "nobody",
	.open = open_nothing,
	.check = check_nothing,
	.loops = {do_nothing},
};

static void run_nobody(void)
{
	const struct contest contest = {
		.name = "nothing",
		.count = 64,
		.contenders = (const struct contender *const[]){&nobody, &contest_end},
	};

	check_count = 0;
	contest_run(&contest, &options);
	assert_int_equal(check_count, STRETCHES);
}

/* First: what bench_fail said once, bench_end says for good. */
static void contest_checks_every_stretch(void **state)
{
	(void)state;
	wrong_at = STRETCHES;
	run_nobody();
	assert_int_equal(bench_end(), 0);
	wrong_at = STRETCHES - 1;
	run_nobody();
	assert_int_not_equal(bench_end(), 0);
}

static struct subject *subject_of(enum ring_kind kind)
{
	struct subject *subject = subject_open(kind, SUBJECT_SLOTS);

	assert_non_null(subject);
	return subject;
}

static void right_records_are_right(void **state)
{
	struct subject *subject = subject_of(RING_COUNTER);

	(void)state;
	recording_add(subject, RECORDING_COUNT);
	assert_true(subject_check(subject, RECORDING_COUNT));
	recording_add(subject, RECORDING_COUNT);
	assert_false(subject_check(subject, RECORDING_COUNT + 1));
	subject_close(subject);
}

/* The values are as they should be, and so are the totals: only the keys are not. */
static void two_series_in_each_others_place_are_wrong(void **state)
{
	struct subject *subject = subject_of(RING_COUNTER);
	const struct ring_counter first = subject->counters[4];

	(void)state;
	subject->counters[4] = subject->counters[5];
	subject->counters[5] = first;
	recording_add(subject, SUBJECT_SERIES);
	assert_false(subject_check(subject, SUBJECT_SERIES));
	subject_close(subject);
}

static void another_value_is_wrong(void **state)
{
	struct subject *subject = subject_of(RING_COUNTER);

	(void)state;
	recording_add(subject, SUBJECT_SERIES - 1);
	ring_counter_add(subject->writer, subject->counters[SUBJECT_SERIES - 1], 2);
	assert_false(subject_check(subject, SUBJECT_SERIES));
	subject_close(subject);
}

static void another_time_is_wrong(void **state)
{
	struct subject *subject = subject_of(RING_COUNTER);

	(void)state;
	ring_tick_at(subject->writer, subject->now_ns + 1);
	recording_add(subject, SUBJECT_SERIES);
	assert_false(subject_check(subject, SUBJECT_SERIES));
	subject_close(subject);
}

/* Puts the samples of one stretch, but for what the number of one of them is changed by. */
static bool put_all_but(uint64_t wrong, uint64_t by_value, uint64_t by_key)
{
	struct subject *subject = subject_open_bare(NULL);
	bool right;

	assert_non_null(subject);
	for (uint64_t i = 0; i < SUBJECT_SERIES; i++) {
		const bool is_wrong = i == wrong;
		ring_writer_put(subject->writer, i + (is_wrong ? by_value : 0),
				subject->keys[(i + (is_wrong ? by_key : 0)) % SUBJECT_SERIES]);
	}
	right = subject_check(subject, SUBJECT_SERIES);
	subject_close_bare(subject);
	return right;
}

static void bare_samples_are_checked(void **state)
{
	(void)state;
	assert_true(put_all_but(SUBJECT_SERIES, 0, 0));
	assert_false(put_all_but(7, 1, 0));
	assert_false(put_all_but(7, 0, 1));
}

static void pushed_samples_are_checked(void **state)
{
	struct push *push = push_open(&push_plain);

	(void)state;
	assert_non_null(push);
	push_sample(push, 0, push->keys[0]);
	push_sample(push, 1, push->keys[1]);
	assert_true(push_check(push, 2));
	push_sample(push, 2, push->keys[1]);
	assert_false(push_check(push, 1));
	push_close(push);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contest_checks_every_stretch),
		cmocka_unit_test(right_records_are_right),
		cmocka_unit_test(two_series_in_each_others_place_are_wrong),
		cmocka_unit_test(another_value_is_wrong),
		cmocka_unit_test(another_time_is_wrong),
		cmocka_unit_test(bare_samples_are_checked),
		cmocka_unit_test(pushed_samples_are_checked),
	};

	(void)argc;
	bench_begin("checks", 1, argv);
	return cmocka_run_group_tests_name("checks", tests, NULL, NULL);
}
