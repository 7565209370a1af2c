/* SPDX-License-Identifier: MIT */
/*
 * From the samples of histograms to what was observed (observed.h), and what stands in for those
 * that were lost. For each core and bucket there is an account of how many observations were
 * taken in; the tallies say how many there are. After a loss, when the ring has been drained, the
 * difference is made up for once a second.
 *
 * Tallies are ahead of samples: some of the difference may be in the ring still, or in a burst that
 * is not published. Its samples come after they were made up for, and must not be counted again.
 * So until the ring is past the last position that such a sample can have,
 *   - what stood before the position that was known before the tallies were read is passed over:
 *     they contain it;
 *   - of what comes after, no more is taken in than the tallies have, which are read anew.
 * The same holds where a source is first read that has counted before.
 *
 * The drain thread's own.
 */
#ifndef OBSERVE_H
#define OBSERVE_H

#include "source.h"

/* Takes in what has just been drained. Returns 0 or a reason to quarantine. */
int observe_samples(struct source *source, uint32_t core, const struct ring_sample *samples,
		    const int *indexes, size_t count);

/* All tallies have been read for the first time: the source counts from now on. */
int observe_begin(struct source *source);

/* The core's samples are not all that there are: some were lost. */
void observe_loss(struct source *source, uint32_t core);

/* All tallies have just been read: makes up for losses. */
int observe_settle(struct source *source);

#endif
