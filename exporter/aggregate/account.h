/* SPDX-License-Identifier: MIT */
/*
 * The accounts of a member's observed series: for each core and bucket, how much of what was
 * counted is part of what was observed. An account is behind the tallies by what is on its way and
 * what was lost. Contributions without an account are left as they are. Pure.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include "series.h"

/* Whether the member's series has one. */
bool account_is_kept(const struct aggregate_member *member, uint32_t series);

/* What the core has counted so far is not to be observed. What it carries on from the ghost, if
 * there is one, has been; else it becomes part of the base. */
void account_begin(struct aggregate_member *member, uint32_t core,
		   const struct aggregate_member *ghost, uint64_t now_ns);

/* Takes in an observation of a series that has an account; if it is guarded, only as long as the
 * core has counted more than were taken in. Returns false when it is lost for want of memory. */
bool account_observe(struct aggregate_member *member, uint32_t series, uint32_t core, double value,
		     bool is_guarded);

/* Notes what the core has counted, by the last reading. Later, when all samples of that have come
 * or are lost: makes up for those that were not taken in; false when there is no memory for all. */
void account_claim(struct aggregate_member *member, uint32_t core);
bool account_settle(struct aggregate_member *member, uint32_t core);

/* Whether all that the core has counted was taken in, and no more. */
bool account_is_square(const struct aggregate_member *member, uint32_t core);

/* No sample of the contribution will come any more. */
void account_close(struct series_set *set, struct contribution *contribution);

/* What a ghost has contributed is now part of `carried`; makes up for the rest of that. */
void account_carry_on(struct series_set *set, const struct contribution *ghost,
		      const uint64_t *carried);

#endif
