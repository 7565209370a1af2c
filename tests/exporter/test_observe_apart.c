/* SPDX-License-Identifier: MIT */
/*
 * What was observed of series that are kept apart by core and segment: each one's sum and buckets
 * hold the same observations, whatever segments do. All of these are 0.5, so that the one follows
 * from the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ring/record.h>

#include "aggregate/observed.h"
#include "dice.h"
#include "drain/drain.h"
#include "following.h"
#include "workspace.h"

#define BUCKETS    4u /* of test_latency_seconds */
#define BUCKET     3u /* which 0.5 is in */
#define SERIES_MAX 16u
#define ROUNDS     300u

/* One series: its labels, how often 0.5 was counted there, and observed. */
struct seen {
	char labels[64];
	uint64_t counted, observed;
	double sum;
};

struct look {
	struct seen series[SERIES_MAX];
	size_t series_count;
};

static struct shape_rule rule;

static void keep_apart(struct following *following, const char *text)
{
	assert_null(shape_rule_parse(text, &rule));
	aggregate_shape(following->aggregate, &(struct shape){.rules = &rule, .rule_count = 1});
	aggregate_observe_all(following->aggregate);
}

static void take_labels(const struct catalog_family *family, const char *value, char labels[64])
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < family->metric.label_count; i++) {
		bytes += (size_t)snprintf(labels + bytes, 64 - bytes, "%s,", value);
		value += strlen(value) + 1;
	}
}

static void take_family(struct look *look, const struct catalog_family *family,
			const uint64_t *cells, const uint64_t *words)
{
	for (size_t i = 0; i < family->series_count; i++) {
		const struct observed_view view = observed_read(words, BUCKETS);
		struct seen *seen = &look->series[look->series_count++];
		assert_true(look->series_count <= SERIES_MAX);
		take_labels(family, family->series[i].labels, seen->labels);
		seen->counted = cells[family->series[i].cell + 1 + BUCKET];
		seen->observed = view.buckets[BUCKET];
		seen->sum = view.sum;
		/* Native buckets agree: there is one, if any. */
		assert_int_equal(view.positive.count, seen->observed > 0);
		if (seen->observed > 0)
			assert_int_equal(view.positive.counts[0], seen->observed);
		words += view.word_count;
	}
}

static struct look look_at_all(struct following *following)
{
	struct look look = {.series_count = 0};
	struct catalog *catalog;
	const uint64_t *cells;
	size_t word_count;

	assert_int_equal(aggregate_view(following->aggregate, &catalog, &cells), 0);
	const uint64_t *words = aggregate_observed(following->aggregate, &word_count);
	for (size_t i = 0; i < catalog->family_count; i++)
		if (catalog->families[i].metric.kind == RING_HISTOGRAM)
			take_family(&look, &catalog->families[i], cells, words);
	return look;
}

static const struct seen *find(const struct look *look, const char *labels)
{
	for (size_t i = 0; i < look->series_count; i++)
		if (strcmp(look->series[i].labels, labels) == 0)
			return &look->series[i];
	return NULL;
}

static void expect(struct following *following, const char *labels, uint64_t counted,
		   uint64_t observed)
{
	const struct look look = look_at_all(following);
	const struct seen *seen = find(&look, labels);

	assert_non_null(seen);
	assert_int_equal(seen->counted, counted);
	assert_int_equal(seen->observed, observed);
	assert_true(seen->sum == 0.5 * (double)observed);
}

/* As long as a series is remembered. */
static void expect_grown(const struct look *before, const struct look *now)
{
	for (size_t i = 0; i < now->series_count; i++) {
		const struct seen *seen = find(before, now->series[i].labels);
		if (seen)
			assert_true(now->series[i].observed >= seen->observed);
	}
}

static void observe(struct ring_segment *segment, uint32_t core, unsigned times)
{
	struct ring_writer *writer = ring_writer_claim(segment, core);
	const struct ring_histogram histogram = ring_histogram_resolve(
		segment, "test_latency_seconds", RING_LABELS("a"));

	assert_true(ring_writer_is_live(writer));
	while (times-- > 0)
		ring_histogram_observe(writer, histogram, 0.5);
	ring_writer_release(writer);
}

/* Two seconds in which nothing comes. */
static void fall_silent(struct following *following)
{
	following_drain(following);
	for (unsigned second = 0; second < 2; second++)
		for (size_t i = 0; i < following->attach.source_count; i++)
			if (following->attach.sources[i]->reader)
				assert_int_equal(drain_look_after(following->attach.sources[i]), 0);
}

static struct ring_segment *segment_of(struct following *following, const char *name,
				       uint32_t core_count)
{
	struct ring_options options = workspace_options(following->dir, name);

	options.core_count = core_count;
	return workspace_segment(&options);
}

static void each_core_has_its_own_observations(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	keep_apart(following, "*:labels=core");
	following_step(following);
	observe(segment, 0, 3);
	observe(segment, 1, 4);
	following_drain(following);
	expect(following, "a,0,", 3, 3);
	expect(following, "a,1,", 4, 4);
	observe(segment, 1, 40); /* most of them are lost */
	following_drain(following);
	const struct look look = look_at_all(following);
	assert_in_range(find(&look, "a,1,")->observed, 4, 43);
	fall_silent(following);
	expect(following, "a,0,", 3, 3);
	expect(following, "a,1,", 44, 44);
	ring_segment_close(segment);
}

