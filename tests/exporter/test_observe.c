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

#include "drain/drain.h"
#include "observing.h"
#include "workspace.h"

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

	observing_record(segment, 0, 0.05, 3); /* before anybody looks */
	observing_record(segment, 1, 0.002, 4);
	following_step(following);
	observing_expect_all(following);
	observing_record(segment, 1, 5, 2);
	following_drain(following);
	observing_expect_all(following);
	struct shown shown = observing_look(following);
	assert_int_equal(in_bucket_of(&shown.view.positive, 0.05), 3);
	assert_int_equal(in_bucket_of(&shown.view.positive, 0.002), 4);
	assert_int_equal(in_bucket_of(&shown.view.positive, 5), 2);
	assert_int_equal(shown.view.start_ns, 0);
	assert_true(shown.view.sum == ring_double_of(shown.cells[0]));
	observing_forget(&shown);
	ring_segment_close(segment);
}

static void lost_samples_stand_at_the_bounds_of_their_buckets(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	following_step(following);
	observing_record(segment, 0, 0.005, 100); /* none of it will be left */
	observing_record(segment, 0, 7, 100);
	following_drain(following);
	struct shown before = observing_look(following);
	observing_expect_agreement(&before);
	const uint64_t seen = in_bucket_of(&before.view.positive, 7);
	assert_in_range(seen, 4, 8);
	assert_int_equal(observing_total(before.view.buckets, OBSERVING_BUCKETS), seen);
	observing_fall_silent(following);
	observing_expect_all(following);
	struct shown after = observing_look(following);
	observing_expect_grown(&before, &after);
	assert_int_equal(in_bucket_of(&after.view.positive, 0.01), 100);
	assert_int_equal(in_bucket_of(&after.view.positive, 7), 100);
	observing_forget(&before);
	observing_forget(&after);
	ring_segment_close(segment);
}

static void what_was_made_up_for_is_not_counted_again_when_it_comes(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	const struct ring_histogram histogram = observing_latency(segment);

	following_step(following);
	for (unsigned i = 0; i < 51; i++)
		ring_histogram_observe(writer, histogram, 0.05);
	following_drain(following);
	ring_histogram_observe(writer, histogram, 0.05); /* still in the ring */
	ring_burst_begin(writer);
	ring_histogram_observe(writer, histogram, 0.05); /* the first of two: not published */
	observing_fall_silent(following);
	observing_expect_all(following);
	ring_burst_end(writer);
	for (unsigned i = 0; i < 6; i++) {
		following_drain(following);
		observing_expect_all(following);
		ring_histogram_observe(writer, histogram, 0.05);
	}
	following_drain(following);
	observing_expect_all(following);
	ring_writer_release(writer);
	ring_segment_close(segment);
}

static void late_exporter_leaves_out_what_was_counted_before(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	const uint64_t base[OBSERVING_BUCKETS] = {0, 0, 100, 3};

	observing_record(segment, 0, 0.0625, 100); /* a core that has lost some */
	observing_record(segment, 0, 0.5, 3);
	following_step(following);
	observing_fall_silent(following);
	struct shown shown = observing_look(following);
	observing_expect_all_but(&shown, base);
	assert_int_equal(shown.view.start_ns, OBSERVING_NOW_NS);
	assert_true(shown.view.sum == 0);
	observing_forget(&shown);
	observing_record(segment, 0, 0.25, 4);
	observing_record(segment, 1, 0.5, 5);
	following_drain(following);
	shown = observing_look(following);
	observing_expect_agreement(&shown);
	observing_expect_all_but(&shown, base);
	assert_int_equal(in_bucket_of(&shown.view.positive, 0.25), 4);
	assert_int_equal(in_bucket_of(&shown.view.positive, 0.5), 5);
	assert_true(shown.view.sum == 3.5);
	observing_forget(&shown);
	ring_segment_close(segment);
}

