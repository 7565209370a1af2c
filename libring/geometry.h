/* SPDX-License-Identifier: MIT */
/*
 * From a caller's options to a header: how large everything is and where it stands. Pure but
 * for the identity, which is drawn from the system.
 */
#ifndef RING_INTERNAL_GEOMETRY_H
#define RING_INTERNAL_GEOMETRY_H

#include <stdbool.h>

#include "definition.h"
#include "ring/segment.h"

/* Returns 0 or -EINVAL with the reason kept for ring_error(). */
int ring_geometry_judge(const struct ring_options *options);

/* The series_spare that makes room for so much. */
uint64_t ring_geometry_spare(const struct ring_demand *demand);

/* Fills the immutable part of a header from sound options, identity included. Returns 0 or a
 * negative errno with the reason kept. */
int ring_geometry_plan(const struct ring_options *options, struct ring_header *header);

/* Whether the two have the same shape and schema and stem from the same boot, so that the one
 * can go on where the other stopped. */
bool ring_geometry_equal(const struct ring_header *a, const struct ring_header *b);

#endif
