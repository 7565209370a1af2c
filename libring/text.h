/* SPDX-License-Identifier: MIT */
/*
 * Comparing and packing texts. Pure.
 */
#ifndef RING_INTERNAL_TEXT_H
#define RING_INTERNAL_TEXT_H

#include <stdbool.h>
#include <string.h>

#include "ring/read.h"

#define RING_PACKED_MAX (RING_LABELS_MAX * (1 + RING_LABEL_VALUE_MAX))

static inline bool ring_texts_equal(struct ring_text a, struct ring_text b)
{
	return a.bytes == b.bytes && memcmp(a.data, b.data, a.bytes) == 0;
}

/* Whether the text is that string; NULL stands for an empty one. */
static inline bool ring_text_is(struct ring_text text, const char *string)
{
	const size_t bytes = string ? strlen(string) : 0;

	return text.bytes == bytes && memcmp(text.data, string ? string : "", bytes) == 0;
}

/* How many strings there are before a NULL; none if `strings` is NULL itself. */
unsigned ring_strings_count(const char *const *strings);

/* Packs strings, each after its length byte. Returns the bytes they take, or -1 if one of them is
 * too long for a label value. */
int ring_strings_pack(const char *const *strings, unsigned count, char packed[RING_PACKED_MAX]);

/* Whether the text is these strings, packed. */
bool ring_text_is_packed(struct ring_text text, const char *const *strings, unsigned count);

#endif
