/* SPDX-License-Identifier: MIT */
/*
 * The one victim that all tests of a program share, and a time limit: a reader that waits or
 * hangs ends the program.
 */
#ifndef HOSTILE_SIEGE_H
#define HOSTILE_SIEGE_H

#include "victim.h"

extern struct victim victim;

/* Set-up and tear-down of a cmocka group. */
int siege_begin(void **state);
int siege_end(void **state);

#endif
