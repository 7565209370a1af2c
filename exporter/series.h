/* SPDX-License-Identifier: MIT */
/*
 * The families and series that there are, and what contributes to each. aggregate.c decides
 * who contributes; this finds, adds, combines and forgets. Pure; one thread at a time.
 *
 *   family ──< series ──< contribution >── member
 *
 * A family lives while somebody declares it or it has series, a series while it has
 * contributions. Two trees (families by name, series by name and label values) find them and
 * give the order of the output.
 */
#ifndef SERIES_H
#define SERIES_H

#include <sys/queue.h>

#include "catalog.h"

struct aggregate_member;

LIST_HEAD(series_list, series);
LIST_HEAD(contribution_list, contribution);

struct family {
	struct ring_metric_info metric; /* its texts and bounds are in `bytes` */
	struct series_list series;
	uint32_t declared_count; /* by members present, or once by a reservation */
	char bytes[] __attribute__((aligned(8)));
};

struct series {
	struct family *family;
	LIST_ENTRY(series) of_family;
	LIST_ENTRY(series) of_changed;
	struct contribution_list contributions;
	size_t cell; /* in the catalog's order */
	bool changed;
	size_t label_bytes;
	const char *labels; /* in `bytes`: valid UTF-8, each value terminated */
	char bytes[];
};

/* The last reading of each core; one sum when the member is gone. */
struct contribution {
	LIST_ENTRY(contribution) of_series;
	struct series *series;
	struct aggregate_member *member; /* NULL: the remainder of members forgotten */
	uint32_t index;                  /* of the member's series */
	uint32_t core_count;
	uint64_t cells[];
};

struct series_set {
	void *families; /* tsearch trees */
	void *series;
	struct series_list changed;
	struct catalog *catalog; /* as last handed out */
	uint64_t *cells;
	bool stale; /* the catalog is: series came or went */
};

/* Takes everything down, whoever contributes. */
void series_set_clear(struct series_set *set);

/* Finds, or adds, the family of that name, declared by nobody yet. NULL: no memory. */
struct family *family_get(struct series_set *set, const struct ring_metric_info *metric);
/* Whether values of both can be combined. Help and unit may differ: the first one's hold. */
bool family_agrees(const struct family *family, const struct ring_metric_info *metric);
/* Drops the family if it is neither declared nor shown. */
void family_release(struct series_set *set, struct family *family);

/* Adds a contribution of `core_count` unread cores to the series of these packed label values,
 * which is added if it is new. NULL: no memory. */
struct contribution *contribution_add(struct series_set *set, struct family *family,
				      struct ring_text labels, uint32_t core_count);
void contribution_set(struct series_set *set, struct contribution *contribution, uint32_t core,
		      const uint64_t *cells);
/* Sums its cores up into one. */
void contribution_collapse(struct contribution *contribution);
/* Removes it, and its series if that was the last one. */
void contribution_remove(struct series_set *set, struct contribution *contribution);

/* All that `member` contributes to the series, summed up. */
void series_combine(const struct series *series, const struct aggregate_member *member,
		    uint64_t *cells);

/* See aggregate_view. */
int series_set_view(struct series_set *set, struct catalog **catalog, const uint64_t **cells);

#endif
