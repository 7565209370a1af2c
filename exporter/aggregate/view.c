/* SPDX-License-Identifier: MIT */
/* All series listed in order, and those that have changed combined anew; see view.h. */
#include <errno.h>
#include <math.h>
#include <search.h>
#include <stdlib.h>

#include <ring/ring.h>

#include "view.h"

/* By how much of itself a sum may differ when it is added up in another order: a rounding, 2^-53,
 * for each of the cores of very many segments. */
#define SUM_ROUNDING 0x1p-32

/* Who came or left changes the order in which a sum is added up, and with it the last digits; and
 * Prometheus takes any fall of a sum for a restart. */
static void series_keep_sum(struct series *series, uint64_t *cells)
{
	const double fall = series->sum - ring_double_of(cells[0]);

	if (fall > 0 && fall <= SUM_ROUNDING * fabs(series->sum))
		cells[0] = ring_bits_of(series->sum);
	else
		series->sum = ring_double_of(cells[0]);
}

static void series_evaluate(struct series *series, uint64_t *cells)
{
	const struct contribution *contribution;

	ring_cells_clear(&series->family->metric, cells);
	LIST_FOREACH (contribution, &series->contributions, of_series)
		series_merge(series, contribution, cells);
	if (series->family->metric.kind == RING_HISTOGRAM)
		series_keep_sum(series, cells);
}

/* Writes what was observed where it was, unless it has grown. */
static bool series_rewrite(struct series_set *set, struct series *series)
{
	const uint32_t bucket_count = series->family->metric.bound_count + 1;

	if (!series->observed)
		return true;
	if (observed_word_count(series->observed, bucket_count) != series->observed_words)
		return false;
	observed_write(series->observed, bucket_count, ring_double_of(set->cells[series->cell]),
		       &set->observed[series->observed_at]);
	return true;
}

/* Where everything that was observed is to be. */
static void place_observed(const void *node, VISIT visit, void *argument)
{
	struct series *series = *(struct series *const *)node;
	struct series_set *set = argument;

	if ((visit != postorder && visit != leaf) || !series->observed)
		return;
	series->observed_at = set->observed_count;
	series->observed_words = observed_word_count(series->observed,
						     series->family->metric.bound_count + 1);
	set->observed_count += series->observed_words;
}

static void write_observed(const void *node, VISIT visit, void *argument)
{
	if (visit == postorder || visit == leaf)
		series_rewrite(argument, *(struct series *const *)node);
}

/* Writes all of it anew, in the catalog's order. */
static int series_set_rewrite(struct series_set *set)
{
	const size_t count_before = set->observed_count;

	set->observed_count = 0;
	twalk_r(set->series, place_observed, set);
	if (set->observed_count > set->observed_capacity) {
		const size_t capacity = set->observed_count + set->observed_count / 2;
		uint64_t *observed = reallocarray(set->observed, capacity, sizeof *observed);
		if (!observed) {
			set->observed_count = count_before;
			set->stale = true;
			return -ENOMEM;
		}
		set->observed = observed;
		set->observed_capacity = capacity;
	}
	twalk_r(set->series, write_observed, set);
	return 0;
}

/* What a walk over all series in order gathers. */
struct listing {
	struct catalog_size size;
	struct catalog *catalog;
	uint64_t *cells;
	const struct family *family; /* of the series before */
};

static void listing_count(const void *node, VISIT visit, void *argument)
{
	const struct series *series = *(struct series *const *)node;
	struct listing *listing = argument;

	if (visit != postorder && visit != leaf)
		return;
	if (series->family != listing->family)
		catalog_size_family(&listing->size, &series->family->metric);
	catalog_size_series(&listing->size, &series->family->metric, series->label_bytes);
	listing->family = series->family;
}

static void listing_fill(const void *node, VISIT visit, void *argument)
{
	struct series *series = *(struct series *const *)node;
	struct listing *listing = argument;

	if (visit != postorder && visit != leaf)
		return;
	if (series->family != listing->family)
		catalog_add_family(listing->catalog, &series->family->metric);
	series->cell = catalog_add_series(listing->catalog, series->labels, series->label_bytes,
					  series->start_ns);
	series_evaluate(series, &listing->cells[series->cell]);
	listing->family = series->family;
}

/* Lists and evaluates everything anew. */
static int series_set_relist(struct series_set *set)
{
	struct listing listing = {.family = NULL};

	twalk_r(set->series, listing_count, &listing);
	listing.catalog = catalog_create(&listing.size);
	listing.cells = calloc(listing.size.cell_count + 1, sizeof *listing.cells);
	if (!listing.catalog || !listing.cells) {
		catalog_release(listing.catalog);
		free(listing.cells);
		return -ENOMEM;
	}
	listing.family = NULL;
	twalk_r(set->series, listing_fill, &listing);
	free(set->cells);
	catalog_release(set->catalog);
	set->cells = listing.cells;
	set->catalog = listing.catalog;
	set->stale = false;
	return 0;
}

int series_set_view(struct series_set *set, struct catalog **catalog, const uint64_t **cells)
{
	const bool relist = set->stale || !set->catalog;
	const int error = relist ? series_set_relist(set) : 0;
	bool rewrite = relist;
	struct series *series;

	if (error)
		return error;
	while ((series = LIST_FIRST(&set->changed))) {
		LIST_REMOVE(series, of_changed);
		series->changed = false;
		if (!relist)
			series_evaluate(series, &set->cells[series->cell]);
		rewrite = rewrite || !series_rewrite(set, series);
	}
	if (rewrite && series_set_rewrite(set) != 0)
		return -ENOMEM;
	*catalog = set->catalog;
	*cells = set->cells;
	return 0;
}
