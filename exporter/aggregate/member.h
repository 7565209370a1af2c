/* SPDX-License-Identifier: MIT */
/*
 * What one segment contributes: its metrics and series by the indexes of its tables, and where in
 * the aggregate each of them is shown. aggregate.c decides who is a member and what stays of one.
 * Pure; one thread at a time; failures are -ENOMEM.
 */
#ifndef MEMBER_H
#define MEMBER_H

#include "identity.h"
#include "series.h"
#include "shape.h"

struct aggregate;

struct member_metric {
	struct family *family; /* NULL: a conflict */
	struct shape_split split;
};

struct aggregate_member {
	struct aggregate *aggregate;
	struct series_set *set; /* the aggregate's */
	TAILQ_ENTRY(aggregate_member) of_list;
	struct identity identity;
	uint64_t start_ns; /* of its series, see aggregate.h */
	uint64_t heir; /* marks series that it carries on, until it is admitted; 0: it does not */
	bool has_looked_back;
	uint32_t core_count;
	struct member_metric *metrics;
	uint32_t metric_count;
	struct contribution **by_index; /* of the series; NULL: nobody's, in conflict, or apart */
	struct contribution ***apart;   /* of the series, core by core; NULL: not kept apart */
	bool splits_cores;              /* of some metrics */
	uint32_t series_count;
	uint32_t conflict_count;
	struct contribution_list contributions; /* all of them */
};

/* Whether one of its metrics is shown there. */
bool member_has(const struct aggregate_member *member, const struct family *family);

/* The next metric; `family` is NULL for a conflict. */
int member_add_metric(struct aggregate_member *member, struct family *family,
		      struct shape_split split);

/* The next place for a series, which is nobody's yet. */
int member_add_place(struct aggregate_member *member);

/* A series of the metric with that index, and its own labels, in a place that is nobody's. */
struct member_series {
	uint32_t index, metric;
	struct ring_text labels;
};

int member_name_series(struct aggregate_member *member, const struct shape *shape,
		       const struct member_series *series);
/* The place is nobody's any more; or it was not anyway. */
void member_forget_series(struct aggregate_member *member, uint32_t series);

/* Where the series is shown that it has at that index, of that core; NULL: left out. */
static inline struct contribution *member_contribution(const struct aggregate_member *member,
						       uint32_t series, uint32_t core)
{
	if (member->by_index[series])
		return member->by_index[series];
	return member->apart && member->apart[series] ? member->apart[series][core] : NULL;
}

static inline void member_set(struct aggregate_member *member, struct series_set *set,
			      uint32_t series, uint32_t core, const uint64_t *cells)
{
	if (member->by_index[series])
		contribution_set(set, member->by_index[series], core, cells);
	else if (member->apart && member->apart[series])
		contribution_set(set, member->apart[series][core], 0, cells);
}

/* Frees what it needs only as long as it is present; all of it. Its contributions are others'. */
void member_retire(struct aggregate_member *member);
void member_free(struct aggregate_member *member);

#endif
