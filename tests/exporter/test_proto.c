/* SPDX-License-Identifier: MIT */
/*
 * Numbers and messages on the wire, byte by byte.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/proto.h"

#define EXPECT(from, end, ...)                                    \
	do {                                                      \
		const uint8_t wanted[] = {__VA_ARGS__};           \
		assert_int_equal((end) - (from), sizeof wanted);  \
		assert_memory_equal(from, wanted, sizeof wanted); \
	} while (0)

static void numbers_are_as_short_as_they_can_be(void **state)
{
	char bytes[PROTO_VARINT_MAX];

	(void)state;
	EXPECT(bytes, proto_varint(bytes, 0), 0x00);
	EXPECT(bytes, proto_varint(bytes, 127), 0x7f);
	EXPECT(bytes, proto_varint(bytes, 128), 0x80, 0x01);
	EXPECT(bytes, proto_varint(bytes, 300), 0xac, 0x02);
	EXPECT(bytes, proto_varint(bytes, UINT64_MAX), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	       0xff, 0xff, 0x01);
	for (unsigned bit = 0; bit < 64; bit++) {
		const uint64_t numbers[] = {UINT64_C(1) << bit, (UINT64_C(1) << bit) - 1};
		for (unsigned i = 0; i < 2; i++)
			assert_int_equal(proto_varint(bytes, numbers[i]) - bytes,
					 proto_varint_bytes(numbers[i]));
	}
}

static void sign_is_the_last_bit(void **state)
{
	char bytes[PROTO_VARINT_MAX];

	(void)state;
	EXPECT(bytes, proto_zigzag(bytes, 0), 0x00);
	EXPECT(bytes, proto_zigzag(bytes, -1), 0x01);
	EXPECT(bytes, proto_zigzag(bytes, 1), 0x02);
	EXPECT(bytes, proto_zigzag(bytes, -2), 0x03);
	EXPECT(bytes, proto_zigzag(bytes, INT64_MAX), 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	       0xff, 0xff, 0x01);
	EXPECT(bytes, proto_zigzag(bytes, INT64_MIN), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	       0xff, 0xff, 0x01);
}

static void fields_have_their_number_and_kind(void **state)
{
	char bytes[32];

	(void)state;
	EXPECT(bytes, proto_uint(bytes, 1, 150), 0x08, 0x96, 0x01);
	EXPECT(bytes, proto_sint(bytes, 15, -1), 0x78, 0x01);
	EXPECT(bytes, proto_double(bytes, 2, 1), 0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f);
	EXPECT(bytes, proto_bytes(bytes, 16, "ab", 2), 0x82, 0x01, 0x02, 'a', 'b');
	EXPECT(bytes, proto_bytes(bytes, 1, NULL, 0), 0x0a, 0x00);
}

static void message_of_any_length_has_it_before(void **state)
{
	static char bytes[70000];
	static const size_t lengths[] = {0, 1, 127, 128, 16383, 16384, 65000};

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		const size_t length = lengths[i], head = 1 + proto_varint_bytes(length);
		char wanted[8], *contents = proto_open(bytes);
		memset(contents, 'x', length);
		const char *end = proto_close(contents, contents + length, 3);
		assert_int_equal(end - bytes, head + length);
		assert_int_equal(proto_message(wanted, 3, length) - wanted, head);
		assert_memory_equal(bytes, wanted, head);
		for (size_t at = 0; at < length; at++)
			assert_int_equal(bytes[head + at], 'x');
		contents = proto_open(bytes);
		end = proto_close(contents, contents + length, 0);
		assert_int_equal(end - bytes, head - 1 + length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_as_short_as_they_can_be),
		cmocka_unit_test(sign_is_the_last_bit),
		cmocka_unit_test(fields_have_their_number_and_kind),
		cmocka_unit_test(message_of_any_length_has_it_before),
	};

	return cmocka_run_group_tests_name("proto", tests, NULL, NULL);
}
