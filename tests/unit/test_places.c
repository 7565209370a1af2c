/* SPDX-License-Identifier: MIT */
/*
 * Series of gauges and state sets that are forgotten, and whose places others get; the overflow
 * series that too many names share; what a metric says of its budget. Rows R2 and X10.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "workspace.h"

#define COOL_DOWN_MS 20u

static const char *const states[] = {"visible", "delayed", NULL};

enum { DEPTH, SENT, MODE, PLAIN, METRICS };

static const struct ring_metric_def metrics[METRICS] = {
	[DEPTH] = {.name = "queue_messages",
		   .help = "Messages.",
		   .kind = RING_GAUGE,
		   .merge = RING_LAST,
		   .label_keys = {"queue"},
		   .series_max = 2,
		   .overflow_label = "_other"},
	[SENT] = {.name = "queue_sent_total",
		  .help = "Messages sent.",
		  .kind = RING_COUNTER,
		  .label_keys = {"queue"},
		  .series_max = 2,
		  .overflow_label = "_other"},
	[MODE] = {.name = "queue_mode",
		  .help = "Mode.",
		  .kind = RING_STATESET,
		  .merge = RING_LAST,
		  .label_keys = {"queue"},
		  .states = states,
		  .series_max = 1},
	[PLAIN] = {.name = "sessions", .help = "Sessions.", .kind = RING_GAUGE},
};

struct bench {
	struct ring_segment *segment;
	struct ring_writer *writer;
	struct ring_reader *reader;
};

static struct ring_options options_of(void **state, const char *name)
{
	return (struct ring_options){
		.name = name,
		.dir = *state,
		.core_count = 2,
		.slot_count = 64,
		.cool_down_ms = COOL_DOWN_MS,
		.metrics = metrics,
		.metric_count = METRICS,
	};
}

static struct bench bench_of(const struct ring_options *options)
{
	struct bench bench = {.segment = workspace_segment(options)};

	bench.writer = ring_writer_claim(bench.segment, 0);
	bench.reader = workspace_reader(bench.segment);
	return bench;
}

static struct bench bench_open(void **state)
{
	const struct ring_options options = options_of(state, "places");

	return bench_of(&options);
}

static void bench_close(struct bench *bench)
{
	ring_reader_close(bench->reader);
	ring_segment_close(bench->segment);
}

static struct ring_gauge depth_of(struct bench *bench, const char *queue)
{
	return ring_gauge_resolve(bench->segment, "queue_messages", RING_LABELS(queue));
}

static void set_depth(struct bench *bench, const char *queue, double depth)
{
	ring_gauge_set(bench->writer, depth_of(bench, queue), depth);
}

static int forget(struct bench *bench, const char *queue)
{
	return ring_series_forget(bench->segment, "queue_messages", RING_LABELS(queue));
}

/* What a reader shows of the gauge: its depth; or nothing. */
static double shown(struct bench *bench, const char *queue)
{
	const uint64_t bits = workspace_value(bench->reader, "queue_messages", queue, 0);
	return bits == RING_GAUGE_UNSET || bits == UINT64_MAX ? -1 : ring_double_of(bits);
}

/* What the first series has on core 0, for a reader that takes it for what it was. */
static uint64_t first_as_known(struct bench *bench)
{
	const uint32_t first = 0;
	uint64_t cells[2], gathered[2];

	assert_int_equal(ring_reader_tallies(bench->reader, 0,
					     ring_reader_series(bench->reader, 0)->cell, 2, cells),
			 RING_SOUND);
	assert_int_equal(ring_reader_gather(bench->reader, 0, &first, 1, gathered), RING_SOUND);
	assert_memory_equal(cells, gathered, sizeof cells);
	return cells[0];
}

static struct ring_usage usage_of(struct bench *bench, uint32_t metric)
{
	struct ring_usage usage;

	assert_int_equal(ring_reader_refresh(bench->reader), RING_SOUND);
	assert_int_equal(ring_reader_usage(bench->reader, metric, &usage), RING_SOUND);
	return usage;
}

