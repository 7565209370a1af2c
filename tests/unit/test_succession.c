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
#include <stdio.h>
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
	assert_int_equal(workspace_value(reader, "test_depth", "", 0), UINT64_MAX);
	assert_int_equal(ring_reader_account(reader, 0, &account), RING_SOUND);
	assert_int_equal(account.written, 3); /* positions go on */
	assert_int_equal(account.dropped, 3);
	workspace_record(segment, 2);
	assert_int_equal(workspace_value(reader, "test_packets_total", "a", 0), 42);
	ring_reader_close(reader);
	ring_reader_close(old);
	ring_segment_close(segment);
}

/* Five channels, of which three have series of their own and two are folded. */
static void record_beyond_the_budget(const struct ring_options *options)
{
	static const char *const channels[] = {"a", "b", "c", "d", "e"};
	struct ring_segment *segment = workspace_segment(options);
	struct ring_writer *writer = ring_writer_claim(segment, 0);

	for (unsigned i = 0; i < 5; i++)
		ring_counter_add(writer, workspace_packets(segment, channels[i]), 1u << i);
	ring_segment_close(segment);
}

/* To fold it would make its whole past look like one increase of the overflow series. */
static void series_without_room_in_a_smaller_budget_stay_behind_and_are_counted(void **state)
{
	struct ring_metric_def def = workspace_metrics[0];
	struct ring_options options = workspace_options(*state, "shrunk");

	record_beyond_the_budget(&options);
	def.series_max = 1;
	options.metrics = &def;
	options.metric_count = 1;
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_reader *reader = workspace_reader(segment);
	assert_int_equal(workspace_value(reader, "test_packets_total", "a", 0), 1);
	assert_int_equal(workspace_value(reader, "test_packets_total", "b", 0), UINT64_MAX);
	assert_int_equal(workspace_value(reader, "test_packets_total", RING_OVERFLOW_LABEL, 0),
			 8 + 16);
	assert_int_equal(ring_reader_header(reader)->labels_refused.bits, 2);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void overflow_series_of_another_label_is_another_series(void **state)
{
	struct ring_metric_def def = workspace_metrics[0];
	struct ring_options options = workspace_options(*state, "relabelled");

	record_beyond_the_budget(&options);
	def.overflow_label = "_other";
	options.metrics = &def;
	options.metric_count = 1;
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_reader *reader = workspace_reader(segment);
	assert_int_equal(workspace_value(reader, "test_packets_total", "c", 0), 4);
	assert_int_equal(workspace_value(reader, "test_packets_total", "_other", 0), UINT64_MAX);
	assert_int_equal(ring_reader_series_count(reader), 3);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void later_definition_keeps_its_overflow_label_in_the_successor(void **state)
{
	struct ring_metric_def late = workspace_metrics[0];
	struct ring_options options = workspace_options(*state, "late");
	struct ring_segment *segment = workspace_segment(&options);
	const char *const labels[] = {"a", NULL}, *const folded[] = {"b", NULL};

	late.name = "test_late_total";
	late.overflow_label = "_other";
	late.series_max = 1;
	assert_int_equal(ring_metric_define(segment, &late), 0);
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	ring_counter_add(writer, ring_counter_resolve(segment, late.name, labels), 1);
	ring_counter_add(writer, ring_counter_resolve(segment, late.name, folded), 2);
	ring_segment_close(segment);
	options.metric_count--;
	segment = workspace_segment(&options);
	assert_int_equal(ring_metric_define(segment, &late), 0);
	struct ring_reader *reader = workspace_reader(segment);
	assert_int_equal(workspace_value(reader, late.name, "a", 0), 1);
	assert_int_equal(workspace_value(reader, late.name, "_other", 0), 2);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void later_definition_keeps_the_labels_of_its_overflow_series_in_the_successor(void **state)
{
	struct ring_metric_def late = workspace_metrics[0];
	struct ring_options options = workspace_options(*state, "late");
	struct ring_segment *segment = workspace_segment(&options);
	/* The first one has the budget, the second keeps its state, the third is one too many. */
	const char *const labels[][3] = {{"a", "up", NULL}, {"b", "up", NULL}, {"b", "down", NULL}};

	late.name = "test_late_total";
	late.label_keys[1] = "state";
	late.series_max = 1;
	late.kept_labels = 1;
	late.overflow_max = 1;
	assert_int_equal(ring_metric_define(segment, &late), 0);
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	for (unsigned i = 0; i < 3; i++) {
		ring_counter_add(writer, ring_counter_resolve(segment, late.name, labels[i]),
				 i + 1);
	}
	ring_segment_close(segment);
	options.metric_count--;
	segment = workspace_segment(&options);
	assert_int_equal(ring_metric_define(segment, &late), 0);
	struct ring_reader *reader = workspace_reader(segment);
	assert_int_equal(ring_reader_series_count(reader), 3);
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t cell;
		assert_int_equal(ring_reader_gather(reader, 0, &i, 1, &cell), RING_SOUND);
		assert_int_equal(cell, i + 1);
		assert_int_not_equal(ring_counter_resolve(segment, late.name, labels[i]).key, 0);
	}
	assert_int_equal(ring_reader_refresh(reader), RING_SOUND);
	assert_int_equal(ring_reader_series_count(reader), 3);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

/* Who may write a mapped file may also truncate it under us. */
static void file_of_another_user_is_replaced_and_not_carried_on(void **state)
{
	const struct ring_options options = workspace_options(*state, "foreign");
	struct ring_reader *reader;

	if (geteuid() != 0)
		skip();
	struct ring_segment *segment = workspace_segment(&options);
	workspace_record(segment, 40);
	ring_segment_close(segment);
	reader = workspace_reader(segment = workspace_segment(&options));
	assert_int_equal(workspace_value(reader, "test_packets_total", "a", 0), 40);
	assert_int_equal(chown(ring_segment_path(segment), 65534, 65534), 0);
	ring_reader_close(reader);
	ring_segment_close(segment);
	reader = workspace_reader(segment = workspace_segment(&options));
	assert_int_equal(ring_reader_series_count(reader), 0);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void change_a_definition(struct ring_metric_def *def, unsigned which)
{
	static const double bounds[] = {0.5, 1, 2};

	switch (which) {
	case 0:
		def->help = "Said otherwise.";
		break;
	case 1:
		def->bounds = bounds;
		break;
	case 2:
		def->overflow_label = "_other";
		break;
	case 3:
		def->series_max = 4;
		break;
	case 4:
		def->label_keys[0] = "stream";
		break;
	}
}

static void each_change_of_a_definition_makes_another_segment(void **state)
{
	struct ring_options options = workspace_options(*state, "changed");
	static const uint8_t none[16];

	for (unsigned which = 0; which < 5; which++) {
		struct ring_metric_def metrics[WORKSPACE_METRICS];
		memcpy(metrics, workspace_metrics, sizeof metrics);
		change_a_definition(&metrics[2], which);
		options.metrics = workspace_metrics;
		ring_segment_close(workspace_segment(&options));
		options.metrics = metrics;
		struct ring_segment *segment = workspace_segment(&options);
		struct ring_reader *reader = workspace_reader(segment);
		assert_memory_not_equal(ring_reader_header(reader)->predecessor, none, 16);
		assert_int_equal(ring_reader_header(reader)->owner_count.bits, 2 + 2 * which);
		ring_reader_close(reader);
		ring_segment_close(segment);
	}
}

/* Its timestamps are another clock's. */
static void segment_of_another_boot_is_carried_on_in_a_new_file(void **state)
{
	const struct ring_options options = workspace_options(*state, "booted");
	struct ring_segment *segment = workspace_segment(&options);
	uint8_t boot_id[16];

	workspace_record(segment, 40);
	const int fd = open(ring_segment_path(segment), O_RDWR);
	ring_segment_close(segment);
	assert_int_equal(pread(fd, boot_id, 16, offsetof(struct ring_header, boot_id)), 16);
	boot_id[0] ^= 1;
	assert_int_equal(pwrite(fd, boot_id, 16, offsetof(struct ring_header, boot_id)), 16);
	close(fd);
	segment = workspace_segment(&options);
	struct ring_reader *reader = workspace_reader(segment);
	assert_memory_not_equal(ring_reader_header(reader)->boot_id, boot_id, 16);
	assert_int_equal(workspace_value(reader, "test_packets_total", "a", 0), 40);
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
						     ring_reader_series(reader, 0)->cell, 1,
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

/* Lets a traced child run until it is about to make a system call, with this second argument if
 * that is not 0. */
static void run_to_call(pid_t child, uint64_t number, uint64_t argument)
{
	int status;

	for (;;) {
		struct __ptrace_syscall_info call;
		assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSTOPPED(status));
		assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof call, &call) > 0);
		if (call.op == PTRACE_SYSCALL_INFO_ENTRY && call.entry.nr == number &&
		    (argument == 0 || call.entry.args[1] == argument))
			return;
	}
}

/* A child that stops before it creates a segment and ends with 0 if the name is taken by then. */
static pid_t start_traced(const struct ring_options *options)
{
	struct ring_segment *segment;
	int status;
	const pid_t child = fork();

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(ring_segment_create(&segment, options) == -EBUSY ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD), 0);
	return child;
}

static void end_traced(pid_t child)
{
	int status;

	assert_int_equal(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Between a starter's open and its lock another one may have replaced the file. The lock that it
 * then gets is that of a file without a name. */
static void starter_overtaken_before_its_lock_notices(void **state)
{
	const struct ring_options options = workspace_options(*state, "overtaken");
	struct ring_options other = options;

	other.slot_count = 64;
	ring_segment_close(workspace_segment(&other));
	const pid_t child = start_traced(&options);
	run_to_call(child, SYS_fcntl, F_OFD_SETLK);
	struct ring_segment *segment = workspace_segment(&options);
	end_traced(child);
	ring_segment_close(segment);
}

/* While a starter fills its new file somebody may remove the old one, whose lock it holds, and
 * another starter take the name. */
static void starter_whose_predecessor_was_removed_takes_no_name_from_the_living(void **state)
{
	const struct ring_options options = workspace_options(*state, "removed");
	struct ring_options other = options;

	other.slot_count = 64;
	struct ring_segment *segment = workspace_segment(&other);
	char path[128];
	snprintf(path, sizeof path, "%s", ring_segment_path(segment));
	ring_segment_close(segment);
	const pid_t child = start_traced(&options);
	run_to_call(child, SYS_renameat2, 0);
	assert_int_equal(unlink(path), 0);
	segment = workspace_segment(&other);
	struct ring_reader *reader = workspace_reader(segment);
	end_traced(child);
	assert_true(ring_reader_is_current(reader, AT_FDCWD, path));
	assert_int_equal(workspace_entries(*state), 1);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(same_schema_adopts_totals_positions_and_history),
		TEST(other_schema_starts_anew_with_the_totals_that_both_know),
		TEST(each_change_of_a_definition_makes_another_segment),
		TEST(segment_of_another_boot_is_carried_on_in_a_new_file),
		TEST(totals_of_cores_that_are_no_more_go_to_core_0),
		TEST(series_without_room_in_a_smaller_budget_stay_behind_and_are_counted),
		TEST(overflow_series_of_another_label_is_another_series),
		TEST(later_definition_keeps_its_overflow_label_in_the_successor),
		TEST(later_definition_keeps_the_labels_of_its_overflow_series_in_the_successor),
		TEST(file_of_another_user_is_replaced_and_not_carried_on),
		TEST(of_many_starters_exactly_one_wins_the_name),
		TEST(starter_overtaken_before_its_lock_notices),
		TEST(starter_whose_predecessor_was_removed_takes_no_name_from_the_living),
	};

	return cmocka_run_group_tests_name("succession", tests, NULL, NULL);
}
