/* SPDX-License-Identifier: MIT */
/* What is shown, looked at and compared; see observing.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ring/record.h>

#include "drain/drain.h"
#include "observing.h"
#include "workspace.h"

int observing_make(void **state)
{
	if (following_make(state) != 0)
		return -1;
	struct following *following = *state;
	aggregate_set_time(following->aggregate, OBSERVING_NOW_NS);
	aggregate_observe_all(following->aggregate);
	return 0;
}

void observing_forget(struct shown *shown)
{
	free(shown->words);
	*shown = (struct shown){.words = NULL};
}

struct shown observing_look(struct following *following)
{
	struct shown shown = {.words = NULL};
	struct catalog *catalog;
	const uint64_t *cells;
	size_t word_count;

	assert_int_equal(aggregate_view(following->aggregate, &catalog, &cells), 0);
	const uint64_t *words = aggregate_observed(following->aggregate, &word_count);
	for (size_t i = 0; i < catalog->family_count; i++) {
		const struct catalog_family *family = &catalog->families[i];
		if (family->metric.kind != RING_HISTOGRAM)
			continue;
		assert_int_equal(family->series_count, 1);
		memcpy(shown.cells, &cells[family->series->cell], sizeof shown.cells);
	}
	assert_non_null(words);
	shown.words = malloc(word_count * sizeof *words);
	memcpy(shown.words, words, word_count * sizeof *words);
	shown.view = observed_read(shown.words, OBSERVING_BUCKETS);
	assert_int_equal(shown.view.word_count, word_count);
	return shown;
}

uint64_t observing_total(const uint64_t *counts, uint32_t count)
{
	uint64_t sum = 0;

	while (count-- > 0)
		sum += counts[count];
	return sum;
}

void observing_expect_agreement(const struct shown *shown)
{
	const struct observed_view *view = &shown->view;

	assert_int_equal(observing_total(view->positive.counts, view->positive.count) +
				 observing_total(view->negative.counts, view->negative.count) +
				 view->zero_count,
			 observing_total(view->buckets, OBSERVING_BUCKETS));
}

static void expect_side_grown(const struct observed_side *before, int steps,
			      const struct observed_side *now)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < now->count; i++) {
		uint64_t known = 0;
		for (; at < before->count; at++) {
			const int32_t index = (before->indexes[at] + (1 << steps) - 1) >> steps;
			if (index != now->indexes[i])
				break;
			known += before->counts[at];
		}
		assert_true(now->counts[i] >= known);
	}
	assert_int_equal(at, before->count);
}

void observing_expect_grown(const struct shown *before, const struct shown *now)
{
	const int steps = before->view.schema - now->view.schema;

	assert_true(steps >= 0);
	for (uint32_t i = 0; i < OBSERVING_BUCKETS; i++)
		assert_true(now->view.buckets[i] >= before->view.buckets[i]);
	assert_true(now->view.zero_count >= before->view.zero_count);
	expect_side_grown(&before->view.positive, steps, &now->view.positive);
	expect_side_grown(&before->view.negative, steps, &now->view.negative);
}

void observing_expect_all_but(const struct shown *shown, const uint64_t base[OBSERVING_BUCKETS])
{
	for (uint32_t i = 0; i < OBSERVING_BUCKETS; i++)
		assert_int_equal(shown->view.buckets[i] + base[i], shown->cells[1 + i]);
}

void observing_expect_all(struct following *following)
{
	static const uint64_t nothing[OBSERVING_BUCKETS] = {0};
	struct shown shown = observing_look(following);

	observing_expect_agreement(&shown);
	observing_expect_all_but(&shown, nothing);
	observing_forget(&shown);
}

struct ring_histogram observing_latency(struct ring_segment *segment)
{
	return ring_histogram_resolve(segment, "test_latency_seconds", RING_LABELS("a"));
}

void observing_record(struct ring_segment *segment, uint32_t core, double value, unsigned times)
{
	struct ring_writer *writer = ring_writer_claim(segment, core);
	const struct ring_histogram histogram = observing_latency(segment);

	assert_true(ring_writer_is_live(writer));
	while (times-- > 0)
		ring_histogram_observe(writer, histogram, value);
	ring_writer_release(writer);
}

void observing_look_after(struct following *following)
{
	for (size_t i = 0; i < following->attach.source_count; i++)
		if (following->attach.sources[i]->reader)
			assert_int_equal(drain_look_after(following->attach.sources[i]), 0);
}

void observing_fall_silent(struct following *following)
{
	following_drain(following);
	observing_look_after(following);
	observing_look_after(following);
}
