/* SPDX-License-Identifier: MIT */
/*
 * A segment changing hands: adopted, replaced with its totals carried on, wanted by many at
 * once.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "workspace.h"

static void same_schema_adopts_totals_positions_and_history(void **state)
{
	const struct ring_options options = workspace_options(*state, "same");
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_reader *reader = workspace_reader(segment);
	const struct ring_counter before = workspace_packets(segment, "a");
	struct ring_sample samples[8];
	size_t count;

	workspace_record(segment, 40);
	ring_segment_close(segment);
	segment = workspace_segment(&options);
	assert_true(ring_reader_is_current(reader, AT_FDCWD, ring_segment_path(segment)));
	assert_int_equal(workspace_value(reader, "test_depth", "", 0), RING_GAUGE_UNSET);
	const struct ring_counter after = workspace_packets(segment, "a");
	assert_memory_equal(&before, &after, sizeof before);
	workspace_record(segment, 2);
	assert_int_equal(workspace_value(reader, "test_packets_total", "a", 0), 42);
	assert_int_equal(workspace_value(reader, "test_latency_seconds", "a", 4), 2);
	assert_int_equal(ring_reader_drain(reader, 0, samples, 8, &count), RING_SOUND);
	assert_int_equal(count, 6);
	assert_int_equal(samples[0].value, 40);
	assert_int_equal(samples[3].value, 42);
	assert_int_equal(ring_reader_header(reader)->owner_count.bits, 2);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void other_schema_starts_anew_with_the_totals_that_both_know(void **state)
{
	const double other_bounds[] = {1, 2};
	struct ring_options options = workspace_options(*state, "other");
	struct ring_metric_def metrics[WORKSPACE_METRICS], late = workspace_metrics[0];
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_reader *old = workspace_reader(segment);
	struct ring_account account;

	late.name = "test_late_total";
	assert_int_equal(ring_metric_define(segment, &late), 0);
	ring_gauge_resolve(segment, "test_level", RING_LABELS("a"));
	struct ring_writer *writer = ring_writer_claim(segment, 1);
	ring_counter_add(writer, ring_counter_resolve(segment, "test_late_total", RING_LABELS("x")),
			 9);
	ring_counter_add(writer, workspace_packets(segment, "b"), 8);
	workspace_record(segment, 40);
	ring_segment_close(segment);

	memcpy(metrics, workspace_metrics, sizeof metrics);
	metrics[0].help = "Packets, said otherwise.";
	metrics[1].name = "test_renamed";
	metrics[2].bounds = other_bounds;
	metrics[2].bound_count = 2;
	options.metrics = metrics;
	options.core_count = 1; /* core 1 leaves its totals to core 0 */
	options.slot_count = 16;
	segment = workspace_segment(&options);
	struct ring_reader *reader = workspace_reader(segment);
	assert_false(ring_reader_is_current(old, AT_FDCWD, ring_segment_path(segment)));
	assert_memory_equal(ring_reader_header(reader)->predecessor, ring_reader_header(old)->uuid,
			    16);
	assert_int_equal(workspace_value(reader, "test_packets_total", "a", 0), 40);
	assert_int_equal(workspace_value(reader, "test_packets_total", "b", 0), 8);
	assert_int_equal(workspace_value(reader, "test_late_total", "x", 0), 9);
	assert_int_equal(workspace_value(reader, "test_latency_seconds", "a", 1), UINT64_MAX);
	assert_int_equal(workspace_value(reader, "test_level", "a", 0), UINT64_MAX);
	assert_int_equal(workspace_value(reader, "test_depth", "", 0), RING_GAUGE_UNSET);
	assert_int_equal(ring_reader_account(reader, 0, &account), RING_SOUND);
	assert_int_equal(account.written, 3); /* positions go on */
	assert_int_equal(account.dropped, 3);
	workspace_record(segment, 2);
	assert_int_equal(workspace_value(reader, "test_packets_total", "a", 0), 42);
	ring_reader_close(reader);
	ring_reader_close(old);
	ring_segment_close(segment);
}

