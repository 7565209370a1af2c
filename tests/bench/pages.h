/* SPDX-License-Identifier: MIT */
/*
 * The pages that serializers are timed on: the same families, series and values for everybody, a
 * line being about `forward_3_packets_total{channel="port-0001234",direction="to_server"}
 * 12345678`.
 */
#ifndef PAGES_H
#define PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGES_FAMILIES 10u
#define PAGES_HELP     "Packets forwarded."
#define PAGES_KEYS                     \
	{                              \
		"channel", "direction" \
	}

enum pages_kind {
	PAGES_COUNTS, /* counters of eight digits */
	PAGES_MIXED,  /* counters of 1 to 16 digits, in no order */
	PAGES_DOUBLES /* gauges of 16 or 17 digits */
};

struct pages {
	enum pages_kind kind;
	size_t series_count; /* a multiple of PAGES_FAMILIES */
	uint64_t edition;    /* other values: branches must not be learned by heart */
};

struct page_line {
	char name[32];
	char values[2][32]; /* of the labels */
};

/* What a line says of its series, and its value: that of a counter in `count` too. */
void pages_line(struct page_line *line, const struct pages *pages, size_t series);
double pages_value(const struct pages *pages, size_t series, uint64_t *count);

/* Whether the page has all lines, in order, with these values; or else a bench_fail. A value may
 * differ by `tolerance` of itself. */
bool pages_check(const struct pages *pages, const char *page, size_t bytes, double tolerance);

#endif
