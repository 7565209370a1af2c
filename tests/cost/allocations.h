/* SPDX-License-Identifier: MIT */
/*
 * Counts every allocation of the program that this is linked into, libraries and all threads
 * included.
 */
#ifndef COST_ALLOCATIONS_H
#define COST_ALLOCATIONS_H

unsigned long allocations(void);

#endif
