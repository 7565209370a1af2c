/* SPDX-License-Identifier: MIT */
/* Families and series in order; see catalog.h. */
#include <stdlib.h>
#include <string.h>

#include "catalog.h"

size_t catalog_metric_bytes(const struct ring_metric_info *metric)
{
	/* Bounds first and texts rounded up, so that every block of doubles is aligned. */
	size_t bytes = metric->name.bytes + metric->help.bytes + metric->unit.bytes +
		       metric->overflow_label.bytes + metric->states.bytes;

	for (uint32_t i = 0; i < metric->label_count; i++)
		bytes += metric->label_keys[i].bytes;
	return metric->bound_count * sizeof(double) + (bytes + 7) / 8 * 8;
}

static struct ring_text copy_text(struct ring_text text, char **bytes)
{
	const struct ring_text copy = {.data = *bytes, .bytes = text.bytes};

	if (text.bytes > 0)
		memcpy(*bytes, text.data, text.bytes);
	*bytes += text.bytes;
	return copy;
}

struct ring_metric_info catalog_copy_metric(const struct ring_metric_info *metric, char **bytes)
{
	struct ring_metric_info copy = *metric;
	char *const end = *bytes + catalog_metric_bytes(metric);

	copy.bounds = (const double *)(void *)*bytes;
	if (metric->bound_count > 0)
		memcpy(*bytes, metric->bounds, metric->bound_count * sizeof(double));
	*bytes += metric->bound_count * sizeof(double);
	copy.name = copy_text(metric->name, bytes);
	copy.help = copy_text(metric->help, bytes);
	copy.unit = copy_text(metric->unit, bytes);
	copy.overflow_label = copy_text(metric->overflow_label, bytes);
	copy.states = copy_text(metric->states, bytes);
	for (uint32_t i = 0; i < metric->label_count; i++)
		copy.label_keys[i] = copy_text(metric->label_keys[i], bytes);
	*bytes = end;
	return copy;
}

void catalog_size_family(struct catalog_size *size, const struct ring_metric_info *metric)
{
	size->family_count++;
	size->byte_count += catalog_metric_bytes(metric);
}

void catalog_size_series(struct catalog_size *size, const struct ring_metric_info *metric,
			 size_t label_bytes)
{
	size->series_count++;
	size->cell_count += metric->series_cells;
	size->byte_count += (label_bytes + 7) / 8 * 8;
}

struct catalog *catalog_create(const struct catalog_size *size)
{
	struct catalog *catalog = calloc(1, sizeof *catalog);

	if (!catalog)
		return NULL;
	catalog->families = calloc(size->family_count + 1, sizeof *catalog->families);
	catalog->series = calloc(size->series_count + 1, sizeof *catalog->series);
	catalog->bytes = malloc(size->byte_count + 1);
	catalog->holder_count = 1;
	if (catalog->families && catalog->series && catalog->bytes)
		return catalog;
	catalog_release(catalog);
	return NULL;
}

struct catalog *catalog_hold(struct catalog *catalog)
{
	/* relaxed: whoever holds one more has been given the catalog by a holder. */
	__atomic_fetch_add(&catalog->holder_count, 1, __ATOMIC_RELAXED);
	return catalog;
}

void catalog_release(struct catalog *catalog)
{
	/* Release, and acquire for the last one: everybody's last look comes before the free. */
	if (!catalog || __atomic_sub_fetch(&catalog->holder_count, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	free(catalog->families);
	free(catalog->series);
	free(catalog->bytes);
	free(catalog);
}

void catalog_add_family(struct catalog *catalog, const struct ring_metric_info *metric)
{
	struct catalog_family *family = &catalog->families[catalog->family_count++];
	char *bytes = catalog->bytes + catalog->byte_count;

	family->metric = catalog_copy_metric(metric, &bytes);
	family->series = &catalog->series[catalog->series_count];
	catalog->byte_count = (size_t)(bytes - catalog->bytes);
}

size_t catalog_add_series(struct catalog *catalog, const char *labels, size_t label_bytes,
			  uint64_t start_ns)
{
	struct catalog_family *family = &catalog->families[catalog->family_count - 1];
	struct catalog_series *series = &catalog->series[catalog->series_count++];

	series->labels = memcpy(catalog->bytes + catalog->byte_count, labels, label_bytes);
	series->cell = catalog->cell_count;
	series->start_ns = start_ns;
	catalog->byte_count += (label_bytes + 7) / 8 * 8;
	catalog->cell_count += family->metric.series_cells;
	family->series_count++;
	family->label_bytes += label_bytes;
	return series->cell;
}
