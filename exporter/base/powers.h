/* SPDX-License-Identifier: MIT */
/*
 * The powers of ten that doubles need, as 128-bit significands: the leading bits of 10^exponent,
 * rounded up, the highest bit set. Entry i has exponent POWERS_FIRST + i. For decimal.c alone.
 */
#ifndef POWERS_H
#define POWERS_H

#include <stdint.h>

#define POWERS_FIRST (-292)
#define POWERS_LAST  324

struct power {
	uint64_t high;
	uint64_t low;
};

extern const struct power powers[POWERS_LAST - POWERS_FIRST + 1];

#endif
