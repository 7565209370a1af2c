/* SPDX-License-Identifier: MIT */
/*
 * The private index of a registry: metrics by name, series by metric and label values. Nodes
 * are added one at a time, under the registry's mutex, and live as long as the index; finding
 * one takes no lock and may run concurrently with everything but ring_index_close.
 */
#ifndef RING_INTERNAL_INDEX_H
#define RING_INTERNAL_INDEX_H

#include <urcu-bp.h> /* the flavour; rculfhash.h wants it first */
#include <urcu/rculfhash.h>

#include "ring/read.h"

#define RING_PACKED_MAX (RING_LABELS_MAX * (1 + RING_LABEL_VALUE_MAX))

struct metric {
	struct cds_lfht_node node;
	const struct ring_metric_entry *entry; /* in the segment */
	struct ring_text name;                 /* in its heap */
	uint32_t index;
	uint32_t named_count;    /* series other than the overflow series */
	struct series *overflow; /* NULL until somebody needs it */
	double bounds[RING_BOUNDS_MAX];
	uint32_t overflow_bytes;
	char overflow_labels[RING_PACKED_MAX]; /* packed, as in the heap */
};

struct series {
	struct cds_lfht_node node;
	const struct metric *metric;
	struct ring_text labels; /* in the segment's heap */
	uint64_t key;
	uint32_t cell;
};

struct ring_index {
	struct cds_lfht *metrics;
	struct cds_lfht *series;
};

/* Returns 0 or -ENOMEM; the capacities are for speed, not limits. */
int ring_index_open(struct ring_index *index, uint32_t metric_capacity, uint32_t series_capacity);

/* Frees every node with it. */
void ring_index_close(struct ring_index *index);

void ring_index_add_metric(struct ring_index *index, struct metric *metric);
void ring_index_add_series(struct ring_index *index, struct series *series);
struct metric *ring_index_find_metric(struct ring_index *index, const char *name);
struct series *ring_index_find_series(struct ring_index *index, const struct metric *metric,
				      struct ring_text labels);

#endif
