/* SPDX-License-Identifier: MIT */
/*
 * The buckets of a native histogram: exponential and sparse. Bucket i of schema n holds what is
 * above 2^((i-1)/2^n) and not above 2^(i/2^n), for either sign; what is not farther from zero than
 * NATIVE_ZERO_THRESHOLD is in the zero bucket. Infinity has the bucket after that of the largest
 * double. Observations that are no number are in none, but it is known that there were any.
 *
 * The schema begins with 3, eight buckets for each doubling, and goes down by one, each two
 * neighbours becoming one, whenever there would be more than NATIVE_BUCKETS_MAX; with schema -4
 * there never are. Counts only grow. Pure; one thread at a time.
 */
#ifndef NATIVE_H
#define NATIVE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NATIVE_SCHEMA_FIRST   3
#define NATIVE_SCHEMA_LAST    (-4)
#define NATIVE_BUCKETS_MAX    160u
#define NATIVE_ZERO_THRESHOLD 0x1p-128

#define NATIVE_HINTS 64u /* eight octaves of the first schema */

static_assert(NATIVE_BUCKETS_MAX <= UINT8_MAX, "a place fits a hint");

/* The buckets of one sign that hold anything, by index. Most observations are near others: where a
 * bucket was last is looked at before it is searched for. */
struct native_side {
	int32_t *indexes;
	uint64_t *counts;
	uint32_t count, capacity;
	uint8_t hints[NATIVE_HINTS]; /* places, by the last bits of the index */
};

struct native {
	int32_t schema;
	uint64_t zero_count;
	struct native_side positive, negative;
	bool has_nan;
};

void native_init(struct native *native);
void native_release(struct native *native);

/* Counts a value, `times` times. Returns false, and counts nothing, for want of memory. */
bool native_observe(struct native *native, double value, uint64_t times);

/* The same for values of which only is known that they are above `low`: into the highest bucket for
 * numbers above it that has any, or else into the one that begins there. */
bool native_observe_above(struct native *native, double low, uint64_t times);

#endif
