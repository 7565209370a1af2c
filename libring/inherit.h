/* SPDX-License-Identifier: MIT */
/*
 * What a new segment takes over from the one it replaces.
 */
#ifndef RING_INTERNAL_INHERIT_H
#define RING_INTERNAL_INHERIT_H

#include "registry.h"

/* Brings the totals and positions of a dead predecessor into a segment that nobody sees yet. */
void ring_inherit(const struct ring_mapping *map, struct ring_registry *registry,
		  struct ring_reader *predecessor);

#endif
