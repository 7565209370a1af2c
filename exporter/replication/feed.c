/* SPDX-License-Identifier: MIT */
/* From samples to followers; see feed.h. */
#include <errno.h>
#include <stdlib.h>

#include "feed.h"

#define AHEAD 8u /* samples whose followers are on their way out of memory */

int feed_learn(struct source *source, uint32_t index)
{
	const struct ring_series_info *series = ring_reader_series(source->reader, index);
	const uint32_t capacity = ring_reader_header(source->reader)->series_capacity;
	enum lag_kind kind;

	/* What many followers share says nothing about any of them. */
	if (!source->followers || series->overflow ||
	    !followers_want(ring_reader_metric(source->reader, series->metric), &kind))
		return 0;
	if (!source->feeds)
		source->feeds = calloc(capacity, sizeof *source->feeds);
	if (!source->feeds)
		return -ENOMEM;
	source->feeds[index] = followers_join(source->followers, kind, series->labels);
	source->feeds_short = true;
	return 0;
}

void feed_close(struct source *source)
{
	for (uint32_t i = 0; source->feeds && i < source->series_count; i++)
		followers_leave(source->feeds[i]);
	free(source->feeds);
	source->feeds = NULL;
}

void feed_orphan(struct source *source)
{
	for (uint32_t i = 0; source->feeds && i < source->series_count; i++)
		followers_orphan(source->feeds[i]);
}

static void observe(const struct source *source, uint32_t index, uint64_t bits, uint64_t time_ns)
{
	const struct followers_feed feed = source->feeds[index];

	/* The last lag that somebody recorded who is gone is not the lag. */
	if (source->alive || feed.kind != LAG_RECORDED)
		followers_observe(source->followers, feed, bits, time_ns);
}

void feed_samples(const struct source *source, const struct ring_sample *samples,
		  const int *indexes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i + AHEAD < count && indexes[i + AHEAD] >= 0)
			followers_prefetch(source->feeds[indexes[i + AHEAD]]);
		if (indexes[i] >= 0)
			observe(source, (uint32_t)indexes[i], samples[i].value,
				samples[i].timestamp_ns);
	}
}

static int observe_tallies(const struct source *source, uint32_t core)
{
	uint64_t cells[2]; /* of a gauge */

	for (uint32_t i = 0; i < source->series_count; i++) {
		if (!source->feeds[i].follower)
			continue;
		const enum ring_verdict verdict = ring_reader_gather(source->reader, core, &i, 1,
								     cells);
		if (verdict != RING_SOUND)
			return (int)verdict;
		if (cells[1] != 0) /* else this core has never set it */
			observe(source, i, cells[0], cells[1]);
	}
	return 0;
}

int feed_tallies(struct source *source)
{
	int reason = 0;

	source->feeds_short = false;
	if (!source->feeds)
		return 0;
	for (uint32_t core = 0; core < source->core_count && reason == 0; core++)
		reason = observe_tallies(source, core);
	return reason;
}
