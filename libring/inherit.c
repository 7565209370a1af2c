/* SPDX-License-Identifier: MIT */
/*
 * Counters and histograms go on from the predecessor's totals, core by core; a core that there
 * is no more leaves its totals to core 0. Gauges and states belong to the process that set them
 * and are not inherited. Positions go on too, so that `written` never moves back: the new ring's
 * history starts where the old one's ended.
 */
#include "inherit.h"

#include <string.h>

#include "check.h"
#include "places.h"
#include "registry.h"
#include "text.h"

static void inherit_positions(const struct ring_mapping *map, struct ring_reader *predecessor)
{
	const uint32_t count = ring_reader_header(predecessor)->core_count;

	for (uint32_t core = 0; core < map->shape.core_count && core < count; core++) {
		struct ring_account account;
		if (ring_reader_account(predecessor, core, &account) != RING_SOUND)
			continue;
		struct ring_core *block = ring_core_of(map, core);
		/* relaxed: the rename publishes all of this at once. */
		ring_store_relaxed(&block->write_pos, account.written);
		ring_store_relaxed(&block->first_pos, account.written);
	}
}

static void inherit_cells(const struct ring_mapping *map, uint32_t into_cell,
			  struct ring_reader *predecessor, const struct ring_metric_info *metric,
			  uint32_t from_cell)
{
	uint64_t from[RING_SERIES_CELLS_MAX], into[RING_SERIES_CELLS_MAX];
	const uint32_t count = ring_reader_header(predecessor)->core_count;

	for (uint32_t core = 0; core < count; core++) {
		struct ring_word *cells =
			ring_tallies_of(map, core < map->shape.core_count ? core : 0) + into_cell;
		if (ring_reader_tallies(predecessor, core, from_cell, metric->series_cells, from) !=
		    RING_SOUND)
			continue;
		/* relaxed: nobody else sees the new segment yet. Added, not stored: several cores
		 * of the predecessor may come together in core 0. */
		for (uint32_t i = 0; i < metric->series_cells; i++)
			into[i] = ring_load_relaxed(&cells[i]);
		ring_cells_merge(metric, into, from);
		for (uint32_t i = 0; i < metric->series_cells; i++)
			ring_store_relaxed(&cells[i], into[i]);
	}
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
		.kept_labels = info->kept_labels,
		.overflow_max = info->kept_labels > 0 ? info->overflow_max - 1 : 0,
	};
	char *next = texts;

	def.name = take_text(&next, info->name);
	def.help = take_text(&next, info->help);
	def.unit = take_text(&next, info->unit);
	for (uint32_t i = 0; i < info->label_count; i++)
		def.label_keys[i] = take_text(&next, info->label_keys[i]);
	def.overflow_label = take_text(&next, info->overflow_label);
	return ring_registry_define(registry, &def, 0);
}

/* The place of the predecessor's series: of the same labels, or none. It is not folded into an
 * overflow series, where its total would look like an increase. */
static const struct series *inherit_series(struct ring_registry *registry, struct metric *metric,
					   const struct ring_series_info *series)
{
	if (series->overflow)
		return ring_place_is_overflow(registry, metric, series->labels)
			       ? ring_place_overflow(registry, metric, series->labels)
			       : NULL;
	if (metric->named_count == metric->entry.series_max ||
	    !ring_tables_have(registry, series->labels.bytes))
		return NULL;
	return ring_place_admit(registry, metric, series->labels);
}

/* The cell that the series' totals go to here, or 0 if its metric is not known or its budget has no
 * room for these labels, which counts as refused. Definitions not declared at creation come along
 * with their first series. Nobody else has the registry yet, so that no mutex is held. */
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
	ring_places_announce(registry);
	if (!place)
		ring_bump(&registry->map->live->labels_refused);
	return place ? place->cell : 0;
}

void ring_inherit(const struct ring_mapping *map, struct ring_registry *registry,
		  struct ring_reader *predecessor)
{
	const struct ring_header *old = ring_reader_header(predecessor);
	struct ring_header *header = map->live;

	memcpy(header->predecessor, old->uuid, sizeof header->predecessor);
	/* relaxed: for display, and the file has no name yet. */
	ring_store_relaxed(&header->owner_count, ring_load_relaxed(&old->owner_count));
	inherit_positions(map, predecessor);
	for (uint32_t i = 0; i < ring_reader_series_count(predecessor); i++) {
		const struct ring_series_info *series = ring_reader_series(predecessor, i);
		const struct ring_metric_info *metric = ring_reader_metric(predecessor,
									   series->metric);
		if (!ring_kind_is_total(metric->kind))
			continue;
		const uint32_t cell = inherit(registry, metric, series);
		if (cell != 0)
			inherit_cells(map, cell, predecessor, metric, series->cell);
	}
}
