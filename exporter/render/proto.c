/* SPDX-License-Identifier: MIT */
/* Numbers, fields and lengths; see proto.h. */
#include <string.h>

#include "proto.h"

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

size_t proto_varint_bytes(uint64_t value)
{
	return (63u - (unsigned)__builtin_clzll(value | 1)) / 7 + 1;
}

char *proto_varint(char *to, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*to++ = (char)(value | 0x80);
	*to++ = (char)value;
	return to;
}

char *proto_zigzag(char *to, int64_t value)
{
	return proto_varint(to, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

static char *put_tag(char *to, unsigned field, enum wire wire)
{
	return proto_varint(to, field << 3 | wire);
}

char *proto_uint(char *to, unsigned field, uint64_t value)
{
	return proto_varint(put_tag(to, field, WIRE_VARINT), value);
}

char *proto_sint(char *to, unsigned field, int64_t value)
{
	return proto_zigzag(put_tag(to, field, WIRE_VARINT), value);
}

char *proto_double(char *to, unsigned field, double value)
{
	uint64_t bits;

	to = put_tag(to, field, WIRE_FIXED64);
	memcpy(&bits, &value, sizeof bits);
	for (unsigned i = 0; i < sizeof bits; i++)
		to[i] = (char)(bits >> 8 * i);
	return to + sizeof bits;
}

char *proto_bytes(char *to, unsigned field, const char *data, size_t bytes)
{
	to = proto_message(to, field, bytes);
	if (bytes > 0)
		memcpy(to, data, bytes);
	return to + bytes;
}

char *proto_message(char *to, unsigned field, size_t bytes)
{
	return proto_varint(put_tag(to, field, WIRE_BYTES), bytes);
}

char *proto_open(char *to)
{
	return to + PROTO_OPEN_ROOM;
}

char *proto_close(char *contents, char *end, unsigned field)
{
	char *const start = contents - PROTO_OPEN_ROOM;
	const size_t bytes = (size_t)(end - contents);
	char *const to = field > 0 ? proto_message(start, field, bytes)
				   : proto_varint(start, bytes);

	memmove(to, contents, bytes);
	return to + bytes;
}
