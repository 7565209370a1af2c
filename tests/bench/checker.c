/* SPDX-License-Identifier: MIT */
/* Sample by sample; see checker.h. */
#include "checker.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 512u

/* Labels are decimal numbers. */
static uint32_t number_of(struct ring_text labels)
{
	struct ring_text value;
	char text[12] = "";

	if (ring_label_next(&labels, &value) && value.bytes < sizeof text)
		memcpy(text, value.data, value.bytes);
	return (uint32_t)strtoul(text, NULL, 10);
}

static bool allocate(struct checker *checker)
{
	const unsigned count = checker->mixture->series_count;

	checker->totals = calloc(count, sizeof *checker->totals);
	bool enough = checker->totals;
	for (unsigned kind = RING_COUNTER; kind <= MIXTURE_KINDS; kind++) {
		checker->keys[kind] = calloc(count, sizeof *checker->keys[kind]);
		enough = enough && checker->keys[kind];
	}
	return enough || bench_fail("no memory for a checker");
}

static bool read_tables(struct checker *checker)
{
	const struct ring_reader *reader = checker->reader;
	const uint32_t capacity = ring_reader_header(reader)->cell_capacity;

	if (ring_reader_refresh(checker->reader) != RING_SOUND)
		return bench_fail("the tables cannot be read");
	for (uint32_t i = 0; i < ring_reader_series_count(reader); i++) {
		const struct ring_series_info *series = ring_reader_series(reader, i);
		const enum ring_kind kind = ring_reader_metric(reader, series->metric)->kind;
		const uint32_t number = number_of(series->labels);
		/* An overflow series has no number and comes first. */
		if (number < checker->mixture->series_count)
			checker->keys[kind][number] = (uint32_t)(series->cell - capacity) |
						      (uint64_t)(uint16_t)series->generation << 32;
	}
	return true;
}

struct checker *checker_open(const struct mixture *mixture)
{
	struct checker *checker = calloc(1, sizeof *checker);

	if (!checker)
		return NULL;
	checker->mixture = mixture;
	if (ring_reader_open(&checker->reader, AT_FDCWD, ring_segment_path(mixture->segment)) ==
		    0 &&
	    allocate(checker) && read_tables(checker))
		return checker;
	checker_close(checker);
	bench_fail("the mixture cannot be checked");
	return NULL;
}

void checker_close(struct checker *checker)
{
	if (checker->reader)
		ring_reader_close(checker->reader);
	for (unsigned kind = RING_COUNTER; kind <= MIXTURE_KINDS; kind++)
		free(checker->keys[kind]);
	free(checker->totals);
	free(checker);
}

static bool is_right(struct checker *checker, const struct ring_sample *sample, uint64_t number)
{
	const enum ring_kind kind = mixture_kind(checker->mixture, number);
	const uint32_t series = mixture_series(checker->mixture, number);
	uint64_t value;

	if (kind == RING_COUNTER)
		value = ++checker->totals[series];
	else
		value = ring_bits_of((double)(kind == RING_GAUGE ? number : number % MIXTURE_WRAP));
	return sample->value == value && sample->key == checker->keys[kind][series];
}

static void check(struct checker *checker, const struct ring_sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		checker->folded = checker_fold(checker->folded, &samples[i]);
		if (!is_right(checker, &samples[i], checker->next++)) {
			checker->broken = !bench_fail("sample %llu is wrong",
						      (unsigned long long)checker->next - 1);
			return;
		}
	}
}

static uint64_t dropped(struct checker *checker)
{
	struct ring_account account = {.dropped = UINT64_MAX};

	if (ring_reader_account(checker->reader, 0, &account) != RING_SOUND)
		checker->broken = !bench_fail("there is no account");
	return account.dropped;
}

void checker_pass(struct checker *checker)
{
	struct ring_sample samples[BATCH];
	const uint64_t dropped_before = dropped(checker);
	uint64_t room = ring_reader_header(checker->reader)->slot_count;
	size_t count = BATCH;

	while (count > 0 && room >= BATCH && !checker->broken) {
		if (ring_reader_drain(checker->reader, 0, samples, BATCH, &count) != RING_SOUND)
			checker->broken = !bench_fail("the ring cannot be read");
		else if (!checker->lossy && dropped(checker) != dropped_before)
			checker->lossy = true;
		if (!checker->lossy)
			check(checker, samples, count);
		room -= count;
	}
}

bool checker_finish(struct checker *checker)
{
	struct ring_account account = {.pending = 1};

	while (account.pending > 0 && !checker->broken) {
		checker_pass(checker);
		if (ring_reader_account(checker->reader, 0, &account) != RING_SOUND)
			return bench_fail("there is no account");
	}
	if (!checker->broken && (account.written != checker->mixture->written ||
				 account.written != account.drained + account.dropped))
		checker->broken = !bench_fail("the account is wrong");
	if (!checker->broken && !checker->lossy && checker->next != checker->mixture->written)
		checker->broken = !bench_fail("samples are missing");
	return !checker->broken && !checker->lossy;
}

bool checker_restart(struct checker *checker)
{
	const struct mixture *mixture = checker->mixture;
	struct mixture_tally *tallies = calloc(mixture->series_count, sizeof *tallies);

	if (!tallies)
		return bench_fail("no memory for a restart");
	mixture_expect(mixture, RING_COUNTER, tallies);
	for (unsigned i = 0; i < mixture->series_count; i++)
		checker->totals[i] = tallies[i].count;
	free(tallies);
	ring_reader_skip_to(checker->reader, 0, mixture->written);
	checker->next = mixture->written;
	checker->lossy = false;
	return true;
}
