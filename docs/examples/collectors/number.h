/* SPDX-License-Identifier: MIT */
/* Numbers as others write them, taken whole or not at all. */
#ifndef NUMBER_H
#define NUMBER_H

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Nothing but digits of that base, and no more than 64 bits of them. */
static inline bool number_whole(const char *text, int base, uint64_t *value)
{
	char *end;

	if (!text[0] || text[strspn(text, "0123456789abcdefABCDEF")])
		return false;
	errno = 0;
	const unsigned long long found = strtoull(text, &end, base);
	if (*end || errno)
		return false;
	*value = found;
	return true;
}

/* Finite, and in decimals. */
static inline bool number_decimal(const char *text, double *value)
{
	char *end;

	if (!isdigit((unsigned char)text[text[0] == '-']) || text[strspn(text, "0123456789.eE+-")])
		return false;
	const double found = strtod(text, &end);
	if (*end || !isfinite(found))
		return false;
	*value = found;
	return true;
}

#endif
