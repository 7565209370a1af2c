/* SPDX-License-Identifier: MIT */
/* Which of a contribution's counts are in what was observed; see account.h. */
#include <string.h>

#include <ring/record.h>

#include "account.h"
#include "member.h"

/* Where it has that core's account; -1: it has none. */
static int index_of(const struct contribution *contribution, uint32_t core)
{
	if (!contribution->is_accounted)
		return -1;
	if (contribution->by_core)
		return contribution->core == core ? 0 : -1;
	return (int)core;
}

/* Both have a bucket's count where the cells have it. */
static uint64_t *core_account(struct contribution *contribution, int index)
{
	return core_cells(contribution, contribution->core_count + (uint32_t)index);
}

static uint64_t *core_claim(struct contribution *contribution, int index)
{
	return core_cells(contribution, 2u * contribution->core_count + (uint32_t)index);
}

/* Whether others than this one's member, and at least that one, contribute to its series. */
static bool is_shared(const struct contribution *contribution,
		      const struct aggregate_member *member)
{
	const struct contribution *other;

	LIST_FOREACH (other, &contribution->series->contributions, of_series)
		if (member ? other->member == member : other->member != contribution->member)
			return true;
	return false;
}

static void begin(struct contribution *contribution, uint32_t core,
		  const struct aggregate_member *ghost, uint64_t now_ns)
{
	struct observed *observed = contribution->series->observed;
	const int index = index_of(contribution, core);
	uint64_t count = 0;

	if (index < 0)
		return;
	const uint64_t *cells = core_cells(contribution, (uint32_t)index);
	for (uint32_t i = 1; i < contribution->series_cells; i++)
		count |= core_account(contribution, index)[i] = cells[i];
	/* What it carries on has been observed, and account_carry_on knows how much. */
	if (count == 0 || (ghost && is_shared(contribution, ghost)))
		return;
	observed->base_sum += ring_double_of(cells[0]);
	if (!is_shared(contribution, NULL))
		observed->start_ns = now_ns;
}

void account_begin(struct aggregate_member *member, uint32_t core,
		   const struct aggregate_member *ghost, uint64_t now_ns)
{
	struct contribution *contribution;

	LIST_FOREACH (contribution, &member->contributions, of_member)
		begin(contribution, core, ghost, now_ns);
}

bool account_is_kept(const struct aggregate_member *member, uint32_t series)
{
	const struct contribution *contribution = member_contribution(member, series, 0);

	return contribution && contribution->is_accounted;
}

bool account_observe(struct aggregate_member *member, uint32_t index_of_series, uint32_t core,
		     double value, bool is_guarded)
{
	struct contribution *contribution = member_contribution(member, index_of_series, core);
	struct series *series = contribution->series;
	const struct ring_metric_info *metric = &series->family->metric;
	const uint32_t bucket = ring_bounds_below(metric->bounds, metric->bound_count, value);
	const int index = index_of(contribution, core);
	uint64_t *known = &core_account(contribution, index)[1 + bucket];

	if (is_guarded && *known >= core_cells(contribution, (uint32_t)index)[1 + bucket])
		return true;
	if (!observed_take(series->observed, bucket, value))
		return false;
	++*known;
	series_touch(member->set, series);
	return true;
}

static void claim(struct contribution *contribution, int index)
{
	memcpy(core_claim(contribution, index), core_cells(contribution, (uint32_t)index),
	       contribution->series_cells * sizeof contribution->cells[0]);
}

static bool settle(struct series_set *set, struct contribution *contribution, int index)
{
	struct series *series = contribution->series;
	const uint64_t *claimed = core_claim(contribution, index);
	uint64_t *account = core_account(contribution, index);

	for (uint32_t i = 1; i < contribution->series_cells; i++) {
		if (claimed[i] <= account[i])
			continue;
		if (!observed_replace(series->observed, &series->family->metric, i - 1,
				      claimed[i] - account[i]))
			return false;
		account[i] = claimed[i];
		series_touch(set, series);
	}
	return true;
}

static bool is_square(struct contribution *contribution, int index)
{
	return memcmp(core_account(contribution, index) + 1,
		      core_cells(contribution, (uint32_t)index) + 1,
		      (contribution->series_cells - 1u) * sizeof contribution->cells[0]) == 0;
}

void account_claim(struct aggregate_member *member, uint32_t core)
{
	struct contribution *contribution;

	LIST_FOREACH (contribution, &member->contributions, of_member) {
		const int index = index_of(contribution, core);
		if (index >= 0)
			claim(contribution, index);
	}
}

bool account_settle(struct aggregate_member *member, uint32_t core)
{
	struct contribution *contribution;
	bool is_settled = true;

	LIST_FOREACH (contribution, &member->contributions, of_member) {
		const int index = index_of(contribution, core);
		if (index >= 0)
			is_settled &= settle(member->set, contribution, index);
	}
	return is_settled;
}

bool account_is_square(const struct aggregate_member *member, uint32_t core)
{
	struct contribution *contribution;

	LIST_FOREACH (contribution, &member->contributions, of_member) {
		const int index = index_of(contribution, core);
		if (index >= 0 && !is_square(contribution, index))
			return false;
	}
	return true;
}

void account_close(struct series_set *set, struct contribution *contribution)
{
	for (int index = 0; contribution->is_accounted && index < contribution->core_count;
	     index++) {
		claim(contribution, index);
		settle(set, contribution, index);
	}
	contribution->is_accounted = false;
}

void account_carry_on(struct series_set *set, const struct contribution *ghost,
		      const uint64_t *carried)
{
	struct series *series = ghost->series;

	if (!series->observed)
		return;
	for (uint32_t i = 1; i < ghost->series_cells; i++)
		if (carried[i] > ghost->cells[i])
			observed_replace(series->observed, &series->family->metric, i - 1,
					 carried[i] - ghost->cells[i]);
	series_touch(set, series);
}
