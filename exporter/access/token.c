/* SPDX-License-Identifier: MIT */
/* Bearer tokens; see token.h. */
#include <gnutls/crypto.h>
#include <string.h>

#include "token.h"

/* What a credential of Bearer may consist of: RFC 6750, 2.1. */
#define ALPHABET                                                         \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" \
	"-._~+/="

static const char *add(struct token_set *set, const char *token, size_t bytes)
{
	if (bytes < TOKEN_BYTES_MIN)
		return "a token must have 16 characters or more: openssl rand -hex 32";
	if (bytes > TOKEN_BYTES_MAX)
		return "a token must have 1024 characters or fewer";
	for (size_t i = 0; i < bytes; i++)
		if (token[i] == '\0' || !strchr(ALPHABET, token[i]))
			return "a token must consist of letters, digits and -._~+/=";
	if (set->count == TOKENS_MAX)
		return "has more than 16 tokens";
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, token, bytes, set->digests[set->count]) != 0)
		return "SHA-256 cannot be computed";
	set->count++;
	return NULL;
}

const char *token_set_read(struct token_set *set, const char *text, size_t bytes)
{
	const char *const end = text + bytes, *wrong = NULL;

	set->count = 0;
	for (const char *line = text; line < end && !wrong;) {
		const char *line_end = memchr(line, '\n', (size_t)(end - line));
		const char *next = line_end ? line_end + 1 : end;
		size_t line_bytes = (size_t)((line_end ? line_end : end) - line);
		if (line_bytes > 0 && line[line_bytes - 1] == '\r')
			line_bytes--;
		if (line_bytes > 0)
			wrong = add(set, line, line_bytes);
		line = next;
	}
	return wrong || set->count > 0 ? wrong : "has no token";
}

/* 1 when they are the same, else 0, without a branch. */
static unsigned equals(const uint8_t *a, const uint8_t *b)
{
	unsigned difference = 0;

	for (size_t i = 0; i < TOKEN_DIGEST_BYTES; i++)
		difference |= (unsigned)(a[i] ^ b[i]);
	return (difference - 1) >> 31; /* of 0 to 255, only 0 has a borrow */
}

bool token_set_has(const struct token_set *set, const char *token, size_t bytes)
{
	uint8_t digest[TOKEN_DIGEST_BYTES];
	unsigned found = 0;

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, token, bytes, digest) != 0)
		return false;
	for (size_t i = 0; i < set->count; i++)
		found |= equals(digest, set->digests[i]);
	return found;
}
