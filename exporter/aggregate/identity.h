/* SPDX-License-Identifier: MIT */
/*
 * Which segment it is, and whether its totals are also in another's. Copies of a file are one
 * segment; a segment that a process starts in place of another carries that one's totals on, and
 * names it as its predecessor. Whoever must not count twice asks here. Pure.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>

#include <ring/layout.h>

/* Of ring_header. A uuid of zeros is none, and no two of these are the same. */
struct identity {
	char name[RING_NAME_MAX + 1];
	uint8_t uuid[16];
	uint8_t predecessor[16];
	uint64_t created_ns; /* since 1970; 0: unknown */
};

/* Whether both are one segment, be it at different times. */
bool identity_is_same(const struct identity *a, const struct identity *b);

/* Whether `b` started from the totals of `a`. */
bool identity_is_successor(const struct identity *b, const struct identity *a);

/* Whether it started from the totals of another one at all. */
bool identity_is_heir(const struct identity *identity);

/* Whether `b` counts what `a` has counted: as the same segment, or as its successor. */
bool identity_covers(const struct identity *b, const struct identity *a);

#endif
