/* SPDX-License-Identifier: MIT */
/*
 * FNV-1a, for the registry's index and the schema's fingerprint: the names are our own
 * process's, not an attacker's.
 */
#ifndef RING_INTERNAL_HASH_H
#define RING_INTERNAL_HASH_H

#include <stddef.h>
#include <stdint.h>

#define RING_HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t ring_hash(uint64_t hash, const void *bytes, size_t count)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < count; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

#endif
