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
#include "owner.h"

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
		const uint32_t cell = ring_registry_inherit(registry, metric, series);
		if (cell != 0)
			inherit_cells(map, cell, predecessor, metric, series->cell);
	}
}
