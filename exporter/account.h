/* SPDX-License-Identifier: MIT */
/*
 * The accounts of contributions to observed series: for each core and bucket, how much of what was
 * counted is part of what was observed. An account is behind the
 * tallies by what is on its way and what was lost. Contributions without an
 * account are left alone. Pure; see aggregate.h for who calls this when.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include "series.h"

/* What the core has counted so far is not to be observed. What it carries on from the ghost, if
 * there is one, has been; else it becomes part of the base. */
void contribution_begin(struct contribution *contribution, uint32_t core,
			const struct aggregate_member *ghost, uint64_t now_ns);

/* Returns false when it is lost for want of memory. */
bool contribution_observe(struct series_set *set, struct contribution *contribution, uint32_t core,
			  double value, bool is_guarded);

/* What the core has counted now, by the last reading; and makes up for what of that is not in the
 * account by now, false meaning that there was no memory for all. */
void contribution_claim(struct contribution *contribution, uint32_t core);
bool contribution_settle(struct series_set *set, struct contribution *contribution, uint32_t core);

/* Whether account and tallies are the same. */
bool contribution_is_square(struct contribution *contribution, uint32_t core);

/* What a ghost has contributed is now part of `carried`; makes up for the rest of that. */
void contribution_carry_on(struct series_set *set, const struct contribution *ghost,
			   const uint64_t *carried);

#endif
