/* SPDX-License-Identifier: MIT */
/*
 * How much of their budgets a source's metrics use, and the first names that had no place, as
 * metrics of the exporter's own. There are many, and they change seldom.
 *
 * All of it belongs to the drain thread.
 */
#ifndef USAGE_H
#define USAGE_H

#include "source.h"

/* Keeps the names from the metrics of data planes. */
int usage_reserve(struct aggregate *data);

/* Whether one of the metrics has that label. */
bool usage_uses_label(struct ring_text key);

/* Brings the figures of a source that is followed up to date, if it has been looked after since the
 * last time. Returns 0 or -ENOMEM. */
int usage_update(struct source *source, struct aggregate *aggregate);

/* Nothing of them stays. */
void usage_close(struct source *source);

#endif
