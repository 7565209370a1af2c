/* SPDX-License-Identifier: MIT */
/*
 * A definition reserves room for its whole budget, a block of cells and entries in the series
 * table, and writes the labels of its overflow series. That is why resolving cannot run out.
 *
 * An entry is filled, then counted, then indexed: readers see it whole or not at all, and no
 * handle for it is given out before readers can know it. Entries that belong together are counted
 * together.
 */
#include "registry.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "definition.h"
#include "entry.h"
#include "error.h"
#include "index.h"
#include "owner.h"
#include "text.h"

struct ring_registry {
	const struct ring_mapping *map;
	struct ring_metric_entry *metric_entries;
	struct ring_series_entry *series_entries;
	pthread_mutex_t mutex;
	struct ring_index index;
	struct ring_node *uncounted; /* series whose entries are filled and no more */
	uint32_t metric_count;
	uint32_t series_count;
	struct ring_heap heap;
	uint64_t cells_used;      /* first cell that no metric has reserved */
	uint64_t series_reserved; /* by all budgets together */
	struct metric *by_index[];
};

/* Release, to touch_counts in reader.c: the entry and its texts are complete for whoever sees
 * the count. Weaker, and a reader could judge an entry that is still zero. */
static void publish_count(struct ring_word *count, uint32_t value)
{
	ring_store_release(count, value);
}

/* With the mutex held, which makes this one writer; relaxed, a figure of its own. */
static void bump(struct ring_word *word)
{
	ring_store_relaxed(word, ring_load_relaxed(word) + 1);
}

void ring_registry_count(struct ring_registry *registry, struct ring_word *word)
{
	pthread_mutex_lock(&registry->mutex);
	bump(word);
	pthread_mutex_unlock(&registry->mutex);
}

/* Makes a metric of its entry: reserves for its budget and makes it known. */
static void index_metric(struct ring_registry *registry, uint32_t index, struct metric *metric)
{
	const struct ring_metric_entry *entry = &metric->entry;
	const uint32_t room = ring_series_room(entry->series_max, entry->label_count);

	metric->index = index;
	metric->name = ring_heap_text(&registry->heap, entry->name);
	if (entry->kind == RING_HISTOGRAM)
		memcpy(metric->bounds, registry->heap.bytes + entry->bounds_offset,
		       entry->bound_count * sizeof(double));
	registry->cells_used = entry->cell_first + (uint64_t)room * entry->series_cells;
	registry->series_reserved += room;
	registry->by_index[index] = metric;
	ring_index_add_metric(&registry->index, metric);
}

/* The same for a series, but for the index. */
static void adopt_series(struct ring_registry *registry, const struct ring_series_entry *entry,
			 struct series *series)
{
	struct metric *metric = registry->by_index[entry->metric];

	series->metric = metric;
	series->labels = ring_heap_text(&registry->heap, entry->labels);
	series->cell = entry->cell;
	/* relaxed: this process's own copy. */
	const uint64_t generation = ring_load_relaxed(&entry->generation);
	series->key = (uint64_t)(uint16_t)generation << 32 |
		      (uint32_t)(entry->cell - registry->map->shape.cell_capacity);
	if (entry->flags & RING_SERIES_OVERFLOW)
		metric->overflow = series;
	else
		metric->named_count++;
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
	    !ring_heap_has(&registry->heap, demand.heap_bytes))
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
		return ring_fail(EEXIST, "metric %s: already defined otherwise", def->name);
	const char *short_of = shortage(registry, def);
	if (short_of)
		return ring_fail(ENOSPC, "metric %s: no room for %u series; raise %s", def->name,
				 ring_series_max(def), short_of);
	struct metric *metric = calloc(1, sizeof *metric);
	if (!metric)
		return ring_fail(ENOMEM, "metric %s: out of memory", def->name);
	metric->entry = ring_entry_make(&registry->heap, def, flags);
	metric->entry.cell_first = (uint32_t)registry->cells_used;
	registry->metric_entries[registry->metric_count] = metric->entry;
	publish_count(&registry->map->live->metric_count, registry->metric_count + 1);
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

