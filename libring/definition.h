/* SPDX-License-Identifier: MIT */
/*
 * A metric's definition as the caller wrote it: its defaults, whether it breaks a rule, what
 * it asks of a segment. Pure.
 */
#ifndef RING_INTERNAL_DEFINITION_H
#define RING_INTERNAL_DEFINITION_H

#include "ring/metric.h"

/* The fields with their defaults filled in. */
unsigned ring_label_count(const struct ring_metric_def *def);
unsigned ring_state_count(const struct ring_metric_def *def);
unsigned ring_bound_count(const struct ring_metric_def *def); /* upper bounds, or states */
unsigned ring_series_max(const struct ring_metric_def *def);
const char *ring_overflow_label(const struct ring_metric_def *def);
unsigned ring_overflow_max(const struct ring_metric_def *def); /* series, as an entry counts them */

/* Returns the rule that `def` breaks, or NULL. */
const char *ring_definition_fault(const struct ring_metric_def *def);

#define RING_LABEL_ROOM 64u /* heap reckoned per label value; longer ones use others' slack */

/* Heap that is kept for the labels of one overflow series, whether it keeps some or none. */
static inline uint32_t ring_overflow_bytes(uint32_t label_count, uint32_t label_bytes,
					   uint32_t kept_labels)
{
	return label_count * (1 + label_bytes) + kept_labels * RING_LABEL_ROOM;
}

/* What a definition asks of its segment. */
struct ring_demand {
	uint64_t series;
	uint64_t cells;
	uint64_t heap_bytes;
};
struct ring_demand ring_definition_demand(const struct ring_metric_def *def);

/* Hash over definitions: equal means the same schema. */
uint64_t ring_schema_hash(const struct ring_metric_def *defs, size_t count);

#endif
