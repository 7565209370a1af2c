/* SPDX-License-Identifier: MIT */
/*
 * The inside of a reader, shared by the file that opens segments and the one that follows
 * their rings. Nobody else dereferences the mapping.
 */
#ifndef RING_INTERNAL_READER_H
#define RING_INTERNAL_READER_H

#include <stdbool.h>

#include "ring/read.h"

struct cursor {
	uint64_t position;
	uint64_t drained;
	uint64_t dropped;
};

struct ring_reader {
	int fd;
	bool is_on_tmpfs;
	struct ring_header header;
	const uint8_t *map;
	uint8_t *heap; /* private copy, at its full size, so that texts never move */
	uint64_t heap_used;
	struct ring_metric_info *metrics;
	struct ring_series_info *series;
	uint16_t *generations; /* of each series, as samples have it, close together */
	uint32_t *by_cell;     /* whose first cell it is: series index + 1, or 0 */
	char **labels;         /* of series that have changed hands, read anew; else NULL */
	uint64_t labels_bytes; /* all of these together */
	uint64_t changes;      /* of series_changes, as the series are known */
	uint32_t metric_count;
	uint32_t series_count;
	uint32_t cell_first; /* first cell behind the metrics known */
	struct cursor *cursors;
};

static inline const struct ring_header *ring_live_header(const struct ring_reader *reader)
{
	return (const struct ring_header *)(const void *)reader->map;
}

static inline const struct ring_word *ring_live_generation(const struct ring_reader *reader,
							   uint32_t series)
{
	const uint8_t *table = reader->map + reader->header.series_offset;

	return &((const struct ring_series_entry *)(const void *)table)[series].generation;
}

static inline const struct ring_metric_info *ring_metric_of(const struct ring_reader *reader,
							    uint32_t series)
{
	return &reader->metrics[reader->series[series].metric];
}

/* Reads exactly `bytes`; 0, -EIO if the file is shorter, or another negative errno. */
int ring_read_at(int fd, void *into, uint64_t bytes, uint64_t offset);

/* Looks whose the entries known are by now. */
enum ring_verdict ring_changes_take(struct ring_reader *reader);

/* Puts every cursor before the oldest sample of its ring. */
enum ring_verdict ring_cursors_place(struct ring_reader *reader);

#endif
