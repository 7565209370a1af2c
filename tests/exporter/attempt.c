/* SPDX-License-Identifier: MIT */
/* Configurations that are tried; see attempt.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "attempt.h"

#define FD        100
#define WORDS_MAX 4

struct attempt *attempt_bytes(const char *text, size_t bytes, const char *const *words)
{
	struct attempt *attempt = calloc(1, sizeof *attempt);
	static char *argv[WORDS_MAX + 3] = {"ring-exporter", "--config.file=" ATTEMPT_PATH};
	const int fd = memfd_create("config", MFD_CLOEXEC);
	int count = 2;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, bytes), bytes);
	assert_int_equal(dup2(fd, FD), FD);
	close(fd);
	for (; *words; words++)
		argv[count++] = (char *)(uintptr_t)*words;
	argv[count] = NULL;
	attempt->result = config_read(&attempt->config, count, argv);
	return attempt;
}

struct attempt *attempt_file(const char *text, ...)
{
	const char *words[WORDS_MAX + 1] = {NULL};
	va_list list;

	va_start(list, text);
	for (unsigned i = 0; i < WORDS_MAX && (words[i] = va_arg(list, const char *)); i++) {
	}
	va_end(list);
	return attempt_bytes(text, strlen(text), words);
}

void attempt_end(struct attempt *attempt)
{
	if (attempt->result == CONFIG_RUN)
		config_release(&attempt->config);
	free(attempt);
}
