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

#include "account.h"
#include "aggregate.h"
#include "member.h"
#include "view.h"

TAILQ_HEAD(member_list, aggregate_member);

struct aggregate {
	struct series_set set;
	uint64_t now_ns; /* since 1970 */
	struct member_list members;
	struct member_list ghosts; /* the oldest first */
	uint32_t ghost_count;
	uint64_t heir_last;                /* the number of the last one */
	struct aggregate_member remainder; /* what ghosts that have melted contributed */
	uint64_t forgotten_count;
	uint64_t retention_ns;
	struct shape shape;
	bool splits_cores; /* of some metrics */
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

void aggregate_set_time(struct aggregate *aggregate, uint64_t wall_ns)
{
	aggregate->now_ns = wall_ns;
}

void aggregate_start_member(struct aggregate_member *member, uint64_t wall_ns)
{
	member->start_ns = wall_ns;
}

void aggregate_limit(struct aggregate *aggregate, const struct aggregate_limits *limits)
{
	aggregate->set.series_max = limits->series_max;
	aggregate->retention_ns = limits->retention_ns;
}

void aggregate_shape(struct aggregate *aggregate, const struct shape *shape)
{
	aggregate->shape = *shape;
	aggregate->set.constant_count = shape->labels ? shape->labels->count : 0;
	for (size_t i = 0; i < shape->rule_count; i++)
		aggregate->splits_cores |= shape->rules[i].split.by_core;
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
	struct family *family = family_get(&aggregate->set.families, &metric, 0);

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
	member->set = &aggregate->set;
	member->identity = *identity;
	member->start_ns = identity->created_ns > 0 ? identity->created_ns : aggregate->now_ns;
	member->core_count = core_count;
	member->splits_cores = aggregate->splits_cores;
	TAILQ_INSERT_TAIL(&aggregate->members, member, of_list);
	*joined = member;
	return 0;
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
	family_release(&aggregate->set.families, family);
}

/* The family that the metric is shown in; `*found` is NULL for a conflict. */
static int family_for(struct aggregate *aggregate, const struct shape_metric *shown,
		      struct family **found)
{
	void **families = &aggregate->set.families;
	struct family *family = family_find(families, shown->metric.name);

