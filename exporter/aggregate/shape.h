/* SPDX-License-Identifier: MIT */
/*
 * How what segments have is shown: the node's labels on every series, and for metrics whose names
 * match, another name, merge rule or budget, and series that are kept apart by segment or core
 * instead of merged. The aggregate asks here once for each metric and each series; whatever comes
 * behind it only sees labels. Pure.
 *
 * A metric's labels are its own, then `segment`, then `core`, then the node's.
 */
#ifndef SHAPE_H
#define SHAPE_H

#include <stdbool.h>

#include <ring/read.h>

#define SHAPE_LABELS_MAX    6u
#define SHAPE_PATTERN_BYTES (RING_METRIC_NAME_MAX + 1u)
#define SHAPE_PACKED_MAX    (RING_INFO_LABELS_MAX * (1 + RING_LABEL_VALUE_MAX))

/* Constant labels, which say whose series these are. */
struct shape_labels {
	struct ring_text names[SHAPE_LABELS_MAX], values[SHAPE_LABELS_MAX];
	uint32_t count;
};

/* What a metric's series are kept apart by. */
struct shape_split {
	bool by_segment, by_core;
};

static inline uint32_t shape_split_count(struct shape_split split)
{
	return (uint32_t)split.by_segment + split.by_core;
}

struct shape_rule {
	char pattern[SHAPE_PATTERN_BYTES];
	bool merges, renames;
	struct shape_split split;
	enum ring_merge merge;                 /* of gauges and state sets */
	char rename[RING_METRIC_NAME_MAX + 1]; /* for the pattern's beginning up to a wildcard */
	uint32_t series_max;                   /* 0: what the segments say */
};

/* The first rule that matches is a metric's. */
struct shape {
	const struct shape_labels *labels; /* NULL: none */
	const struct shape_rule *rules;
	size_t rule_count;
};

/* A metric as it is shown. Texts are the segment's, the configuration's, or here. */
struct shape_metric {
	struct ring_metric_info metric;
	struct shape_split split;
	char name[RING_METRIC_NAME_MAX + 1];
};

/* Takes in one `NAME=VALUE`, which must stand as long as the labels. Returns NULL, or what is
 * wrong in words. */
const char *shape_label_parse(const char *text, struct shape_labels *labels);

/* One `PATTERN:KEY=VALUE,...`; see docs/shaping.md. Returns NULL, or what is wrong in words. */
const char *shape_rule_parse(const char *text, struct shape_rule *rule);

/* Of a segment with so many cores. Returns whether it can be shown like that: a label may be there
 * already, or a name break a rule. */
bool shape_metric(const struct shape *shape, const struct ring_metric_info *metric,
		  uint32_t core_count, struct shape_metric *shown);

/* The packed label values of a series of that metric: `own`, or with more behind it in `packed`. */
struct ring_text shape_series(const struct shape *shape, struct shape_split split,
			      struct ring_text own, const char *segment, uint32_t core,
			      char packed[SHAPE_PACKED_MAX]);

#endif
