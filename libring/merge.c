/* SPDX-License-Identifier: MIT */
/*
 * Values of one series from several cores or processes, added up. A value is its tally
 * cells, as layout.h's enum ring_kind lists them, so that the same few lines serve the
 * exporter, ringstat and a restarting producer. Pure.
 */
#include <math.h>
#include <string.h>

#include "export.h"
#include "ring/read.h"
#include "ring/record.h"

RING_EXPORT void ring_cells_clear(const struct ring_metric_info *metric, uint64_t *cells)
{
	memset(cells, 0, metric->series_cells * sizeof *cells);
	if (!ring_kind_is_total(metric->kind))
		cells[0] = RING_GAUGE_UNSET;
}

/* The larger of two, a number before no number, so that the order of merging does not matter. */
static uint64_t larger(uint64_t a, uint64_t b)
{
	const double x = ring_double_of(a), y = ring_double_of(b);

	return y > x || isnan(x) ? b : a;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	const double x = ring_double_of(a), y = ring_double_of(b);

	return y < x || isnan(x) ? b : a;
}

static uint64_t gauge_pick(enum ring_merge merge, const uint64_t *into, const uint64_t *from)
{
	switch (merge) {
	case RING_SUM:
		return ring_bits_of(ring_double_of(into[0]) + ring_double_of(from[0]));
	case RING_LAST:
		if (into[1] == from[1])
			return larger(into[0], from[0]);
		/* By difference, as clocks wrap. */
		return (int64_t)(from[1] - into[1]) > 0 ? from[0] : into[0];
	case RING_MIN:
		return smaller(into[0], from[0]);
	case RING_MAX:
		return larger(into[0], from[0]);
	}
	return into[0];
}

static void gauge_merge(enum ring_merge merge, uint64_t *into, const uint64_t *from)
{
	if (from[0] == RING_GAUGE_UNSET)
		return;
	if (into[0] == RING_GAUGE_UNSET) {
		into[0] = from[0];
		into[1] = from[1];
		return;
	}
	into[0] = gauge_pick(merge, into, from);
	if ((int64_t)(from[1] - into[1]) > 0)
		into[1] = from[1];
}

RING_EXPORT void ring_cells_merge(const struct ring_metric_info *metric, uint64_t *into,
				  const uint64_t *from)
{
	switch (metric->kind) {
	case RING_COUNTER:
		into[0] += from[0];
		break;
	case RING_GAUGE:
	case RING_STATESET:
		gauge_merge(metric->merge, into, from);
		break;
	case RING_HISTOGRAM:
		into[0] = ring_bits_of(ring_double_of(into[0]) + ring_double_of(from[0]));
		for (uint32_t i = 1; i < metric->series_cells; i++)
			into[i] += from[i];
		break;
	}
}

RING_EXPORT uint32_t ring_state_of(const struct ring_metric_info *metric, uint64_t cell)
{
	const double value = ring_double_of(cell);

	/* No number is neither, so what is converted is known to fit. */
	if (value >= 0 && value < metric->state_count && value == (uint32_t)value)
		return (uint32_t)value;
	return metric->state_default;
}