	if (family && family->declared_count == 0 && !family_agrees(family, &shown->metric))
		family_vacate(aggregate, family);
	family = family_get(families, &shown->metric, shape_split_count(shown->split));
	if (family)
		*found = family_agrees(family, &shown->metric) ? family : NULL;
	return family ? 0 : -ENOMEM;
}

/* Rules may have given two metrics of a segment one name. */
static bool is_there_twice(const struct aggregate_member *member, const struct family *family)
{
	return member->aggregate->shape.rule_count > 0 && member_has(member, family);
}

int aggregate_add_metric(struct aggregate_member *member, const struct ring_metric_info *metric)
{
	struct aggregate *aggregate = member->aggregate;
	struct shape_metric shown;
	struct family *family = NULL;
	int error = 0;

	if (shape_metric(&aggregate->shape, metric, member->core_count, &shown))
		error = family_for(aggregate, &shown, &family);
	if (family && is_there_twice(member, family))
		family = NULL;
	if (error == 0)
		error = member_add_metric(member, family, shown.split);
	if (error == 0 && family)
		family_declare(family, &shown.metric);
	return error;
}

void aggregate_set(struct aggregate_member *member, uint32_t series, uint32_t core,
		   const uint64_t *cells)
{
	member_set(member, &member->aggregate->set, series, core, cells);
}

void aggregate_observe_all(struct aggregate *aggregate)
{
	aggregate->set.observes = true;
}

/* What the member has of the ghost's counts is the member's from now on. */
static void ghost_yield(struct aggregate_member *ghost, const struct aggregate_member *member)
{
	struct series_set *set = &ghost->aggregate->set;
	struct contribution *contribution, *next;
	uint64_t carried[RING_SERIES_CELLS_MAX];

	for (contribution = LIST_FIRST(&ghost->contributions); contribution; contribution = next) {
		next = LIST_NEXT(contribution, of_member);
		if (!series_combine(contribution->series, member, carried))
			continue;
		account_carry_on(set, contribution, carried);
		if (!contribution_reduce(set, contribution, carried))
			contribution_remove(set, contribution);
	}
	ghost_release(ghost);
}

/* What is kept apart: a successor has the totals of cores that it lacks in core 0, and a segment
 * whose file has another name now has all under that one. The ghost follows, to yield. */
static void ghost_resemble(struct aggregate_member *ghost, const struct aggregate_member *member)
{
	const bool is_same = identity_is_same(&ghost->identity, &member->identity);
	const char *name = is_same ? member->identity.name : ghost->identity.name;
	const bool is_renamed = strcmp(ghost->identity.name, name) != 0;
	struct contribution *contribution, *next;

	for (contribution = LIST_FIRST(&ghost->contributions); contribution; contribution = next) {
		next = LIST_NEXT(contribution, of_member);
		const bool is_lacking = contribution->core >= member->core_count;
		if (is_lacking || (contribution->by_segment && is_renamed))
			contribution_move(&ghost->aggregate->set, contribution, name,
					  is_lacking ? 0 : contribution->core);
	}
	if (is_renamed)
		memcpy(ghost->identity.name, name, sizeof ghost->identity.name);
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

/* Once, before its first series: marks those of its ghost, where it goes on, though one that had no
 * room then might have a place of its own by now. */
static void look_back(struct aggregate_member *member)
{
	const struct contribution *contribution;

	if (member->has_looked_back)
		return;
	member->has_looked_back = true;
	struct aggregate_member *ghost = ghost_of(member);
	if (!ghost)
		return;
	ghost_resemble(ghost, member);
	member->heir = ++member->aggregate->heir_last;
	LIST_FOREACH (contribution, &ghost->contributions, of_member)
		contribution->series->heir = member->heir;
}

int aggregate_add_place(struct aggregate_member *member)
{
	return member_add_place(member);
}

int aggregate_name_series(struct aggregate_member *member, uint32_t series, uint32_t metric,
			  struct ring_text labels)
{
	look_back(member);
	return member_name_series(member, &member->aggregate->shape,
				  &(struct member_series){series, metric, labels});
}

int aggregate_add_series(struct aggregate_member *member, uint32_t metric, struct ring_text labels)
{
	const int error = aggregate_add_place(member);

	return error ? error
		     : aggregate_name_series(member, member->series_count - 1, metric, labels);
}

void aggregate_forget_series(struct aggregate_member *member, uint32_t series)
{
	member_forget_series(member, series);
}

bool aggregate_observe_from(struct aggregate_member *member, uint32_t core, bool is_whole)
{
	const struct aggregate_member *ghost = ghost_of(member);

	if (is_whole && !ghost)
		return true;
	account_begin(member, core, ghost, member->aggregate->now_ns);
	return false;
}

void aggregate_admit(struct aggregate_member *member)
{
	struct aggregate_member *ghost = ghost_of(member);

	look_back(member);
	member->heir = 0;
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
static void member_withdraw(struct aggregate_member *member)
{
	TAILQ_REMOVE(&member->aggregate->members, member, of_list);
	for (uint32_t i = 0; i < member->metric_count; i++) {
		struct family *family = member->metrics[i].family;
		if (!family)
			continue;
		family->declared_count--;
		family_release(&member->aggregate->set.families, family);
	}
	member_retire(member);
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
	member_withdraw(member);
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
	member_withdraw(member);
	member_free(member);
}

/* Whether the series that has been gone for longest is to be forgotten. */
static bool is_over(const struct aggregate *aggregate, uint64_t now_ns)
{
	const struct series *oldest = TAILQ_FIRST(&aggregate->set.gone);

	return aggregate->set.gone_count > AGGREGATE_GONE_SERIES_MAX ||
	       (aggregate->retention_ns > 0 && oldest &&
		now_ns - oldest->gone_ns >= aggregate->retention_ns);
}

void aggregate_trim(struct aggregate *aggregate, uint64_t now_ns)
{
	const struct series_set *set = &aggregate->set;
	struct series *series;

	TAILQ_FOREACH_REVERSE (series, &set->gone, series_queue, of_gone) {
		if (series->gone_ns != 0)
			break;
		series->gone_ns = now_ns;
	}
	for (; is_over(aggregate, now_ns); aggregate->forgotten_count++)
		series_forget(aggregate, TAILQ_FIRST(&set->gone));
	while (aggregate->ghost_count > AGGREGATE_GONE_MAX ||
	       (aggregate->ghost_count > 1 && set->retired_count > AGGREGATE_GONE_PARTS_MAX))
		ghost_absorb(&aggregate->remainder, TAILQ_FIRST(&aggregate->ghosts));
}

uint64_t aggregate_forgotten_count(const struct aggregate *aggregate)
{
	return aggregate->forgotten_count;
}

uint64_t aggregate_overflowed_count(const struct aggregate *aggregate)
{
	return aggregate->set.overflowed_count;
}

uint32_t aggregate_series_count(const struct aggregate *aggregate)
{
	return aggregate->set.named_count;
}

uint32_t aggregate_conflict_count(const struct aggregate_member *member)
{
	return member->conflict_count;
}

bool aggregate_can_agree(const struct aggregate_member *member, uint32_t index,
			 const struct ring_metric_info *metric)
{
	const struct aggregate *aggregate = member->aggregate;
	const struct family *family;
	struct shape_metric shown;

	if (member->metrics[index].family ||
	    !shape_metric(&aggregate->shape, metric, member->core_count, &shown))
		return false;
	family = family_find(&aggregate->set.families, shown.metric.name);
	return !family || family->declared_count == 0 ||
	       (family_agrees(family, &shown.metric) && !is_there_twice(member, family));
}

bool aggregate_changed(const struct aggregate *aggregate)
{
	return aggregate->set.stale || !LIST_EMPTY(&aggregate->set.changed);
}

const uint64_t *aggregate_observed(const struct aggregate *aggregate, size_t *word_count)
{
	*word_count = aggregate->set.observed_count;
	return aggregate->set.observed;
}

int aggregate_view(struct aggregate *aggregate, struct catalog **catalog, const uint64_t **cells)
{
	return series_set_view(&aggregate->set, catalog, cells);
}
