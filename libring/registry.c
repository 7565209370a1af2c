/* SPDX-License-Identifier: MIT */
/*
 * A definition reserves room for its whole budget, a block of cells and entries in the series
 * table, and writes the labels of its overflow series. That is why resolving cannot run out.
 */
#include "registry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "definition.h"
#include "error.h"
#include "places.h"
#include "text.h"

#define COOL_DOWN_MS 30000u

void ring_registry_count(struct ring_registry *registry, struct ring_word *word)
{
	pthread_mutex_lock(&registry->mutex);
	ring_bump(word);
	pthread_mutex_unlock(&registry->mutex);
}

/* Makes a metric of its entry: reserves for its budget and makes it known. */
static void index_metric(struct ring_registry *registry, uint32_t index, struct metric *metric)
{
	const struct ring_metric_entry *entry = &metric->entry;
	const uint32_t room = ring_series_room(entry);
	struct ring_text labels = ring_heap_text(&registry->heap, entry->overflow_labels);
	struct ring_text overflow_label = {"", 0}, value;

	metric->index = index;
	TAILQ_INIT(&metric->free);
	while (ring_label_next(&labels, &value)) {
		metric->kept_labels += value.bytes == 0;
		overflow_label = value.bytes > 0 ? value : overflow_label;
	}
	metric->overflow_bytes = ring_overflow_bytes(entry->label_count, overflow_label.bytes,
						     metric->kept_labels);
	registry->overflow_bytes += (uint64_t)entry->overflow_max * metric->overflow_bytes;
	metric->name = ring_heap_text(&registry->heap, entry->name);
	if (entry->kind == RING_HISTOGRAM)
		memcpy(metric->bounds, registry->heap.bytes + entry->bounds_offset,
		       entry->bound_count * sizeof(double));
	registry->cells_used = entry->cell_first + (uint64_t)room * entry->series_cells;
	registry->series_reserved += room;
	registry->by_index[index] = metric;
	ring_index_add_metric(&registry->index, metric);
}

/* Which spare room is too small for the definition; NULL: none. */
static const char *shortage(const struct ring_registry *registry, const struct ring_metric_def *def)
{
	const struct ring_demand demand = ring_definition_demand(def);
	const struct ring_header *h = &registry->map->shape;

	if (registry->metric_count == h->metric_capacity)
		return "metrics_spare";
	if (registry->series_reserved + demand.series > h->series_capacity ||
	    registry->cells_used + demand.cells > h->cell_capacity ||
	    !ring_tables_have(registry, demand.heap_bytes))
		return "series_spare";
	return NULL;
}

/* With the mutex held. */
static int define(struct ring_registry *registry, const struct ring_metric_def *def, uint8_t flags)
{
	const struct metric *known = ring_index_find_metric(&registry->index, def->name);

	if (known && ring_entry_equals(&known->entry, &registry->heap, def))
		return 0;
	if (known)
		return ring_fail(EEXIST,
				 "metric %s: already defined otherwise, here or by a predecessor",
				 def->name);
	const char *short_of = shortage(registry, def);
	if (short_of)
		return ring_fail(ENOSPC, "metric %s, of %u series: no room; raise %s", def->name,
				 ring_series_max(def), short_of);
	struct metric *metric = calloc(1, sizeof *metric);
	if (!metric)
		return ring_fail(ENOMEM, "metric %s: out of memory", def->name);
	metric->entry = ring_entry_make(&registry->heap, def, flags);
	metric->entry.cell_first = (uint32_t)registry->cells_used;
	registry->metric_entries[registry->metric_count] = metric->entry;
	/* Release, to touch_counts in reader.c: the entry and its texts are complete for whoever
	 * sees the count. Weaker, and a reader could judge an entry that is still zero. */
	ring_store_release(&registry->map->live->metric_count, registry->metric_count + 1);
	index_metric(registry, registry->metric_count++, metric);
	return 0;
}

int ring_registry_define(struct ring_registry *registry, const struct ring_metric_def *def,
			 uint8_t flags)
{
	pthread_mutex_lock(&registry->mutex);
	const int result = define(registry, def, flags);
	pthread_mutex_unlock(&registry->mutex);
	return result;
}

