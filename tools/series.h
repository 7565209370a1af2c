/* SPDX-License-Identifier: MIT */
/* One series of a reader: its name for people and for JSON, and its value over cores. */
#ifndef SERIES_H
#define SERIES_H

#include <jansson.h>
#include <ring/read.h>
#include <stdio.h>

const struct ring_metric_info *series_metric(const struct ring_reader *reader, uint32_t index);

/* Those that are not gone. */
uint32_t series_count(const struct ring_reader *reader);

const char *series_kind_word(enum ring_kind kind);
const char *series_merge_word(enum ring_merge merge);

/* Name of the state that this first cell of a state set stands for. */
struct ring_text series_state(const struct ring_metric_info *metric, uint64_t cell);

/* Prints `name{key="value",...}`. */
void series_print(FILE *out, const struct ring_reader *reader, uint32_t index);

/* The same as one JSON string, named for the one number that stands for it: a histogram's is its
 * count. And labels as an object: the series', or any of the metric's. */
json_t *series_title(const struct ring_reader *reader, uint32_t index);
json_t *series_labels(const struct ring_reader *reader, uint32_t index);
json_t *series_labels_of(const struct ring_metric_info *metric, struct ring_text labels);

/* Cells of the series, merged over `core_count` cores from `core_first` on. */
enum ring_verdict series_read(struct ring_reader *reader, uint32_t index, uint32_t core_first,
			      uint32_t core_count, uint64_t cells[RING_SERIES_CELLS_MAX]);

/* Observations of a histogram, from its cells. */
uint64_t series_observations(const struct ring_metric_info *metric, const uint64_t *cells);

#endif
