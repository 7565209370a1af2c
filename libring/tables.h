/* SPDX-License-Identifier: MIT */
/*
 * The inside of a registry, shared by the files that define metrics, give places to names and carry
 * on a predecessor's. All of it under the mutex, but for looking up metrics and totals.
 */
#ifndef RING_INTERNAL_TABLES_H
#define RING_INTERNAL_TABLES_H

#include <pthread.h>

#include "entry.h"
#include "index.h"
#include "owner.h"

struct ring_registry {
	const struct ring_mapping *map;
	struct ring_metric_entry *metric_entries;
	struct ring_series_entry *series_entries;
	pthread_mutex_t mutex;
	struct ring_index index;
	struct ring_node *uncounted; /* totals whose entries are filled and no more */
	uint32_t metric_count;
	uint32_t series_count;
	uint32_t share_count; /* names that share overflow series of places */
	struct ring_heap heap;
	uint64_t cells_used;      /* first cell that no metric has reserved */
	uint64_t series_reserved; /* by all budgets together */
	uint64_t overflow_bytes;  /* of the heap, for the labels of overflow series to come */
	uint64_t cool_down_ns;
	struct metric *by_index[];
};

/* Whether the heap has room for a name, with what is kept for overflow series: without these there
 * would be nowhere to go past its end. */
static inline bool ring_tables_have(const struct ring_registry *registry, uint64_t bytes)
{
	return ring_heap_has(&registry->heap, registry->overflow_bytes + bytes);
}

/* With the mutex held, which makes this one writer; relaxed, a figure of its own. */
static inline void ring_bump(struct ring_word *word)
{
	ring_store_relaxed(word, ring_load_relaxed(word) + 1);
}

#endif
