/* SPDX-License-Identifier: MIT */
/*
 * The drain thread makes two system calls a pass: it waits, and asks for news of the directory.
 * What more it wants of the kernel it wants once in a tick or a look through the directory.
 *
 * By way of the linker's --wrap the child runs the thread's loop where it is traced, and counts
 * the passes where the loop waits.
 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/log.h"
#include "collect.h"
#include "stage.h"

#define SLOTS      64u
#define BURST_MAX  8u
#define CHUNK      (SLOTS / 2) /* keeps passes coming as fast as they may */
#define PASSES     1000u
#define TICK_NS    UINT64_C(100000000)
#define STOPS_MAX  2u  /* into and out of the kernel, for news */
#define LOOKED_MAX 20u /* passes of a look through a directory of one segment, and more */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *argument);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *argument);
int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *wait,
		 const sigset_t *mask);
int __real_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *wait,
		 const sigset_t *mask);

/* Of the child. Pass 0 is a look at the clock alone. */
static struct {
	struct ring_word *mark;
	void *(*loop)(void *);
	void *argument;
	unsigned pass;
} drain;

static struct scene scene;
static struct tracee tracee;

/* The drain thread is the only one that the exporter's parts here start by themselves. */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *argument)
{
	(void)thread;
	(void)attributes;
	drain.loop = start;
	drain.argument = argument;
	return 0;
}

int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *wait,
		 const sigset_t *mask)
{
	tracee_enter(drain.mark, stage_after(drain.pass++));
	const int result = __real_ppoll(fds, count, wait, mask);
	tracee_enter(drain.mark, stage_before(drain.pass));
	return result;
}

static void *record(void *argument)
{
	const struct timespec pause = {.tv_nsec = 100000};
	const struct owner *owner = argument;

	for (;;) {
		for (unsigned i = 0; i < CHUNK; i++)
			ring_counter_add(owner->writer, owner->counter, 1);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void act(struct ring_word *mark, void *argument)
{
	static struct collect collect; /* large */
	struct timespec now;
	struct owner owner;
	pthread_t recorder;
	const struct collect_options options = {.dir = scene.dir,
						.followed_max = 1,
						.exporter_metrics = true,
						.monitor = &monitor_defaults};

	(void)argument;
	log_init(LOG_ERROR, LOG_LOGFMT);
	/* The first snapshot starts the thread of RCU. */
	if (owner_open(&owner, &scene) != 0 || collect_open(&collect, &options) != 0 ||
	    collect_once(&collect) != 0 || collect_start(&collect) != 0 ||
	    __real_pthread_create(&recorder, NULL, record, &owner) != 0)
		return;
	drain.mark = mark;
	tracee_ready();
	tracee_enter(mark, stage_before(0));
	clock_gettime(CLOCK_MONOTONIC, &now);
	tracee_enter(mark, stage_after(drain.pass++));
	drain.loop(drain.argument);
}

static int begin(void **state)
{
	(void)state;
	const int error = scene_begin(&scene, SLOTS, BURST_MAX);

	return error ? error : tracee_start(&tracee, act, NULL);
}

static int end(void **state)
{
	(void)state;
	tracee_kill(&tracee);
	scene_end(&scene);
	return 0;
}

static void pass_makes_no_system_call_but_for_news_and_to_wait(void **state)
{
	static unsigned stops[PASSES + 1]; /* by pass */
	const uint64_t begun_ns = scene_now_ns();
	uint64_t at;
	unsigned passes = 0;
	(void)state;

	while ((at = tracee_stage(&tracee)) < stage_after(PASSES)) {
		if (at % 2 == stage_before(0) % 2)
			stops[at / 2]++;
		assert_int_equal(tracee_run_to_syscall(&tracee), 0);
	}
	if (stops[0] > 0) {
		printf("# this machine's clock is read by a system call\n");
		skip();
	}
	for (unsigned i = 1; i <= PASSES; i++)
		passes += stops[i] > STOPS_MAX;
	const uint64_t ticks = (scene_now_ns() - begun_ns) / TICK_NS + 1;
	printf("# %u of %u passes made more system calls, in time for %u ticks\n", passes, PASSES,
	       (unsigned)ticks);
	assert_in_range(passes, 1, ticks + LOOKED_MAX); /* none: they were not seen */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pass_makes_no_system_call_but_for_news_and_to_wait,
						begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
