/* SPDX-License-Identifier: MIT */
/* Followers; see watched.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "watched.h"

#define SECONDS 20u

static void follow(struct monitor *monitor, const char *name, uint64_t behind, uint64_t step,
		   double lag_seconds)
{
	assert_int_equal(monitor_register(monitor, name), 0);
	for (uint64_t i = 0; i <= SECONDS; i++) {
		const uint64_t now_ns = WATCHED_NOW.monotonic_ns -
					(SECONDS - i) * WATCHED_SECOND_NS;
		monitor_update(monitor, name, 100 + step * i + behind, 100 + step * i, lag_seconds,
			       now_ns);
	}
}

void watched_follow(struct monitor *monitor, const char *name, double lag_seconds)
{
	follow(monitor, name, 5, 10, lag_seconds);
}

void watched_stall(struct monitor *monitor, const char *name)
{
	follow(monitor, name, 1000, 0, 1);
}

struct monitor *watched_each(void)
{
	struct monitor *monitor = monitor_create(&monitor_defaults);

	assert_non_null(monitor);
	watched_follow(monitor, "n", 0.25);
	watched_follow(monitor, "w", 6);
	watched_follow(monitor, "c", 31);
	watched_stall(monitor, "s");
	return monitor;
}
