/* SPDX-License-Identifier: MIT */
/*
 * The promises, one function each. Positions wrap, so they are compared as distances
 * from the first one. `intact` is as far as a slot behind write_pos can be and still
 * hold its sample whatever the writer does next: the reader may keep no more than that
 * and must not lose any of it.
 */
#include <string.h>

#include "promises.h"

/* written = drained + dropped + pending, where the cursor is drained + dropped. */
static const char *promises_accounts(const struct ring_case *c, const struct history *history,
				     const struct pass *pass, uint64_t intact)
{
	const struct ring_batch *batch = &pass->batch;
	const uint64_t before = pass->cursor - history->first_pos;
	const uint64_t after = before + batch->dropped + batch->kept;
	const uint64_t written = batch->written - history->first_pos;

	if (batch->kept > c->batch_max || batch->first > c->batch_max - batch->kept)
		return "more kept than there was room for";
	if (batch->dropped > history->put_count || after < before)
		return "the cursor moves back";
	if (after > written)
		return "the cursor is ahead of write_pos";
	if (written - after > intact)
		return "the cursor stands where samples are overwritten already";
	return NULL;
}

static const char *promises_samples(const struct history *history, const struct pass *pass)
{
	const struct ring_batch *batch = &pass->batch;
	const uint64_t begin = pass->cursor + batch->dropped - history->first_pos;

	for (size_t i = 0; i < batch->kept; i++) {
		const struct ring_sample *kept = &pass->out[batch->first + i];
		const struct ring_sample *put = &history->samples[begin + i];
		if (memcmp(kept, put, sizeof *kept) != 0)
			return "a sample kept is torn, or another one's";
	}
	return NULL;
}

/* Only a reader that was overtaken in the whole batch may skip what is intact. */
static const char *promises_losses(const struct ring_case *c, const struct pass *pass,
				   uint64_t intact)
{
	const struct ring_batch *batch = &pass->batch;
	const uint64_t behind = batch->written - pass->cursor;
	const uint64_t lost = behind > intact ? behind - intact : 0;
	const uint64_t pending = behind - batch->dropped - batch->kept;

	if (batch->dropped > lost && (batch->kept != 0 || pending != intact / 2))
		return "an intact sample is dropped";
	if (!pass->at_rest)
		return NULL;
	if (batch->dropped != lost)
		return "the ring is at rest and an intact sample is dropped";
	if (batch->kept != (behind - lost < c->batch_max ? behind - lost : c->batch_max))
		return "the ring is at rest and an intact sample is left behind";
	return NULL;
}

/* Whoever has seen a position has seen every tally of the samples before it. */
static const char *promises_tallies(const struct history *history, const struct pass *pass)
{
	const uint64_t written = pass->batch.written - history->first_pos;

	for (size_t i = 0; i < HISTORY_CELLS; i++)
		if (pass->cells[i] < history->cells[written][i])
			return "a tally is behind its samples";
	return NULL;
}

const char *promises_judge(const struct ring_case *c, const struct history *history,
			   const struct pass *pass)
{
	const uint64_t intact = c->slot_count - c->burst_max;
	const char *broken = promises_accounts(c, history, pass, intact);

	if (!broken)
		broken = promises_samples(history, pass);
	if (!broken)
		broken = promises_losses(c, pass, intact);
	if (!broken && c->tallies)
		broken = promises_tallies(history, pass);
	if (!broken && pass->at_rest &&
	    pass->batch.written != history->first_pos + history->put_count)
		broken = "the writer left a sample unpublished";
	return broken;
}
