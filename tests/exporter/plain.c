/* SPDX-License-Identifier: MIT */
/* The obvious ways; see plain.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"

char *plain_u64(char *to, uint64_t value)
{
	char digits[20];
	size_t first = sizeof digits;

	do {
		digits[--first] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	memcpy(to, digits + first, sizeof digits - first);
	return to + sizeof digits - first;
}

char *plain_double(char *to, double value)
{
	char number[32];
	int bytes = 0;

	for (int digits = 15; digits <= 17; digits++) {
		bytes = snprintf(number, sizeof number, "%.*g", digits, value);
		if (strtod(number, NULL) == value)
			break;
	}
	if (isnan(value))
		bytes = snprintf(number, sizeof number, "NaN");
	else if (isinf(value))
		bytes = snprintf(number, sizeof number, value > 0 ? "+Inf" : "-Inf");
	memcpy(to, number, (size_t)bytes);
	return to + bytes;
}
