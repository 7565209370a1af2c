/* SPDX-License-Identifier: MIT */
/*
 * The flows of one worker: a hash table with chains through indices, and a free list
 * through the same link. All memory is taken at the start.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"

#define FLOW_NONE UINT32_MAX

/* FNV-1a, over the bytes that the kernel filled in. */
static uint32_t *flow_bucket(const struct flow_table *table, uint32_t channel,
			     const struct address *client)
{
	const unsigned char *byte = (const unsigned char *)&client->name;
	uint32_t hash = 2166136261u ^ channel;

	for (socklen_t i = 0; i < client->bytes; i++)
		hash = (hash ^ byte[i]) * 16777619u;
	return &table->buckets[(hash ^ hash >> 16) & table->bucket_mask];
}

static bool flow_is(const struct flow *flow, uint32_t channel, const struct address *client)
{
	return flow->channel == channel && flow->client.bytes == client->bytes &&
	       memcmp(&flow->client.name, &client->name, client->bytes) == 0;
}

int flow_table_open(struct flow_table *table, uint32_t count)
{
	uint32_t bucket_count = 1;

	while (bucket_count < count)
		bucket_count *= 2;
	table->flows = calloc(count, sizeof *table->flows);
	table->buckets = malloc(bucket_count * sizeof *table->buckets);
	if (!table->flows || !table->buckets)
		return -ENOMEM;
	table->flow_count = count;
	table->bucket_mask = bucket_count - 1;
	for (uint32_t i = 0; i < bucket_count; i++)
		table->buckets[i] = FLOW_NONE;
	for (uint32_t i = 0; i < count; i++) {
		table->flows[i].fd = -1;
		table->flows[i].next = i + 1 < count ? i + 1 : FLOW_NONE;
	}
	table->free_first = 0;
	return 0;
}

void flow_table_close(struct flow_table *table)
{
	free(table->flows);
	free(table->buckets);
}

struct flow *flow_find(struct flow_table *table, uint32_t channel, const struct address *client)
{
	uint32_t index = *flow_bucket(table, channel, client);

	while (index != FLOW_NONE && !flow_is(&table->flows[index], channel, client))
		index = table->flows[index].next;
	return index == FLOW_NONE ? NULL : &table->flows[index];
}

struct flow *flow_add(struct flow_table *table, uint32_t channel, const struct address *client)
{
	const uint32_t index = table->free_first;
	uint32_t *bucket = flow_bucket(table, channel, client);

	if (index == FLOW_NONE)
		return NULL;
	struct flow *flow = &table->flows[index];
	table->free_first = flow->next;
	*flow = (struct flow){.client = *client, .channel = channel, .next = *bucket, .fd = -1};
	*bucket = index;
	return flow;
}

void flow_remove(struct flow_table *table, struct flow *flow)
{
	const uint32_t index = (uint32_t)(flow - table->flows);
	uint32_t *link = flow_bucket(table, flow->channel, &flow->client);

	while (*link != index)
		link = &table->flows[*link].next;
	*link = flow->next;
	flow->next = table->free_first;
	flow->fd = -1;
	table->free_first = index;
}
