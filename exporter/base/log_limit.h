/* SPDX-License-Identifier: MIT */
/*
 * How often the log may say something. Lines of one kind, which is the event that they tell of,
 * have a token bucket together, so that what somebody causes a thousand times a second leaves room
 * for the rest. Pure; one thread at a time.
 */
#ifndef LOG_LIMIT_H
#define LOG_LIMIT_H

#include "bucket.h"

/* At once, enough for a line about each listener; and then in each second. */
#define LOG_LINES_AT_ONCE 32u
#define LOG_LINES_RATE    1u
#define LOG_KINDS_MAX     64u /* events beyond have the last one's bucket */

struct log_kind {
	const char *event;
	struct bucket bucket;
	uint64_t suppressed; /* since a line of it was written */
};

struct log_limit {
	struct log_kind kinds[LOG_KINDS_MAX];
	unsigned kind_count;
	uint64_t suppressed; /* of all kinds, since the beginning */
};

/* Whether there may be a line about the event, which must stay; and then how many were suppressed
 * before it. Of one kind there may be `times` as many as of others. */
bool log_limit_admit(struct log_limit *limit, const char *event, unsigned times, uint64_t now_ns,
		     uint64_t *suppressed);

#endif
