/* SPDX-License-Identifier: MIT */
/*
 * ring_reader_guard takes what is its own and nothing else. Each case is a process of its own,
 * because most of them end one.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ring/read.h"
#include "siege.h"

#define SECONDS_MAX 20 /* a process that hangs ends */

enum { DONE = 40, SIMPLE_HANDLER, DETAILED_HANDLER, WRONG };

static const void *fault_address;

/* Maps a file that has no byte any more. */
static void *map_cut_file(void)
{
	const int fd = victim_copy(&victim, "cut", 1);
	void *map = mmap(NULL, RING_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	unlinkat(victim.dir_fd, "cut", 0);
	if (map == MAP_FAILED || ftruncate(fd, 0) != 0)
		_exit(WRONG);
	fault_address = map;
	return map;
}

static void fault(void)
{
	/* relaxed: atomic only so that the load is made. */
	if (ring_load_relaxed(map_cut_file()) != 0)
		_exit(WRONG);
}

/* Drains a segment that is cut. */
static enum ring_verdict guarded_fault(void)
{
	struct ring_reader *reader;
	struct ring_sample sample;
	size_t count;

	if (ring_reader_open(&reader, victim.dir_fd, VICTIM_NAME) != 0 ||
	    ftruncate(victim.fd, 0) != 0)
		_exit(WRONG);
	const enum ring_verdict verdict = ring_reader_drain(reader, 0, &sample, 1, &count);
	ring_reader_close(reader);
	victim_restore(&victim);
	return verdict;
}

static void simple_handler(int signal)
{
	_exit(signal == SIGBUS ? SIMPLE_HANDLER : WRONG);
}

static void detailed_handler(int signal, siginfo_t *info, void *context)
{
	_exit(signal == SIGBUS && info->si_addr == fault_address && context ? DETAILED_HANDLER
									    : WRONG);
}

/* The handler that was there before. */
static void set_simple(void (*handler)(int))
{
	const struct sigaction action = {.sa_handler = handler};

	sigaction(SIGBUS, &action, NULL);
}

static void set_detailed(void)
{
	const struct sigaction action = {.sa_sigaction = detailed_handler, .sa_flags = SA_SIGINFO};

	sigaction(SIGBUS, &action, NULL);
}

/* Runs `body` in a child. Returns its exit status, or minus the signal that ended it. */
static int ending_of(void (*body)(void))
{
	int status;
	const pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		alarm(SECONDS_MAX);
		body();
		_exit(DONE);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	victim_restore(&victim);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void guard(void)
{
	if (ring_reader_guard() != 0)
		_exit(WRONG);
}

static void meet_guarded_faults(void)
{
	set_detailed();
	guard();
	for (int i = 0; i < 3; i++)
		if (guarded_fault() != RING_TRUNCATED)
			_exit(WRONG);
}

static void guarded_fault_is_a_verdict_and_meets_no_other_handler(void **state)
{
	(void)state;
	assert_int_equal(ending_of(meet_guarded_faults), DONE);
}

static void meet_guarded_fault_unguarded(void)
{
	set_simple(SIG_DFL);
	guarded_fault();
}

static void without_the_guard_the_fault_is_the_process_s(void **state)
{
	(void)state;
	assert_int_equal(ending_of(meet_guarded_fault_unguarded), -SIGBUS);
}

static void meet_fault_with_simple_handler(void)
{
	set_simple(simple_handler);
	guard();
	guarded_fault();
	fault();
}

static void meet_fault_with_detailed_handler(void)
{
	set_detailed();
	guard();
	guarded_fault();
	fault();
}

static void other_fault_reaches_the_handler_that_was_there_before(void **state)
{
	(void)state;
	assert_int_equal(ending_of(meet_fault_with_simple_handler), SIMPLE_HANDLER);
	assert_int_equal(ending_of(meet_fault_with_detailed_handler), DETAILED_HANDLER);
}

/* A drain into a mapping of the caller's that is cut. */
static void meet_fault_of_the_caller_s_buffer(void)
{
	struct ring_reader *reader;
	struct ring_sample *buffer = map_cut_file();
	size_t count;

	set_detailed();
	guard();
	if (ring_reader_open(&reader, victim.dir_fd, VICTIM_NAME) == 0)
		ring_reader_drain(reader, 0, buffer, 1, &count);
}

static void fault_of_the_caller_s_buffer_is_not_the_segment_s(void **state)
{
	(void)state;
	assert_int_equal(ending_of(meet_fault_of_the_caller_s_buffer), DETAILED_HANDLER);
}

static void meet_fault_with_default(void)
{
	set_simple(SIG_DFL);
	guard();
	guarded_fault();
	fault();
}

static void meet_fault_that_is_ignored(void)
{
	set_simple(SIG_IGN);
	guard();
	fault();
}

static void other_fault_without_a_handler_ends_the_process(void **state)
{
	(void)state;
	assert_int_equal(ending_of(meet_fault_with_default), -SIGBUS);
	assert_int_equal(ending_of(meet_fault_that_is_ignored), -SIGBUS);
}

static void meet_fault_after_two_guards(void)
{
	set_simple(simple_handler);
	guard();
	guard();
	if (guarded_fault() != RING_TRUNCATED)
		_exit(WRONG);
	fault();
}

static void second_guard_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(ending_of(meet_fault_after_two_guards), SIMPLE_HANDLER);
}

static void send_it_with_default(void)
{
	set_simple(SIG_DFL);
	guard();
	kill(getpid(), SIGBUS);
}

static void send_it_with_handler(void)
{
	set_simple(simple_handler);
	guard();
	kill(getpid(), SIGBUS);
}

static void signal_sent_by_a_process_does_what_it_did_before(void **state)
{
	(void)state;
	assert_int_equal(ending_of(send_it_with_default), -SIGBUS);
	assert_int_equal(ending_of(send_it_with_handler), SIMPLE_HANDLER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guarded_fault_is_a_verdict_and_meets_no_other_handler),
		cmocka_unit_test(without_the_guard_the_fault_is_the_process_s),
		cmocka_unit_test(other_fault_reaches_the_handler_that_was_there_before),
		cmocka_unit_test(fault_of_the_caller_s_buffer_is_not_the_segment_s),
		cmocka_unit_test(other_fault_without_a_handler_ends_the_process),
		cmocka_unit_test(second_guard_changes_nothing),
		cmocka_unit_test(signal_sent_by_a_process_does_what_it_did_before),
	};

	return cmocka_run_group_tests(tests, siege_begin, siege_end);
}
