/* SPDX-License-Identifier: MIT */
/* Thresholds of some followers; see override.h. */
#include <string.h>

#include "base/duration.h"
#include "base/pattern.h"
#include "override.h"

static const char *take_threshold(void *subject, const char *key, const char *value)
{
	struct monitor_thresholds *thresholds = subject;
	double *seconds = strcmp(key, "warning") == 0    ? &thresholds->warning_seconds
			  : strcmp(key, "critical") == 0 ? &thresholds->critical_seconds
							 : NULL;

	if (!seconds)
		return "after the last colon must be warning=DURATION, critical=DURATION or both, "
		       "with a comma";
	return *seconds > 0 ? "has a threshold twice" : duration_parse_seconds(value, seconds);
}

const char *override_parse(const char *text, struct monitor_override *override, char *pattern)
{
	*override = (struct monitor_override){.pattern = pattern};
	return pattern_parse(text, pattern, OVERRIDE_PATTERN_BYTES, take_threshold,
			     &override->thresholds);
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