/* A core that has lost nothing is as if the exporter had been there. */
static void late_exporter_takes_in_what_is_still_there(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	const uint64_t base[OBSERVING_BUCKETS] = {0, 0, 100, 0};

	observing_record(segment, 0, 0.0625, 100);
	observing_record(segment, 1, 0.5, 4);
	following_step(following);
	observing_fall_silent(following);
	struct shown shown = observing_look(following);
	observing_expect_all_but(&shown, base);
	assert_int_equal(in_bucket_of(&shown.view.positive, 0.5), 4);
	observing_forget(&shown);
	ring_segment_close(segment);
}

static void counts_go_on_with_a_successor(void **state)
{
	struct following *following = *state;
	struct ring_options options = workspace_options(following->dir, "seg");
	struct ring_segment *segment = workspace_segment(&options);

	following_step(following);
	observing_record(segment, 0, 0.05, 3);
	following_drain(following);
	struct shown before = observing_look(following);
	observing_record(segment, 1, 0.05, 20);
	ring_segment_close(segment);
	options.slot_count *= 2;
	segment = workspace_segment(&options);
	observing_record(segment, 0, 0.002, 5); /* before anybody looks */
	following_step(following);
	observing_expect_all(following);
	observing_record(segment, 1, 5, 1);
	observing_fall_silent(following);
	observing_expect_all(following);
	struct shown after = observing_look(following);
	observing_expect_grown(&before, &after);
	assert_int_equal(after.view.start_ns, 0);
	observing_forget(&before);
	observing_forget(&after);
	ring_segment_close(segment);
}

static void burst_that_died_with_its_writer_is_made_up_for(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	struct ring_writer *writer = ring_writer_claim(segment, 0);

	following_step(following);
	observing_record(segment, 1, 5, 1);
	ring_burst_begin(writer);
	ring_histogram_observe(writer, observing_latency(segment), 0.5);
	following_drain(following);
	following_source(following, "seg")->alive = true;
	assert_int_equal(drain_source_end(following_source(following, "seg")), 0);
	observing_expect_all(following);
	ring_burst_end(writer);
	ring_writer_release(writer);
	ring_segment_close(segment);
}

static void what_was_lost_before_a_quarantine_is_made_up_for(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	following_step(following);
	observing_record(segment, 0, 0.05, 100);
	following_drain(following);
	source_quarantine(following_source(following, "seg"), SOURCE_UNREADABLE);
	observing_expect_all(following);
	observing_record(segment, 1, 5, 2);
	following_step(following);
	following_expect(following, "seg", SOURCE_LIVE, 0);
	observing_record(segment, 0, 0.002, 3);
	observing_fall_silent(following);
	observing_expect_all(following);
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
		ring_histogram_observe(writer, observing_latency(segment), 0.5);
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
			observing_look_after(following);
		}
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		struct ring_segment *segment = following_segment(following, "seg");
		observing_record(segment, 0, 5, 1);
		if (is_late)
			following_step(following);
		observing_fall_silent(following);
		observing_look_after(following);
		observing_expect_all(following);
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
	const struct ring_histogram histogram = observing_latency(segment);

	following_step(following);
	ring_writer_put(writer, ring_bits_of((double)NAN), histogram.key);
	following_drain(following);
	struct shown shown = observing_look(following);
	assert_int_equal(observing_total(shown.view.buckets, OBSERVING_BUCKETS), 1);
	assert_true(isnan(shown.view.sum));
	observing_forget(&shown);
	for (uint32_t bucket = 0; bucket < OBSERVING_BUCKETS; bucket++)
		ring_cell_add(&ring_writer_cells(writer, histogram.key)[1 + bucket],
			      UINT64_MAX / 2 + bucket);
	ring_segment_close(segment);
	observing_look_after(following);
	shown = observing_look(following);
	assert_int_equal(observing_total(shown.view.buckets, OBSERVING_BUCKETS), OBSERVED_MAX);
	assert_int_equal(observing_total(shown.view.positive.counts, shown.view.positive.count),
			 OBSERVED_MAX - 1);
	observing_forget(&shown);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, observing_make, following_remove)

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
	};

	return cmocka_run_group_tests_name("observe", tests, NULL, NULL);
}
