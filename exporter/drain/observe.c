/* SPDX-License-Identifier: MIT */
/* Which samples count; see observe.h. */
#include "observe.h"
#include "aggregate/account.h"

/* How much of a position is still to come; positions wrap. */
static size_t ahead(uint64_t position, uint64_t from, size_t most)
{
	const int64_t distance = (int64_t)(position - from);

	return distance <= 0 ? 0 : (uint64_t)distance < most ? (size_t)distance : most;
}

/* The last position, and one more, that a sample can have which the tallies know already. */
static int account_now(struct source *source, uint32_t core, uint64_t *tallied_pos)
{
	struct source_ring *ring = &source->rings[core];
	const int reason = source_account(source, core);

	ring->cursor = ring->account.written - ring->account.pending;
	*tallied_pos = ring->account.written + ring_reader_header(source->reader)->burst_max;
	return reason;
}

/* What has been drained at one go, and how much of it is not simply taken in. */
struct batch {
	const struct ring_sample *samples;
	const int *indexes;
	size_t guarded; /* so many of the first ones */
};

static void take(struct source *source, uint32_t core, const struct batch *batch, size_t from,
		 size_t to)
{
	bool is_complete = true;

	for (size_t i = from; i < to; i++)
		if (batch->indexes[i] < 0)
			is_complete = false;
		else if (source->observed[batch->indexes[i]])
			is_complete &= account_observe(
				source->member, (uint32_t)batch->indexes[i], core,
				ring_double_of(batch->samples[i].value), i < batch->guarded);
	if (!is_complete)
		observe_loss(source, core);
}

/* Each position is the lowest that the sample can have had: where some were dropped in between, too
 * many are passed over, guarded, or thought to be noted, which does no harm. */
static int take_carefully(struct source *source, uint32_t core, struct batch *batch, size_t count)
{
	struct source_ring *ring = &source->rings[core];
	const size_t passed_over = ahead(ring->skip_pos, ring->cursor, count);
	const size_t noted = ring->has_claim ? ahead(ring->claim_pos, ring->cursor, count) : 0;
	size_t from = passed_over;
	uint64_t tallied_pos;

	batch->guarded = ahead(ring->guard_pos, ring->cursor, count);
	int reason = account_now(source, core, &tallied_pos);
	if (reason == 0 && batch->guarded > passed_over)
		reason = source_read_touched(source, core);
	if (reason)
		return reason;
	if (noted > from) {
		take(source, core, batch, from, noted);
		from = noted;
	}
	if (ring->has_claim && (int64_t)(ring->cursor - ring->claim_pos) >= 0)
		ring->has_claim = !account_settle(source->member, core);
	take(source, core, batch, from, count);
	ring->is_careful = ring->has_claim || ahead(ring->skip_pos, ring->cursor, 1) > 0 ||
			   ahead(ring->guard_pos, ring->cursor, 1) > 0;
	return 0;
}

int observe_samples(struct source *source, uint32_t core, const struct ring_sample *samples,
		    const int *indexes, size_t count)
{
	struct batch batch = {samples, indexes, 0};

	if (source->rings[core].is_careful)
		return take_carefully(source, core, &batch, count);
	take(source, core, &batch, 0, count);
	return 0;
}

/* Whether the ring has everything that this segment has ever counted. */
static bool is_whole(const struct source *source, uint32_t core)
{
	const struct ring_account *account = &source->rings[core].account;

	return account->drained == 0 && account->dropped == 0 &&
	       !identity_is_heir(&source->identity);
}

/* How many processes have owned the segment, by the last look at its tables. */
static uint64_t owner_count(const struct source *source)
{
	/* relaxed: the reader's private copy of the header. */
	return ring_load_relaxed(&ring_reader_header(source->reader)->owner_count);
}

int observe_begin(struct source *source)
{
	int reason = 0;

	source->owner_count = owner_count(source);
	for (uint32_t core = 0; core < source->core_count && reason == 0; core++) {
		struct source_ring *ring = &source->rings[core];
		uint64_t tallied_pos;
		ring->has_claim = false;
		ring->is_careful = !aggregate_observe_from(source->member, core,
							   is_whole(source, core));
		ring->is_short = ring->is_careful || !source->alive || source->owner_count > 1;
		reason = account_now(source, core, &tallied_pos);
		ring->skip_pos = ring->is_careful ? tallied_pos : ring->cursor;
		ring->guard_pos = ring->cursor;
	}
	return reason;
}

void observe_loss(struct source *source, uint32_t core)
{
	source->rings[core].is_short = true;
}

static int settle(struct source *source, uint32_t core)
{
	struct source_ring *ring = &source->rings[core];
	const uint64_t look_pos = ring->look_pos;
	uint64_t tallied_pos;
	const int reason = account_now(source, core, &tallied_pos);

	if (reason)
		return reason;
	ring->look_pos = ring->account.written;
	if (ring->account.pending == 0 && look_pos == ring->look_pos) {
		account_claim(source->member, core);
		ring->is_short = !account_settle(source->member, core);
		ring->has_claim = false;
		ring->skip_pos = ring->cursor; /* the guard is enough */
		ring->guard_pos = tallied_pos;
		ring->is_careful = true;
	} else if (!ring->is_careful && account_is_square(source->member, core)) {
		ring->is_short = false;
	} else if (!ring->has_claim) {
		account_claim(source->member, core);
		ring->claim_pos = tallied_pos;
		ring->has_claim = true;
		ring->is_careful = true;
	}
	return 0;
}

int observe_settle(struct source *source)
{
	const uint64_t owners_before = source->owner_count;
	int reason = 0;

	source->owner_count = owner_count(source);
	for (uint32_t core = 0; core < source->core_count && source->observes && reason == 0;
	     core++) {
		/* Whoever owned it before may have died in a burst, unseen. */
		if (source->owner_count != owners_before)
			observe_loss(source, core);
		if (source->rings[core].is_short)
			reason = settle(source, core);
	}
	return reason;
}

void observe_end(struct source *source)
{
	for (uint32_t core = 0; core < source->core_count && source->observes; core++) {
		account_claim(source->member, core);
		source->rings[core].is_short = !account_settle(source->member, core);
		source->rings[core].has_claim = false;
	}
}