static void forgotten_gauge_is_shown_no_more(void **state)
{
	struct bench bench = bench_open(state);

	set_depth(&bench, "a", 1);
	set_depth(&bench, "b", 2);
	assert_true(shown(&bench, "a") == 1);
	assert_int_equal(forget(&bench, "a"), 0);
	/* Before and after the reader knows. */
	assert_true(first_as_known(&bench) == RING_GAUGE_UNSET);
	assert_true(shown(&bench, "a") == -1);
	assert_true(shown(&bench, "b") == 2);
	assert_int_equal(usage_of(&bench, DEPTH).named_count, 1);
	assert_int_equal(forget(&bench, "a"), -ENOENT);
	assert_int_equal(forget(&bench, "never"), -ENOENT);
	assert_int_equal(ring_series_forget(bench.segment, "none", RING_LABELS("a")), -ENOENT);
	assert_int_equal(ring_series_forget(bench.segment, "queue_messages", NULL), -EINVAL);
	bench_close(&bench);
}

static void X10_counters_keep_their_places(void **state)
{
	struct bench bench = bench_open(state);
	const char *const queue[] = {"a", NULL};

	ring_counter_add(bench.writer,
			 ring_counter_resolve(bench.segment, "queue_sent_total", queue), 3);
	assert_int_equal(ring_series_forget(bench.segment, "queue_sent_total", queue), -EINVAL);
	assert_non_null(strstr(ring_error(), "stay"));
	assert_int_equal(ring_reader_refresh(bench.reader), RING_SOUND);
	assert_int_equal(workspace_value(bench.reader, "queue_sent_total", "a", 0), 3);
	bench_close(&bench);
}

static void same_name_gets_its_place_and_its_samples_back(void **state)
{
	struct bench bench = bench_open(state);
	const struct ring_gauge before = depth_of(&bench, "a");

	ring_gauge_set(bench.writer, before, 1);
	assert_int_equal(forget(&bench, "a"), 0);
	assert_int_equal(depth_of(&bench, "a").key, before.key);
	assert_true(shown(&bench, "a") == -1);
	ring_gauge_set(bench.writer, before, 4);
	assert_true(shown(&bench, "a") == 4);
	assert_int_equal(usage_of(&bench, DEPTH).named_count, 1);
	bench_close(&bench);
}

static void X10_place_of_a_forgotten_gauge_is_another_s_after_the_cool_down(void **state)
{
	struct ring_options options = options_of(state, "places");

	options.cool_down_ms = 500;
	struct bench bench = bench_of(&options);
	const struct ring_gauge a = depth_of(&bench, "a"), b = depth_of(&bench, "b");
	ring_gauge_set(bench.writer, a, 1);
	ring_gauge_set(bench.writer, b, 2);
	assert_int_equal(forget(&bench, "a"), 0);
	/* Not yet: it goes to the overflow series. */
	const struct ring_gauge early = depth_of(&bench, "c");
	assert_int_not_equal((uint32_t)early.key, (uint32_t)a.key);
	/* In vain, as promised. */
	ring_gauge_set(bench.writer, a, 99);
	workspace_cool_down(500);
	const struct ring_gauge c = depth_of(&bench, "a name that is longer");
	assert_int_equal((uint32_t)c.key, (uint32_t)a.key);
	assert_int_not_equal(c.key, a.key);
	assert_true(shown(&bench, "a name that is longer") == -1);
	ring_gauge_set(bench.writer, c, 3);
	assert_true(shown(&bench, "a name that is longer") == 3);
	assert_true(shown(&bench, "a") == -1);
	assert_true(shown(&bench, "b") == 2);
	bench_close(&bench);
}

/* The reader of before does not know yet: it shows neither value under the other's name. */
static void reader_that_has_not_looked_shows_nothing_under_a_wrong_name(void **state)
{
	struct bench bench = bench_open(state);
	const char *const labels[] = {"a", "c", "dd"};
	struct ring_sample sample;
	size_t count;

	set_depth(&bench, labels[0], 1);
	assert_true(shown(&bench, "a") == 1);
	for (unsigned i = 1; i < 3; i++) {
		assert_int_equal(forget(&bench, labels[i - 1]), 0);
		set_depth(&bench, "b", 2);
		workspace_cool_down(COOL_DOWN_MS);
		set_depth(&bench, labels[i], 10 * i);
		assert_true(first_as_known(&bench) == RING_GAUGE_UNSET);
		assert_true(shown(&bench, labels[i - 1]) == -1);
		assert_true(shown(&bench, labels[i]) == 10 * i);
	}
	/* The first sample was "a"'s, and is nobody's now; the last is the last one's. */
	assert_int_equal(ring_reader_drain(bench.reader, 0, &sample, 1, &count), RING_SOUND);
	assert_int_equal(ring_reader_series_of(bench.reader, &sample), -1);
	assert_true(ring_reader_is_history(bench.reader, &sample));
	sample.key = depth_of(&bench, "dd").key;
	assert_int_equal(ring_reader_series_of(bench.reader, &sample), 0);
	assert_false(ring_reader_is_history(bench.reader, &sample));
	sample.key += UINT64_C(2) << 32;
	assert_false(ring_reader_is_history(bench.reader, &sample));
	bench_close(&bench);
}

