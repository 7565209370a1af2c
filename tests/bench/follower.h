/* SPDX-License-Identifier: MIT */
/*
 * The exporter's own way from a ring to its aggregate, without threads, clocks and pages, on a
 * mixture. It looks at no sample's value: the tallies say it. So what is checked is its account,
 * and in the end every series of the aggregate against what was recorded.
 */
#ifndef FOLLOWER_H
#define FOLLOWER_H

#include "aggregate/aggregate.h"
#include "drain/source.h"
#include "mixture.h"

struct follower {
	const struct mixture *mixture;
	struct aggregate *aggregate;
	struct source *source;
	uint64_t dropped; /* as of the last look */
	bool broken;
};

/* With native histograms or without. */
struct follower *follower_open(const struct mixture *mixture, bool observes);
void follower_close(struct follower *follower);

/* One poll, as the drain thread does it. */
void follower_pass(struct follower *follower);

/* For when nobody records: takes the rest. Whether all samples since the last look were drained. */
bool follower_finish(struct follower *follower);

/* Whether the aggregate has what was recorded, series by series. */
bool follower_check(struct follower *follower);

#endif
