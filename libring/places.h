/* SPDX-License-Identifier: MIT */
/*
 * Which entry of the series table a name gets, and when it loses it. With the registry's mutex
 * held.
 */
#ifndef RING_INTERNAL_PLACES_H
#define RING_INTERNAL_PLACES_H

#include "tables.h"

/* Takes in the entry of that number of an owner before. What its gauges and states stood for is
 * over, so that their places are free, and the first to ask for the same names have them back.
 * Returns 0 or -ENOMEM. */
int ring_place_adopt(struct ring_registry *registry, uint32_t number);

/* Whether the labels are those of an overflow series. */
bool ring_place_is_overflow(const struct ring_registry *registry, const struct metric *metric,
			    struct ring_text labels);

/* The overflow series that stands for the labels, or NULL if memory is short. */
struct series *ring_place_overflow(struct ring_registry *registry, struct metric *metric,
				   struct ring_text labels);

/* The series of these labels, or the one that stands for all that came too late; NULL if memory is
 * short. */
struct series *ring_place_admit(struct ring_registry *registry, struct metric *metric,
				struct ring_text labels);

/* Nobody has the series of these labels any more; it is a gauge's or state set's. Returns whether
 * somebody had. */
bool ring_place_forget(struct ring_registry *registry, struct metric *metric,
		       struct ring_text labels);

/* Shows readers what was added, and then everybody else. Before the mutex is let go. */
void ring_places_announce(struct ring_registry *registry);

#endif
