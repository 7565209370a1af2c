/* SPDX-License-Identifier: MIT */
/*
 * The families and series that there are, and what contributes to each. aggregate.c decides
 * who contributes; this finds, adds and forgets, and view.c shows. Pure; one thread at a time.
 *
 *   family ──< series ──< contribution >── member
 *
 * A family lives while somebody declares it or it has series, a series while it has
 * contributions. Two trees (families by name, series by name and label values) find them and
 * give the order of the output.
 *
 * A contribution *retires* when its segment is gone. A series that has only such ones is gone too,
 * though still shown; these are kept in the order in which they went.
 */
#ifndef SERIES_H
#define SERIES_H

#include "family.h"
#include "observed.h"

struct aggregate_member;

TAILQ_HEAD(series_queue, series);
LIST_HEAD(contribution_list, contribution);

struct series {
	struct family *family;
	bool is_overflow;
	LIST_ENTRY(series) of_family;
	LIST_ENTRY(series) of_changed;
	TAILQ_ENTRY(series) of_gone;
	struct contribution_list contributions;
	struct contribution *retired; /* the last one that has, or NULL */
	uint32_t present_count;       /* contributions that have not retired */
	uint64_t gone_ns;             /* when it was found gone; 0: not yet */
	size_t cell;                  /* in the catalog's order */
	uint64_t start_ns;            /* since 1970, see aggregate.h; 0: unknown */
	uint64_t heir;                /* the last one who carries on what is here; see member.h */
	double sum;                   /* a histogram's, as last shown */
	bool changed;
	bool gone;
	struct observed *observed; /* NULL: it is not */
	size_t observed_words;     /* as last shown, and where */
	size_t observed_at;
	size_t label_bytes;
	const char *labels; /* in `bytes`: valid UTF-8, each value terminated */
	char bytes[];
};

/* The last reading of each core; one sum when it has retired. Behind them, if the series is
 * observed, the account of each core: how many observations of each bucket are in what was
 * observed; and the claim of each, which that is to come to. */
struct contribution {
	LIST_ENTRY(contribution) of_series;
	LIST_ENTRY(contribution) of_member;
	struct series *series;
	struct aggregate_member *member;
	uint16_t core_count;
	uint16_t core;         /* the one that it is of, if cores are kept apart */
	uint16_t series_cells; /* the family's, where a reading finds it without a detour */
	bool by_segment : 1;   /* is kept apart */
	bool by_core : 1;
	bool retired : 1;
	bool is_accounted : 1;
	uint64_t cells[];
};

static inline uint64_t *core_cells(struct contribution *contribution, uint32_t core)
{
	return &contribution->cells[(size_t)core * contribution->series_cells];
}

struct series_set {
	void *families; /* tsearch trees */
	void *series;
	struct series_list changed;
	struct series_queue gone; /* the longest gone first */
	uint32_t gone_count;
	uint32_t retired_count;  /* contributions */
	struct catalog *catalog; /* as last shown */
	uint64_t *cells;
	bool observes;      /* new series of histograms are observed */
	uint64_t *observed; /* words, as last shown */
	size_t observed_count, observed_capacity;
	bool stale;              /* the catalog is: series came or went */
	uint32_t constant_count; /* the last labels, which overflow series have too */
	uint32_t series_max;     /* of all families together, as is a family's budget; 0: none */
	uint32_t named_count;    /* series, less the overflow series */
	uint64_t overflowed_count;
};

void series_set_init(struct series_set *set);
/* Takes everything down, whoever contributes. */
void series_set_clear(struct series_set *set);

/* Adds a contribution of `core_count` unread cores to the series of these packed label values. A
 * new one is added while the family's budget and the set's last, so that any number of segments
 * together keep to the budget that each of them keeps. After that it is an overflow series, or one
 * that has the overflow label in fewer of its labels, if there is such a one for the others. If
 * one of all these is marked with `heir`, which is not 0, it is that one. NULL: no memory. */
struct contribution *contribution_add(struct series_set *set, struct family *family,
				      struct ring_text labels, uint64_t heir, uint32_t core_count);
void contribution_set(struct series_set *set, struct contribution *contribution, uint32_t core,
		      const uint64_t *cells);
/* Sums its cores up into one, for good, or into what its member has just retired there. */
void contribution_retire(struct series_set *set, struct contribution *contribution);
/* Takes in, and removes, whatever else its member contributes to the series. */
void contribution_gather(struct series_set *set, struct contribution *contribution);
/* Moves a retired one, kept apart, to the series that has these for its segment and its core, and
 * into what its member has there. Returns 0 or -ENOMEM; then it stays. */
int contribution_move(struct series_set *set, struct contribution *contribution,
		      const char *segment, uint16_t core);
/* Takes as much as `cells` has off the counts of a retired one. Returns whether any are left. */
bool contribution_reduce(struct series_set *set, struct contribution *contribution,
			 const uint64_t *cells);
/* Removes it from its series, and the series if that was the last one, and from its member. */
void contribution_remove(struct series_set *set, struct contribution *contribution);

/* The next view is to show it anew. */
void series_touch(struct series_set *set, struct series *series);

/* It has counted since then at the latest; 0: nobody knows. */
void series_started(struct series_set *set, struct series *series, uint64_t start_ns);

/* Takes the contribution of all its cores into `cells`. */
void series_merge(const struct series *series, const struct contribution *contribution,
		  uint64_t *cells);
/* Sums up all that `member` contributes to the series. Returns whether it does at all. */
bool series_combine(const struct series *series, const struct aggregate_member *member,
		    uint64_t *cells);

#endif
