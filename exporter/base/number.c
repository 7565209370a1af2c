/* SPDX-License-Identifier: MIT */
/* Numbers as text; see number.h. The program never sets a locale, so printf writes points. */
#include <endian.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "number.h"

#define TEN_TO_8  100000000u
#define TEN_TO_16 UINT64_C(10000000000000000)
#define TEN_TO_15 1e15 /* whole numbers below need no exponent */

/* The eight digits of a number below 10^8, one to a byte, the first in the lowest. They are split
 * in halves three times, all parts of a step at once, as whole = 10^n * left + right gives
 * left + (right << bits) = (whole << bits) - ((10^n << bits) - 1) * left. By multiplications,
 * n * 10486 >> 20 is n / 100 for n below 10^4, and n * 103 >> 10 is n / 10 for n below 100. */
static inline uint64_t eight_digits(uint32_t value)
{
	const uint64_t whole = value, thousands = value / 10000;
	const uint64_t fours = (whole << 32) - thousands * ((UINT64_C(10000) << 32) - 1);
	const uint64_t hundreds = (fours * 10486 >> 20) & UINT64_C(0x7f0000007f);
	const uint64_t twos = (fours << 16) - hundreds * ((100 << 16) - 1);
	const uint64_t tens = (twos * 103 >> 10) & UINT64_C(0xf000f000f000f);

	return (twos << 8) - tens * ((10 << 8) - 1);
}

/* Digits as text, from the given one on. */
static inline void put_digits(char *to, uint64_t digits, unsigned first)
{
	const uint64_t bytes = htole64((digits + UINT64_C(0x3030303030303030)) >> 8 * first);

	memcpy(to, &bytes, sizeof bytes);
}

/* Without leading zeros; of zero itself the last digit stays. */
static inline char *put_short(char *to, uint32_t value)
{
	const uint64_t digits = eight_digits(value);
	const unsigned zeros = (unsigned)__builtin_ctzll(digits | UINT64_C(1) << 56) / 8;

	put_digits(to, digits, zeros);
	return to + 8 - zeros;
}

static inline char *put_eight(char *to, uint32_t value)
{
	put_digits(to, eight_digits(value), 0);
	return to + 8;
}

char *number_u64(char *to, uint64_t value)
{
	const uint64_t high = value / TEN_TO_8;
	const uint32_t low = (uint32_t)(value % TEN_TO_8);

	if (high == 0)
		return put_short(to, low);
	if (high < TEN_TO_8) {
		to = put_short(to, (uint32_t)high);
	} else {
		to = put_short(to, (uint32_t)(high / TEN_TO_8));
		to = put_eight(to, (uint32_t)(high % TEN_TO_8));
	}
	return put_eight(to, low);
}

static char *put_word(char *to, const char *word)
{
	const size_t bytes = strlen(word);

	memcpy(to, word, bytes);
	return to + bytes;
}

static char *put_exponent(char *to, int exponent)
{
	*to++ = 'e';
	*to++ = exponent < 0 ? '-' : '+';
	exponent = abs(exponent);
	if (exponent < 10)
		*to++ = '0';
	return number_u64(to, (uint64_t)exponent);
}

/* The 17 digits of a decimal; `high` and `low` as eight_digits has them. */
struct seventeen {
	char first;
	uint64_t high;
	uint64_t low;
};

static char *put_seventeen(char *to, const struct seventeen *digits)
{
	*to = digits->first;
	put_digits(to + 1, digits->high, 0);
	put_digits(to + 9, digits->low, 0);
	return to + 17;
}

/* How many there are without the zeros at the end. */
static int count_of(const struct seventeen *digits)
{
	if (digits->low)
		return 17 - __builtin_clzll(digits->low) / 8;
	return digits->high ? 9 - __builtin_clzll(digits->high) / 8 : 1;
}

/* Eight digits of which the last gives way to a point before digit `index`. */
static void put_pointed(char *to, uint64_t digits, int index)
{
	const uint64_t before = (UINT64_C(1) << 8 * index) - 1;
	/* The point comes two before the zero that put_digits makes of its byte. */
	const uint64_t point = (uint64_t)('0' - '.') << 8 * index;

	put_digits(to, (digits & before) + ((digits & ~before) << 8) - point, 0);
}

/* As %g would: with an exponent when that is below -4 or not below the precision. Digits are put
 * where they belong, moved on by the point, and those before the point once more. */
static char *put_decimal(char *to, struct decimal decimal)
{
	const uint64_t last = decimal.digits % TEN_TO_16;
	const struct seventeen digits = {
		.first = (char)('0' + decimal.digits / TEN_TO_16),
		.high = eight_digits((uint32_t)(last / TEN_TO_8)),
		.low = eight_digits((uint32_t)(last % TEN_TO_8)),
	};
	const int count = count_of(&digits), exponent = decimal.exponent;

	if (exponent < -4 || exponent >= (count > 15 ? count : 15)) {
		put_seventeen(to + 1, &digits);
		memcpy(to, (char[]){digits.first, '.'}, 2);
		return put_exponent(to + count + (count > 1), exponent);
	}
	if (exponent < 0) {
		memcpy(to, "0.000000", 8);
		return put_seventeen(to + 1 - exponent, &digits) - 17 + count;
	}
	if (exponent + 1 >= count) {
		put_seventeen(to, &digits);
		return to + exponent + 1;
	}
	put_seventeen(to + 1, &digits);
	*to = digits.first;
	if (exponent < 8) {
		put_pointed(to + 1, digits.high, exponent);
	} else {
		put_digits(to + 1, digits.high, 0);
		put_pointed(to + 9, digits.low, exponent - 8);
	}
	return to + count + 1;
}

/* By trial; for the subnormals alone, whose precision varies. */
static char *put_subnormal(char *to, double value)
{
	int bytes = 0;

	for (int digits = 15; digits <= 17; digits++) {
		bytes = snprintf(to, NUMBER_ROOM - 1, "%.*g", digits, value);
		if (strtod(to, NULL) == value)
			break;
	}
	return to + bytes;
}

char *number_double(char *to, double value)
{
	if (!isfinite(value))
		return put_word(to, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
	*to = '-';
	to += signbit(value) != 0;
	value = fabs(value);
	if (value < TEN_TO_15 && value == (double)(int64_t)value)
		return number_u64(to, (uint64_t)value);
	if (value < DBL_MIN)
		return put_subnormal(to, value);
	return put_decimal(to, decimal_of(value));
}
