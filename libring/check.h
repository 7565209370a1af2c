/* SPDX-License-Identifier: MIT */
/*
 * The one judge of foreign bytes: is this copy of a header, of a table entry, what the
 * format allows? Pure functions over private copies; whatever passes can be used without
 * another look at its bounds.
 */
#ifndef RING_INTERNAL_CHECK_H
#define RING_INTERNAL_CHECK_H

#include <stdbool.h>

#include "ring/read.h"

/* Judges a header against itself. Every size and offset in it fits, nothing overflows. */
enum ring_verdict ring_check_header(const struct ring_header *header);

/* Judges a metric entry; `cell_first` is the first cell not taken by the metrics before it. On
 * RING_SOUND fills `info`, which points into `heap`, and moves `*cell_first` on. */
enum ring_verdict ring_check_metric(const struct ring_header *header,
				    const struct ring_metric_entry *entry, const uint8_t *heap,
				    uint64_t heap_used, uint32_t *cell_first,
				    struct ring_metric_info *info);

/* Judges a series entry; `metrics` are the `metric_count` ones found sound before. A metric's n-th
 * series has the n-th block of its cells. On RING_SOUND fills `info` and counts the series in its
 * metric's info. Labels that may have changed hands are left to ring_check_labels: then the series
 * is gone, so far. */
enum ring_verdict ring_check_series(const struct ring_series_entry *entry, const uint8_t *heap,
				    uint64_t heap_used, struct ring_metric_info *metrics,
				    uint32_t metric_count, struct ring_series_info *info);

/* Judges labels of a series of that metric. */
enum ring_verdict ring_check_labels(const struct ring_metric_info *metric, struct ring_text labels);

/* Whether the span is of the heap's first `heap_used` bytes. */
bool ring_span_fits(struct ring_span span, uint64_t heap_used);

/* Cells of one series of this kind. */
uint32_t ring_series_cells(enum ring_kind kind, uint32_t bound_count);

/* Series that the metric can have: its budget, and its overflow series. */
uint32_t ring_series_room(const struct ring_metric_entry *entry);

#endif
