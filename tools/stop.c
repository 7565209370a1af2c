/* SPDX-License-Identifier: MIT */
/* The signals stay blocked and sigtimedwait takes them, so that no handler runs anywhere. */
#include "stop.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "tool.h"

static sigset_t signals;

void stop_prepare(void)
{
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

bool stop_wait(uint64_t wait_ns)
{
	const struct timespec wait = {
		.tv_sec = (time_t)(wait_ns / TOOL_SECOND_NS),
		.tv_nsec = (long)(wait_ns % TOOL_SECOND_NS),
	};
	int signal;

	/* Another signal, as when the process is stopped and continued, cuts the wait short: the
	 * caller looks again a little early. */
	do
		signal = wait_ns == STOP_WAIT_FOREVER ? sigwaitinfo(&signals, NULL)
						      : sigtimedwait(&signals, NULL, &wait);
	while (signal < 0 && errno == EINTR && wait_ns == STOP_WAIT_FOREVER);
	return signal > 0;
}
