/* SPDX-License-Identifier: MIT */
/*
 * Members come, leave and succeed one another; see aggregate.h for the rules.
 *
 * A member that leaves keeps its contributions, summed up over its cores, under its identity:
 * it is then a *ghost*. Whoever comes and carries a ghost's totals on takes over from it, series
 * by series and cell by cell, as much as its own total; what it lacks stays with the ghost. So
 * whatever a segment claims to be, no total ever goes back and nothing is counted twice. A segment
 * has one ghost at most, with one contribution to a series at most.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate.h"
#include "view.h"

TAILQ_HEAD(member_list, aggregate_member);

struct aggregate_member {
	struct aggregate *aggregate;
	TAILQ_ENTRY(aggregate_member) of_list;
	struct identity identity;
	uint32_t core_count;
	struct family **families; /* by metric index; NULL: a conflict */
	uint32_t metric_count;
	struct contribution **by_index; /* of the series; NULL: left out for a conflict */
	uint32_t series_count;
	uint32_t conflict_count;
	struct contribution_list contributions; /* all of them */
};

struct aggregate {
	struct series_set set;
	struct member_list members;
	struct member_list ghosts; /* the oldest first */
	uint32_t ghost_count;
	struct aggregate_member remainder; /* what ghosts that have melted contributed */
	uint64_t forgotten_count;
};

struct aggregate *aggregate_create(void)
{
	struct aggregate *aggregate = calloc(1, sizeof *aggregate);

	if (!aggregate)
		return NULL;
	series_set_init(&aggregate->set);
	TAILQ_INIT(&aggregate->members);
	TAILQ_INIT(&aggregate->ghosts);
	aggregate->remainder.aggregate = aggregate;
	return aggregate;
}

static void member_free(struct aggregate_member *member)
{
	free(member->families);
	free(member->by_index);
	free(member);
}

static void members_free(struct member_list *members)
{
	struct aggregate_member *member;

	while ((member = TAILQ_FIRST(members))) {
		TAILQ_REMOVE(members, member, of_list);
		member_free(member);
	}
}

void aggregate_destroy(struct aggregate *aggregate)
{
	if (!aggregate)
		return;
	members_free(&aggregate->members);
	members_free(&aggregate->ghosts);
	series_set_clear(&aggregate->set);
	free(aggregate);
}

int aggregate_reserve(struct aggregate *aggregate, struct ring_text name)
{
	/* Of no kind, so that every metric of that name is a conflict. */
	const struct ring_metric_info metric = {.name = name};
	struct family *family = family_get(&aggregate->set, &metric);

	if (!family)
		return -ENOMEM;
	family->declared_count++;
	return 0;
}

bool aggregate_covers(const struct aggregate *aggregate, const struct identity *identity)
{
	const struct aggregate_member *member;

	TAILQ_FOREACH (member, &aggregate->members, of_list)
		if (identity_covers(&member->identity, identity))
			return true;
	TAILQ_FOREACH (member, &aggregate->ghosts, of_list)
		if (identity_is_successor(&member->identity, identity))
			return true;
	return false;
}

int aggregate_join(struct aggregate *aggregate, struct aggregate_member **joined,
		   const struct identity *identity, uint32_t core_count)
{
	struct aggregate_member *member = calloc(1, sizeof *member);

	if (!member)
		return -ENOMEM;
	member->aggregate = aggregate;
	member->identity = *identity;
	member->core_count = core_count;
	TAILQ_INSERT_TAIL(&aggregate->members, member, of_list);
	*joined = member;
	return 0;
}

/* An array that has room for one entry more; it doubles when it is full. NULL: no memory. */
static void *array_room(void *array, uint32_t count, size_t entry_bytes)
{
	if (count > 0 && (count & (count - 1)) != 0)
		return array;
	return reallocarray(array, count == 0 ? 1 : 2 * (size_t)count, entry_bytes);
}

/* Frees a ghost that has nothing left. */
static void ghost_release(struct aggregate_member *ghost)
{
	struct aggregate *aggregate = ghost->aggregate;

	if (ghost == &aggregate->remainder || !LIST_EMPTY(&ghost->contributions))
		return;
	TAILQ_REMOVE(&aggregate->ghosts, ghost, of_list);
	aggregate->ghost_count--;
	member_free(ghost);
}

