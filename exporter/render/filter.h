/* SPDX-License-Identifier: MIT */
/*
 * What of all metrics a request wants, by the parameters of its query:
 *
 *   name[]       a metric's name; of a histogram, also that of one of its lines
 *   segment      series whose label of that name has this value
 *   core         the same
 *   collect[]    all of a part: segments, replication, exporter, process, data
 *   exclude[]    nothing of a part; not together with collect[]
 *
 * Each may be given several times, and then one of its values will do; of different ones all must
 * hold. Other parameters are somebody else's and mean nothing. Pure.
 */
#ifndef FILTER_H
#define FILTER_H

#include "aggregate/catalog.h"

#define FILTER_BYTES_MAX 4096u
#define FILTER_PARTS     "segments, replication, exporter, process, data"

/* All zero at first: takes everything. Two that are the same byte by byte, up to `bytes`, take the
 * same. */
struct filter {
	size_t bytes;
	char words[FILTER_BYTES_MAX]; /* for each value the letter of its parameter, and a NUL */
	unsigned word_count;
	uint16_t sorted[FILTER_BYTES_MAX / 2]; /* where they begin, in their order */
	unsigned collected, excluded;          /* parts, as bits */
};

enum filter_fault {
	FILTER_FINE,
	FILTER_TOO_LONG,
	FILTER_NO_PART,       /* there is none of that name */
	FILTER_CONTRADICTORY, /* collects and excludes */
};

enum filter_fault filter_add(struct filter *filter, const char *parameter, const char *value);

/* Whether it takes any of a metric; `is_data`: a data plane has recorded it. */
bool filter_takes_metric(const struct filter *filter, const struct ring_metric_info *metric,
			 bool is_data);

/* Whether it takes a series of a metric that it takes; the labels are as in a catalog. */
bool filter_takes_series(const struct filter *filter, const struct ring_metric_info *metric,
			 const char *labels);

#endif
