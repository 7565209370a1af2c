/* SPDX-License-Identifier: MIT */
/*
 * Members come, leave and succeed one another; see aggregate.h for the rules.
 *
 * A member that leaves keeps its contributions, summed up over its cores, under its identity:
 * it is then a *ghost*. Whoever comes and carries a ghost's totals on takes over from it series
 * by series, but only where its own total is not below the ghost's. So whatever a segment
 * claims to be, no total ever goes back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate.h"
#include "series.h"

TAILQ_HEAD(member_list, aggregate_member);

struct aggregate_member {
	struct aggregate *aggregate;
	TAILQ_ENTRY(aggregate_member) of_list;
	struct aggregate_identity identity;
	uint32_t core_count;
	struct family **families; /* by metric index; NULL: a conflict */
	uint32_t metric_count;
	struct contribution **contributions; /* by series index; NULL: left out or taken over */
	uint32_t series_count;
	uint32_t conflict_count;
};

struct aggregate {
	struct series_set set;
	struct member_list members;
	struct member_list ghosts; /* the oldest first */
	uint32_t ghost_count;
};

struct aggregate *aggregate_create(void)
{
	struct aggregate *aggregate = calloc(1, sizeof *aggregate);

	if (!aggregate)
		return NULL;
	TAILQ_INIT(&aggregate->members);
	TAILQ_INIT(&aggregate->ghosts);
	return aggregate;
}

static void member_free(struct aggregate_member *member)
{
	free(member->families);
	free(member->contributions);
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

static bool uuid_same(const uint8_t *a, const uint8_t *b)
{
	static const uint8_t none[16];

	return memcmp(a, b, sizeof none) == 0 && memcmp(a, none, sizeof none) != 0;
}

static bool uuid_is_set(const uint8_t *uuid)
{
	static const uint8_t none[16];

	return memcmp(uuid, none, sizeof none) != 0;
}

bool aggregate_covers(const struct aggregate *aggregate, const uint8_t uuid[16])
{
	const struct aggregate_member *member;

	TAILQ_FOREACH (member, &aggregate->members, of_list)
		if (uuid_same(member->identity.uuid, uuid) ||
		    uuid_same(member->identity.predecessor, uuid))
			return true;
	TAILQ_FOREACH (member, &aggregate->ghosts, of_list)
		if (uuid_same(member->identity.predecessor, uuid))
			return true;
	return false;
}

int aggregate_join(struct aggregate *aggregate, struct aggregate_member **joined,
		   const struct aggregate_identity *identity, uint32_t core_count)
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

/* Empties a family that only ghosts still hold, so that its name can get another meaning. */
static void family_vacate(struct aggregate *aggregate, struct family *family)
{
	struct series *series;

	family->declared_count++; /* stays while it is being emptied */
	while ((series = LIST_FIRST(&family->series))) {
		struct contribution *contribution = LIST_FIRST(&series->contributions);
		if (contribution->member)
			contribution->member->contributions[contribution->index] = NULL;
		contribution_remove(&aggregate->set, contribution);
	}
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
		family->declared_count++;
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
	void *contributions = array_room(member->contributions, member->series_count,
					 sizeof(struct contribution *));

	if (!contributions)
		return -ENOMEM;
	member->contributions = contributions;
	if (family) {
		contribution = contribution_add(&member->aggregate->set, family, labels,
						member->core_count);
		if (!contribution)
			return -ENOMEM;
		contribution->member = member;
		contribution->index = member->series_count;
	}
	member->contributions[member->series_count++] = contribution;
	return 0;
}

void aggregate_set(struct aggregate_member *member, uint32_t series, uint32_t core,
		   const uint64_t *cells)
{
	if (member->contributions[series])
		contribution_set(&member->aggregate->set, member->contributions[series], core,
				 cells);
}

static void member_forget(struct aggregate_member *member, uint32_t index)
{
	struct contribution *contribution = member->contributions[index];

	member->contributions[index] = NULL;
	contribution_remove(&member->aggregate->set, contribution);
}

/* Whether the member has counted at least what the ghost has, in every cell that counts. */
static bool member_reaches(const struct aggregate_member *member,
			   const struct aggregate_member *ghost, const struct series *series)
{
	uint64_t own[RING_SERIES_CELLS_MAX], old[RING_SERIES_CELLS_MAX];
	/* The first cell of a histogram is its sum, which may well fall. */
	const uint32_t first = series->family->metric.kind == RING_HISTOGRAM ? 1 : 0;

	series_combine(series, member, own);
	series_combine(series, ghost, old);
	for (uint32_t i = first; i < series->family->metric.series_cells; i++)
		if (own[i] < old[i])
			return false;
	return true;
}

static bool member_contributes(const struct aggregate_member *member, const struct series *series)
{
	const struct contribution *contribution;

	LIST_FOREACH (contribution, &series->contributions, of_series)
		if (contribution->member == member)
			return true;
	return false;
}

static void ghost_free(struct aggregate_member *ghost)
{
	TAILQ_REMOVE(&ghost->aggregate->ghosts, ghost, of_list);
	ghost->aggregate->ghost_count--;
	member_free(ghost);
}

static void ghost_yield(struct aggregate_member *ghost, const struct aggregate_member *member)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < ghost->series_count; i++) {
		const struct contribution *contribution = ghost->contributions[i];
		if (!contribution)
			continue;
		if (member_contributes(member, contribution->series) &&
		    member_reaches(member, ghost, contribution->series))
			member_forget(ghost, i);
		else
			left++;
	}
	if (left == 0)
		ghost_free(ghost);
}

