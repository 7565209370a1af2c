/* SPDX-License-Identifier: MIT */
/*
 * The set of states that a reader was found in between two passes, in the order of
 * discovery. What a pass can do depends on nothing else, so each is explored once,
 * and when no pass leads to a new one, any number of passes is covered.
 */
#ifndef STATES_H
#define STATES_H

#include "model.h"

struct state {
	struct model_thread thread;
	uint64_t cursor;
};

#define STATES_ORIGIN SIZE_MAX /* the parent of a reader that just opened the ring */

struct states {
	struct state *found;
	size_t *parents; /* per state: index of the one it was first reached from */
	size_t count;
	size_t capacity;
	size_t *buckets; /* 1 + index, 0: empty; twice `capacity` of them */
};

/* Adds `state` unless it is there already. */
void states_add(struct states *states, const struct state *state, size_t parent);

void states_free(struct states *states);

#endif
