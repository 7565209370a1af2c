/* SPDX-License-Identifier: MIT */
/*
 * Write conflicts that a store has found, by kind and by what the keys begin with: polled. A store
 * that is opened again may begin to count anew.
 */
#ifndef RING_SET_CONFLICTS_H
#define RING_SET_CONFLICTS_H

#include "../set.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_CONFLICT_KINDS(VALUE)          \
	VALUE(RING_CONFLICT_OTHER, "other") \
	VALUE(RING_CONFLICT_READ, "read")   \
	VALUE(RING_CONFLICT_WRITE, "write")

RING_SET_LABEL(ring_conflict_kind, "kind", RING_CONFLICT_KINDS);

#define RING_CONFLICT_COUNTS(ONE, EACH, OF)                                                       \
	EACH(OF, COUNTER, conflicts, ring_conflict_kind, "store_write_conflict_total", NULL,      \
	     "Transactions that were refused, as another had written what they had read or were " \
	     "to write.")

RING_SET_POLLED(ring_conflict_counts, RING_CONFLICT_COUNTS);

static const struct ring_set_bundle ring_conflict_counts_bundle = {
	RING_SET_METRICS(ring_conflict_counts),
	{"group", "key_prefix"},
	RING_SET_BUDGET,
	RING_SET_OVERFLOW,
	0};
static const struct ring_set_spec ring_conflicts = {RING_SET_PREFIX,
						    {&ring_conflict_counts_bundle}};

/* Adds to the totals of a kind. */
static inline void ring_conflict_count(struct ring_conflict_counts *counts,
				       enum ring_conflict_kind kind, uint64_t conflicts)
{
	counts->conflicts[ring_conflict_kind_known(kind)] += conflicts;
}

/* The prefix is a class of keys, of which there are few, and no key. */
static inline int ring_conflict_observe(struct ring_poll *poll, const struct ring_set *set,
					const char *group, const char *key_prefix,
					const struct ring_conflict_counts *counts)
{
	const char *const labels[] = {group, key_prefix, NULL};

	return ring_set_observe(poll, set, &ring_conflict_counts_bundle, labels, counts);
}

#ifdef __cplusplus
}
#endif

#endif
