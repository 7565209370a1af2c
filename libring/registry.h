/* SPDX-License-Identifier: MIT */
/*
 * The metrics and series of one segment of ours: the tables in shared memory and, beside
 * them, the private index that finds entries by name. Lookups run concurrently with
 * everything and take no lock; the rest is serialised by the registry's mutex.
 */
#ifndef RING_INTERNAL_REGISTRY_H
#define RING_INTERNAL_REGISTRY_H

#include "ring/metric.h"
#include "ring/read.h"

struct ring_mapping;
struct ring_registry;

/* One series, as handles are made from. */
struct ring_resolved {
	uint64_t key;
	uint32_t bound_count; /* or states */
	uint32_t state_default;
	const double *bounds;
};

/* Takes over the tables of a segment mapped for writing, which the reader has found sound if
 * they are not empty. Returns 0 or -ENOMEM. */
int ring_registry_open(struct ring_registry **registry, const struct ring_mapping *map);
void ring_registry_close(struct ring_registry *registry);

/* As ring_metric_define; `flags` go into the entry. */
int ring_registry_define(struct ring_registry *registry, const struct ring_metric_def *def,
			 uint8_t flags);

/* One series, as it is asked for. */
struct ring_wanted {
	const char *metric;
	enum ring_kind kind;
	const char *const *label_values;
};

/* As ring_counter_resolve and its like. Returns 0 or a negative errno. */
int ring_registry_resolve(struct ring_registry *registry, const struct ring_wanted *wanted,
			  struct ring_resolved *resolved);

/* Several series, and readers see all that are new at the same time. Returns as above, or
 * RING_OVERFLOWED at the first that has no place of its own; asking again gives the same answer,
 * because what was turned away once is never admitted. */
#define RING_OVERFLOWED 1
int ring_registry_resolve_together(struct ring_registry *registry, const struct ring_wanted *wanted,
				   unsigned count, struct ring_resolved *resolved);

/* Adds one to a word of the header, for ringstat and the exporter to show. */
void ring_registry_count(struct ring_registry *registry, struct ring_word *word);

/* Gives a predecessor's series its place here: the cell its totals go to, or 0 if its metric is not
 * known or its budget has no room for these labels, which counts as refused. Definitions not
 * declared at creation come along with their first series. */
uint32_t ring_registry_inherit(struct ring_registry *registry,
			       const struct ring_metric_info *metric,
			       const struct ring_series_info *series);

#endif
