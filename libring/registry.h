/* SPDX-License-Identifier: MIT */
/*
 * The metrics and series of one segment of ours: the tables in shared memory and, beside
 * them, the private index that finds entries by name. Lookups run concurrently with
 * everything and take no lock; the rest is serialised by the registry's mutex.
 */
#ifndef RING_INTERNAL_REGISTRY_H
#define RING_INTERNAL_REGISTRY_H

#include <stdbool.h>

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
	bool is_overflow; /* shared, past the budget */
	enum ring_merge merge;
};

/* Takes over the tables of a segment mapped for writing, which the reader has found sound if
 * they are not empty. Returns 0 or -ENOMEM. */
int ring_registry_open(struct ring_registry **registry, const struct ring_mapping *map,
		       unsigned cool_down_ms);
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

/* The series of one name in several metrics, which readers see at the same time. Totals are all its
 * own, or none is and they are the overflow's. Gauges come and go each for itself. A single one is
 * as above, without a lock if it is a total that is known. Returns as above. */
int ring_registry_resolve_together(struct ring_registry *registry, const struct ring_wanted *wanted,
				   unsigned count, struct ring_resolved *resolved);

/* Whether the request is one that can be answered: 0, or a negative errno as of resolving. */
int ring_registry_judge(struct ring_registry *registry, const struct ring_wanted *wanted);

/* As ring_series_forget, of a metric that is of the kind wanted, which is none of totals. */
int ring_registry_forget(struct ring_registry *registry, const struct ring_wanted *wanted);

/* Finds out a metric's kind. Returns 0 or -ENOENT. */
int ring_registry_kind(struct ring_registry *registry, const char *metric, enum ring_kind *kind);

/* The place of that state in a state set's list; the default's, if it has none of that name. */
uint32_t ring_registry_state(struct ring_registry *registry, const char *metric, const char *state);

/* Adds one to a word of the header, for ringstat and the exporter to show. */
void ring_registry_count(struct ring_registry *registry, struct ring_word *word);

#endif
