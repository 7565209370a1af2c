/* SPDX-License-Identifier: MIT */
/*
 * Two of liburcu's hash tables. They never resize and nothing is removed, so a lookup is a
 * walk over immutable nodes. The flavour is urcu-bp because the threads are the data plane's
 * own: it asks no registration of them. Nothing here ever waits for a grace period, so a fork
 * needs no help from us either.
 */
#include "index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define BUCKETS_MAX 65536u

static uint64_t hash_name(const char *name, size_t bytes)
{
	return ring_hash(RING_HASH_START, name, bytes);
}

static uint64_t hash_series(const struct metric *metric, struct ring_text labels)
{
	const uint64_t hash = ring_hash(RING_HASH_START, &metric->index, sizeof metric->index);

	return ring_hash(hash, labels.data, labels.bytes);
}

static int match_metric(struct cds_lfht_node *node, const void *key)
{
	const struct metric *metric = caa_container_of(node, struct metric, node);
	const char *name = key;

	return metric->name.bytes == strlen(name) &&
	       memcmp(metric->name.data, name, metric->name.bytes) == 0;
}

struct series_key {
	const struct metric *metric;
	struct ring_text labels;
};

static int match_series(struct cds_lfht_node *node, const void *key)
{
	const struct series *series = caa_container_of(node, struct series, node);
	const struct series_key *wanted = key;

	return series->metric == wanted->metric && series->labels.bytes == wanted->labels.bytes &&
	       memcmp(series->labels.data, wanted->labels.data, wanted->labels.bytes) == 0;
}

/* Nodes live as long as the index, so the pointer may leave the read side. */
static struct cds_lfht_node *find(struct cds_lfht *table, uint64_t hash, cds_lfht_match_fct match,
				  const void *key)
{
	struct cds_lfht_iter iter;

	rcu_read_lock();
	cds_lfht_lookup(table, hash, match, key, &iter);
	rcu_read_unlock();
	return cds_lfht_iter_get_node(&iter);
}

struct metric *ring_index_find_metric(struct ring_index *index, const char *name)
{
	struct cds_lfht_node *node = find(index->metrics, hash_name(name, strlen(name)),
					  match_metric, name);

	return node ? caa_container_of(node, struct metric, node) : NULL;
}

struct series *ring_index_find_series(struct ring_index *index, const struct metric *metric,
				      struct ring_text labels)
{
	const struct series_key key = {metric, labels};
	struct cds_lfht_node *node = find(index->series, hash_series(metric, labels), match_series,
					  &key);

	return node ? caa_container_of(node, struct series, node) : NULL;
}

void ring_index_add_metric(struct ring_index *index, struct metric *metric)
{
	rcu_read_lock();
	cds_lfht_add(index->metrics, hash_name(metric->name.data, metric->name.bytes),
		     &metric->node);
	rcu_read_unlock();
}

void ring_index_add_series(struct ring_index *index, struct series *series)
{
	rcu_read_lock();
	cds_lfht_add(index->series, hash_series(series->metric, series->labels), &series->node);
	rcu_read_unlock();
}

static struct cds_lfht *new_table(uint32_t entries)
{
	unsigned long buckets = 16;

	while (buckets < entries && buckets < BUCKETS_MAX)
		buckets *= 2;
	return cds_lfht_new(buckets, buckets, buckets, 0, NULL);
}

int ring_index_open(struct ring_index *index, uint32_t metric_capacity, uint32_t series_capacity)
{
	index->metrics = new_table(metric_capacity);
	index->series = new_table(series_capacity);
	if (index->metrics && index->series)
		return 0;
	ring_index_close(index);
	return -ENOMEM;
}

/* Empties and destroys a table; `offset` leads from a node to the allocation around it. */
static void free_table(struct cds_lfht *table, size_t offset)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;

	if (!table)
		return;
	rcu_read_lock();
	cds_lfht_first(table, &iter);
	while ((node = cds_lfht_iter_get_node(&iter))) {
		cds_lfht_next(table, &iter);
		cds_lfht_del(table, node);
		free((char *)node - offset);
	}
	rcu_read_unlock();
	cds_lfht_destroy(table, NULL);
}

void ring_index_close(struct ring_index *index)
{
	free_table(index->series, offsetof(struct series, node));
	free_table(index->metrics, offsetof(struct metric, node));
	*index = (struct ring_index){NULL, NULL};
}
