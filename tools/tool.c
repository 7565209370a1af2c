/* SPDX-License-Identifier: MIT */
/* Messages, memory and checked output for the programs in this folder. */
#include "tool.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text.h"

void tool_message(const char *object, const char *format, ...)
{
	char *reason = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&reason, format, arguments) < 0)
		reason = NULL;
	va_end(arguments);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	text_print(stderr, text_of(object));
	fputs(": ", stderr);
	text_print(stderr, text_of(reason ? reason : format));
	fputc('\n', stderr);
	free(reason);
}

static _Noreturn void end_without_memory(void)
{
	tool_message("memory", "%s", strerror(ENOMEM));
	exit(TOOL_CANNOT_TELL);
}

void *tool_alloc(size_t count, size_t bytes)
{
	/* Never zero bytes: NULL has one meaning only. */
	void *memory = calloc(count ? count : 1, bytes ? bytes : 1);

	if (!memory)
		end_without_memory();
	return memory;
}

FILE *tool_open_text(char **data, size_t *bytes)
{
	FILE *out = open_memstream(data, bytes);

	if (!out)
		end_without_memory();
	return out;
}

static void *alloc_bytes(size_t bytes)
{
	return tool_alloc(1, bytes);
}

void tool_alloc_json(void)
{
	json_set_alloc_funcs(alloc_bytes, free);
}

int tool_finish(int status)
{
	const int lost = fflush(stdout) != 0;

	if (!lost && !ferror(stdout))
		return status;
	tool_message("stdout", "%s", lost ? strerror(errno) : "output was lost");
	return TOOL_CANNOT_TELL;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * TOOL_SECOND_NS + (uint64_t)now.tv_nsec;
}

uint64_t tool_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t tool_realtime_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}
