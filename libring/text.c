/* SPDX-License-Identifier: MIT */
#include "text.h"

unsigned ring_strings_count(const char *const *strings)
{
	unsigned count = 0;

	while (strings && strings[count])
		count++;
	return count;
}

int ring_strings_pack(const char *const *strings, unsigned count, char packed[RING_PACKED_MAX])
{
	int bytes = 0;

	for (unsigned i = 0; i < count; i++) {
		const size_t length = strlen(strings[i]);
		if (length > RING_LABEL_VALUE_MAX)
			return -1;
		packed[bytes] = (char)length;
		memcpy(packed + bytes + 1, strings[i], length);
		bytes += 1 + (int)length;
	}
	return bytes;
}

bool ring_text_is_packed(struct ring_text text, const char *const *strings, unsigned count)
{
	char packed[RING_PACKED_MAX];
	const int bytes = ring_strings_pack(strings, count, packed);

	return ring_texts_equal(text, (struct ring_text){packed, (uint32_t)bytes});
}