static void smaller_budget_folds_inherited_series_and_keeps_their_sum(void **state)
{
	struct ring_metric_def def = workspace_metrics[0];
	struct ring_options options = workspace_options(*state, "shrunk");
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_writer *writer = ring_writer_claim(segment, 0);

	for (int i = 0; i < 5; i++) /* three of their own, two folded */
		ring_counter_add(
			writer,
			workspace_packets(segment, (const char *[]){"a", "b", "c", "d", "e"}[i]),
			1u << i);
	ring_segment_close(segment);
	def.series_max = 1;
	options.metrics = &def;
	options.metric_count = 1;
	segment = workspace_segment(&options);
	struct ring_reader *reader = workspace_reader(segment);
	assert_int_equal(workspace_value(reader, "test_packets_total", "a", 0), 1);
	assert_int_equal(workspace_value(reader, "test_packets_total", RING_OVERFLOW_LABEL, 0), 30);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void totals_of_cores_that_are_no_more_go_to_core_0(void **state)
{
	struct ring_options options = workspace_options(*state, "cores");
	uint64_t totals[2];

	options.core_count = 4;
	struct ring_segment *segment = workspace_segment(&options);
	const struct ring_counter counter = workspace_packets(segment, "a");
	for (unsigned core = 0; core < 4; core++)
		ring_counter_add(ring_writer_claim(segment, core), counter, 1u << core);
	ring_segment_close(segment);
	options.core_count = 2;
	segment = workspace_segment(&options);
	struct ring_reader *reader = workspace_reader(segment);
	for (unsigned core = 0; core < 2; core++)
		assert_int_equal(ring_reader_tallies(reader, core,
						     workspace_packets(segment, "a").cell, 1,
						     &totals[core]),
				 RING_SOUND);
	assert_int_equal(totals[0], 1 + 4 + 8);
	assert_int_equal(totals[1], 2);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

enum { RACERS = 8 };

/* Wants the name as soon as the gate opens, says what it got, and holds on until the end. */
static int create_in_race(const struct ring_options *options, int gate, int told, int end)
{
	struct ring_segment *segment;
	char byte;

	if (read(gate, &byte, 1) != 0)
		return 1;
	const int result = ring_segment_create(&segment, options);
	byte = result == 0 ? 'w' : result == -EBUSY ? 'b' : '?';
	return write(told, &byte, 1) == 1 && read(end, &byte, 1) == 0 ? 0 : 2;
}

/* Starts processes that all want one name at once; returns how many of them got it. */
static int race_for_name(const struct ring_options *options)
{
	int gate[2], told[2], end[2], winners = 0;
	pid_t children[RACERS];

	assert_int_equal(pipe(gate) | pipe(told) | pipe(end), 0);
	for (int i = 0; i < RACERS; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			close(gate[1]);
			close(end[1]);
			_exit(create_in_race(options, gate[0], told[1], end[0]));
		}
	}
	close(gate[1]);
	for (int i = 0; i < RACERS; i++) {
		char result;
		assert_int_equal(read(told[0], &result, 1), 1);
		assert_int_not_equal(result, '?');
		winners += result == 'w';
	}
	close(end[1]);
	for (int i = 0; i < RACERS; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	close(gate[0]);
	close(told[0]);
	close(told[1]);
	close(end[0]);
	return winners;
}

static void of_many_starters_exactly_one_wins_the_name(void **state)
{
	struct ring_options options = workspace_options(*state, "raced");

	/* First without a predecessor, then by adoption, then each time with another geometry. */
	for (int round = 0; round < 100; round++) {
		if (round >= 10)
			options.slot_count = 8u << (round % 3);
		assert_int_equal(race_for_name(&options), 1);
		assert_int_equal(workspace_entries(*state), 1);
	}
}

/* Lets a traced child run up to its first attempt to lock a file. */
static void run_to_lock(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD), 0);
	for (;;) {
		struct __ptrace_syscall_info call;
		assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSTOPPED(status));
		assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof call, &call) > 0);
		if (call.op == PTRACE_SYSCALL_INFO_ENTRY && call.entry.nr == SYS_fcntl &&
		    call.entry.args[1] == F_OFD_SETLK)
			return;
	}
}

/* Between a starter's open and its lock another one may have replaced the file. The lock that it
 * then gets is that of a file without a name. */
static void starter_overtaken_before_its_lock_notices(void **state)
{
	const struct ring_options options = workspace_options(*state, "overtaken");
	struct ring_options other = options;
	struct ring_segment *segment;
	int status;

	ring_segment_close(workspace_segment(&other));
	const pid_t child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(ring_segment_create(&segment, &options) == -EBUSY ? 0 : 1);
	}
	run_to_lock(child);
	other.slot_count = 64;
	segment = workspace_segment(&other);
	assert_int_equal(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	ring_segment_close(segment);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(same_schema_adopts_totals_positions_and_history),
		TEST(other_schema_starts_anew_with_the_totals_that_both_know),
		TEST(totals_of_cores_that_are_no_more_go_to_core_0),
		TEST(smaller_budget_folds_inherited_series_and_keeps_their_sum),
		TEST(of_many_starters_exactly_one_wins_the_name),
		TEST(starter_overtaken_before_its_lock_notices),
	};

	return cmocka_run_group_tests_name("succession", tests, NULL, NULL);
}
