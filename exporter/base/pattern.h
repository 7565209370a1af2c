/* SPDX-License-Identifier: MIT */
/*
 * What an option says of everything whose name matches: `PATTERN:KEY=VALUE,KEY=VALUE`. The pattern
 * is fnmatch(3)'s, without flags, and may have colons; values have none, and no comma. Pure.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <stddef.h>

/* Takes one of the pairs. Returns NULL, or what is wrong in words. */
typedef const char *pattern_taker(void *subject, const char *key, const char *value);

/* Returns NULL, or what is wrong in words. `pattern` has room for `pattern_bytes`. */
const char *pattern_parse(const char *text, char *pattern, size_t pattern_bytes,
			  pattern_taker *take, void *subject);

#endif
