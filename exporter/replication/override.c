/* SPDX-License-Identifier: MIT */
/* Thresholds of some followers; see override.h. */
#include <string.h>

#include "../duration.h"
#include "override.h"

#define DURATION_BYTES 64u

/* NULL: there is no such key. */
static double *threshold_of(struct monitor_thresholds *thresholds, const char *key, size_t bytes)
{
	if (bytes == strlen("warning") && memcmp(key, "warning", bytes) == 0)
		return &thresholds->warning_seconds;
	if (bytes == strlen("critical") && memcmp(key, "critical", bytes) == 0)
		return &thresholds->critical_seconds;
	return NULL;
}

/* One `key=duration`, `bytes` long. */
static const char *parse_threshold(struct monitor_thresholds *thresholds, const char *text,
				   size_t bytes)
{
	char duration[DURATION_BYTES] = "";
	const char *equals = memchr(text, '=', bytes);
	const size_t key_bytes = equals ? (size_t)(equals - text) : bytes;
	double *seconds = equals ? threshold_of(thresholds, text, key_bytes) : NULL;
	const size_t duration_bytes = seconds ? bytes - key_bytes - 1 : 0;

	if (!seconds || duration_bytes >= sizeof duration)
		return "after the last colon must be warning=DURATION, critical=DURATION or both, "
		       "with a comma";
	if (*seconds > 0)
		return "has a threshold twice";
	memcpy(duration, equals + 1, duration_bytes);
	return duration_parse_seconds(duration, seconds);
}

const char *override_parse(const char *text, struct monitor_override *override, char *pattern)
{
	const char *colon = strrchr(text, ':'), *reason = NULL;
	const size_t pattern_bytes = colon ? (size_t)(colon - text) : 0;

	if (pattern_bytes == 0 || pattern_bytes >= OVERRIDE_PATTERN_BYTES)
		return "must be PATTERN:warning=DURATION,critical=DURATION";
	memcpy(pattern, text, pattern_bytes);
	pattern[pattern_bytes] = '\0';
	*override = (struct monitor_override){.pattern = pattern};
	for (const char *part = colon + 1; part && !reason;) {
		const char *comma = strchrnul(part, ',');
		reason = parse_threshold(&override->thresholds, part, (size_t)(comma - part));
		part = *comma ? comma + 1 : NULL;
	}
	return reason;
}

const char *override_complete(struct monitor_override *override,
			      const struct monitor_thresholds *standard)
{
	struct monitor_thresholds *own = &override->thresholds;

	if (own->warning_seconds == 0)
		own->warning_seconds = standard->warning_seconds;
	if (own->critical_seconds == 0)
		own->critical_seconds = standard->critical_seconds;
	return monitor_thresholds_fault(own);
}
