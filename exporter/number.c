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

/* As %g would: the first digit counts 10^exponent, and an exponent is shown when it is below -4 or
 * not below the precision. */
static char *put_point(char *to, const char digits[NUMBER_ROOM], int count, int exponent)
{
	const int precision = count > 15 ? count : 15;

	if (exponent < -4 || exponent >= precision) {
		memcpy(to + 1, digits, 17);
		to[0] = digits[0];
		to[1] = '.';
		return put_exponent(to + (count > 1 ? count + 1 : 1), exponent);
	}
	if (exponent < 0) {
		memcpy(to, "0.000", 5);
		memcpy(to + 1 - exponent, digits, 17);
		return to + 1 - exponent + count;
	}
	if (exponent + 1 >= count) {
		memset(to, '0', 17);
		memcpy(to, digits, (size_t)count);
		return to + exponent + 1;
	}
	memcpy(to, digits, 17);
	memcpy(to + exponent + 2, digits + exponent + 1, 17);
	to[exponent + 1] = '.';
	return to + count + 1;
}

static char *put_decimal(char *to, struct decimal decimal)
{
	char digits[NUMBER_ROOM] = "";

	if (decimal.digits % TEN_TO_8 == 0) {
		decimal.digits /= TEN_TO_8;
		decimal.exponent += 8;
	}
	const char *end = number_u64(digits, decimal.digits);
	const int exponent = decimal.exponent + (int)(end - digits) - 1;
	while (end[-1] == '0')
		end--;
	return put_point(to, digits, (int)(end - digits), exponent);
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
	if (value < TEN_TO_15 && value == (double)(uint64_t)value)
		return number_u64(to, (uint64_t)value);
	if (value < DBL_MIN)
		return put_subnormal(to, value);
	return put_decimal(to, decimal_of(value));
}
