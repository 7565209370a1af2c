/* SPDX-License-Identifier: MIT */
/*
 * From real rings to what was observed: through loss, bursts left open, successions and a late
 * start. The rings of workspace.h hold eight samples, and a burst may hide one.
 */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <ring/record.h>

#include "aggregate/observed.h"
#include "dice.h"
#include "drain/drain.h"
#include "following.h"
#include "workspace.h"

#define BUCKETS 4u /* of test_latency_seconds */
#define NOW_NS  UINT64_C(1700000000000000000)
#define ROUNDS  400u

/* One series as it is shown: what was counted, and what was observed of that. */
struct shown {
	uint64_t cells[1 + BUCKETS];
	uint64_t *words;
	struct observed_view view;
};

static int make(void **state)
{
	if (following_make(state) != 0)
		return -1;
	struct following *following = *state;
	aggregate_set_time(following->aggregate, NOW_NS);
	aggregate_observe_all(following->aggregate);
	return 0;
}

static void forget(struct shown *shown)
{
	free(shown->words);
	*shown = (struct shown){.words = NULL};
}

static struct shown look(struct following *following)
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
	shown.view = observed_read(shown.words, BUCKETS);
	assert_int_equal(shown.view.word_count, word_count);
	return shown;
}

static uint64_t total(const uint64_t *counts, uint32_t count)
{
	uint64_t sum = 0;

	while (count-- > 0)
		sum += counts[count];
	return sum;
}