static void X10_overflow_series_goes_with_the_last_that_shares_it(void **state)
{
	struct bench bench = bench_open(state);

	set_depth(&bench, "a", 1);
	set_depth(&bench, "b", 2);
	set_depth(&bench, "c", 3);
	set_depth(&bench, "d", 4);
	set_depth(&bench, "c", 5);
	assert_true(shown(&bench, "_other") == 5);
	assert_int_equal(usage_of(&bench, DEPTH).named_count, 2);
	assert_int_equal(usage_of(&bench, DEPTH).overflowed, 2);
	assert_int_equal(forget(&bench, "c"), 0);
	assert_true(shown(&bench, "_other") == 5);
	assert_int_equal(forget(&bench, "c"), -ENOENT);
	assert_int_equal(forget(&bench, "d"), 0);
	assert_true(shown(&bench, "_other") == -1);
	set_depth(&bench, "e", 6);
	assert_true(shown(&bench, "_other") == 6);
	bench_close(&bench);
}

static void one_that_asks_for_the_overflow_series_shares_it(void **state)
{
	struct bench bench = bench_open(state);

	set_depth(&bench, "_other", 7);
	set_depth(&bench, "_other", 8);
	assert_true(shown(&bench, "_other") == 8);
	assert_int_equal(usage_of(&bench, DEPTH).overflowed, 0);
	set_depth(&bench, "a", 1);
	set_depth(&bench, "b", 2);
	set_depth(&bench, "c", 3);
	assert_int_equal(forget(&bench, "_other"), 0);
	assert_true(shown(&bench, "_other") == 3);
	assert_int_equal(forget(&bench, "_other"), -ENOENT);
	assert_int_equal(forget(&bench, "c"), 0);
	assert_true(shown(&bench, "_other") == -1);
	bench_close(&bench);
}

static void X10_name_that_asks_again_leaves_the_overflow_for_a_place_of_its_own(void **state)
{
	struct bench bench = bench_open(state);

	set_depth(&bench, "a", 1);
	set_depth(&bench, "b", 2);
	set_depth(&bench, "c", 3);
	assert_int_equal(forget(&bench, "b"), 0);
	workspace_cool_down(COOL_DOWN_MS);
	set_depth(&bench, "c", 4);
	assert_true(shown(&bench, "c") == 4);
	assert_true(shown(&bench, "_other") == -1);
	assert_int_equal(usage_of(&bench, DEPTH).overflowed, 1);
	bench_close(&bench);
}

static void the_first_names_that_had_no_place_are_kept(void **state)
{
	struct bench bench = bench_open(state);
	char queue[16];

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 10; i++) {
			snprintf(queue, sizeof queue, "q%u", i);
			ring_counter_resolve(bench.segment, "queue_sent_total", RING_LABELS(queue));
		}
	const struct ring_usage usage = usage_of(&bench, SENT);
	assert_int_equal(usage.named_count, 2);
	assert_int_equal(usage.overflowed, 16);
	assert_int_equal(usage.refused_count, RING_REFUSED_MAX);
	for (unsigned i = 0; i < RING_REFUSED_MAX; i++) {
		snprintf(queue, sizeof queue, "\2q%u", i + 2);
		assert_int_equal(usage.refused[i].bytes, 3);
		assert_memory_equal(usage.refused[i].data, queue, 3);
	}
	bench_close(&bench);
}

