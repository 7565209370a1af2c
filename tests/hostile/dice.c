/* SPDX-License-Identifier: MIT */
/*
 * SplitMix64: one word of state, so that each thread has its own sequence.
 */
#include "dice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED_DEFAULT UINT64_C(20240229)

uint64_t dice_seed(void)
{
	const char *text = getenv("RING_SEED");
	const uint64_t seed = text ? strtoull(text, NULL, 0) : SEED_DEFAULT;

	printf("# RING_SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	return seed;
}

uint64_t dice_roll(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}
