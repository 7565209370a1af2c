/* SPDX-License-Identifier: MIT */
/*
 * Metrics that the exporter itself makes, kept and printed like any other: a table declares them,
 * members of an aggregate of their own hold them. This is what selfstat.c and followers.c have in
 * common. Pure; one thread at a time; failures are -ENOMEM.
 */
#ifndef OWN_H
#define OWN_H

#include "aggregate.h"

#define OWN_LABELS_MAX 3u

struct own_metric {
	enum ring_kind kind; /* counter or gauge */
	const char *name;
	const char *label_keys[OWN_LABELS_MAX]; /* NULL: none */
	const char *help;
};

/* For a table of them that is written once, as a list of X(ID, KIND, name, key, key, help): what it
 * takes to make the enumeration of the identifiers of it, and the array. */
#define OWN_METRIC_ID(id, kind, name, key_a, key_b, help) id,
#define OWN_METRIC_ROW(id, kind, name, key_a, key_b, help) \
	{RING_##kind, name, {key_a, key_b}, help},

/* Keeps the names from the metrics of data planes. */
int own_reserve(struct aggregate *data, const struct own_metric *metrics, uint32_t count);

/* Whether one of them has that label. */
bool own_uses_label(const struct own_metric *metrics, uint32_t count, struct ring_text key);

/* A member with these metrics; `*member` is NULL if it fails. */
int own_join(struct aggregate *aggregate, struct aggregate_member **member,
	     const struct own_metric *metrics, uint32_t count);

/* Nothing of the member stays; it is NULL then, as it may be before. */
void own_leave(struct aggregate_member **member);

/* Adds a series of the metric with that index. The second value is NULL where there is no second
 * key, and so is the first. Values longer than RING_LABEL_VALUE_MAX are cut. */
int own_add_series(struct aggregate_member *member, uint32_t metric, const char *value_a,
		   const char *value_b);

/* The same for a place that there is and that is nobody's, with as many values as there are keys.
 */
int own_name_series(struct aggregate_member *member, uint32_t series, uint32_t metric,
		    const struct ring_text *values, unsigned count);

/* By the series' index, in the order in which they were added. */
void own_set_counter(struct aggregate_member *member, uint32_t series, uint64_t total);
void own_set_gauge(struct aggregate_member *member, uint32_t series, double value);
/* The gauge is not shown until it is set again. */
void own_unset_gauge(struct aggregate_member *member, uint32_t series);

#endif
