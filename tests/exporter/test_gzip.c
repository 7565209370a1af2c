/* SPDX-License-Identifier: MIT */
/*
 * What is compressed comes out again.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "dice.h"
#include "render/gzip.h"

/* Demands that the text is one whole gzip member of these bytes, and nothing after it. */
static void expect_inflated(const struct text *text, const char *data, size_t bytes)
{
	char *out = malloc(bytes + 1);
	z_stream stream = {
		.next_in = (Bytef *)text->data,
		.avail_in = (uInt)text->bytes,
		.next_out = (Bytef *)out,
		.avail_out = (uInt)bytes + 1,
	};

	assert_int_equal(text->error, 0);
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.total_out, bytes);
	assert_int_equal(stream.avail_in, 0);
	assert_memory_equal(out, data, bytes);
	inflateEnd(&stream);
	free(out);
}

static void what_is_compressed_comes_out_again(void **state)
{
	static const size_t sizes[] = {0, 1, 100, 65535, 65536, 3000000};
	uint64_t dice = dice_seed();
	char *data = malloc(3000000);

	(void)state;
	for (unsigned kind = 0; kind < 2; kind++) {
		/* Noise, and then what repeats itself. */
		for (size_t i = 0; i < 3000000; i++)
			data[i] = kind == 0 ? (char)dice_roll(&dice) : "ring_total 1\n"[i % 13];
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct text text;
			text_init(&text, 4000000);
			gzip_append(&text, data, sizes[i]);
			expect_inflated(&text, data, sizes[i]);
			assert_true(kind == 0 || text.bytes < 100 + sizes[i] / 50);
			text_release(&text);
		}
	}
	free(data);
}

static void what_has_no_room_is_an_error_as_of_any_append(void **state)
{
	uint64_t dice = dice_seed();
	static char data[300000];
	struct text text;

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)dice_roll(&dice);
	text_init(&text, sizeof data - 1);
	gzip_append(&text, data, sizeof data);
	assert_int_equal(text.error, -EFBIG);
	gzip_append(&text, data, 1);
	assert_int_equal(text.error, -EFBIG);
	text_clear(&text);
	gzip_append(&text, data, 1);
	expect_inflated(&text, data, 1);
	text_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_compressed_comes_out_again),
		cmocka_unit_test(what_has_no_room_is_an_error_as_of_any_append),
	};

	return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}
