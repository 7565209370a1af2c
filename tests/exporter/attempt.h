/* SPDX-License-Identifier: MIT */
/*
 * Attempts to read a configuration, with a text as its file. All files have the same name, and so
 * all attempts the same command line, but for words of their own.
 */
#ifndef ATTEMPT_H
#define ATTEMPT_H

#include "config.h"

#define ATTEMPT_PATH "/proc/self/fd/100"

struct attempt {
	struct config config;
	enum config_result result;
};

/* The last of the words is NULL. */
struct attempt *attempt_bytes(const char *text, size_t bytes, const char *const *words);
struct attempt *attempt_file(const char *text, ...) __attribute__((sentinel));
void attempt_end(struct attempt *attempt);

#endif
