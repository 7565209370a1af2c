/* SPDX-License-Identifier: MIT */
/* Durations; see duration.h. */
#include <stddef.h>
#include <string.h>

#include "duration.h"

#define DURATION_MAX_NS INT64_MAX
#define MALFORMED       "must be a duration like 1h30m, 45s or 500ms"

static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	{"y", UINT64_C(365) * 24 * 3600 * 1000000000},
	{"w", UINT64_C(7) * 24 * 3600 * 1000000000},
	{"d", UINT64_C(24) * 3600 * 1000000000},
	{"h", UINT64_C(3600) * 1000000000},
	{"m", UINT64_C(60) * 1000000000},
	{"s", UINT64_C(1000000000)},
	{"ms", UINT64_C(1000000)},
};

#define UNIT_COUNT (sizeof units / sizeof units[0])

/* The first unit from `first` on of that name; UNIT_COUNT: there is none. */
static size_t unit_find(size_t first, const char *name, size_t bytes)
{
	size_t i = first;

	while (i < UNIT_COUNT &&
	       (strlen(units[i].name) != bytes || memcmp(units[i].name, name, bytes) != 0))
		i++;
	return i;
}

const char *duration_parse(const char *text, uint64_t *ns)
{
	uint64_t total = 0;
	size_t unit = 0;

	if (*text == '\0')
		return MALFORMED;
	while (*text) {
		const size_t digits = strspn(text, "0123456789");
		const size_t letters = strcspn(text + digits, "0123456789");
		uint64_t count = 0, part;
		for (size_t i = 0; i < digits; i++)
			if (__builtin_mul_overflow(count, 10, &count) ||
			    __builtin_add_overflow(count, text[i] - '0', &count))
				return "is too long";
		unit = unit_find(unit, text + digits, letters);
		if (digits == 0 || unit == UNIT_COUNT)
			return MALFORMED;
		if (__builtin_mul_overflow(count, units[unit].ns, &part) ||
		    __builtin_add_overflow(total, part, &total) || total > DURATION_MAX_NS)
			return "is too long";
		unit++;
		text += digits + letters;
	}
	if (total == 0)
		return "must be more than nothing";
	*ns = total;
	return NULL;
}

const char *duration_parse_seconds(const char *text, double *seconds)
{
	uint64_t ns;
	const char *reason = duration_parse(text, &ns);

	if (!reason)
		*seconds = (double)ns / 1e9;
	return reason;
}
