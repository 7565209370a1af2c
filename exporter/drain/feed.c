/* SPDX-License-Identifier: MIT */
/* From samples to followers; see feed.h. */
#include <errno.h>
#include <stdlib.h>

#include "feed.h"

#define AHEAD         8u  /* samples whose followers are on their way out of memory */
#define BATCH_TALLIES 64u /* read at a time */

int feed_learn(struct source *source, uint32_t index)
{
	const struct ring_series_info *series = ring_reader_series(source->reader, index);
	const uint32_t capacity = ring_reader_header(source->reader)->series_capacity;
	enum lag_kind kind;

	if (!source->followers ||
	    !followers_want(ring_reader_metric(source->reader, series->metric), &kind))
		return 0;
	/* What many followers share says nothing about any of them. */
	if (series->overflow) {
		source->followers->refused_count++;
		return 0;
	}
	if (!source->feeds)
		source->feeds = calloc(capacity, sizeof *source->feeds);
	if (!source->feeds)
		return -ENOMEM;
	source->feeds[index] = followers_join(source->followers, kind, series->labels);
	/* What comes in another's place has tallies that were not taken in, either. */
	if (source->fed_count > index)
		source->fed_count = index;
	return 0;
}

void feed_forget(struct source *source, uint32_t index)
{
	if (!source->feeds)
		return;
	followers_leave(source->feeds[index], source);
	source->feeds[index] = (struct followers_feed){.follower = NULL};
}

void feed_close(struct source *source)
{
	feed_orphan(source);
	for (uint32_t i = 0; source->feeds && i < source->series_count; i++)
		followers_leave(source->feeds[i], source);
	free(source->feeds);
	source->feeds = NULL;
	source->fed_count = 0;
}

void feed_orphan(struct source *source)
{
	for (uint32_t i = 0; source->feeds && i < source->series_count; i++)
		followers_orphan(source->feeds[i], source);
}

/* The last lag that somebody recorded who is gone is not the lag. */
static bool is_believed(const struct source *source, struct followers_feed feed)
{
	return source->alive || feed.kind != LAG_RECORDED;
}

void feed_samples(const struct source *source, const struct ring_sample *samples,
		  const int *indexes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i + AHEAD < count && indexes[i + AHEAD] >= 0)
			followers_prefetch(source->feeds[indexes[i + AHEAD]]);
		if (indexes[i] < 0)
			continue;
		const struct followers_feed feed = source->feeds[indexes[i]];
		if (is_believed(source, feed))
			followers_observe(source->followers, feed, source, samples[i].value,
					  samples[i].timestamp_ns);
	}
}

static int recall_batch(const struct source *source, uint32_t core, const uint32_t *series,
			uint32_t count)
{
	uint64_t cells[2 * BATCH_TALLIES]; /* a gauge's value and its time */
	const enum ring_verdict verdict = ring_reader_gather(source->reader, core, series, count,
							     cells);

	for (uint32_t i = 0; i < count && verdict == RING_SOUND; i++) {
		const struct followers_feed feed = source->feeds[series[i]];
		const uint64_t time_ns = cells[2 * i + 1];
		/* What this core has never set tells nothing. */
		if ((time_ns != 0 || cells[2 * i] != RING_GAUGE_UNSET) && is_believed(source, feed))
			followers_recall(source->followers, feed, source, cells[2 * i], time_ns);
	}
	return (int)verdict;
}

static int recall_core(const struct source *source, uint32_t core, uint32_t first)
{
	uint32_t series[BATCH_TALLIES], count = 0;
	int reason = 0;

	for (uint32_t i = first; i < source->series_count && reason == 0; i++) {
		if (!source->feeds[i].follower)
			continue;
		series[count++] = i;
		if (count < BATCH_TALLIES)
			continue;
		reason = recall_batch(source, core, series, count);
		count = 0;
	}
	return reason ? reason : recall_batch(source, core, series, count);
}

int feed_tallies(struct source *source)
{
	int reason = 0;

	for (uint32_t core = 0; core < source->core_count && reason == 0; core++) {
		struct source_ring *ring = &source->rings[core];
		const uint32_t first = ring->feeds_short ? 0 : source->fed_count;
		if (first < source->series_count)
			reason = recall_core(source, core, first);
		ring->feeds_short = false;
	}
	source->fed_count = source->series_count;
	return reason;
}
