/* SPDX-License-Identifier: MIT */
/* Indexes from the bits of doubles, and few buckets that stay sorted; see native.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ring/ring.h>

#include "native.h"

#define MANTISSA_BITS 52
#define MANTISSA_MASK ((UINT64_C(1) << MANTISSA_BITS) - 1)
#define EXPONENT_BIAS 1023
#define INFINITE      (8 * 1024 + 1) /* the bucket after that of the largest double */
#define CAPACITY_MIN  8u

/* The last mantissas of the buckets 0 to 7 of an octave: those of 2^(i/8), rounded down. */
static const uint64_t last_mantissas[8] = {
	UINT64_C(0x0000000000000), UINT64_C(0x172b83c7d517a), UINT64_C(0x306fe0a31b715),
	UINT64_C(0x4bfdad5362a27), UINT64_C(0x6a09e667f3bcc), UINT64_C(0x8ace5422aa0db),
	UINT64_C(0xae89f995ad3ad), UINT64_C(0xd5818dcfba487),
};

void native_init(struct native *native)
{
	*native = (struct native){.schema = NATIVE_SCHEMA_FIRST};
}

void native_release(struct native *native)
{
	free(native->positive.indexes);
	free(native->positive.counts);
	free(native->negative.indexes);
	free(native->negative.counts);
}

/* Of a value above the zero bucket, in the first schema. Without a branch on the data. */
static int32_t index_of(double value)
{
	const uint64_t bits = ring_bits_of(value);
	const int32_t exponent = (int32_t)(bits >> MANTISSA_BITS) - EXPONENT_BIAS;
	int32_t index = 8 * exponent;

	for (unsigned i = 0; i < 8; i++)
		index += (bits & MANTISSA_MASK) > last_mantissas[i];
	return value > 0x1.fffffffffffffp1023 ? INFINITE : index;
}

/* In a schema that is lower by so much: rounded up, as upper bounds belong to their buckets. */
static int32_t index_in(int32_t index, int steps)
{
	return (index + (1 << steps) - 1) >> steps;
}

/* Where the bucket is, or would have to be. */
static uint32_t search(const struct native_side *side, int32_t index)
{
	uint32_t low = 0, high = side->count;

	while (low < high) {
		const uint32_t middle = (low + high) / 2;
		if (side->indexes[middle] < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The same. A search takes longer than all the rest of an observation. */
static inline uint32_t place_of(struct native_side *side, int32_t index)
{
	uint8_t *hint = &side->hints[(uint32_t)index % NATIVE_HINTS];

	if (*hint >= side->count || side->indexes[*hint] != index)
		*hint = (uint8_t)search(side, index);
	return *hint;
}

static bool side_grow(struct native_side *side)
{
	const uint32_t twice = side->capacity > 0 ? 2 * side->capacity : CAPACITY_MIN;
	const uint32_t capacity = twice < NATIVE_BUCKETS_MAX ? twice : NATIVE_BUCKETS_MAX;
	int32_t *indexes = reallocarray(side->indexes, capacity, sizeof *indexes);

	if (!indexes)
		return false;
	side->indexes = indexes;
	uint64_t *counts = reallocarray(side->counts, capacity, sizeof *counts);
	if (!counts)
		return false;
	side->counts = counts;
	side->capacity = capacity;
	return true;
}

static void side_insert(struct native_side *side, uint32_t place, int32_t index, uint64_t count)
{
	const uint32_t behind = side->count - place;

	memmove(&side->indexes[place + 1], &side->indexes[place], behind * sizeof *side->indexes);
	memmove(&side->counts[place + 1], &side->counts[place], behind * sizeof *side->counts);
	side->indexes[place] = index;
	side->counts[place] = count;
	side->count++;
}

static void side_coarsen(struct native_side *side)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < side->count; i++) {
		const int32_t index = index_in(side->indexes[i], 1);
		const uint64_t count = side->counts[i];
		if (kept > 0 && side->indexes[kept - 1] == index) {
			side->counts[kept - 1] += count;
			continue;
		}
		side->indexes[kept] = index;
		side->counts[kept++] = count;
	}
	side->count = kept;
}

/* Adds to a bucket, which is there or comes. */
static bool native_add(struct native *native, struct native_side *side, int32_t first_index,
		       uint64_t times)
{
	for (;;) {
		const int32_t index = index_in(first_index, NATIVE_SCHEMA_FIRST - native->schema);
		const uint32_t place = place_of(side, index);
		if (place < side->count && side->indexes[place] == index) {
			side->counts[place] += times;
			return true;
		}
		if (native->positive.count + native->negative.count < NATIVE_BUCKETS_MAX) {
			if (side->count == side->capacity && !side_grow(side))
				return false;
			side_insert(side, place, index, times);
			return true;
		}
		side_coarsen(&native->positive);
		side_coarsen(&native->negative);
		native->schema--;
	}
}

bool native_observe(struct native *native, double value, uint64_t times)
{
	if (isnan(value)) {
		native->has_nan = true;
		return true;
	}
	if (fabs(value) <= NATIVE_ZERO_THRESHOLD) {
		native->zero_count += times;
		return true;
	}
	return native_add(native, value > 0 ? &native->positive : &native->negative,
			  index_of(fabs(value)), times);
}

static double next_above(double value)
{
	if (value == 0)
		return 0x1p-1074;
	return ring_double_of(ring_bits_of(value) + (value > 0 ? 1 : UINT64_MAX));
}

bool native_observe_above(struct native *native, double low, uint64_t times)
{
	const double above = next_above(low);
	const int steps = NATIVE_SCHEMA_FIRST - native->schema;
	const struct native_side *side = &native->positive;
	const int32_t floor = above > NATIVE_ZERO_THRESHOLD ? index_in(index_of(above), steps)
							    : INT32_MIN;
	uint32_t highest = side->count;

	if (highest > 0 && side->indexes[highest - 1] >= index_in(INFINITE, steps))
		highest--;
	if (highest == 0 || side->indexes[highest - 1] < floor)
		return native_observe(native, above, times);
	side->counts[highest - 1] += times;
	return true;
}
