/* SPDX-License-Identifier: MIT */
/*
 * What the aggregate shows: a catalog of all series, in the order of their tree, and the value of
 * each, combined from its contributions. Both are kept in the set; only what has changed is done
 * again. Pure; one thread at a time.
 */
#ifndef VIEW_H
#define VIEW_H

#include "series.h"

/* See aggregate_view. */
int series_set_view(struct series_set *set, struct catalog **catalog, const uint64_t **cells);

#endif
