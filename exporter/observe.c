/* SPDX-License-Identifier: MIT */
/* Which samples count; see observe.h. */
#include "observe.h"

/* What the batch that ends at the cursor is, as far as samples before it were made up for. */
struct caution {
	size_t passed_over;
	bool guarded; /* the rest */
};

/* What the tallies have just said is taken in, whatever samples of it are still to come. */
static int take_care(struct source *source, uint32_t core)
{
	struct source_ring *ring = &source->rings[core];
	const uint32_t burst_max = ring_reader_header(source->reader)->burst_max;
	const uint64_t known_pos = ring->account.written; /* read before the tallies */
	const int reason = source_account(source, core);

	if (reason)
		return reason;
	ring->known_pos = known_pos;
	ring->doubt_pos = ring->account.written + burst_max;
	ring->cursor = ring->account.written - ring->account.pending;
	ring->is_careful = true;
	return 0;
}

/* Samples may have been dropped before and after the batch, so its positions are known within
 * limits. */
static int look_out(struct source *source, uint32_t core, size_t count, struct caution *caution)
{
	struct source_ring *ring = &source->rings[core];
	const uint64_t before = ring->cursor;
	const int reason = source_account(source, core);

	if (reason)
		return reason;
	ring->cursor = ring->account.written - ring->account.pending;
	const int64_t known = (int64_t)(ring->known_pos - (ring->cursor - count));
	caution->passed_over = known <= 0 ? 0 : (uint64_t)known < count ? (size_t)known : count;
	caution->guarded = (int64_t)(ring->doubt_pos - (before + caution->passed_over)) > 0;
	ring->is_careful = (int64_t)(ring->doubt_pos - ring->cursor) > 0;
	if (caution->passed_over == count || !caution->guarded)
		return 0;
	return source_read_core(source, core);
}

int observe_samples(struct source *source, uint32_t core, const struct ring_sample *samples,
		    const int *indexes, size_t count)
{
	struct caution caution = {0, false};
	bool is_complete = true;

	if (source->rings[core].is_careful) {
		const int reason = look_out(source, core, count, &caution);
		if (reason)
			return reason;
	}
	for (size_t i = caution.passed_over; i < count; i++)
		if (indexes[i] < 0)
			is_complete = false;
		else if (source->observed[indexes[i]])
			is_complete &= aggregate_observe(source->member, (uint32_t)indexes[i], core,
							 ring_double_of(samples[i].value),
							 caution.guarded);
	if (!is_complete)
		observe_loss(source, core);
	return 0;
}

/* Whether the ring has everything that this segment has ever counted. */
static bool is_whole(const struct source *source, uint32_t core)
{
	const struct ring_account *account = &source->rings[core].account;

	return account->drained == 0 && account->dropped == 0 &&
	       !identity_is_heir(&source->identity);
}

int observe_begin(struct source *source)
{
	int reason = 0;

	for (uint32_t core = 0; core < source->core_count && reason == 0; core++) {
		const bool is_new = aggregate_observe_from(source->member, core,
							   is_whole(source, core));
		source->rings[core].is_short = !is_new || !source->alive;
		source->rings[core].is_careful = false;
		if (source->observes && !is_new)
			reason = take_care(source, core);
	}
	return reason;
}

void observe_loss(struct source *source, uint32_t core)
{
	source->rings[core].is_short = true;
}

int observe_settle(struct source *source)
{
	int reason = 0;

	for (uint32_t core = 0; core < source->core_count && source->observes && reason == 0;
	     core++) {
		struct source_ring *ring = &source->rings[core];
		if (!ring->is_short)
			continue;
		ring->is_short = !aggregate_settle(source->member, core);
		reason = take_care(source, core);
	}
	return reason;
}
