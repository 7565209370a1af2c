/* SPDX-License-Identifier: MIT */
/* Sizes; see size.h. */
#include <string.h>

#include "size.h"

const char *size_parse(const char *text, size_t *bytes)
{
	static const char *const units[] = {"", "KiB", "MiB", "GiB"};
	const size_t digits = strspn(text, "0123456789");
	size_t size = 0, unit = 0;

	while (unit < sizeof units / sizeof *units && strcmp(text + digits, units[unit]) != 0)
		unit++;
	if (digits == 0 || unit == sizeof units / sizeof *units)
		return "must be a size like 64MiB, 512KiB or 1000000";
	for (size_t i = 0; i < digits; i++)
		if (__builtin_mul_overflow(size, 10, &size) ||
		    __builtin_add_overflow(size, (size_t)(text[i] - '0'), &size))
			return "is too large";
	if (__builtin_mul_overflow(size, (size_t)1 << (10 * unit), &size))
		return "is too large";
	*bytes = size;
	return NULL;
}
