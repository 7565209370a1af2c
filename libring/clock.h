/* SPDX-License-Identifier: MIT */
/*
 * The time as one number. Internal to libring; the hot path has ring_tick.
 */
#ifndef RING_INTERNAL_CLOCK_H
#define RING_INTERNAL_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t ring_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
