/* SPDX-License-Identifier: MIT */
/*
 * Hash tables: an array of chains, new nodes at the front. Two of the three only grow: a node is
 * complete before it is linked and never changes or goes afterwards, so a lookup is a walk over
 * immutable memory: no lock, no wait, no reclamation to coordinate.
 *
 * That is less than liburcu's table offers, and all that is needed here. The larger one asks
 * threads to register, ends the process when memory is short, and would be one more library
 * inside every data plane.
 */
#include "index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "text.h"

#define BUCKETS_MIN 16u
#define BUCKETS_MAX 65536u

static int table_open(struct ring_table *table, uint32_t entries)
{
	uint64_t buckets = BUCKETS_MIN;

	while (buckets < entries && buckets < BUCKETS_MAX)
		buckets *= 2;
	table->mask = buckets - 1;
	table->buckets = calloc(buckets, sizeof(struct ring_node *));
	return table->buckets ? 0 : -ENOMEM;
}

static void table_close(struct ring_table *table)
{
	for (uint64_t i = 0; table->buckets && i <= table->mask; i++) {
		struct ring_node *node = table->buckets[i];
		while (node) {
			struct ring_node *next = node->next;
			free(node);
			node = next;
		}
	}
	free(table->buckets);
	table->buckets = NULL;
}

static void table_add(struct ring_table *table, struct ring_node *node)
{
	struct ring_node **bucket = &table->buckets[node->hash & table->mask];

	node->next = *bucket;
	/* Release, to table_first: whoever finds the node finds it filled. Weaker, and a thread
	 * could compare or hand out what is not written yet. */
	__atomic_store_n(bucket, node, __ATOMIC_RELEASE);
}

static struct ring_node *table_first(const struct ring_table *table, uint64_t hash)
{
	/* Acquire, from table_add. The nodes behind the first were linked before it. */
	return __atomic_load_n(&table->buckets[hash & table->mask], __ATOMIC_ACQUIRE);
}

static uint64_t hash_name(const char *name, size_t bytes)
{
	return ring_hash(RING_HASH_START, name, bytes);
}

static uint64_t hash_series(const struct metric *metric, struct ring_text labels)
{
	const uint64_t hash = ring_hash(RING_HASH_START, &metric->index, sizeof metric->index);

	return ring_hash(hash, labels.data, labels.bytes);
}

struct metric *ring_index_find_metric(const struct ring_index *index, const char *name)
{
	const size_t bytes = strlen(name);
	const uint64_t hash = hash_name(name, bytes);
	struct ring_node *node = table_first(&index->metrics, hash);

	for (; node; node = node->next) {
		struct metric *metric = (struct metric *)node;
		if (node->hash == hash && ring_text_is(metric->name, name))
			return metric;
	}
	return NULL;
}

static bool is_total(const struct metric *metric)
{
	return ring_kind_is_total((enum ring_kind)metric->entry.kind);
}

struct series *ring_index_find_series(const struct ring_index *index, const struct metric *metric,
				      struct ring_text labels)
{
	const uint64_t hash = hash_series(metric, labels);
	struct ring_node *node = table_first(is_total(metric) ? &index->totals : &index->places,
					     hash);

	for (; node; node = node->next) {
		struct series *series = (struct series *)node;
		if (node->hash == hash && series->metric == metric &&
		    ring_texts_equal(series->labels, labels))
			return series;
	}
	return NULL;
}

void ring_index_add_metric(struct ring_index *index, struct metric *metric)
{
	metric->node.hash = hash_name(metric->name.data, metric->name.bytes);
	table_add(&index->metrics, &metric->node);
}

void ring_index_add_series(struct ring_index *index, struct series *series)
{
	series->node.hash = hash_series(series->metric, series->labels);
	table_add(is_total(series->metric) ? &index->totals : &index->places, &series->node);
}

void ring_index_remove_place(struct ring_index *index, struct series *series)
{
	struct ring_node **link = &index->places.buckets[series->node.hash & index->places.mask];

	while (*link != &series->node)
		link = &(*link)->next;
	*link = series->node.next;
}

int ring_index_open(struct ring_index *index, uint32_t metric_capacity, uint32_t series_capacity)
{
	*index = (struct ring_index){{NULL, 0}, {NULL, 0}, {NULL, 0}};
	if (table_open(&index->metrics, metric_capacity) == 0 &&
	    table_open(&index->totals, series_capacity) == 0 &&
	    table_open(&index->places, series_capacity) == 0)
		return 0;
	ring_index_close(index);
	return -ENOMEM;
}

void ring_index_close(struct ring_index *index)
{
	table_close(&index->places);
	table_close(&index->totals);
	table_close(&index->metrics);
}
