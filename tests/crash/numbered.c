/* SPDX-License-Identifier: MIT */
/*
 * What a numbered sample, an account and the tallies have to be.
 */
#include "numbered.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static void __attribute__((format(printf, 2, 3)))
complain(struct follower *follower, const char *format, ...)
{
	va_list arguments;

	if (follower->complaint[0])
		return;
	va_start(arguments, format);
	vsnprintf(follower->complaint, sizeof follower->complaint, format, arguments);
	va_end(arguments);
}

static uint64_t number_at(const struct follower *follower, uint64_t position)
{
	size_t i = follower->epoch_count - 1;

	while (i > 0 && (int64_t)(position - follower->epochs[i].position) < 0)
		i--;
	return position - follower->epochs[0].position + 1 + follower->epochs[i].skipped;
}

static void check_sample(struct follower *follower, const struct ring_sample *sample,
			 uint64_t position)
{
	const uint64_t number = number_at(follower, position);
	uint64_t value = number;

	const int series = ring_reader_series_of(follower->reader, sample);
	if (series < 0) {
		complain(follower, "position %" PRIu64 ": unknown series", position);
		return;
	}
	const uint32_t metric = ring_reader_series(follower->reader, (uint32_t)series)->metric;
	if (ring_reader_metric(follower->reader, metric)->kind != RING_COUNTER)
		value = ring_bits_of((double)number);
	if (sample->timestamp_ns != numbered_time(number) || sample->value != value ||
	    ring_sample_tag(sample) != (uint16_t)number)
		complain(follower,
			 "position %" PRIu64 ": not record %" PRIu64 ", but time of %" PRIu64
			 ", value %#" PRIx64 ", tag %u",
			 position, number, ~sample->timestamp_ns, sample->value,
			 ring_sample_tag(sample));
}

size_t follower_pass(struct follower *follower)
{
	struct ring_account *account = &follower->account;
	size_t count = 0;
	enum ring_verdict verdict = ring_reader_drain(follower->reader, 0, follower->samples,
						      FOLLOWER_BATCH, &count);

	if (verdict == RING_SOUND)
		verdict = ring_reader_account(follower->reader, 0, account);
	if (verdict != RING_SOUND) {
		complain(follower, "verdict %s", ring_verdict_word(verdict));
		return 0;
	}
	follower->kept += count;
	/* The second is for what adds up modulo 2^64 although it was read twice. */
	if (account->drained != follower->kept ||
	    account->drained > account->written - follower->epochs[0].position ||
	    account->written != account->drained + account->dropped + account->pending)
		complain(follower,
			 "written %" PRIu64 " != drained %" PRIu64 " + dropped %" PRIu64
			 " + pending %" PRIu64 " (kept %" PRIu64 ")",
			 account->written, account->drained, account->dropped, account->pending,
			 follower->kept);
	const uint64_t cursor = account->drained + account->dropped;
	for (size_t i = 0; i < count; i++)
		check_sample(follower, &follower->samples[i], cursor - count + i);
	return count;
}

void follower_finish(struct follower *follower)
{
	while (!follower->complaint[0] && follower_pass(follower) > 0)
		;
	if (follower->account.pending != 0)
		complain(follower, "%" PRIu64 " pending after the last pass",
			 follower->account.pending);
}

uint64_t numbered_tallied(struct ring_reader *reader, enum ring_kind kind)
{
	uint64_t cells[SCENE_CELLS], number = 0;
	const unsigned count = scene_tallies(reader, kind, cells);

	if (kind == RING_COUNTER && count == 1)
		return cells[0];
	if (kind == RING_GAUGE && count == 2 && cells[0] != RING_GAUGE_UNSET)
		return (uint64_t)ring_double_of(cells[0]);
	if (kind == RING_HISTOGRAM)
		for (unsigned i = 1; i < count; i++)
			number += cells[i];
	return number;
}

/* How many of the numbers 1 to `number` are at most `bound`. */
static uint64_t count_up_to(double bound, uint64_t number)
{
	return bound < (double)number ? (uint64_t)bound : number;
}

static bool buckets_hold(const uint64_t *buckets, uint64_t number)
{
	uint64_t below = 0;

	for (unsigned i = 0; i < SCENE_BOUNDS; i++) {
		const uint64_t up_to = count_up_to(scene_bounds[i], number);
		if (buckets[i] != up_to - below)
			return false;
		below = up_to;
	}
	return buckets[SCENE_BOUNDS] == number - below;
}

bool numbered_tallies_hold(struct ring_reader *reader, enum ring_kind kind, uint64_t number)
{
	uint64_t cells[SCENE_CELLS];
	const unsigned count = scene_tallies(reader, kind, cells);

	if (kind == RING_COUNTER)
		return count == 1 && cells[0] == number;
	if (kind == RING_GAUGE)
		return count == 2 && ring_double_of(cells[0]) == (double)number &&
		       (cells[1] == numbered_time(number) || cells[1] == numbered_time(number - 1));
	const double sum = ring_double_of(cells[0]);
	const double whole = (double)number * (double)(number + 1) / 2;
	return count == SCENE_CELLS && buckets_hold(&cells[1], number) &&
	       (sum == whole || sum == whole - (double)number);
}
