/* SPDX-License-Identifier: MIT */
/*
 * The private index of a registry: metrics by name, series by metric and label values. Totals are
 * the series of counters and histograms; places those of gauges and state sets, which change hands.
 *
 *                      add, remove        find
 *   metrics, totals    under one mutex    any time, without a lock; they are never removed
 *   places             under one mutex    under it, too
 *
 * The caller owns the memory until it has added the entry, and again when it has removed it.
 */
#ifndef RING_INTERNAL_INDEX_H
#define RING_INTERNAL_INDEX_H

#include <stdbool.h>
#include <sys/queue.h>

#include "ring/read.h"

/* First in whatever is indexed. */
struct ring_node {
	struct ring_node *next;
	uint64_t hash;
};

TAILQ_HEAD(series_queue, series);

struct metric {
	struct ring_node node;
	struct ring_metric_entry entry; /* a copy of the segment's */
	struct ring_text name;          /* in its heap */
	uint32_t index;
	uint32_t named_count; /* entries other than overflow series, and these */
	uint32_t overflow_count;
	uint32_t kept_labels;     /* by overflow series */
	uint32_t overflow_bytes;  /* of the heap, reckoned for the labels of one */
	struct series_queue free; /* places that nobody has, the longest free first */
	double bounds[RING_BOUNDS_MAX];
};

/* An entry of the series table; or, where `shares` is not NULL, a name that has none of its own. */
struct series {
	struct ring_node node;
	struct metric *metric;
	struct ring_text
		labels; /* in the segment's heap; of a name without an entry, behind this */
	uint64_t key;
	uint32_t cell;
	uint32_t number;      /* in the series table */
	uint32_t flags;       /* as there */
	uint64_t share_count; /* of an overflow series of places: names that share it */
	bool shares_itself;   /* its own is one of them */
	uint64_t free_ns;     /* since when nobody has it; 0: somebody does */
	TAILQ_ENTRY(series) of_free;
	struct series *shares;
};

struct ring_table {
	struct ring_node **buckets; /* atomic: stored with release, loaded with acquire */
	uint64_t mask;
};

struct ring_index {
	struct ring_table metrics;
	struct ring_table totals;
	struct ring_table places;
};

/* Returns 0 or -ENOMEM; the capacities are for speed, not limits. */
int ring_index_open(struct ring_index *index, uint32_t metric_capacity, uint32_t series_capacity);

/* Frees every entry with it. */
void ring_index_close(struct ring_index *index);

void ring_index_add_metric(struct ring_index *index, struct metric *metric);
void ring_index_add_series(struct ring_index *index, struct series *series);
void ring_index_remove_place(struct ring_index *index, struct series *series);
struct metric *ring_index_find_metric(const struct ring_index *index, const char *name);
struct series *ring_index_find_series(const struct ring_index *index, const struct metric *metric,
				      struct ring_text labels);

#endif