static void labels_that_are_kept_tell_overflow_series_apart(void **state)
{
	static const struct ring_metric_def metric = {
		.name = "queue_messages",
		.help = "Messages.",
		.kind = RING_GAUGE,
		.label_keys = {"queue", "state"},
		.series_max = 2,
		.overflow_label = "_other",
		.kept_labels = 1,
		.overflow_max = 2,
	};
	struct ring_options options = options_of(state, "kept");
	/* Queue, state and where they go; the budget is spent by the first one. */
	static const char *const expected[][4] = {
		{"a", "visible", "a", "visible"},      {"a", "delayed", "a", "delayed"},
		{"b", "visible", "_other", "visible"}, {"b", "delayed", "_other", "delayed"},
		{"c", "visible", "_other", "visible"}, {"b", "odd", "_other", "_other"},
		{"c", "odder", "_other", "_other"},    {"_other", "delayed", "_other", "delayed"},
	};

	options.metrics = &metric;
	options.metric_count = 1;
	struct bench bench = bench_of(&options);
	for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		const struct ring_gauge gauge = ring_gauge_resolve(
			bench.segment, metric.name, RING_LABELS(expected[i][0], expected[i][1]));
		const struct ring_gauge there = ring_gauge_resolve(
			bench.segment, metric.name, RING_LABELS(expected[i][2], expected[i][3]));
		assert_int_not_equal(gauge.key, 0);
		assert_int_equal(gauge.key, there.key);
	}
	assert_int_equal(ring_reader_refresh(bench.reader), RING_SOUND);
	const struct ring_metric_info *info = ring_reader_metric(bench.reader, 0);
	ring_gauge_resolve(bench.segment, metric.name, RING_LABELS("_other", "oddest"));
	assert_int_equal(
		ring_series_forget(bench.segment, metric.name, RING_LABELS("_other", "oddest")), 0);
	assert_int_equal(info->kept_labels, 1);
	assert_int_equal(info->overflow_max, 3);
	assert_int_equal(info->overflow_count, 3);
	assert_int_equal(info->series_max, 2);
	assert_int_equal(info->series_count, 5);
	bench_close(&bench);
}

static void kept_labels_that_cannot_be_are_refused(void **state)
{
	struct bench bench = bench_open(state);
	struct ring_metric_def metric = {.name = "kept",
					 .help = "Kept.",
					 .kind = RING_GAUGE,
					 .label_keys = {"a", "b"},
					 .series_max = 2};

	metric.kept_labels = 2;
	assert_int_equal(ring_metric_define(bench.segment, &metric), -EINVAL);
	metric.kept_labels = 0;
	metric.overflow_max = 2;
	assert_int_equal(ring_metric_define(bench.segment, &metric), -EINVAL);
	metric.kept_labels = 1;
	metric.overflow_max = RING_OVERFLOW_MAX;
	assert_int_equal(ring_metric_define(bench.segment, &metric), -EINVAL);
	metric.overflow_max = 2;
	metric.overflow_label = "";
	assert_int_equal(ring_metric_define(bench.segment, &metric), -EINVAL);
	metric.overflow_label = NULL;
	assert_int_equal(ring_metric_define(bench.segment, &metric), 0);
	metric.overflow_max = 3;
	assert_int_equal(ring_metric_define(bench.segment, &metric), -EEXIST);
	bench_close(&bench);
}

static void state_sets_and_gauges_without_labels_are_forgotten_too(void **state)
{
	struct bench bench = bench_open(state);
	const char *const queue[] = {"a", NULL};
	const struct ring_gauge sessions = ring_gauge_resolve(bench.segment, "sessions", NULL);

	ring_gauge_set(bench.writer, sessions, 5);
	ring_state_set(bench.writer, ring_state_resolve(bench.segment, "queue_mode", queue), 1);
	assert_int_equal(ring_series_forget(bench.segment, "queue_mode", queue), 0);
	assert_int_equal(ring_series_forget(bench.segment, "sessions", NULL), 0);
	assert_int_equal(ring_reader_refresh(bench.reader), RING_SOUND);
	for (uint32_t i = 0; i < 2; i++)
		assert_true(ring_reader_series(bench.reader, i)->gone);
	assert_int_equal(ring_gauge_resolve(bench.segment, "sessions", NULL).key, sessions.key);
	assert_int_equal(ring_reader_refresh(bench.reader), RING_SOUND);
	assert_false(ring_reader_series(bench.reader, 0)->gone);
	assert_true(ring_reader_series(bench.reader, 1)->gone);
	bench_close(&bench);
}

