/* SPDX-License-Identifier: MIT */
/*
 * A child process that its parent moves on by single instructions or by system calls.
 *
 * The child prepares what it wants, calls tracee_ready, and from then on numbers the stages of
 * what it does in `mark`, a word that the parent sees. So the parent knows where the child
 * stands without knowing its machine code. The parent's functions return 0 or a negative errno.
 */
#ifndef CRASH_TRACEE_H
#define CRASH_TRACEE_H

#include <stdbool.h>
#include <sys/types.h>

#include <ring/atomic.h>

struct tracee {
	pid_t pid;
	struct ring_word *mark;
};

/* Child: waits for the parent. */
void tracee_ready(void);

/* Child: enters stage `stage`. No instruction of one stage is moved to another, because this is
 * a function that the compiler does not see into. */
void tracee_enter(struct ring_word *mark, uint64_t stage);

/* Parent: runs act(mark, argument) in a child, up to its tracee_ready. */
int tracee_start(struct tracee *tracee, void (*act)(struct ring_word *mark, void *argument),
		 void *argument);

/* Parent: where the child stands; 0 before its first tracee_enter. */
uint64_t tracee_stage(const struct tracee *tracee);

/* Parent: lets one instruction happen. */
int tracee_step(struct tracee *tracee);

/* Parent: steps until the child stands in `stage` or later, and counts the instructions. */
int tracee_step_to(struct tracee *tracee, uint64_t stage, unsigned *count);

/* Parent: lets the child run to where it enters or leaves a system call. */
int tracee_run_to_syscall(struct tracee *tracee);

/* Parent: whether the child's next instruction locks the bus or drains the store buffer. False on
 * machines whose instructions this does not know. */
bool tracee_is_at_barrier(const struct tracee *tracee);

/* Parent: SIGKILL, wherever the child stands, and waits for its end. Twice is harmless. */
void tracee_kill(struct tracee *tracee);

#endif
