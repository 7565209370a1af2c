/* SPDX-License-Identifier: MIT */
/*
 * The decimal that stands for a double: the nearest with 15 digits, or with 16, or with 17, the
 * first of these that reads back as the same double. Pure.
 */
#ifndef DECIMAL_H
#define DECIMAL_H

#include <stdint.h>

struct decimal {
	uint64_t digits; /* 17, zeros at the end included */
	int exponent;    /* the first digit counts 10^exponent */
};

/* For positive, finite, normal values. Subnormal ones have fewer digits than 15. */
struct decimal decimal_of(double value);

#endif
