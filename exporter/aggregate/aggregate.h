/* SPDX-License-Identifier: MIT */
/*
 * One value per series out of all the cores and processes that record it. Series are known by
 * metric name and label values, made valid UTF-8, so that two that would be printed alike are
 * one. Pure: no clock, no file; the readings come in from drain.c.
 *
 * A *member* is one segment's contribution. What a member has counted is never taken back:
 * when it leaves, its counters and histograms stay, and only its gauges and states vanish. They
 * stay under its identity, so that
 *   - the same segment, coming back, takes its place again and is not counted twice, not even
 *     if it comes back as it was earlier;
 *   - a successor, whose totals go on from this one's, replaces what it carries on and leaves
 *     the rest.
 *
 * What members leave is bounded, by the three limits below. Beyond them, the member that has been
 * gone for longest melts into one anonymous remainder: its counts stay, but if it came back it
 * would be counted twice. The last one to go, which may be on its way back, is always remembered.
 * And the series that has been without a member present for longest, or for as long as one may, is
 * forgotten, and counted as such.
 *
 * The first member that uses a metric name says what it means. Another's metric of that name
 * with another kind, merge rule, label keys, bounds or states is a conflict and is left out, and so
 * is one that cannot be shown as it should. A name that only members gone still hold goes to the
 * next member that wants it.
 *
 * A series *starts* when the oldest segment that was seen to contribute to it was created, be it
 * that this one is gone and others carry its totals on. What a segment carries on from one that was
 * never seen is older than that. The exporter's own series start with the process; those of a
 * ring's account with the segment.
 *
 * One thread at a time. Failures are -ENOMEM; a member that met one must leave.
 */
#ifndef AGGREGATE_H
#define AGGREGATE_H

#include "catalog.h"
#include "identity.h"
#include "shape.h"

#define AGGREGATE_GONE_MAX        1024u      /* members gone that are remembered */
#define AGGREGATE_GONE_PARTS_MAX  (1u << 18) /* what they contribute to series */
#define AGGREGATE_GONE_SERIES_MAX (1u << 16) /* series without a member present */

struct aggregate;
struct aggregate_member;

struct aggregate *aggregate_create(void);
void aggregate_destroy(struct aggregate *aggregate);

struct aggregate_limits {
	uint32_t series_max;   /* shown, less overflow series and those without labels; 0: none */
	uint64_t retention_ns; /* of a series without a member present; 0: for ever */
};

void aggregate_limit(struct aggregate *aggregate, const struct aggregate_limits *limits);

/* How everything is shown from now on; nobody may have joined. What it points to must stand. */
void aggregate_shape(struct aggregate *aggregate, const struct shape *shape);

/* Keeps a metric name from every member. */
int aggregate_reserve(struct aggregate *aggregate, struct ring_text name);

/* Whether another counts what the segment has counted, or will when it comes back. A segment that
 * is finished would then be counted twice. */
bool aggregate_covers(const struct aggregate *aggregate, const struct identity *identity);

int aggregate_join(struct aggregate *aggregate, struct aggregate_member **member,
		   const struct identity *identity, uint32_t core_count);

/* The time since 1970, until it is told anew: when the series of those who come start if they do
 * not know it, and since when histograms are observed that have counted before. */
void aggregate_set_time(struct aggregate *aggregate, uint64_t wall_ns);
/* When the member's series start, of which it has none yet. */
void aggregate_start_member(struct aggregate_member *member, uint64_t wall_ns);

/* The member's metrics and series, in the order of its tables: the first has index 0. */
int aggregate_add_metric(struct aggregate_member *member, const struct ring_metric_info *metric);
int aggregate_add_series(struct aggregate_member *member, uint32_t metric, struct ring_text labels);

/* An index may be nobody's, and another series' later. A forgotten one leaves nothing behind, so it
 * has no totals. What is read of an index that is nobody's goes nowhere. */
int aggregate_add_place(struct aggregate_member *member);
int aggregate_name_series(struct aggregate_member *member, uint32_t series, uint32_t metric,
			  struct ring_text labels);
void aggregate_forget_series(struct aggregate_member *member, uint32_t series);

/* Takes in a reading of one core's tally cells of one series. */
void aggregate_set(struct aggregate_member *member, uint32_t series, uint32_t core,
		   const uint64_t *cells);

/* For members that come from now on: histograms are also made of observations, one by one, as
 * observed.h has them; account.h has the rest. */
void aggregate_observe_all(struct aggregate *aggregate);

/* Between the first reading and aggregate_admit, for each core: what was counted so far will not be
 * observed, unless `is_whole`: the core has counted nothing that will not be. Returns whether this
 * holds; not for those who carry on what others have counted. */
bool aggregate_observe_from(struct aggregate_member *member, uint32_t core, bool is_whole);

/* The first reading is complete: takes the place of what the member carries on. */
void aggregate_admit(struct aggregate_member *member);

/* The segment is gone, its counts stay; or nothing of it stays. */
void aggregate_leave(struct aggregate_member *member);
void aggregate_drop(struct aggregate_member *member);

/* How many of the member's metrics are left out for a conflict. */
uint32_t aggregate_conflict_count(const struct aggregate_member *member);

/* Whether the metric of that index is left out and would not be if the member joined again. */
bool aggregate_can_agree(const struct aggregate_member *member, uint32_t index,
			 const struct ring_metric_info *metric);

/* Keeps the limits on what is gone, at this time, which is not 0. For when nobody has just left to
 * join again. */
void aggregate_trim(struct aggregate *aggregate, uint64_t now_ns);

/* Series forgotten so far; those that came when there was no room for them, each time that they
 * did; and shown, without those that stand for others. */
uint64_t aggregate_forgotten_count(const struct aggregate *aggregate);
uint64_t aggregate_overflowed_count(const struct aggregate *aggregate);
uint32_t aggregate_series_count(const struct aggregate *aggregate);

/* Whether aggregate_view would show anything new. */
bool aggregate_changed(const struct aggregate *aggregate);

/* Combines what has changed. `*catalog` is the same as last time unless the set of series has
 * changed; `*cells` has catalog->cell_count values. Both stand until the next call, the catalog
 * for longer if it is held. */
int aggregate_view(struct aggregate *aggregate, struct catalog **catalog, const uint64_t **cells);

/* What was observed, as of that view: observed.h's words for one histogram after the other. */
const uint64_t *aggregate_observed(const struct aggregate *aggregate, size_t *word_count);

#endif
