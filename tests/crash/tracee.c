/* SPDX-License-Identifier: MIT */
/*
 * ptrace, as little of it as tracee.h needs.
 */
#include "tracee.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scene.h"

#define SYSCALL_STOP (SIGTRAP | 0x80) /* by PTRACE_O_TRACESYSGOOD */

void tracee_ready(void)
{
	raise(SIGSTOP);
}

void tracee_enter(struct ring_word *mark, uint64_t stage)
{
	/* relaxed: the parent looks while this process is stopped. */
	ring_store_relaxed(mark, stage);
}

uint64_t tracee_stage(const struct tracee *tracee)
{
	/* relaxed: the child is stopped. */
	return ring_load_relaxed(tracee->mark);
}

static int wait_for(const struct tracee *tracee, int signal_number)
{
	int status;

	if (waitpid(tracee->pid, &status, 0) != tracee->pid)
		return -errno;
	return WIFSTOPPED(status) && WSTOPSIG(status) == signal_number ? 0 : -ECHILD;
}

int tracee_start(struct tracee *tracee, void (*act)(struct ring_word *mark, void *argument),
		 void *argument)
{
	tracee->mark = scene_share();
	if (!tracee->mark)
		return -ENOMEM;
	tracee->pid = fork();
	if (tracee->pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
			act(tracee->mark, argument);
		_exit(EXIT_SUCCESS);
	}
	if (tracee->pid < 0)
		return -errno;
	const int error = wait_for(tracee, SIGSTOP);
	if (error)
		return error;
	return ptrace(PTRACE_SETOPTIONS, tracee->pid, NULL,
		      PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD) == 0
		       ? 0
		       : -errno;
}

int tracee_step(struct tracee *tracee)
{
	if (ptrace(PTRACE_SINGLESTEP, tracee->pid, NULL, NULL) != 0)
		return -errno;
	return wait_for(tracee, SIGTRAP);
}

int tracee_step_to(struct tracee *tracee, uint64_t stage, unsigned *count)
{
	int error = 0;

	*count = 0;
	while (error == 0 && tracee_stage(tracee) < stage) {
		error = tracee_step(tracee);
		++*count;
	}
	return error;
}

int tracee_run_to_syscall(struct tracee *tracee)
{
	if (ptrace(PTRACE_SYSCALL, tracee->pid, NULL, NULL) != 0)
		return -errno;
	return wait_for(tracee, SYSCALL_STOP);
}

#ifdef __x86_64__
bool tracee_is_at_barrier(const struct tracee *tracee)
{
	struct user_regs_struct registers;
	uint8_t code[sizeof(long)];

	if (ptrace(PTRACE_GETREGS, tracee->pid, NULL, &registers) != 0)
		return false;
	errno = 0;
	const long text = ptrace(PTRACE_PEEKTEXT, tracee->pid, registers.rip, NULL);
	memcpy(code, &text, sizeof code);
	const uint8_t *p = code;
	if (*p == 0x66 || *p == 0xf2 || *p == 0xf3) /* operand size, repeat */
		p++;
	if (*p == 0xf0) /* LOCK */
		return true;
	if ((*p & 0xf0) == 0x40) /* REX */
		p++;
	if (p[0] == 0x86 || p[0] == 0x87) /* XCHG, which locks by itself where it meets memory */
		return p[1] < 0xc0;
	return p[0] == 0x0f && p[1] == 0xae && p[2] == 0xf0; /* MFENCE */
}
#else
bool tracee_is_at_barrier(const struct tracee *tracee)
{
	(void)tracee;
	return false;
}
#endif

void tracee_kill(struct tracee *tracee)
{
	if (tracee->pid > 0) {
		kill(tracee->pid, SIGKILL);
		waitpid(tracee->pid, NULL, 0);
	}
	if (tracee->mark)
		scene_unshare(tracee->mark);
	*tracee = (struct tracee){.pid = 0};
}
