/* SPDX-License-Identifier: MIT */
/*
 * A process-wide SIGBUS handler is for a program to decide on, so ring_reader_guard is a
 * call that main() makes. The handler looks only at the faulting thread's own range and
 * hands every other fault to whoever was there before.
 */
#include "guard.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>

#include "export.h"
#include "ring/read.h"

struct guard_range {
	uintptr_t begin;
	uintptr_t end;
	sigjmp_buf *resume;
};

static _Thread_local struct guard_range range;
static struct sigaction previous;

static void handle_sigbus(int signal, siginfo_t *info, void *context)
{
	const uintptr_t address = (uintptr_t)info->si_addr;

	if (range.resume && address >= range.begin && address < range.end)
		siglongjmp(*range.resume, 1);
	if (previous.sa_flags & SA_SIGINFO) {
		previous.sa_sigaction(signal, info, context);
	} else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
		previous.sa_handler(signal);
	} else if (info->si_code > 0 || previous.sa_handler == SIG_DFL) {
		/* Back to the default: the access is made again and ends the process. */
		sigaction(SIGBUS, &previous, NULL);
		/* Unless there was none, because somebody sent the signal. */
		if (info->si_code <= 0)
			raise(signal);
	}
}

RING_EXPORT int ring_reader_guard(void)
{
	struct sigaction current;
	/* Not deferred: the handler leaves by a jump that restores no signal mask. */
	struct sigaction action = {.sa_sigaction = handle_sigbus,
				   .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, NULL, &current) != 0)
		return -errno;
	if ((current.sa_flags & SA_SIGINFO) && current.sa_sigaction == handle_sigbus)
		return 0;
	previous = current;
	return sigaction(SIGBUS, &action, NULL) == 0 ? 0 : -errno;
}

int ring_guard_run(const void *map, size_t bytes, void (*touch)(void *), void *argument)
{
	sigjmp_buf resume;
	int result = 0;

	/* 0: without the signal mask, which would cost a system call each time. */
	if (sigsetjmp(resume, 0) == 0) {
		range = (struct guard_range){(uintptr_t)map, (uintptr_t)map + bytes, &resume};
		touch(argument);
	} else {
		result = -EFAULT;
	}
	range.resume = NULL;
	return result;
}
