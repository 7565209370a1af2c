/* SPDX-License-Identifier: MIT */
/* From rings to touched series to tallies; see drain.h. */
#include "drain.h"
#include "feed.h"
#include "observe.h"

#define BATCH_SAMPLES 512u

/* Marks what the samples touch, without a branch on what they are; returns how many belong to
 * no series that the reader knows. */
static uint64_t touch(struct source *source, const struct ring_sample *samples, size_t count,
		      int *indexes)
{
	uint64_t unknown = 0;

	ring_reader_resolve(source->reader, samples, count, indexes);
	for (size_t i = 0; i < count; i++) {
		const uint32_t at = (uint32_t)(indexes[i] + 1);
		source->touched[at] = 1;
		source->touched_blocks[at / SOURCE_BLOCK] = 1;
		unknown += at == 0;
	}
	return unknown;
}

/* How many of the samples that belong to no series never did, as far as the reader knows. */
static uint64_t count_strays(const struct source *source, const struct ring_sample *samples,
			     const int *indexes, size_t count)
{
	uint64_t strays = 0;

	for (size_t i = 0; i < count; i++)
		strays += indexes[i] < 0 && !ring_reader_is_history(source->reader, &samples[i]);
	return strays;
}

/* Samples of new series may come before the tables were read again; after that, none of a sound
 * segment are left, and in one that is not, there is no use in reading them again and again. */
static int judge(struct source *source, uint32_t core, const struct ring_sample *samples,
		 size_t count, bool *is_hopeless)
{
	int indexes[BATCH_SAMPLES];
	uint64_t strays = 0;

	if (touch(source, samples, count, indexes) > 0)
		strays = count_strays(source, samples, indexes, count);
	if (strays > 0 && !*is_hopeless) {
		const int reason = source_refresh(source);
		if (reason)
			return reason;
		touch(source, samples, count, indexes);
		strays = count_strays(source, samples, indexes, count);
		*is_hopeless = strays > 0;
	}
	if (source->feeds)
		feed_samples(source, samples, indexes, count);
	source->rings[core].rejected += strays;
	return source->observes ? observe_samples(source, core, samples, indexes, count) : 0;
}

static int drain_ring(struct source *source, uint32_t core, bool *is_hopeless)
{
	struct source_ring *ring = &source->rings[core];
	const uint64_t dropped_before = ring->account.dropped;
	struct ring_sample samples[BATCH_SAMPLES];
	uint64_t room = ring_reader_header(source->reader)->slot_count;
	size_t count;
	int reason;

	do {
		const size_t max = room < BATCH_SAMPLES ? room : BATCH_SAMPLES;
		reason = (int)ring_reader_drain(source->reader, core, samples, max, &count);
		if (reason == 0 && count > 0)
			reason = judge(source, core, samples, count, is_hopeless);
		room -= count;
		/* Few samples are no sign of the end: a pass that was overtaken goes on half a ring
		 * behind the writer, and ending it there would be to be overtaken again. */
	} while (reason == 0 && count > 0 && room > 0);
	if (reason == 0)
		reason = source_account(source, core);
	if (reason)
		return reason;
	if (ring->account.dropped == dropped_before)
		return source_read_touched(source, core);
	ring->feeds_short = true;
	observe_loss(source, core);
	return source_read_core(source, core);
}

/* When a quarter of the ring is full at the rate of the time that has passed. */
static uint64_t quarter_ns(uint64_t slot_count, uint64_t written, uint64_t elapsed_ns)
{
	if (written == 0)
		return DRAIN_INTERVAL_NS_MAX;
	/* In doubles, where the product cannot overflow. */
	const double ns = (double)slot_count / 4 * (double)elapsed_ns / (double)written;
	return ns < (double)DRAIN_INTERVAL_NS_MAX ? (uint64_t)ns : DRAIN_INTERVAL_NS_MAX;
}

int drain_source(struct source *source, uint64_t elapsed_ns, uint64_t *fill_ns)
{
	const uint64_t slot_count = ring_reader_header(source->reader)->slot_count;
	bool is_hopeless = false;

	for (uint32_t core = 0; core < source->core_count; core++) {
		const uint64_t written_before = source->rings[core].account.written;
		const int reason = drain_ring(source, core, &is_hopeless);
		if (reason)
			return reason;
		const uint64_t written = source->rings[core].account.written - written_before;
		const uint64_t ns = quarter_ns(slot_count, written, elapsed_ns);
		if (ns < *fill_ns)
			*fill_ns = ns;
	}
	return source->feeds ? feed_tallies(source) : 0;
}

int drain_source_end(struct source *source)
{
	uint64_t fill_ns = DRAIN_INTERVAL_NS_MAX;
	int reason = source_refresh(source);

	if (reason == 0)
		reason = drain_source(source, DRAIN_INTERVAL_NS_MAX, &fill_ns);
	feed_orphan(source);
	if (reason == 0)
		reason = source_read_all(source);
	if (reason == 0)
		observe_end(source);
	return reason;
}

int drain_look_after(struct source *source)
{
	const bool was_alive = source->alive;

	source->looked_after = true;
	source_check_owner(source);
	/* Whatever a dead owner did is visible now, so this is the last word. */
	if (was_alive && !source->alive)
		return drain_source_end(source);
	int reason = source_refresh(source);
	if (reason == 0 && source->alive)
		reason = source_read_all(source);
	return reason ? reason : observe_settle(source);
}

uint64_t drain_interval_ns(uint64_t previous_ns, uint64_t fill_ns)
{
	uint64_t interval_ns = fill_ns;

	/* Traffic comes in bursts: after one, back off by doubling. */
	if (interval_ns > 2 * previous_ns)
		interval_ns = 2 * previous_ns;
	if (interval_ns < DRAIN_INTERVAL_NS_MIN)
		return DRAIN_INTERVAL_NS_MIN;
	return interval_ns < DRAIN_INTERVAL_NS_MAX ? interval_ns : DRAIN_INTERVAL_NS_MAX;
}
