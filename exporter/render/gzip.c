/* SPDX-License-Identifier: MIT */
/* Compression by zlib; see gzip.h. */
#include <errno.h>
#include <zlib.h>

#include "gzip.h"

/* A page is lines that resemble those just before: ten thousand series, 0.8 MB, take 2 ms and
 * become 100 kB. Level 6 takes 4.6 ms for 86 kB, level 9 17 ms for 84 kB. */
#define LEVEL       1
#define WINDOW_BITS (15 + 16)  /* the largest window; and gzip's header and trailer */
#define MEMORY      8          /* zlib's default; more gains nothing */
#define STEP_BYTES  (1u << 30) /* zlib counts in 32 bits */
#define ROOM_BYTES  (64u << 10)

/* Compresses what the stream has got into the text. */
static void put(struct text *text, z_stream *stream, int flush)
{
	int result = Z_OK;

	do {
		char *to = text_room(text, ROOM_BYTES);
		if (!to)
			return;
		stream->next_out = (Bytef *)to;
		stream->avail_out = ROOM_BYTES;
		result = deflate(stream, flush);
		text->bytes += ROOM_BYTES - stream->avail_out;
	} while (result == Z_OK && stream->avail_out == 0);
}

void gzip_append(struct text *text, const char *data, size_t bytes)
{
	z_stream stream = {.next_in = NULL};

	if (text->error)
		return;
	if (deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY, Z_DEFAULT_STRATEGY) !=
	    Z_OK) {
		text->error = -ENOMEM;
		return;
	}
	do {
		stream.next_in = (z_const Bytef *)(uintptr_t)data;
		stream.avail_in = bytes < STEP_BYTES ? (uInt)bytes : STEP_BYTES;
		data += stream.avail_in;
		bytes -= stream.avail_in;
		put(text, &stream, bytes > 0 ? Z_NO_FLUSH : Z_FINISH);
	} while (bytes > 0 && !text->error);
	deflateEnd(&stream);
}