static struct aggregate_member *ghost_find(const struct aggregate *aggregate,
					   const uint8_t uuid[16])
{
	struct aggregate_member *ghost;

	TAILQ_FOREACH (ghost, &aggregate->ghosts, of_list)
		if (uuid_same(ghost->identity.uuid, uuid))
			return ghost;
	return NULL;
}

/* The ghost whose totals the member carries on; NULL if there is none. Its own comes first: by
 * then its predecessor's has already yielded, and what is left of that one is to stay. */
static struct aggregate_member *ghost_of(const struct aggregate_member *member)
{
	const struct aggregate_identity *identity = &member->identity;
	struct aggregate_member *ghost = ghost_find(member->aggregate, identity->uuid);

	if (!ghost)
		ghost = ghost_find(member->aggregate, identity->predecessor);
	if (ghost || !uuid_is_set(identity->predecessor))
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

/* Forgets whose the oldest ghost's counts were, and keeps the counts. */
static void ghost_melt(struct aggregate_member *ghost)
{
	struct series_set *set = &ghost->aggregate->set;

	for (uint32_t i = 0; i < ghost->series_count; i++) {
		struct contribution *contribution = ghost->contributions[i], *other;
		if (!contribution)
			continue;
		LIST_FOREACH (other, &contribution->series->contributions, of_series)
			if (!other->member)
				break;
		contribution->member = NULL;
		if (!other)
			continue;
		ring_cells_merge(&contribution->series->family->metric, other->cells,
				 contribution->cells);
		contribution_remove(set, contribution);
	}
	ghost_free(ghost);
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
}

void aggregate_leave(struct aggregate_member *member)
{
	struct aggregate *aggregate = member->aggregate;
	uint32_t left = 0;

	for (uint32_t i = 0; i < member->series_count; i++) {
		struct contribution *contribution = member->contributions[i];
		if (!contribution)
			continue;
		if (contribution->series->family->metric.kind == RING_GAUGE) {
			member_forget(member, i);
		} else {
			contribution_collapse(contribution);
			left++;
		}
	}
	member_retire(member);
	if (left == 0) {
		member_free(member);
		return;
	}
	TAILQ_INSERT_TAIL(&aggregate->ghosts, member, of_list);
	if (++aggregate->ghost_count > AGGREGATE_GONE_MAX)
		ghost_melt(TAILQ_FIRST(&aggregate->ghosts));
}

void aggregate_drop(struct aggregate_member *member)
{
	for (uint32_t i = 0; i < member->series_count; i++)
		if (member->contributions[i])
			member_forget(member, i);
	member_retire(member);
	member_free(member);
}

uint32_t aggregate_conflict_count(const struct aggregate_member *member)
{
	return member->conflict_count;
}

bool aggregate_changed(const struct aggregate *aggregate)
{
	return aggregate->set.stale || !LIST_EMPTY(&aggregate->set.changed);
}

int aggregate_view(struct aggregate *aggregate, struct catalog **catalog, const uint64_t **cells)
{
	return series_set_view(&aggregate->set, catalog, cells);
}
