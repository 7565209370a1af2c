/* SPDX-License-Identifier: MIT */
/* Patterns and pairs; see pattern.h. */
#include <string.h>

#include "pattern.h"

#define PAIR_BYTES 256u

/* One `key=value`, `bytes` long. */
static const char *parse_pair(const char *text, size_t bytes, pattern_taker *take, void *subject)
{
	char pair[PAIR_BYTES];

	if (bytes >= sizeof pair)
		return "has a value that is too long";
	memcpy(pair, text, bytes);
	pair[bytes] = '\0';
	char *equals = strchr(pair, '=');
	if (!equals)
		return "after the last colon must be KEY=VALUE, with commas between";
	*equals = '\0';
	return take(subject, pair, equals + 1);
}

const char *pattern_parse(const char *text, char *pattern, size_t pattern_bytes,
			  pattern_taker *take, void *subject)
{
	const char *colon = strrchr(text, ':'), *reason = NULL;
	const size_t bytes = colon ? (size_t)(colon - text) : 0;

	if (bytes == 0)
		return "must be PATTERN:KEY=VALUE,...";
	if (bytes >= pattern_bytes)
		return "has a PATTERN that is longer than any name";
	memcpy(pattern, text, bytes);
	pattern[bytes] = '\0';
	for (const char *part = colon + 1; part && !reason;) {
		const char *comma = strchrnul(part, ',');
		reason = parse_pair(part, (size_t)(comma - part), take, subject);
		part = *comma ? comma + 1 : NULL;
	}
	return reason;
}
