/* SPDX-License-Identifier: MIT */
/*
 * What the status page's two forms have in common: how they see the monitor, which may be missing.
 */
#ifndef STATUS_PARTS_H
#define STATUS_PARTS_H

#include "status.h"

#define STATUS_MESSAGE_BYTES_MAX 256u

/* When the monitor's clock showed `time_ns`. Differences are modulo 2^64, so either may be ahead.
 */
static inline uint64_t status_wall(struct status_time now, uint64_t time_ns)
{
	return now.wall_ns - (now.monotonic_ns - time_ns);
}

static inline bool status_is_active(const struct monitor_alert *alert)
{
	return alert->raised_ns != 0 && alert->resolved_ns == 0;
}

static inline const struct monitor_node *status_next(const struct monitor *monitor,
						     const struct monitor_node *node)
{
	return monitor ? monitor_next(monitor, node ? node->name : NULL) : NULL;
}

static inline void status_statistics(const struct monitor *monitor,
				     struct monitor_statistics *statistics)
{
	*statistics = (struct monitor_statistics){.nodes = 0};
	if (monitor)
		monitor_statistics(monitor, statistics);
}

#endif