/* Removes a series that only ghosts contribute to. */
static void series_forget(struct aggregate *aggregate, struct series *series)
{
	struct contribution *contribution, *next;

	for (contribution = LIST_FIRST(&series->contributions); contribution; contribution = next) {
		struct aggregate_member *ghost = contribution->member;
		next = LIST_NEXT(contribution, of_series);
		contribution_remove(&aggregate->set, contribution);
		ghost_release(ghost);
	}
}

/* Empties a family that only ghosts still hold, so that its name can get another meaning. */
static void family_vacate(struct aggregate *aggregate, struct family *family)
{
	struct series *series;

	family->declared_count++; /* stays while it is being emptied */
	while ((series = LIST_FIRST(&family->series)))
		series_forget(aggregate, series);
	family->declared_count--;
	family_release(&aggregate->set, family);
}

int aggregate_add_metric(struct aggregate_member *member, const struct ring_metric_info *metric)
{
	struct aggregate *aggregate = member->aggregate;
	void *families = array_room(member->families, member->metric_count,
				    sizeof(struct family *));

	if (!families)
		return -ENOMEM;
	member->families = families;
	struct family *family = family_get(&aggregate->set, metric);
	if (family && family->declared_count == 0 && !family_agrees(family, metric)) {
		family_vacate(aggregate, family);
		family = family_get(&aggregate->set, metric);
	}
	if (!family)
		return -ENOMEM;
	if (family_agrees(family, metric)) {
		family_declare(family, metric);
	} else {
		member->conflict_count++;
		family = NULL;
	}
	member->families[member->metric_count++] = family;
	return 0;
}

int aggregate_add_series(struct aggregate_member *member, uint32_t metric, struct ring_text labels)
{
	struct family *family = member->families[metric];
	struct contribution *contribution = NULL;
	void *by_index = array_room(member->by_index, member->series_count,
				    sizeof(struct contribution *));

	if (!by_index)
		return -ENOMEM;
	member->by_index = by_index;
	if (family) {
		contribution = contribution_add(&member->aggregate->set, family, labels,
						member->core_count);
		if (!contribution)
			return -ENOMEM;
		contribution->member = member;
		LIST_INSERT_HEAD(&member->contributions, contribution, of_member);
	}
	member->by_index[member->series_count++] = contribution;
	return 0;
}

void aggregate_set(struct aggregate_member *member, uint32_t series, uint32_t core,
		   const uint64_t *cells)
{
	if (member->by_index[series])
		contribution_set(&member->aggregate->set, member->by_index[series], core, cells);
}

/* What the member has of the ghost's counts is the member's from now on. */
static void ghost_yield(struct aggregate_member *ghost, const struct aggregate_member *member)
{
	struct series_set *set = &ghost->aggregate->set;
	struct contribution *contribution, *next;
	uint64_t carried[RING_SERIES_CELLS_MAX];

	for (contribution = LIST_FIRST(&ghost->contributions); contribution; contribution = next) {
		next = LIST_NEXT(contribution, of_member);
		if (series_combine(contribution->series, member, carried) &&
		    !contribution_reduce(set, contribution, carried))
			contribution_remove(set, contribution);
	}
	ghost_release(ghost);
}

/* The ghost of that segment; NULL if there is none. */
static struct aggregate_member *ghost_find(const struct aggregate *aggregate,
					   const struct identity *identity)
{
	struct aggregate_member *ghost;

	TAILQ_FOREACH (ghost, &aggregate->ghosts, of_list)
		if (identity_is_same(&ghost->identity, identity))
			return ghost;
	return NULL;
}

/* The ghost whose totals the member carries on; NULL if there is none. Its own comes first: by
 * then its predecessor's has already yielded, and what is left of that one is to stay. */
static struct aggregate_member *ghost_of(const struct aggregate_member *member)
{
	const struct identity *identity = &member->identity;
	struct aggregate_member *ghost = ghost_find(member->aggregate, identity);