/* Native buckets hold what the classic ones do. */
static void expect_agreement(const struct shown *shown)
{
	const struct observed_view *view = &shown->view;

	assert_int_equal(total(view->positive.counts, view->positive.count) +
				 total(view->negative.counts, view->negative.count) +
				 view->zero_count,
			 total(view->buckets, BUCKETS));
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

static void expect_grown(const struct shown *before, const struct shown *now)
{
	const int steps = before->view.schema - now->view.schema;

	assert_true(steps >= 0);
	for (uint32_t i = 0; i < BUCKETS; i++)
		assert_true(now->view.buckets[i] >= before->view.buckets[i]);
	assert_true(now->view.zero_count >= before->view.zero_count);
	expect_side_grown(&before->view.positive, steps, &now->view.positive);
	expect_side_grown(&before->view.negative, steps, &now->view.negative);
}

/* All that was counted, but for so much of each bucket. */
static void expect_all_but(const struct shown *shown, const uint64_t base[BUCKETS])
{
	for (uint32_t i = 0; i < BUCKETS; i++)
		assert_int_equal(shown->view.buckets[i] + base[i], shown->cells[1 + i]);
}

static void expect_all(struct following *following)
{
	static const uint64_t nothing[BUCKETS] = {0};
	struct shown shown = look(following);

	expect_agreement(&shown);
	expect_all_but(&shown, nothing);
	forget(&shown);
}

static struct ring_histogram latency_of(struct ring_segment *segment)
{
	return ring_histogram_resolve(segment, "test_latency_seconds", RING_LABELS("a"));
}

static void observe(struct ring_segment *segment, uint32_t core, double value, unsigned times)
{
	struct ring_writer *writer = ring_writer_claim(segment, core);
	const struct ring_histogram histogram = latency_of(segment);

	assert_true(ring_writer_is_live(writer));
	while (times-- > 0)
		ring_histogram_observe(writer, histogram, value);
	ring_writer_release(writer);
}

/* What the drain thread does once a second. */
static void look_after(struct following *following)
{
	for (size_t i = 0; i < following->attach.source_count; i++)
		if (following->attach.sources[i]->reader)
			assert_int_equal(drain_look_after(following->attach.sources[i]), 0);
}

/* Two seconds in which nothing comes. */
static void fall_silent(struct following *following)
{
	following_drain(following);
	look_after(following);
	look_after(following);
}

static uint64_t in_bucket_of(const struct observed_side *side, double value)
{
	struct native native;
	uint64_t count = 0;

	native_init(&native);
	native_observe(&native, value, 1);
	for (uint32_t i = 0; i < side->count; i++)
		if (side->indexes[i] == native.positive.indexes[0])
			count = side->counts[i];
	native_release(&native);
	return count;
}

static void new_segment_is_observed_from_its_first_sample(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	observe(segment, 0, 0.05, 3); /* before anybody looks */
	observe(segment, 1, 0.002, 4);
	following_step(following);
	expect_all(following);
	observe(segment, 1, 5, 2);
	following_drain(following);
	expect_all(following);
	struct shown shown = look(following);
	assert_int_equal(in_bucket_of(&shown.view.positive, 0.05), 3);
	assert_int_equal(in_bucket_of(&shown.view.positive, 0.002), 4);
	assert_int_equal(in_bucket_of(&shown.view.positive, 5), 2);
	assert_int_equal(shown.view.start_ns, 0);
	assert_true(shown.view.sum == ring_double_of(shown.cells[0]));
	forget(&shown);
	ring_segment_close(segment);
}

static void lost_samples_stand_at_the_bounds_of_their_buckets(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	following_step(following);
	observe(segment, 0, 0.005, 100); /* none of it will be left */
	observe(segment, 0, 7, 100);
	following_drain(following);
	struct shown before = look(following);
	expect_agreement(&before);
	const uint64_t seen = in_bucket_of(&before.view.positive, 7);
	assert_in_range(seen, 4, 8);
	assert_int_equal(total(before.view.buckets, BUCKETS), seen);
	fall_silent(following);
	expect_all(following);
	struct shown after = look(following);
	expect_grown(&before, &after);
	assert_int_equal(in_bucket_of(&after.view.positive, 0.01), 100);
	assert_int_equal(in_bucket_of(&after.view.positive, 7), 100);
	forget(&before);
	forget(&after);
	ring_segment_close(segment);
}

static void what_was_made_up_for_is_not_counted_again_when_it_comes(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	const struct ring_histogram histogram = latency_of(segment);

	following_step(following);
	for (unsigned i = 0; i < 51; i++)
		ring_histogram_observe(writer, histogram, 0.05);
	following_drain(following);
	ring_histogram_observe(writer, histogram, 0.05); /* still in the ring */
	ring_burst_begin(writer);
	ring_histogram_observe(writer, histogram, 0.05); /* the first of two: not published */
	fall_silent(following);
	expect_all(following);
	ring_burst_end(writer);
	for (unsigned i = 0; i < 6; i++) {
		following_drain(following);
		expect_all(following);
		ring_histogram_observe(writer, histogram, 0.05);
	}
	following_drain(following);
	expect_all(following);
	ring_writer_release(writer);
	ring_segment_close(segment);
}

static void late_exporter_leaves_out_what_was_counted_before(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	const uint64_t base[BUCKETS] = {0, 0, 100, 3};

	observe(segment, 0, 0.0625, 100); /* a core that has lost some */
	observe(segment, 0, 0.5, 3);
	following_step(following);
	fall_silent(following);
	struct shown shown = look(following);
	expect_all_but(&shown, base);
	assert_int_equal(shown.view.start_ns, NOW_NS);
	assert_true(shown.view.sum == 0);
	forget(&shown);
	observe(segment, 0, 0.25, 4);
	observe(segment, 1, 0.5, 5);
	following_drain(following);
	shown = look(following);
	expect_agreement(&shown);
	expect_all_but(&shown, base);
	assert_int_equal(in_bucket_of(&shown.view.positive, 0.25), 4);
	assert_int_equal(in_bucket_of(&shown.view.positive, 0.5), 5);
	assert_true(shown.view.sum == 3.5);
	forget(&shown);
	ring_segment_close(segment);
}

/* A core that has lost nothing is as if the exporter had been there. */
static void late_exporter_takes_in_what_is_still_there(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	const uint64_t base[BUCKETS] = {0, 0, 100, 0};

	observe(segment, 0, 0.0625, 100);
	observe(segment, 1, 0.5, 4);
	following_step(following);
	fall_silent(following);
	struct shown shown = look(following);
	expect_all_but(&shown, base);
	assert_int_equal(in_bucket_of(&shown.view.positive, 0.5), 4);
	forget(&shown);
	ring_segment_close(segment);
}

static void counts_go_on_with_a_successor(void **state)
{
	struct following *following = *state;
	struct ring_options options = workspace_options(following->dir, "seg");
	struct ring_segment *segment = workspace_segment(&options);

	following_step(following);
	observe(segment, 0, 0.05, 3);
	following_drain(following);
	struct shown before = look(following);
	observe(segment, 1, 0.05, 20);
	ring_segment_close(segment);
	options.slot_count *= 2;
	segment = workspace_segment(&options);
	observe(segment, 0, 0.002, 5); /* before anybody looks */
	following_step(following);
	expect_all(following);
	observe(segment, 1, 5, 1);
	fall_silent(following);
	expect_all(following);
	struct shown after = look(following);
	expect_grown(&before, &after);
	assert_int_equal(after.view.start_ns, 0);
	forget(&before);
	forget(&after);
	ring_segment_close(segment);
}

static void burst_that_died_with_its_writer_is_made_up_for(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	struct ring_writer *writer = ring_writer_claim(segment, 0);

	following_step(following);
	observe(segment, 1, 5, 1);
	ring_burst_begin(writer);
	ring_histogram_observe(writer, latency_of(segment), 0.5);
	following_drain(following);
	following_source(following, "seg")->alive = true;
	assert_int_equal(drain_source_end(following_source(following, "seg")), 0);
	expect_all(following);
	ring_burst_end(writer);
	ring_writer_release(writer);
	ring_segment_close(segment);
}

static void what_was_lost_before_a_quarantine_is_made_up_for(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	following_step(following);
	observe(segment, 0, 0.05, 100);
	following_drain(following);
	source_quarantine(following_source(following, "seg"), SOURCE_UNREADABLE);
	expect_all(following);
	observe(segment, 1, 5, 2);
	following_step(following);
	following_expect(following, "seg", SOURCE_LIVE, 0);
	observe(segment, 0, 0.002, 3);
	fall_silent(following);
	expect_all(following);
	ring_segment_close(segment);
}

/* A process that has a burst open, and is killed in it when asked to. */
static pid_t start_burst(struct following *following)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	const pid_t child = fork();
	if (child == 0) {
		struct ring_segment *segment = following_segment(following, "seg");
		struct ring_writer *writer = ring_writer_claim(segment, 0);
		ring_burst_begin(writer);
		ring_histogram_observe(writer, latency_of(segment), 0.5);
		close(ready[0]);
		close(ready[1]); /* as a sign */
		alarm(30);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	return child;
}

/* The owner seems to be alive all the time, whether the exporter was there or comes later. */
static void burst_that_died_is_made_up_for_though_another_writer_came_at_once(void **state)
{
	struct following *following = *state;

	for (unsigned is_late = 0; is_late < 2; is_late++) {
		const pid_t child = start_burst(following);
		if (!is_late) {
			following_step(following);
			look_after(following);
		}
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		struct ring_segment *segment = following_segment(following, "seg");
		observe(segment, 0, 5, 1);
		if (is_late)
			following_step(following);
		fall_silent(following);
		look_after(following);
		expect_all(following);
		ring_segment_close(segment);
		following_remove_file(following, "seg");
		following_step(following);
	}
}

/* A segment that has samples without tallies, and more in its tallies than anybody can count: else
 * Prometheus would refuse the page, and with it everybody's metrics. */
static void odd_segment_makes_no_histogram_that_contradicts_itself(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	const struct ring_histogram histogram = latency_of(segment);

	following_step(following);
	ring_writer_put(writer, ring_bits_of((double)NAN), histogram.key);
	following_drain(following);
	struct shown shown = look(following);
	assert_int_equal(total(shown.view.buckets, BUCKETS), 1);
	assert_true(isnan(shown.view.sum));
	forget(&shown);
	for (uint32_t bucket = 0; bucket < BUCKETS; bucket++)
		ring_cell_add(&ring_writer_cells(writer, histogram.key)[1 + bucket],
			      UINT64_MAX / 2 + bucket);
	ring_segment_close(segment);
	look_after(following);
	shown = look(following);
	assert_int_equal(total(shown.view.buckets, BUCKETS), OBSERVED_MAX);
	assert_int_equal(total(shown.view.positive.counts, shown.view.positive.count),
			 OBSERVED_MAX - 1);
	forget(&shown);
}

/* Two segments with the same series, the data planes of which do what they like. */
struct plane {
	struct ring_options options;
	struct ring_segment *segment;
	struct ring_writer *writers[2];
};

static void plane_open(struct plane *plane)
{
	plane->segment = workspace_segment(&plane->options);
	for (uint32_t core = 0; core < 2; core++)
		plane->writers[core] = ring_writer_claim(plane->segment, core);
}

static void plane_close(struct plane *plane)
{
	for (uint32_t core = 0; core < 2; core++) {
		ring_burst_end(plane->writers[core]);
		ring_writer_release(plane->writers[core]);
	}
	ring_segment_close(plane->segment);
}

static void plane_act(struct plane *plane, uint64_t *dice)
{
	static const double values[] = {0,    0.0005, 0.001, 0.003, 0.01, 0.02,
					0.05, 0.1,    0.3,   40,    -1};
	struct ring_writer *writer = plane->writers[dice_roll(dice) % 2];
	const struct ring_histogram histogram = latency_of(plane->segment);

	switch (dice_roll(dice) % 8) {
	case 0:
		ring_burst_begin(writer);
		break;
	case 1:
		ring_burst_end(writer);
		break;
	case 2:
		ring_counter_add(writer, workspace_packets(plane->segment, "a"), 1);
		break;
	default:
		for (uint64_t n = 1 + dice_roll(dice) % (dice_roll(dice) % 8 ? 3 : 30); n > 0; n--)
			ring_histogram_observe(
				writer, histogram,
				values[dice_roll(dice) % (sizeof values / sizeof *values)]);
	}
}

/* Something is published, and something is not. */
static void plane_hurry(struct plane *plane)
{
	for (uint32_t core = 0; core < 2; core++) {
		ring_counter_add(plane->writers[core], workspace_packets(plane->segment, "a"), 1);
		ring_burst_end(plane->writers[core]);
		ring_burst_begin(plane->writers[core]);
		ring_histogram_observe(plane->writers[core], latency_of(plane->segment), 0.05);
	}
}

/* As itself, or as a successor. */
static void plane_restart(struct plane *plane, uint64_t *dice)
{
	plane_close(plane);
	if (dice_roll(dice) % 2)
		plane->options.slot_count = plane->options.slot_count == 8 ? 16 : 8;
	plane_open(plane);
}

/* Everything published, drained and settled. */
static void come_to_rest(struct following *following, struct plane *planes)
{
	for (unsigned i = 0; i < 2; i++)
		for (uint32_t core = 0; core < 2; core++)
			ring_burst_end(planes[i].writers[core]);
	following_step(following);
	fall_silent(following);
}

/* No burst is open for as long as a second. */
static void look_after_busy(struct following *following, struct plane *planes)
{
	plane_hurry(&planes[0]);
	plane_hurry(&planes[1]);
	look_after(following);
}

static void nothing_falls_and_all_is_there_at_rest(void **state)
{
	struct following *following = *state;
	uint64_t dice = dice_seed(), base[BUCKETS];
	struct plane planes[2] = {{.options = workspace_options(following->dir, "p")},
				  {.options = workspace_options(following->dir, "q")}};

	for (unsigned i = 0; i < 2; i++) {
		plane_open(&planes[i]);
		for (unsigned n = 0; n < 20; n++)
			plane_act(&planes[i], &dice);
	}
	come_to_rest(following, planes);
	struct shown before = look(following);
	for (uint32_t i = 0; i < BUCKETS; i++)
		base[i] = before.cells[1 + i] - before.view.buckets[i];
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct plane *plane = &planes[dice_roll(&dice) % 2];
		const uint64_t roll = dice_roll(&dice) % 16;
		for (uint64_t n = dice_roll(&dice) % 6; n > 0; n--)
			plane_act(plane, &dice);
		if (roll == 0)
			plane_restart(plane, &dice);
		if (roll < 3)
			come_to_rest(following, planes);
		else if (roll < 10)
			following_drain(following);
		else if (roll < 12)
			look_after_busy(following, planes);
		struct shown now = look(following);
		expect_agreement(&now);
		expect_grown(&before, &now);
		if (roll < 3)
			expect_all_but(&now, base);
		for (uint32_t i = 0; i < BUCKETS; i++)
			assert_true(roll > 11 || now.cells[1 + i] >= now.view.buckets[i] + base[i]);
		forget(&before);
		before = now;
	}
	forget(&before);
	for (unsigned i = 0; i < 2; i++)
		plane_close(&planes[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, following_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(new_segment_is_observed_from_its_first_sample),
		TEST(lost_samples_stand_at_the_bounds_of_their_buckets),
		TEST(what_was_made_up_for_is_not_counted_again_when_it_comes),
		TEST(late_exporter_leaves_out_what_was_counted_before),
		TEST(late_exporter_takes_in_what_is_still_there),
		TEST(counts_go_on_with_a_successor),
		TEST(what_was_lost_before_a_quarantine_is_made_up_for),
		TEST(burst_that_died_with_its_writer_is_made_up_for),
		TEST(burst_that_died_is_made_up_for_though_another_writer_came_at_once),
		TEST(odd_segment_makes_no_histogram_that_contradicts_itself),
		TEST(nothing_falls_and_all_is_there_at_rest),
	};

	return cmocka_run_group_tests_name("observe", tests, NULL, NULL);
}
