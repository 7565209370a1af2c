/* SPDX-License-Identifier: MIT */
/* Series chosen and copied; see subset.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/observed.h"
#include "subset.h"

static size_t label_bytes(const struct ring_metric_info *metric, const char *labels)
{
	const char *end = labels;

	for (uint32_t i = 0; i < metric->label_count; i++)
		end += strlen(end) + 1;
	return (size_t)(end - labels);
}

/* Counts what the filter takes of a family, or, where there is a catalog to be filled, adds it. */
static void take_family(struct subset *subset, const struct filter *filter,
			const struct catalog_family *family, struct catalog_size *size)
{
	const struct ring_metric_info *metric = &family->metric;
	bool is_first = true;

	for (size_t i = 0; i < family->series_count; i++) {
		const struct catalog_series *series = &family->series[i];
		const size_t bytes = label_bytes(metric, series->labels);
		if (!filter_takes_series(filter, metric, series->labels))
			continue;
		if (subset->catalog) {
			if (is_first)
				catalog_add_family(subset->catalog, metric);
			subset->from[subset->catalog->series_count] = series->cell;
			catalog_add_series(subset->catalog, series->labels, bytes,
					   series->start_ns);
		} else {
			if (is_first)
				catalog_size_family(size, metric);
			catalog_size_series(size, metric, bytes);
		}
		is_first = false;
	}
}

static void take(struct subset *subset, const struct filter *filter, bool is_data,
		 struct catalog_size *size)
{
	for (size_t i = 0; i < subset->of->family_count; i++) {
		const struct catalog_family *family = &subset->of->families[i];
		if (filter_takes_metric(filter, &family->metric, is_data))
			take_family(subset, filter, family, size);
	}
}

int subset_choose(struct subset *subset, const struct filter *filter, struct catalog *of,
		  bool is_data)
{
	struct catalog_size size = {.family_count = 0};

	subset_release(subset);
	subset->of = catalog_hold(of);
	take(subset, filter, is_data, &size);
	subset->from = calloc(size.series_count + 1, sizeof *subset->from);
	subset->cells = calloc(size.cell_count + 1, sizeof *subset->cells);
	subset->catalog = catalog_create(&size);
	if (!subset->from || !subset->cells || !subset->catalog) {
		subset_release(subset);
		return -ENOMEM;
	}
	take(subset, filter, is_data, &size);
	return 0;
}

void subset_release(struct subset *subset)
{
	catalog_release(subset->of);
	catalog_release(subset->catalog);
	free(subset->from);
	free(subset->cells);
	free(subset->observed);
	*subset = (struct subset){.of = NULL};
}

static void fill_cells(struct subset *subset, const uint64_t *cells)
{
	const struct catalog *catalog = subset->catalog;
	const size_t *from = subset->from;

	for (size_t i = 0; i < catalog->family_count; i++) {
		const struct catalog_family *family = &catalog->families[i];
		const size_t bytes = family->metric.series_cells * sizeof *cells;
		for (size_t j = 0; j < family->series_count; j++)
			memcpy(&subset->cells[family->series[j].cell], &cells[*from++], bytes);
	}
}

/* What was observed of the series taken, which stand in the order of the whole. Returns how many
 * words that is. */
static size_t fill_observed(struct subset *subset, const uint64_t *observed)
{
	const size_t *from = subset->from, *const end = from + subset->catalog->series_count;
	uint64_t *to = subset->observed;

	for (size_t i = 0; i < subset->of->family_count; i++) {
		const struct catalog_family *family = &subset->of->families[i];
		const bool has_words = family->metric.kind == RING_HISTOGRAM;
		for (size_t j = 0; j < family->series_count && from < end; j++) {
			const bool is_taken = family->series[j].cell == *from;
			from += is_taken;
			if (!has_words)
				continue;
			const size_t count =
				observed_read(observed, family->metric.bound_count + 1).word_count;
			if (is_taken)
				to = mempcpy(to, observed, count * sizeof *observed);
			observed += count;
		}
	}
	return (size_t)(to - subset->observed);
}

int subset_fill(struct subset *subset, const struct snapshot_values *whole,
		struct snapshot_values *taken)
{
	if (subset->observed_capacity < whole->observed_count) {
		free(subset->observed);
		subset->observed = calloc(whole->observed_count, sizeof *subset->observed);
		subset->observed_capacity = subset->observed ? whole->observed_count : 0;
		if (!subset->observed)
			return -ENOMEM;
	}
	fill_cells(subset, whole->cells);
	*taken = (struct snapshot_values){.catalog = subset->catalog, .cells = subset->cells};
	if (whole->observed_count > 0) {
		taken->observed = subset->observed;
		taken->observed_count = fill_observed(subset, whole->observed);
	}
	return 0;
}
