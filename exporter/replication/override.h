/* SPDX-License-Identifier: MIT */
/*
 * Thresholds for followers whose names match, as the command line has them:
 * `PATTERN:warning=1m,critical=5m`, or one of the two. The pattern may have colons. Pure.
 */
#ifndef OVERRIDE_H
#define OVERRIDE_H

#include <ring/layout.h>

#include "monitor.h"

#define OVERRIDE_PATTERN_BYTES (RING_LABEL_VALUE_MAX + 1u)

/* Returns NULL, or what is wrong in words. `pattern` has room for OVERRIDE_PATTERN_BYTES and must
 * stand as long as the override. A threshold that is not given is 0. */
const char *override_parse(const char *text, struct monitor_override *override, char *pattern);

/* What is not given becomes as for all. Returns NULL, or what is wrong with the whole. */
const char *override_complete(struct monitor_override *override,
			      const struct monitor_thresholds *standard);

#endif
