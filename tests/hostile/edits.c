/* SPDX-License-Identifier: MIT */
#include "edits.h"

#define WHERE_TABLES 0x8000u

/* Bits of `how`: log2 of the width, how many bytes up the number stands, its sign, and whether
 * it is added to what is there. So a small number makes a power of two, a value just below
 * 2^64, or a neighbour of the value that was right. */
#define HOW_WIDTH(how)    (1u << ((how)&3u))
#define HOW_SHIFT(how)    (8u * ((how) >> 2 & 7u))
#define HOW_IS_NEGATIVE   0x20u
#define HOW_IS_ADDED      0x40u
#define HOW_IS_ANY_OFFSET 0x80u /* else at a multiple of the width, as fields are */

static void apply(struct victim *victim, uint32_t where, uint32_t how, uint64_t number)
{
	const struct ring_header *sound = victim_sound(victim);
	const bool is_table = where & WHERE_TABLES;
	const size_t width = HOW_WIDTH(how);
	const uint64_t begin = is_table ? 0 : sound->cores_offset;
	const uint64_t end = is_table ? sound->heap_offset + sound->heap_used.bits : victim->bytes;
	uint64_t offset = (where & ~WHERE_TABLES) % (end - begin - width + 1);

	if (!(how & HOW_IS_ANY_OFFSET))
		offset -= offset % width;
	uint8_t *at = victim->map + begin + offset;
	number <<= HOW_SHIFT(how);
	if (how & HOW_IS_NEGATIVE)
		number = -number;
	if (how & HOW_IS_ADDED)
		number += field_get(at, width);
	field_set(at, width, number);
}

void edits_apply(struct victim *victim, const uint8_t *input, size_t bytes)
{
	for (size_t i = 0; i < EDITS_MAX && (i + 1) * EDIT_BYTES <= bytes; i++) {
		const uint8_t *edit = input + i * EDIT_BYTES;
		apply(victim, (uint32_t)edit[0] << 8 | edit[1], edit[2], edit[3]);
	}
}
