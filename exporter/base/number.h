/* SPDX-License-Identifier: MIT */
/*
 * Numbers as text, written in place and not terminated. Each function returns where the number
 * ends. It may write past that, but not past NUMBER_ROOM: stores of a fixed size are faster than
 * stores of the right one. Pure.
 */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdint.h>

#define NUMBER_BYTES_MAX 24u /* the longest: -2.2250738585072014e-308 */
#define NUMBER_ROOM      48u

char *number_u64(char *to, uint64_t value);

/* The shortest of %.15g, %.16g and %.17g that reads back as the same double; NaN, +Inf and -Inf
 * in words. */
char *number_double(char *to, double value);

#endif
