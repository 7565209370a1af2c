/* SPDX-License-Identifier: MIT */
/*
 * Schubfach: Raffaello Giulietti, "The Schubfach way to render doubles", 2020. A double is
 * c * 2^q, and reads back from every decimal that is nearer to it than to its neighbours. Take
 * the largest power of ten, 10^k, that is not above the distance to the nearer neighbour. Then
 *   - the multiple of 10^k that is nearest to the double reads back,
 *   - a decimal with a digit less is a multiple of 10^(k+1), and at most one of these does,
 * so that looking at both is all there is to do. The double and the two ends of its interval are
 * scaled by 10^-k in integers, four times too large for two more bits, and "rounded to odd": the
 * lowest bit says whether anything was cut off, which keeps every comparison exact.
 *
 * Below a power of two the neighbour is at half the distance. Its interval is lopsided and may
 * hold two multiples of 10^(k+1), one of them a multiple of 10^(k+2), which printf finds first.
 */
#include <assert.h>
#include <float.h>
#include <stdbool.h>
#include <string.h>

#include "decimal.h"
#include "powers.h"

static_assert(DBL_MANT_DIG == 53 && DBL_MAX_EXP == 1024, "doubles as in IEEE 754");

#define FRACTION_BITS 52
#define EXPONENT_BIAS (1023 + FRACTION_BITS)
#define TEN_TO_16     UINT64_C(10000000000000000)

/* floor(log10(2^exponent)) and floor(log2(10^exponent)), for all that doubles need. */
static int log10_of_power_of_2(int exponent)
{
	return exponent * 1262611 >> 22;
}

static int log2_of_power_of_10(int exponent)
{
	return exponent * 1741647 >> 19;
}

/* The upper 64 of the product's 192 bits, rounded to odd. That the power is rounded up shows in the
 * lower 64 alone, which are not looked at. */
static uint64_t scale(const struct power *power, uint64_t factor)
{
	const unsigned __int128 low = (unsigned __int128)power->low * factor;
	const unsigned __int128 product = (unsigned __int128)power->high * factor + (low >> 64);

	return (uint64_t)(product >> 64) | ((uint64_t)product != 0);
}

/* What reads back as the double: it, and the ends, times four. */
struct interval {
	uint64_t low;
	uint64_t middle;
	uint64_t high;
};

static struct interval interval_of(uint64_t c, int q, int k)
{
	const struct power *power = &powers[-k - POWERS_FIRST];
	const int shift = q + log2_of_power_of_10(-k) + 1;
	const bool is_power_of_2 = c == UINT64_C(1) << FRACTION_BITS;
	/* Halfway between two doubles, the even one is read. */
	const uint64_t is_odd = c & 1;

	return (struct interval){
		.low = scale(power, (4 * c - 2 + is_power_of_2) << shift) + is_odd,
		.middle = scale(power, (4 * c) << shift),
		.high = scale(power, (4 * c + 2) << shift) - is_odd,
	};
}

/* The multiple of the unit nearest to the middle; of two the even one, as printf has it. */
static inline uint64_t nearest(const struct interval *interval, uint64_t unit)
{
	const uint64_t down = interval->middle / (4 * unit), rest = interval->middle % (4 * unit);

	return (down + (rest + down % 2 > 2 * unit)) * unit;
}

static inline bool is_inside(const struct interval *interval, uint64_t digits)
{
	return (interval->low <= 4 * digits) & (4 * digits <= interval->high);
}

/* Without a branch, for conditions that nothing predicts. */
static inline uint64_t choose(bool condition, uint64_t then, uint64_t otherwise)
{
	const uint64_t mask = -(uint64_t)condition;

	return (then & mask) | (otherwise & ~mask);
}

struct decimal decimal_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	const uint64_t c = (bits & ((UINT64_C(1) << FRACTION_BITS) - 1)) | UINT64_C(1)
										   << FRACTION_BITS;
	const int q = (int)(bits >> FRACTION_BITS) - EXPONENT_BIAS;
	const bool is_power_of_2 = c == UINT64_C(1) << FRACTION_BITS;
	const int k = log10_of_power_of_2(q - is_power_of_2);
	const struct interval interval = interval_of(c, q, k);
	uint64_t digits = nearest(&interval, 10);

	digits = choose(is_inside(&interval, digits), digits, nearest(&interval, 1));
	if (is_power_of_2 && is_inside(&interval, nearest(&interval, 100)))
		digits = nearest(&interval, 100);
	/* There are 16 or 17: the double is 2^52 to 2^53 times the distance to its nearer
	 * neighbour, and that is 1 to 10 times 10^k. */
	const bool is_short = digits < TEN_TO_16;
	return (struct decimal){choose(is_short, 10 * digits, digits), k + 16 - is_short};
}
