/* SPDX-License-Identifier: MIT */
/* Kinds of lines and their buckets; see log_limit.h. */
#include <string.h>

#include "log_limit.h"

static struct log_kind *find(struct log_limit *limit, const char *event, unsigned times,
			     uint64_t now_ns)
{
	for (unsigned i = 0; i < limit->kind_count; i++)
		if (strcmp(limit->kinds[i].event, event) == 0)
			return &limit->kinds[i];
	if (limit->kind_count == LOG_KINDS_MAX)
		return &limit->kinds[LOG_KINDS_MAX - 1];
	struct log_kind *kind = &limit->kinds[limit->kind_count++];
	*kind = (struct log_kind){event, bucket_full(LOG_LINES_AT_ONCE * times, now_ns), 0};
	return kind;
}

bool log_limit_admit(struct log_limit *limit, const char *event, unsigned times, uint64_t now_ns,
		     uint64_t *suppressed)
{
	struct log_kind *kind = find(limit, event, times, now_ns);

	if (!bucket_take(&kind->bucket, LOG_LINES_RATE * times, LOG_LINES_AT_ONCE * times,
			 now_ns)) {
		kind->suppressed++;
		limit->suppressed++;
		return false;
	}
	*suppressed = kind->suppressed;
	kind->suppressed = 0;
	return true;
}
