/* SPDX-License-Identifier: MIT */
/*
 * From the samples of histograms to what was observed (observed.h), and what stands in for those
 * that were lost. For each core and bucket there is an account of how many observations were taken
 * in; the tallies say how many there are. But they are ahead of samples: some that they count are
 * in the ring still, or in a burst that is not published, and to make up for these would be to
 * count them twice. So after a loss, once a second:
 *
 *   - What the tallies say is noted. When the ring is so far that every sample of that must have
 *     come, what is missing was lost, and is made up for. Of a bucket that is hit all the time some
 *     may stay missing, no more than there are samples in a burst.
 *   - When nothing has come for a second, no burst is open, and all that is missing was lost. If
 *     one was open in spite of that, of its samples no more are taken in than the tallies have
 * then.
 *
 * A process that is killed in a burst leaves tallies whose samples never come, so to have another
 * owner counts as a loss. A source that has counted before it was first read is noted at once, and
 * all samples passed over that may be part of that.
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

/* All tallies have just been read: goes on with making up for losses. */
int observe_settle(struct source *source);

/* The same when no more samples will come: what is missing was lost. */
void observe_end(struct source *source);

#endif