static void core_that_has_counted_before_leaves_it_out_and_another_does_not(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	keep_apart(following, "*:labels=core+segment");
	observe(segment, 0, 100);
	observe(segment, 1, 2);
	following_step(following);
	observe(segment, 0, 1);
	fall_silent(following);
	expect(following, "a,seg,0,", 101, 1);
	expect(following, "a,seg,1,", 2, 2);
	ring_segment_close(segment);
}

/* Core 0 has the totals of the cores that are gone, and not their observations. */
static void successor_with_fewer_cores_has_sums_of_what_was_observed(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = segment_of(following, "seg", 3);

	keep_apart(following, "*:labels=core");
	following_step(following);
	observe(segment, 0, 3);
	observe(segment, 1, 4);
	observe(segment, 2, 5);
	following_drain(following);
	ring_segment_close(segment);
	segment = segment_of(following, "seg", 1);
	observe(segment, 0, 2); /* before anybody looks */
	following_step(following);
	observe(segment, 0, 1);
	fall_silent(following);
	expect(following, "a,0,", 15, 6);
	ring_segment_close(segment);
}

/* What keeps the series of cores that are gone is another segment. */
static void core_that_is_gone_leaves_sums_of_what_was_observed(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = segment_of(following, "seg", 2);
	struct ring_segment *other = segment_of(following, "other", 2);

	keep_apart(following, "*:labels=core");
	following_step(following);
	observe(segment, 1, 4);
	observe(other, 1, 2);
	following_drain(following);
	ring_segment_close(segment);
	segment = segment_of(following, "seg", 1);
	following_step(following);
	fall_silent(following);
	expect(following, "a,0,", 4, 0);
	expect(following, "a,1,", 2, 6);
	ring_segment_close(segment);
	ring_segment_close(other);
}

static void move(const struct following *following, const char *from, const char *to)
{
	char paths[2][80];

	snprintf(paths[0], sizeof paths[0], "%s/%s", following->dir, from);
	snprintf(paths[1], sizeof paths[1], "%s/%s", following->dir, to);
	assert_int_equal(rename(paths[0], paths[1]), 0);
}

static void segment_under_another_name_has_sums_of_what_was_observed(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	keep_apart(following, "*:labels=segment");
	following_step(following);
	observe(segment, 0, 3);
	following_drain(following);
	move(following, "seg", ".hidden");
	following_step(following);
	expect(following, "a,seg,", 3, 3);
	observe(segment, 1, 4); /* which nobody sees */
	move(following, ".hidden", "ges");
	following_step(following);
	observe(segment, 0, 2);
	fall_silent(following);
	expect(following, "a,ges,", 9, 6);
	ring_segment_close(segment);
}

static void sums_and_buckets_agree_at_rest_and_none_falls(void **state)
{
	struct following *following = *state;
	uint64_t dice = dice_seed();
	struct ring_segment *segments[2];
	uint32_t core_counts[2] = {2, 2};
	static const char *const names[] = {"p", "q"};

	keep_apart(following, "*:labels=core");
	for (unsigned i = 0; i < 2; i++)
		segments[i] = segment_of(following, names[i], core_counts[i]);
	struct look before = look_at_all(following);
	for (unsigned round = 0; round < ROUNDS; round++) {
		const unsigned one = dice_roll(&dice) % 2;
		const uint64_t roll = dice_roll(&dice) % 16;
		observe(segments[one], (uint32_t)(dice_roll(&dice) % core_counts[one]),
			(unsigned)(dice_roll(&dice) % 12));
		if (roll == 0) {
			ring_segment_close(segments[one]);
			core_counts[one] = 1 + (uint32_t)(dice_roll(&dice) % 3);
			segments[one] = segment_of(following, names[one], core_counts[one]);
			following_step(following);
		} else if (roll < 8) {
			following_drain(following);
		}
		if (roll >= 4) {
			const struct look now = look_at_all(following);
			expect_grown(&before, &now);
			before = now;
			continue;
		}
		following_step(following);
		fall_silent(following);
		const struct look now = look_at_all(following);
		expect_grown(&before, &now);
		for (size_t i = 0; i < now.series_count; i++)
			assert_true(now.series[i].sum == 0.5 * (double)now.series[i].observed);
		before = now;
	}
	for (unsigned i = 0; i < 2; i++)
		ring_segment_close(segments[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, following_make, following_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_core_has_its_own_observations),
		TEST(core_that_has_counted_before_leaves_it_out_and_another_does_not),
		TEST(successor_with_fewer_cores_has_sums_of_what_was_observed),
		TEST(core_that_is_gone_leaves_sums_of_what_was_observed),
		TEST(segment_under_another_name_has_sums_of_what_was_observed),
		TEST(sums_and_buckets_agree_at_rest_and_none_falls),
	};

	return cmocka_run_group_tests_name("observe_apart", tests, NULL, NULL);
}