/* Every core's cells of a new gauge or state set say "never set"; zeros do for the rest. */
static void clear_cells(struct ring_registry *registry, uint32_t cell, enum ring_kind kind)
{
	if (ring_kind_is_total(kind))
		return;
	for (uint32_t core = 0; core < registry->map->shape.core_count; core++)
		/* relaxed: no writer has a handle for this series yet, no reader its entry. */
		ring_store_relaxed(ring_tallies_of(registry->map, core) + cell, RING_GAUGE_UNSET);
}

/* Fills the entry of a new series, with the mutex held; NULL when out of memory. */
static struct series *append_series(struct ring_registry *registry, const struct metric *metric,
				    struct ring_span labels, uint32_t flags)
{
	const struct ring_metric_entry *of = &metric->entry;
	const uint32_t ordinal = metric->named_count + (metric->overflow ? 1 : 0);
	struct series *series = calloc(1, sizeof *series);

	if (!series)
		return NULL;
	const struct ring_series_entry entry = {
		.metric = metric->index,
		.cell = of->cell_first + ordinal * of->series_cells,
		.flags = flags,
		.labels = labels,
	};
	registry->series_entries[registry->series_count++] = entry;
	clear_cells(registry, entry.cell, (enum ring_kind)of->kind);
	adopt_series(registry, &entry, series);
	series->node.next = registry->uncounted;
	registry->uncounted = &series->node;
	return series;
}

/* Shows readers what was appended, and then everybody else. With the mutex held, before it goes. */
static void announce_series(struct ring_registry *registry)
{
	struct ring_node *node = registry->uncounted;

	publish_count(&registry->map->live->series_count, registry->series_count);
	while (node) {
		struct ring_node *next = node->next;
		ring_index_add_series(&registry->index, (struct series *)node);
		node = next;
	}
	registry->uncounted = NULL;
}

static struct series *overflow_series(struct ring_registry *registry, const struct metric *metric)
{
	if (metric->overflow)
		return metric->overflow;
	return append_series(registry, metric, metric->entry.overflow_labels, RING_SERIES_OVERFLOW);
}

/* The series of these labels, or the one that stands for all that came too late. With the
 * mutex held. */
static struct series *admit_series(struct ring_registry *registry, struct metric *metric,
				   struct ring_text labels)
{
	struct series *series = ring_index_find_series(&registry->index, metric, labels);

	if (series)
		return series;
	const struct ring_text overflow = ring_heap_text(&registry->heap,
							 metric->entry.overflow_labels);
	if (labels.bytes > 0 && ring_texts_equal(labels, overflow))
		return overflow_series(registry, metric);
	if (metric->named_count < metric->entry.series_max &&
	    ring_heap_has(&registry->heap, labels.bytes))
		return append_series(registry, metric,
				     ring_heap_append(&registry->heap, labels.data, labels.bytes),
				     0);
	bump(&registry->map->live->overflowed);
	return overflow_series(registry, metric);
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
	};
	return 0;
}

int ring_registry_resolve(struct ring_registry *registry, const struct ring_wanted *wanted,
			  struct ring_resolved *resolved)
{
	struct request request;
	const int error = read_request(registry, wanted, &request);

	if (error)
		return error;
	struct series *series = ring_index_find_series(&registry->index, request.metric,
						       request.labels);
	if (!series) {
		pthread_mutex_lock(&registry->mutex);
		series = admit_series(registry, request.metric, request.labels);
		announce_series(registry);
		pthread_mutex_unlock(&registry->mutex);
	}
	return hand_out(request.metric, series, resolved);
}

int ring_registry_resolve_together(struct ring_registry *registry, const struct ring_wanted *wanted,
				   unsigned count, struct ring_resolved *resolved)
{
	struct request request;
	int result = 0;

	pthread_mutex_lock(&registry->mutex);
	for (unsigned i = 0; i < count && result == 0; i++) {
		if ((result = read_request(registry, &wanted[i], &request)) != 0)
			break;
		const struct series *series = admit_series(registry, request.metric,
							   request.labels);
		result = hand_out(request.metric, series, &resolved[i]);
		if (series && series == request.metric->overflow)
			result = RING_OVERFLOWED;
	}
	announce_series(registry);
	pthread_mutex_unlock(&registry->mutex);
	return result;
}

