/* SPDX-License-Identifier: MIT */
/* Which of a contribution's counts are in what was observed; see account.h. */
#include <string.h>

#include <ring/record.h>

#include "account.h"

/* Both have a bucket's count where the cells have it. */
static uint64_t *core_account(struct contribution *contribution, uint32_t core)
{
	return core_cells(contribution, contribution->core_count + core);
}

static uint64_t *core_claim(struct contribution *contribution, uint32_t core)
{
	return core_cells(contribution, 2 * contribution->core_count + core);
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

void contribution_begin(struct contribution *contribution, uint32_t core,
			const struct aggregate_member *ghost, uint64_t now_ns)
{
	struct observed *observed = contribution->series->observed;
	const uint64_t *cells = core_cells(contribution, core);
	uint64_t count = 0;

	if (!contribution->is_accounted)
		return;
	for (uint32_t i = 1; i < contribution->series_cells; i++)
		count |= core_account(contribution, core)[i] = cells[i];
	/* What it carries on has been observed, and contribution_carry_on knows how much. */
	if (count == 0 || (ghost && is_shared(contribution, ghost)))
		return;
	observed->base_sum += ring_double_of(cells[0]);
	if (!is_shared(contribution, NULL))
		observed->start_ns = now_ns;
}

bool contribution_observe(struct series_set *set, struct contribution *contribution, uint32_t core,
			  double value, bool is_guarded)
{
	struct series *series = contribution->series;
	const struct ring_metric_info *metric = &series->family->metric;
	const uint32_t bucket = ring_bounds_below(metric->bounds, metric->bound_count, value);
	uint64_t *known = &core_account(contribution, core)[1 + bucket];

	if (is_guarded && *known >= core_cells(contribution, core)[1 + bucket])
		return true;
	if (!observed_take(series->observed, bucket, value))
		return false;
	++*known;
	series_touch(set, series);
	return true;
}

void contribution_claim(struct contribution *contribution, uint32_t core)
{
	if (contribution->is_accounted)
		memcpy(core_claim(contribution, core), core_cells(contribution, core),
		       contribution->series_cells * sizeof contribution->cells[0]);
}

bool contribution_settle(struct series_set *set, struct contribution *contribution, uint32_t core)
{
	struct series *series = contribution->series;

	if (!contribution->is_accounted)
		return true;
	const uint64_t *claim = core_claim(contribution, core);
	uint64_t *account = core_account(contribution, core);
	for (uint32_t i = 1; i < contribution->series_cells; i++) {
		if (claim[i] <= account[i])
			continue;
		if (!observed_replace(series->observed, &series->family->metric, i - 1,
				      claim[i] - account[i]))
			return false;
		account[i] = claim[i];
		series_touch(set, series);
	}
	return true;
}

bool contribution_is_square(struct contribution *contribution, uint32_t core)
{
	return !contribution->is_accounted ||
	       memcmp(core_account(contribution, core) + 1, core_cells(contribution, core) + 1,
		      (contribution->series_cells - 1u) * sizeof contribution->cells[0]) == 0;
}

void contribution_carry_on(struct series_set *set, const struct contribution *ghost,
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
