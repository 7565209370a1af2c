/* SPDX-License-Identifier: MIT */
/*
 * How long calls wait for a source that is not polled for an hour, and takes its time then: row X8.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "polled.h"

#define MARGIN_MS 20000u /* on a busy machine */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Answers the first time at once, and after that when the caller has lost patience. */
static enum ring_answer oversleep(struct ring_poll *poll, void *context)
{
	const struct timespec pause = {.tv_sec = RING_POLL_WAIT_MAX_MS / 1000 + 1};
	unsigned *calls = context;
	(void)poll;

	if (++*calls > 1)
		nanosleep(&pause, NULL);
	return RING_ANSWER_ALL;
}

static void X8_no_call_waits_longer_than_seconds_whatever_the_interval(void **state)
{
	unsigned calls = 0;
	const struct ring_source source = {
		.name = "source", .poll = oversleep, .context = &calls, .interval_ms = HOUR_MS};
	struct polled polled;

	polled_open(&polled, *state, "hour");
	assert_int_equal(ring_poller_add(polled.poller, &source), 0);
	const uint64_t begun_ms = now_ms();
	assert_int_equal(ring_poller_poll(polled.poller, "source"), -ETIMEDOUT);
	assert_in_range(now_ms() - begun_ms, RING_POLL_WAIT_MAX_MS,
			RING_POLL_WAIT_MAX_MS + MARGIN_MS);
	polled_close(&polled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			X8_no_call_waits_longer_than_seconds_whatever_the_interval, workspace_make,
			workspace_remove),
	};
	return cmocka_run_group_tests_name("poll_wait", tests, NULL, NULL);
}