/* What is asked for, by its metric and its labels, which lie packed in `packed`. */
struct request {
	struct metric *metric;
	struct ring_text labels;
	char packed[RING_PACKED_MAX];
};

static int read_request(const struct ring_registry *registry, const struct ring_wanted *wanted,
			struct request *request)
{
	struct metric *metric = ring_index_find_metric(&registry->index, wanted->metric);

	if (!metric)
		return ring_fail(ENOENT, "metric %s: not defined", wanted->metric);
	if (metric->entry.kind != wanted->kind)
		return ring_fail(EINVAL, "metric %s: is of another kind", wanted->metric);
	const unsigned count = ring_strings_count(wanted->label_values);
	if (count != metric->entry.label_count)
		return ring_fail(EINVAL, "metric %s: has %u labels, not %u", wanted->metric,
				 metric->entry.label_count, count);
	const int bytes = ring_strings_pack(wanted->label_values, count, request->packed);
	if (bytes < 0)
		return ring_fail(EINVAL, "metric %s: a label value has at most %u bytes",
				 wanted->metric, RING_LABEL_VALUE_MAX);
	request->metric = metric;
	request->labels = (struct ring_text){request->packed, (uint32_t)bytes};
	return 0;
}

static int hand_out(const struct metric *metric, const struct series *series,
		    struct ring_resolved *resolved)
{
	if (!series)
		return ring_fail(ENOMEM, "metric %.*s: out of memory", (int)metric->name.bytes,
				 metric->name.data);
	*resolved = (struct ring_resolved){
		.key = series->key,
		.bound_count = metric->entry.bound_count,
		.state_default = metric->entry.state_default,
		.bounds = metric->bounds,
		.is_overflow = series->flags & RING_SERIES_OVERFLOW,
		.merge = (enum ring_merge)metric->entry.merge,
	};
	return 0;
}

int ring_registry_resolve(struct ring_registry *registry, const struct ring_wanted *wanted,
			  struct ring_resolved *resolved)
{
	struct request request;
	int result = read_request(registry, wanted, &request);

	if (result != 0)
		return result;
	if (ring_kind_is_total(wanted->kind)) {
		const struct series *series = ring_index_find_series(
			&registry->index, request.metric, request.labels);
		if (series)
			return hand_out(request.metric, series, resolved);
	}
	pthread_mutex_lock(&registry->mutex);
	result = hand_out(request.metric,
			  ring_place_admit(registry, request.metric, request.labels), resolved);
	ring_places_announce(registry);
	pthread_mutex_unlock(&registry->mutex);
	return result;
}

/* Has `place` find one for what is wanted, with the mutex held. */
static int find_place(struct ring_registry *registry, const struct ring_wanted *wanted,
		      struct series *(*place)(struct ring_registry *, struct metric *,
					      struct ring_text),
		      struct ring_resolved *resolved)
{
	struct request request;
	const int result = read_request(registry, wanted, &request);

	return result != 0 ? result
			   : hand_out(request.metric,
				      place(registry, request.metric, request.labels), resolved);
}

int ring_registry_resolve_together(struct ring_registry *registry, const struct ring_wanted *wanted,
				   unsigned count, struct ring_resolved *resolved)
{
	bool turned_away = false;
	int result = 0;

	if (count == 1)
		return ring_registry_resolve(registry, wanted, resolved);
	pthread_mutex_lock(&registry->mutex);
	for (unsigned i = 0; i < count && result == 0; i++) {
		result = find_place(registry, &wanted[i], ring_place_admit, &resolved[i]);
		if (result == 0 && ring_kind_is_total(wanted[i].kind))
			turned_away |= resolved[i].is_overflow;
	}
	for (unsigned i = 0; i < count && result == 0 && turned_away; i++)
		if (ring_kind_is_total(wanted[i].kind) && !resolved[i].is_overflow)
			result = find_place(registry, &wanted[i], ring_place_overflow,
					    &resolved[i]);
	ring_places_announce(registry);
	pthread_mutex_unlock(&registry->mutex);
	return result;
}

