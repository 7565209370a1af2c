/* SPDX-License-Identifier: MIT */
/*
 * What a data plane calls, as contenders: each call with 64 resolved handles in turn. All take
 * their time from the one ring_tick before.
 */
#ifndef RECORDING_H
#define RECORDING_H

#include "contest.h"

extern const struct contender recording_counter;
extern const struct contender recording_bursts; /* the same, published 32 at a time */
extern const struct contender recording_gauge;
extern const struct contender recording_histogram;

#define RECORDING_COUNT 8192u /* of a stretch that overflows no ring: nothing is dropped */

#endif
