/* SPDX-License-Identifier: MIT */
/*
 * What a filter takes of a part of a snapshot, as a part of its own, so that whatever shows a
 * snapshot shows this too. Which series they are is decided once for a catalog; their values are
 * copied for each snapshot. Pure; one thread at a time.
 */
#ifndef SUBSET_H
#define SUBSET_H

#include "aggregate/snapshot.h"
#include "filter.h"

struct subset {
	struct catalog *of;      /* held; NULL: of nothing yet */
	struct catalog *catalog; /* of what is taken */
	size_t *from;            /* the first cell that each series has in the whole */
	uint64_t *cells;
	uint64_t *observed;
	size_t observed_capacity; /* words */
};

/* Of this catalog from now on. Returns 0, or -ENOMEM with nothing. */
int subset_choose(struct subset *subset, const struct filter *filter, struct catalog *of,
		  bool is_data);
void subset_release(struct subset *subset);

/* Takes the values from those of the whole catalog. They stand until the next time. Returns 0 or
 * -ENOMEM. */
int subset_fill(struct subset *subset, const struct snapshot_values *whole,
		struct snapshot_values *taken);

#endif
