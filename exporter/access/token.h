/* SPDX-License-Identifier: MIT */
/*
 * Bearer tokens. Only their SHA-256 is kept, and all digests are compared, whatever the first
 * ones say, in a time that depends on their number alone: see tests/exporter/constant_time.c. A
 * plain hash is enough for what nobody can guess, which is why short tokens are refused. Pure.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_BYTES_MIN    16u
#define TOKEN_BYTES_MAX    1024u
#define TOKEN_DIGEST_BYTES 32u
#define TOKENS_MAX         16u

struct token_set {
	size_t count;
	uint8_t digests[TOKENS_MAX][TOKEN_DIGEST_BYTES];
};

/* Reads a file's text: one token to a line; empty lines are none. Returns NULL, or what is wrong,
 * in words that do not quote it. */
const char *token_set_read(struct token_set *set, const char *text, size_t bytes);

bool token_set_has(const struct token_set *set, const char *token, size_t bytes);

#endif
