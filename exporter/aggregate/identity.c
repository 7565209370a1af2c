/* SPDX-License-Identifier: MIT */
/* Who is who; see identity.h. */
#include <string.h>

#include "identity.h"

static bool uuid_is_set(const uint8_t uuid[16])
{
	static const uint8_t none[16];

	return memcmp(uuid, none, sizeof none) != 0;
}

static bool uuid_is_same(const uint8_t a[16], const uint8_t b[16])
{
	return uuid_is_set(a) && memcmp(a, b, 16) == 0;
}

bool identity_is_same(const struct identity *a, const struct identity *b)
{
	return uuid_is_same(a->uuid, b->uuid);
}

bool identity_is_successor(const struct identity *b, const struct identity *a)
{
	return uuid_is_same(b->predecessor, a->uuid);
}

bool identity_is_heir(const struct identity *identity)
{
	return uuid_is_set(identity->predecessor);
}

bool identity_covers(const struct identity *b, const struct identity *a)
{
	return identity_is_same(b, a) || identity_is_successor(b, a);
}