/* Whether totals under the one definition mean the same under the other. */
static bool is_same_metric(const struct ring_registry *registry, const struct metric *metric,
			   const struct ring_metric_info *info)
{
	struct ring_text keys = ring_heap_text(&registry->heap, metric->entry.label_keys), key;
	uint32_t count = 0;

	while (count < info->label_count && ring_label_next(&keys, &key)) {
		if (!ring_texts_equal(key, info->label_keys[count++]))
			return false;
	}
	return keys.bytes == 0 && count == info->label_count && metric->entry.kind == info->kind &&
	       metric->entry.bound_count == info->bound_count &&
	       (info->bound_count == 0 ||
		memcmp(metric->bounds, info->bounds, info->bound_count * sizeof(double)) == 0);
}

/* Copies a text with a terminator to `*next` and moves that on. */
static const char *take_text(char **next, struct ring_text text)
{
	char *copy = *next;

	memcpy(copy, text.data, text.bytes);
	copy[text.bytes] = 0;
	*next += text.bytes + 1;
	return copy;
}

/* Defines a metric as a predecessor's segment has it; 0 or a negative errno. */
static int define_inherited(struct ring_registry *registry, const struct ring_metric_info *info)
{
	char texts[2 * (RING_METRIC_NAME_MAX + 1) + RING_HELP_MAX + 1 +
		   RING_LABELS_MAX * (RING_LABEL_KEY_MAX + 1) + RING_LABEL_VALUE_MAX + 1];
	struct ring_metric_def def = {
		.kind = info->kind,
		.merge = info->merge,
		.bounds = info->bounds,
		.bound_count = info->bound_count,
		.series_max = info->series_max,
	};
	char *next = texts;

	def.name = take_text(&next, info->name);
	def.help = take_text(&next, info->help);
	def.unit = take_text(&next, info->unit);
	for (uint32_t i = 0; i < info->label_count; i++)
		def.label_keys[i] = take_text(&next, info->label_keys[i]);
	def.overflow_label = take_text(&next, info->overflow_label);
	return define(registry, &def, 0);
}

/* The place of the predecessor's series: of the same labels, or none. It is not folded into the
 * overflow series, where its total would look like an increase. */
static const struct series *inherit_series(struct ring_registry *registry, struct metric *metric,
					   const struct ring_series_info *series)
{
	const struct ring_text overflow = ring_heap_text(&registry->heap,
							 metric->entry.overflow_labels);

	if (series->overflow)
		return ring_texts_equal(series->labels, overflow)
			       ? overflow_series(registry, metric)
			       : NULL;
	if (metric->named_count == metric->entry.series_max ||
	    !ring_heap_has(&registry->heap, series->labels.bytes))
		return NULL;
	return admit_series(registry, metric, series->labels);
}

static uint32_t inherit(struct ring_registry *registry, const struct ring_metric_info *info,
			const struct ring_series_info *series)
{
	char name[RING_METRIC_NAME_MAX + 1];
	char *next = name;
	struct metric *metric = ring_index_find_metric(&registry->index,
						       take_text(&next, info->name));

	if (!metric && !info->declared && define_inherited(registry, info) == 0)
		metric = ring_index_find_metric(&registry->index, name);
	if (!metric || !is_same_metric(registry, metric, info))
		return 0;
	const struct series *place = inherit_series(registry, metric, series);
	if (!place)
		bump(&registry->map->live->labels_refused);
	return place ? place->cell : 0;
}

uint32_t ring_registry_inherit(struct ring_registry *registry,
			       const struct ring_metric_info *metric,
			       const struct ring_series_info *series)
{
	pthread_mutex_lock(&registry->mutex);
	const uint32_t cell = inherit(registry, metric, series);
	announce_series(registry);
	pthread_mutex_unlock(&registry->mutex);
	return cell;
}

int ring_registry_open(struct ring_registry **opened, const struct ring_mapping *map)
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
		index_metric(registry, i, metric);
	}
	for (uint32_t i = 0; i < registry->series_count && complete; i++) {
		const struct ring_series_entry entry = registry->series_entries[i];
		struct series *series = calloc(1, sizeof *series);
		if (!(complete = series != NULL))
			break;
		adopt_series(registry, &entry, series);
		ring_index_add_series(&registry->index, series);
	}
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