int ring_registry_judge(struct ring_registry *registry, const struct ring_wanted *wanted)
{
	struct request request;

	return read_request(registry, wanted, &request);
}

int ring_registry_forget(struct ring_registry *registry, const struct ring_wanted *wanted)
{
	struct request request;
	const int result = read_request(registry, wanted, &request);

	if (result != 0)
		return result;
	pthread_mutex_lock(&registry->mutex);
	const bool forgotten = ring_place_forget(registry, request.metric, request.labels);
	pthread_mutex_unlock(&registry->mutex);
	return forgotten ? 0 : ring_fail(ENOENT, "metric %s: no such series", wanted->metric);
}

int ring_registry_kind(struct ring_registry *registry, const char *metric, enum ring_kind *kind)
{
	const struct metric *found = ring_index_find_metric(&registry->index, metric);

	if (!found)
		return ring_fail(ENOENT, "metric %s: not defined", metric);
	*kind = (enum ring_kind)found->entry.kind;
	return 0;
}

uint32_t ring_registry_state(struct ring_registry *registry, const char *metric, const char *state)
{
	const struct metric *found = ring_index_find_metric(&registry->index, metric);
	struct ring_text rest, name;

	if (!found || found->entry.kind != RING_STATESET)
		return 0;
	rest = (struct ring_text){(const char *)registry->heap.bytes + found->entry.bounds_offset,
				  UINT32_MAX};
	for (uint32_t i = 0; i < found->entry.bound_count && ring_label_next(&rest, &name); i++)
		if (ring_text_is(name, state))
			return i;
	return found->entry.state_default;
}

int ring_registry_open(struct ring_registry **opened, const struct ring_mapping *map,
		       unsigned cool_down_ms)
{
	const struct ring_header *shape = &map->shape;
	uint8_t *base = (uint8_t *)map->live;
	struct ring_registry *registry = calloc(
		1, sizeof *registry + shape->metric_capacity * sizeof registry->by_index[0]);

	if (!registry)
		return -ENOMEM;
	registry->map = map;
	registry->metric_entries = (void *)(base + shape->metrics_offset);
	registry->series_entries = (void *)(base + shape->series_offset);
	registry->cells_used = 1;
	registry->cool_down_ns = (cool_down_ms ? cool_down_ms : COOL_DOWN_MS) * UINT64_C(1000000);
	/* relaxed: this process alone writes these, and it has the file's lock. */
	registry->heap = (struct ring_heap){
		.bytes = base + shape->heap_offset,
		.capacity = shape->heap_bytes,
		.used = ring_load_relaxed(&map->live->heap_used),
		.live_used = &map->live->heap_used,
	};
	registry->metric_count = (uint32_t)ring_load_relaxed(&map->live->metric_count);
	registry->series_count = (uint32_t)ring_load_relaxed(&map->live->series_count);
	pthread_mutex_init(&registry->mutex, NULL);
	bool complete = ring_index_open(&registry->index, shape->metric_capacity,
					shape->series_capacity) == 0;
	for (uint32_t i = 0; i < registry->metric_count && complete; i++) {
		struct metric *metric = calloc(1, sizeof *metric);
		if (!(complete = metric != NULL))
			break;
		metric->entry = registry->metric_entries[i];
		/* relaxed: figures of their own, counted anew. */
		ring_store_relaxed(&registry->metric_entries[i].named_count, 0);
		ring_store_relaxed(&registry->metric_entries[i].overflowed, 0);
		index_metric(registry, i, metric);
	}
	for (uint32_t i = 0; i < registry->series_count && complete; i++)
		complete = ring_place_adopt(registry, i) == 0;
	if (!complete) {
		ring_registry_close(registry);
		return -ENOMEM;
	}
	*opened = registry;
	return 0;
}

void ring_registry_close(struct ring_registry *registry)
{
	if (!registry)
		return;
	ring_index_close(&registry->index);
	pthread_mutex_destroy(&registry->mutex);
	free(registry);
}
