/* SPDX-License-Identifier: MIT */
/* The same pages for everybody; see pages.h. */
#include "pages.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* splitmix64's step: the same for the same number, and otherwise without pattern. */
static uint64_t scatter(uint64_t number)
{
	uint64_t bits = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);

	bits = (bits ^ bits >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	bits = (bits ^ bits >> 27) * UINT64_C(0x94d049bb133111eb);
	return bits ^ bits >> 31;
}

void pages_line(struct page_line *line, const struct pages *pages, size_t series)
{
	const size_t of_family = pages->series_count / PAGES_FAMILIES;

	snprintf(line->name, sizeof line->name, "forward_%zu_packets%s", series / of_family,
		 pages->kind == PAGES_DOUBLES ? "" : "_total");
	snprintf(line->values[0], sizeof line->values[0], "port-%07zu", series % of_family);
	snprintf(line->values[1], sizeof line->values[1], "to_server");
}

double pages_value(const struct pages *pages, size_t series, uint64_t *count)
{
	const uint64_t bits = scatter(series + pages->edition * pages->series_count);

	if (pages->kind == PAGES_DOUBLES)
		return (double)(bits >> 11) * 0x1p-33;
	*count = pages->kind == PAGES_COUNTS ? 10000000 + bits % 90000000
					     : bits >> 11 >> scatter(bits) % 53;
	return (double)*count;
}

static bool check_line(const struct pages *pages, size_t series, const char *line, double tolerance)
{
	static const char *const keys[] = PAGES_KEYS;
	struct page_line wanted;
	char beginning[160], *end;
	uint64_t count;

	pages_line(&wanted, pages, series);
	snprintf(beginning, sizeof beginning, "%s{%s=\"%s\",%s=\"%s\"} ", wanted.name, keys[0],
		 wanted.values[0], keys[1], wanted.values[1]);
	if (strncmp(line, beginning, strlen(beginning)) != 0)
		return bench_fail("a page has no line of series %zu", series);
	const double value = strtod(line + strlen(beginning), &end);
	const double error = fabs(value - pages_value(pages, series, &count));
	if (*end != '\n' || error > tolerance * value)
		return bench_fail("a page has a wrong value of series %zu", series);
	return true;
}

bool pages_check(const struct pages *pages, const char *page, size_t bytes, double tolerance)
{
	const char *const end = page + bytes;
	size_t series = 0;

	if (bytes == 0 || end[-1] != '\n')
		return bench_fail("a page has no end");
	for (const char *line = page; line < end;
	     line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1)
		if (*line != '#' && (series == pages->series_count ||
				     !check_line(pages, series++, line, tolerance)))
			return bench_fail("a page is wrong");
	return series == pages->series_count || bench_fail("a page is too short");
}
