/* SPDX-License-Identifier: MIT */
/*
 * What ringstat and ringload have in common as command-line programs: one-line
 * messages, memory that is there or ends the program, and checked output.
 */
#ifndef TOOL_H
#define TOOL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TOOL_SECOND_NS UINT64_C(1000000000)

/* Exit status of every command. A usage error cannot tell either. */
enum {
	TOOL_OK = 0,
	TOOL_UNSOUND = 1,     /* the segment is damaged, or could not be made */
	TOOL_CANNOT_TELL = 2, /* missing, no permission, wrong usage, output lost */
};

/* Prints `program: object: reason` on stderr, in one line that no byte of either can break. */
void tool_message(const char *object, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Zeroed memory. Out of memory ends the program: it has done nothing that needs undoing. */
void *tool_alloc(size_t count, size_t bytes);

/* A stream into memory: after fclose `*data` has the text, terminated, for free(). */
FILE *tool_open_text(char **data, size_t *bytes);

/* Makes jansson allocate by the same rule, so that no call of it fails for want of memory. */
void tool_alloc_json(void);

/* What is left to do before exit: `status`, or TOOL_CANNOT_TELL if stdout lost something. */
int tool_finish(int status);

/* Nanoseconds of CLOCK_MONOTONIC and of CLOCK_REALTIME. */
uint64_t tool_monotonic_ns(void);
uint64_t tool_realtime_ns(void);

#endif