static void places_of_an_owner_before_are_free_and_known_by_name(void **state)
{
	struct bench bench = bench_open(state);
	const struct ring_options options = options_of(state, "places");
	const struct ring_gauge a = depth_of(&bench, "a");

	set_depth(&bench, "a", 1);
	set_depth(&bench, "b", 2);
	set_depth(&bench, "c", 3);
	ring_segment_close(bench.segment);
	bench.segment = workspace_segment(&options);
	bench.writer = ring_writer_claim(bench.segment, 0);
	assert_int_equal(usage_of(&bench, DEPTH).named_count, 0);
	assert_int_equal(usage_of(&bench, DEPTH).overflowed, 0);
	assert_true(shown(&bench, "a") == -1);
	assert_true(shown(&bench, "_other") == -1);
	assert_int_equal(depth_of(&bench, "a").key, a.key);
	workspace_cool_down(COOL_DOWN_MS);
	set_depth(&bench, "d", 4);
	assert_true(shown(&bench, "d") == 4);
	assert_true(shown(&bench, "b") == -1);
	set_depth(&bench, "e", 5);
	assert_true(shown(&bench, "_other") == 5);
	bench_close(&bench);
}

/* The half generation in keys comes back after 32,768 names; no sample of the first one may then be
 * taken for the new one's. */
static void half_generation_that_samples_have_is_passed_over(void **state)
{
	struct ring_options options = options_of(state, "wrap");
	struct ring_gauge gauge, first;

	options.cool_down_ms = 1;
	struct bench bench = bench_of(&options);
	set_depth(&bench, "b", 1);
	first = depth_of(&bench, "a");
	ring_gauge_set(bench.writer, first, 1);
	assert_int_equal(forget(&bench, "a"), 0);
	/* The entry is as after many names: the registry's word is the segment's. */
	const struct ring_header *shape = ring_reader_header(bench.reader);
	char path[RING_PATH_BYTES];
	snprintf(path, sizeof path, "%s", ring_segment_path(bench.segment));
	FILE *file = fopen(path, "r+");
	const uint64_t generation = 65535;
	fseek(file, (long)(shape->series_offset + sizeof(struct ring_series_entry)), SEEK_SET);
	assert_int_equal(fwrite(&generation, sizeof generation, 1, file), 1);
	fclose(file);
	workspace_cool_down(COOL_DOWN_MS);
	gauge = depth_of(&bench, "c");
	assert_int_not_equal((uint32_t)gauge.key, (uint32_t)first.key);
	assert_int_not_equal(depth_of(&bench, "a").key, first.key);
	assert_int_equal(forget(&bench, "a"), 0);
	/* The core has not recorded since, and will not. */
	workspace_cool_down(COOL_DOWN_MS);
	gauge = depth_of(&bench, "d");
	assert_int_equal((uint32_t)gauge.key, (uint32_t)first.key);
	assert_int_not_equal(gauge.key, first.key);
	bench_close(&bench);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(forgotten_gauge_is_shown_no_more),
		TEST(X10_counters_keep_their_places),
		TEST(same_name_gets_its_place_and_its_samples_back),
		TEST(X10_place_of_a_forgotten_gauge_is_another_s_after_the_cool_down),
		TEST(reader_that_has_not_looked_shows_nothing_under_a_wrong_name),
		TEST(X10_overflow_series_goes_with_the_last_that_shares_it),
		TEST(one_that_asks_for_the_overflow_series_shares_it),
		TEST(X10_name_that_asks_again_leaves_the_overflow_for_a_place_of_its_own),
		TEST(the_first_names_that_had_no_place_are_kept),
		TEST(labels_that_are_kept_tell_overflow_series_apart),
		TEST(kept_labels_that_cannot_be_are_refused),
		TEST(state_sets_and_gauges_without_labels_are_forgotten_too),
		TEST(places_of_an_owner_before_are_free_and_known_by_name),
		TEST(half_generation_that_samples_have_is_passed_over),
	};
	return cmocka_run_group_tests_name("places", tests, NULL, NULL);
}
