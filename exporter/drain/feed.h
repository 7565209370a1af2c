/* SPDX-License-Identifier: MIT */
/*
 * A source's records about followers, on their way from its rings to followers.h. Samples tell
 * what happened when; where some are missing, for a new series and after a loss, tallies say what
 * was last. These come after the samples, which would be too old then. The drain thread's own.
 */
#ifndef FEED_H
#define FEED_H

#include "source.h"

/* A series has come, and is somebody's. Returns 0 or -ENOMEM. */
int feed_learn(struct source *source, uint32_t index);
/* It is nobody's any more. */
void feed_forget(struct source *source, uint32_t index);
/* All feeds end. */
void feed_close(struct source *source);
/* The owner has ended, and will not correct what it has recorded. */
void feed_orphan(struct source *source);

/* Take in samples, of these series; the tallies of new series and of rings that have lost some.
 * Only for a source that has feeds. The second returns 0 or a reason to quarantine. */
void feed_samples(const struct source *source, const struct ring_sample *samples,
		  const int *indexes, size_t count);
int feed_tallies(struct source *source);

#endif
