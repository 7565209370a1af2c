/* SPDX-License-Identifier: MIT */
/* A growing array with an open-addressed index over it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "states.h"

_Static_assert(sizeof(struct state) == sizeof(struct model_thread) + sizeof(uint64_t),
	       "states are compared as bytes");
_Static_assert(sizeof(struct state) % sizeof(uint64_t) == 0, "and hashed as words");

/* The bucket that holds `state`, or the empty one where it belongs. */
static size_t *states_bucket(const struct states *states, const struct state *state)
{
	uint64_t words[sizeof *state / sizeof(uint64_t)];
	uint64_t hash = 0;

	memcpy(words, state, sizeof words);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	for (size_t i = hash;; i++) {
		size_t *bucket = &states->buckets[i & (2 * states->capacity - 1)];
		if (*bucket == 0 || memcmp(&states->found[*bucket - 1], state, sizeof *state) == 0)
			return bucket;
	}
}

static void states_grow(struct states *states)
{
	states->capacity = states->capacity != 0 ? 2 * states->capacity : 1024;
	free(states->buckets);
	states->found = reallocarray(states->found, states->capacity, sizeof *states->found);
	states->parents = reallocarray(states->parents, states->capacity, sizeof *states->parents);
	states->buckets = calloc(2 * states->capacity, sizeof *states->buckets);
	if (!states->found || !states->parents || !states->buckets) {
		puts("Bail out! no memory for the states");
		exit(2);
	}
	for (size_t i = 0; i < states->count; i++)
		*states_bucket(states, &states->found[i]) = i + 1;
}

void states_add(struct states *states, const struct state *state, size_t parent)
{
	if (states->count == states->capacity)
		states_grow(states);
	size_t *bucket = states_bucket(states, state);
	if (*bucket != 0)
		return;
	states->found[states->count] = *state;
	states->parents[states->count] = parent;
	*bucket = ++states->count;
}

void states_free(struct states *states)
{
	free(states->found);
	free(states->parents);
	free(states->buckets);
	*states = (struct states){0};
}
