/* SPDX-License-Identifier: MIT */
/*
 * What a page says whatever the values are: headings, and of each line all that comes before its
 * number. Spelled once for a catalog and laid out in the order of the page, so that render.c only
 * puts numbers between. About as large as the page; the formats share the lines, and each has its
 * headings.
 *
 * Which families are on the page is decided here too, from the longest that a number can be: none
 * comes and goes with its values or with the format. One that might not fit is left out whole, so
 * that nobody's metrics keep the others off the page. Pure.
 */
#ifndef LINES_H
#define LINES_H

#include "format.h"

struct lines_family {
	const struct catalog_family *family; /* the catalog's */
	enum ring_kind kind;
	uint32_t series_cells;
	size_t cell; /* the first one */
	size_t series_count;
	bool is_below_zero; /* a histogram with a bound that is */
	bool has_created;   /* each series has a line more, in OpenMetrics, number included */
	size_t heading_bytes[FORMAT_LINES_COUNT];
};

/* In `spelled`, one after the other, stand for each family its headings, one per format, and then
 * its lines; those of a histogram's series are one per bucket, the sum and the count, those of a
 * state set's one per state. */
struct lines {
	struct catalog *catalog; /* held */
	size_t bytes_max;
	bool has_created;
	size_t page_bytes_max; /* what the page can take, with all numbers at their longest */
	struct lines_family *families;
	size_t family_count;
	size_t left_out_count; /* families */
	char *spelled;
	uint16_t *line_bytes; /* of each line, without its number */
};

/* For a page of so many bytes, with or without OpenMetrics' _created lines. NULL for want of
 * memory. */
struct lines *lines_create(struct catalog *catalog, size_t bytes_max, bool has_created);
void lines_destroy(struct lines *lines);

/* Whether these are what lines_create would make. */
bool lines_suit(const struct lines *lines, const struct catalog *catalog, size_t bytes_max);

#endif
