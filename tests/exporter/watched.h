/* SPDX-License-Identifier: MIT */
/*
 * A monitor with followers that have lived for 20 seconds, up to WATCHED_NOW, for tests of what is
 * shown of it.
 */
#ifndef WATCHED_H
#define WATCHED_H

#include "replication/status.h"

#define WATCHED_SECOND_NS UINT64_C(1000000000)
/* 2024-02-29T12:00:00Z on the wall, when the monitor's clock has 1000 seconds. */
#define WATCHED_NOW                                                     \
	((struct status_time){.monotonic_ns = 1000 * WATCHED_SECOND_NS, \
			      .wall_ns = UINT64_C(1709208000) * WATCHED_SECOND_NS})

/* Registers it and tells its lag each second; it moves on by 10 entries each, 5 behind. */
void watched_follow(struct monitor *monitor, const char *name, double lag_seconds);

/* The same for one that stands still, 1000 entries behind. */
void watched_stall(struct monitor *monitor, const char *name);

/* One of each severity, with an alert unless it is normal: "n", "w", "c" and "s". */
struct monitor *watched_each(void);

#endif