	if (ghost || !identity_is_heir(identity))
		return ghost;
	TAILQ_FOREACH (ghost, &member->aggregate->ghosts, of_list)
		if (identity_is_successor(identity, &ghost->identity))
			return ghost;
	/* The predecessor was never seen here, so generations were missed in between; the last
	 * ghost of that name is then an ancestor. */
	TAILQ_FOREACH_REVERSE (ghost, &member->aggregate->ghosts, member_list, of_list)
		if (strcmp(ghost->identity.name, identity->name) == 0)
			return ghost;
	return NULL;
}

void aggregate_admit(struct aggregate_member *member)
{
	struct aggregate_member *ghost = ghost_of(member);

	if (ghost)
		ghost_yield(ghost, member);
}

/* Takes over all that a ghost contributes, and the ghost is no more. */
static void ghost_absorb(struct aggregate_member *into, struct aggregate_member *ghost)
{
	struct contribution *contribution;

	while ((contribution = LIST_FIRST(&ghost->contributions))) {
		LIST_REMOVE(contribution, of_member);
		LIST_INSERT_HEAD(&into->contributions, contribution, of_member);
		contribution->member = into;
		contribution_gather(&into->aggregate->set, contribution);
	}
	ghost_release(ghost);
}

/* Takes the member out of the list and its metrics' declarations back. */
static void member_retire(struct aggregate_member *member)
{
	TAILQ_REMOVE(&member->aggregate->members, member, of_list);
	for (uint32_t i = 0; i < member->metric_count; i++) {
		struct family *family = member->families[i];
		if (!family)
			continue;
		family->declared_count--;
		family_release(&member->aggregate->set, family);
	}
	free(member->families);
	free(member->by_index);
	member->families = NULL;
	member->by_index = NULL;
}

/* Keeps the member's counts, and nothing else of what it contributes. */
static void member_settle(struct aggregate_member *member)
{
	struct series_set *set = &member->aggregate->set;
	struct contribution *contribution, *next;

	for (contribution = LIST_FIRST(&member->contributions); contribution; contribution = next) {
		next = LIST_NEXT(contribution, of_member);
		if (ring_kind_is_total(contribution->series->family->metric.kind))
			contribution_retire(set, contribution);
		else
			contribution_remove(set, contribution);
	}
}

void aggregate_leave(struct aggregate_member *member)
{
	struct aggregate *aggregate = member->aggregate;
	struct aggregate_member *before = ghost_find(aggregate, &member->identity);

	member_settle(member);
	member_retire(member);
	if (before)
		ghost_absorb(member, before);
	TAILQ_INSERT_TAIL(&aggregate->ghosts, member, of_list);
	aggregate->ghost_count++;
	ghost_release(member);
}

void aggregate_drop(struct aggregate_member *member)
{
	struct contribution *contribution;

	while ((contribution = LIST_FIRST(&member->contributions)))
		contribution_remove(&member->aggregate->set, contribution);
	member_retire(member);
	member_free(member);
}

void aggregate_trim(struct aggregate *aggregate)
{
	const struct series_set *set = &aggregate->set;

	for (; set->gone_count > AGGREGATE_GONE_SERIES_MAX; aggregate->forgotten_count++)
		series_forget(aggregate, TAILQ_FIRST(&set->gone));
	while (aggregate->ghost_count > AGGREGATE_GONE_MAX ||
	       (aggregate->ghost_count > 1 && set->retired_count > AGGREGATE_GONE_PARTS_MAX))
		ghost_absorb(&aggregate->remainder, TAILQ_FIRST(&aggregate->ghosts));
}

uint64_t aggregate_forgotten_count(const struct aggregate *aggregate)
{
	return aggregate->forgotten_count;
}

uint32_t aggregate_conflict_count(const struct aggregate_member *member)
{
	return member->conflict_count;
}

bool aggregate_can_agree(const struct aggregate_member *member, uint32_t index,
			 const struct ring_metric_info *metric)
{
	const struct family *family;

	if (member->families[index])
		return false;
	family = family_find(&member->aggregate->set, metric->name);
	return !family || family->declared_count == 0 || family_agrees(family, metric);
}

bool aggregate_changed(const struct aggregate *aggregate)
{
	return aggregate->set.stale || !LIST_EMPTY(&aggregate->set.changed);
}

int aggregate_view(struct aggregate *aggregate, struct catalog **catalog, const uint64_t **cells)
{
	return series_set_view(&aggregate->set, catalog, cells);
}
