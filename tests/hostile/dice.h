/* SPDX-License-Identifier: MIT */
/*
 * Random numbers that a second run can repeat: the seed is printed, and RING_SEED sets it.
 */
#ifndef HOSTILE_DICE_H
#define HOSTILE_DICE_H

#include <stdint.h>

/* Chooses the seed and prints it as a TAP comment. */
uint64_t dice_seed(void);

/* The next number of the sequence that `state` stands in. */
uint64_t dice_roll(uint64_t *state);

#endif
