/* SPDX-License-Identifier: MIT */
/*
 * The decimal digits of a double: as few as read back as the same double, from the 15 on that
 * always suffice for a decimal to come back, and with that many digits the nearest. Pure.
 */
#ifndef DECIMAL_H
#define DECIMAL_H

#include <stdint.h>

/* digits x 10^exponent; the digits are 15 to 17, zeros at the end included. */
struct decimal {
	uint64_t digits;
	int exponent;
};

/* For positive, finite, normal values. Subnormal ones have fewer digits than 15. */
struct decimal decimal_of(double value);

#endif
