/* SPDX-License-Identifier: MIT */
/*
 * The private index of a registry: metrics by name, series by metric and label values.
 *
 *              add                find
 *   anybody    under one mutex    any time, without a lock
 *
 * Entries live as long as the index. The caller owns the memory until it has added the entry.
 */
#ifndef RING_INTERNAL_INDEX_H
#define RING_INTERNAL_INDEX_H

#include "ring/read.h"

/* First in whatever is indexed. */
struct ring_node {
	struct ring_node *next;
	uint64_t hash;
};

struct metric {
	struct ring_node node;
	struct ring_metric_entry entry; /* a copy of the segment's */
	struct ring_text name;          /* in its heap */
	uint32_t index;
	uint32_t named_count;    /* series other than the overflow series */
	struct series *overflow; /* NULL until somebody needs it */
	double bounds[RING_BOUNDS_MAX];
};

struct series {
	struct ring_node node;
	const struct metric *metric;
	struct ring_text labels; /* in the segment's heap */
	uint64_t key;
	uint32_t cell;
};

struct ring_table {
	struct ring_node **buckets; /* atomic: stored with release, loaded with acquire */
	uint64_t mask;
};

struct ring_index {
	struct ring_table metrics;
	struct ring_table series;
};

/* Returns 0 or -ENOMEM; the capacities are for speed, not limits. */
int ring_index_open(struct ring_index *index, uint32_t metric_capacity, uint32_t series_capacity);

/* Frees every entry with it. */
void ring_index_close(struct ring_index *index);

void ring_index_add_metric(struct ring_index *index, struct metric *metric);
void ring_index_add_series(struct ring_index *index, struct series *series);
struct metric *ring_index_find_metric(const struct ring_index *index, const char *name);
struct series *ring_index_find_series(const struct ring_index *index, const struct metric *metric,
				      struct ring_text labels);

#endif
