/* SPDX-License-Identifier: MIT */
/*
 * What there is to show: metric families and their series, in the order in which they are
 * shown, without values. Made by aggregate.c whenever the set of series changes and immutable
 * from then on; the values come as an array of cells in the same order. Self-contained, so
 * that it outlives the segments that it describes; whoever holds it keeps it alive. Pure.
 *
 *   create, add      one thread, before anyone else knows it
 *   hold, release    any thread
 */
#ifndef CATALOG_H
#define CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ring/read.h>

struct catalog_series {
	const char *labels; /* one value per label key, each terminated; valid UTF-8 */
	size_t cell;        /* its first one */
	uint64_t start_ns;  /* since 1970, when its counts began; 0: unknown */
};

struct catalog_family {
	struct ring_metric_info metric; /* all texts and bounds are the catalog's own */
	const struct catalog_series *series;
	size_t series_count;
	size_t label_bytes; /* of all of them, terminators included */
};

struct catalog {
	struct catalog_family *families;
	size_t family_count;
	struct catalog_series *series;
	size_t series_count;
	size_t cell_count;
	char *bytes; /* texts and bounds */
	size_t byte_count;
	uint32_t holder_count;
};

/* How much a catalog will hold; counted up first, so that it is allocated at one go. */
struct catalog_size {
	size_t family_count;
	size_t series_count;
	size_t cell_count;
	size_t byte_count;
};

void catalog_size_family(struct catalog_size *size, const struct ring_metric_info *metric);
void catalog_size_series(struct catalog_size *size, const struct ring_metric_info *metric,
			 size_t label_bytes);

/* Held once, by the caller. Returns NULL for want of memory. */
struct catalog *catalog_create(const struct catalog_size *size);

/* Every hold, and the creation, needs its release, with which the last one frees it. */
struct catalog *catalog_hold(struct catalog *catalog);
void catalog_release(struct catalog *catalog);

/* Add, in order, what was counted. A series belongs to the family added last; its first cell
 * is returned. */
void catalog_add_family(struct catalog *catalog, const struct ring_metric_info *metric);
size_t catalog_add_series(struct catalog *catalog, const char *labels, size_t label_bytes,
			  uint64_t start_ns);

/* Copies a metric's texts and bounds to `*bytes` and moves that on; the room needed. */
struct ring_metric_info catalog_copy_metric(const struct ring_metric_info *metric, char **bytes);
size_t catalog_metric_bytes(const struct ring_metric_info *metric);

#endif
