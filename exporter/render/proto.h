/* SPDX-License-Identifier: MIT */
/*
 * Protocol buffers on the wire, written in place: each function returns where the field ends.
 * Numbers are spelled as short as they can be. Pure.
 */
#ifndef PROTO_H
#define PROTO_H

#include <stddef.h>
#include <stdint.h>

#define PROTO_VARINT_MAX 10u /* bytes of the longest number */
#define PROTO_OPEN_ROOM  8u  /* bytes that a message in the making has before its contents */

/* How many bytes the number takes. */
size_t proto_varint_bytes(uint64_t value);

/* Numbers as they are, and with the sign in the last bit. */
char *proto_varint(char *to, uint64_t value);
char *proto_zigzag(char *to, int64_t value);

/* Fields. Of a message whose length is known, the head; its contents come next. */
char *proto_uint(char *to, unsigned field, uint64_t value);
char *proto_sint(char *to, unsigned field, int64_t value);
char *proto_double(char *to, unsigned field, double value);
char *proto_bytes(char *to, unsigned field, const char *data, size_t bytes);
char *proto_message(char *to, unsigned field, size_t bytes);

/* A message, or packed numbers, of a length below 2^28 that is known only when its contents are
 * there: `open` returns where they begin, `close` puts the head before them and returns the end.
 * Field 0 is none: the length stands alone. */
char *proto_open(char *to);
char *proto_close(char *contents, char *end, unsigned field);

#endif
