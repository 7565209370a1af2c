/* SPDX-License-Identifier: MIT */
/*
 * Metrics and series: one name one series, budgets that hold under any concurrency, and
 * definitions judged by the linter's rules.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "workspace.h"

#define COUNTER(text) .name = text, .help = "Help.", .kind = RING_COUNTER
#define GAUGE(text)   .name = text, .help = "Help.", .kind = RING_GAUGE
#define HISTOGRAM(text, numbers) \
	.name = text, .help = "Help.", .kind = RING_HISTOGRAM, .bounds = numbers, .bound_count = 2

static struct ring_counter packets(struct ring_segment *segment, const char *channel)
{
	return ring_counter_resolve(segment, "test_packets_total", RING_LABELS(channel));
}

static void R1_one_name_is_one_series_and_two_names_never_share_a_cell(void **state)
{
	const struct ring_options options = workspace_options(*state, "one");
	struct ring_segment *segment = workspace_segment(&options);
	const struct ring_counter a = packets(segment, "a"), again = packets(segment, "a");
	const struct ring_counter b = packets(segment, "b");

	assert_memory_equal(&a, &again, sizeof a);
	assert_int_not_equal(a.key, b.key);
	ring_segment_close(segment);
}

static void R2_past_the_budget_new_names_fold_and_known_names_keep_their_own(void **state)
{
	const struct ring_options options = workspace_options(*state, "budget");
	struct ring_segment *segment = workspace_segment(&options);
	const struct ring_counter known[] = {packets(segment, "a"), packets(segment, "b"),
					     packets(segment, "c")};
	const struct ring_counter late = packets(segment, "d"), later = packets(segment, "e");
	const struct ring_counter by_name = packets(segment, RING_OVERFLOW_LABEL);
	const struct ring_counter b = packets(segment, "b");

	assert_memory_equal(&late, &later, sizeof late);
	assert_memory_equal(&late, &by_name, sizeof late);
	assert_memory_equal(&b, &known[1], sizeof b);
	for (int i = 0; i < 3; i++)
		assert_int_not_equal(late.key, known[i].key);

	struct ring_reader *reader = workspace_reader(segment);
	assert_int_equal(ring_reader_header(reader)->overflowed.bits, 2);
	assert_int_equal(ring_reader_series_count(reader), 4);
	assert_true(ring_reader_series(reader, 3)->overflow);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void R2_default_budget_is_1024_series(void **state)
{
	const struct ring_metric_def def = {.name = "test_wide_total",
					    .help = "Wide.",
					    .kind = RING_COUNTER,
					    .label_keys = {"channel"}};
	struct ring_options options = workspace_options(*state, "wide");
	char name[16];

	options.metrics = &def;
	options.metric_count = 1;
	struct ring_segment *segment = workspace_segment(&options);
	for (int i = 0; i < 1100; i++) {
		snprintf(name, sizeof name, "channel %d", i);
		assert_int_not_equal(
			ring_counter_resolve(segment, "test_wide_total", RING_LABELS(name)).key, 0);
	}
	struct ring_reader *reader = workspace_reader(segment);
	assert_int_equal(ring_reader_series_count(reader), 1024 + 1);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

#define RACERS 8
#define NAMES  200

struct race {
	struct ring_segment *segment;
	pthread_barrier_t *start;
	struct ring_counter handles[NAMES];
};

static void *race_for_names(void *argument)
{
	struct race *race = argument;
	char name[16];

	pthread_barrier_wait(race->start);
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof name, "c%d", i);
		race->handles[i] = ring_counter_resolve(race->segment, "test_raced_total",
							RING_LABELS(name));
	}
	return NULL;
}

static void R2_racing_threads_agree_and_never_exceed_the_budget(void **state)
{
	const struct ring_metric_def def = {.name = "test_raced_total",
					    .help = "Raced.",
					    .kind = RING_COUNTER,
					    .label_keys = {"channel"},
					    .series_max = 100};
	const struct ring_options options = workspace_options(*state, "race");
	static struct race races[RACERS];
	pthread_t threads[RACERS];
	pthread_barrier_t start;
	uint32_t own = 0;

	struct ring_segment *segment = workspace_segment(&options);
	assert_int_equal(ring_metric_define(segment, &def), 0);
	pthread_barrier_init(&start, NULL, RACERS);
	for (int t = 0; t < RACERS; t++) {
		races[t] = (struct race){.segment = segment, .start = &start};
		assert_int_equal(pthread_create(&threads[t], NULL, race_for_names, &races[t]), 0);
	}
	for (int t = 0; t < RACERS; t++)
		pthread_join(threads[t], NULL);
	for (int t = 1; t < RACERS; t++)
		assert_memory_equal(races[0].handles, races[t].handles, sizeof races[0].handles);
	for (int i = 0; i < NAMES; i++) {
		int shared = 0;
		for (int j = 0; j < NAMES; j++)
			shared += races[0].handles[i].key == races[0].handles[j].key;
		assert_true(shared == 1 || shared == NAMES - 100);
		own += shared == 1;
	}
	assert_int_equal(own, 100);
	pthread_barrier_destroy(&start);
	ring_segment_close(segment);
}

static void definition_is_idempotent_and_a_second_one_is_refused(void **state)
{
	const struct ring_options options = workspace_options(*state, "again");
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_metric_def def = workspace_metrics[0];

	assert_int_equal(ring_metric_define(segment, &def), 0);
	def.help = "Other packets.";
	assert_int_equal(ring_metric_define(segment, &def), -EEXIST);
	assert_non_null(strstr(ring_error(), "already defined otherwise"));
	def = workspace_metrics[0];
	def.overflow_label = "_other";
	assert_int_equal(ring_metric_define(segment, &def), -EEXIST);
	def = workspace_metrics[1];
	def.merge = RING_MIN;
	assert_int_equal(ring_metric_define(segment, &def), -EEXIST);
	def = workspace_metrics[0];
	def.kind = RING_GAUGE;
	def.name = "test_late";
	assert_int_equal(ring_metric_define(segment, &def), 0);
	assert_int_not_equal(ring_gauge_resolve(segment, "test_late", RING_LABELS("x")).key, 0);
	ring_segment_close(segment);
}

static void budget_that_does_not_fit_is_refused_when_defined(void **state)
{
	struct ring_options options = workspace_options(*state, "narrow");
	struct ring_metric_def def = workspace_metrics[0];

	options.series_spare = 10;
	struct ring_segment *segment = workspace_segment(&options);
	def.name = "test_late_total";
	def.series_max = 11;
	assert_int_equal(ring_metric_define(segment, &def), -ENOSPC);
	def.series_max = 9; /* and the overflow series */
	assert_int_equal(ring_metric_define(segment, &def), 0);
	ring_segment_close(segment);
}

static void metric_can_have_as_many_labels_as_there_may_be(void **state)
{
	const struct ring_options options = workspace_options(*state, "labels");
	struct ring_segment *segment = workspace_segment(&options);
	static const double bounds[] = {0.1, 0.2};
	const struct ring_metric_def def = {HISTOGRAM("test_x", bounds), .series_max = 10,
					    .label_keys = {"a", "b", "c", "d", "e", "f", "g", "h"}};

	assert_int_equal(ring_metric_define(segment, &def), 0);
	assert_int_equal(ring_metric_define(segment, &def), 0);
	assert_int_not_equal(
		ring_histogram_resolve(segment, "test_x",
				       RING_LABELS("1", "2", "3", "4", "5", "6", "7", "8"))
			.key,
		0);
	assert_int_equal(
		ring_histogram_resolve(segment, "test_x",
				       RING_LABELS("1", "2", "3", "4", "5", "6", "7", "8", "9"))
			.key,
		0);
	assert_non_null(strstr(ring_error(), "has 8 labels, not 9"));
	ring_segment_close(segment);
}

static void full_metric_table_names_what_to_raise(void **state)
{
	struct ring_options options = workspace_options(*state, "table");
	struct ring_metric_def def = {COUNTER("test_late_total")};

	options.metrics_spare = 1;
	struct ring_segment *segment = workspace_segment(&options);
	assert_int_equal(ring_metric_define(segment, &def), 0);
	def.name = "test_later_total";
	assert_int_equal(ring_metric_define(segment, &def), -ENOSPC);
	assert_non_null(strstr(ring_error(), "metrics_spare"));
	ring_segment_close(segment);
}

static void wrong_request_gives_a_zero_handle_and_a_reason(void **state)
{
	const struct ring_options options = workspace_options(*state, "wrong");
	struct ring_segment *segment = workspace_segment(&options);
	char longest[RING_LABEL_VALUE_MAX + 2];

	assert_int_equal(ring_counter_resolve(segment, "test_absent_total", NULL).key, 0);
	assert_non_null(strstr(ring_error(), "not defined"));
	assert_int_equal(ring_gauge_resolve(segment, "test_packets_total", RING_LABELS("a")).key,
			 0);
	assert_non_null(strstr(ring_error(), "another kind"));
	assert_int_equal(ring_counter_resolve(segment, "test_packets_total", NULL).key, 0);
	assert_non_null(strstr(ring_error(), "has 1 labels, not 0"));
	assert_int_equal(
		ring_counter_resolve(segment, "test_packets_total", RING_LABELS("a", "b")).key, 0);
	memset(longest, 'x', sizeof longest);
	longest[RING_LABEL_VALUE_MAX + 1] = 0;
	assert_int_equal(packets(segment, longest).key, 0); /* refused, never cut */
	assert_non_null(strstr(ring_error(), "at most 255 bytes"));
	longest[RING_LABEL_VALUE_MAX] = 0;
	assert_int_not_equal(packets(segment, longest).key, 0);

	struct ring_reader *reader = workspace_reader(segment);
	assert_int_equal(ring_reader_header(reader)->labels_refused.bits, 5);
	assert_int_equal(ring_reader_series_count(reader), 1);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void full_heap_folds_into_the_overflow_series(void **state)
{
	struct ring_metric_def def = workspace_metrics[0];
	struct ring_options options = workspace_options(*state, "heap");
	char name[RING_LABEL_VALUE_MAX + 1];
	uint32_t folded = 0;

	def.series_max = 200;
	options.metrics = &def;
	options.metric_count = 1;
	options.series_spare = 1;
	options.metrics_spare = 1;
	struct ring_segment *segment = workspace_segment(&options);
	const uint64_t overflow = packets(segment, RING_OVERFLOW_LABEL).key;
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "%0*d", (int)RING_LABEL_VALUE_MAX, i);
		const struct ring_counter counter = packets(segment, name);
		assert_int_not_equal(counter.key, 0);
		folded += counter.key == overflow;
	}
	assert_in_range(folded, 1, 199);
	struct ring_reader *reader = workspace_reader(segment); /* and the segment stays sound */
	assert_int_equal(ring_reader_header(reader)->overflowed.bits, folded);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void overflow_label_can_be_chosen(void **state)
{
	struct ring_metric_def def = workspace_metrics[0];
	struct ring_options options = workspace_options(*state, "other");

	def.series_max = 1;
	def.overflow_label = "_other";
	options.metrics = &def;
	options.metric_count = 1;
	struct ring_segment *segment = workspace_segment(&options);
	packets(segment, "a");
	const struct ring_counter folded = packets(segment, "b"),
				  other = packets(segment, "_other");
	assert_memory_equal(&folded, &other, sizeof folded);
	ring_segment_close(segment);
}

struct refusal {
	struct ring_metric_def def;
	const char *reason;
};

static const double descending[] = {2, 1}, infinite[] = {1, __builtin_inf()};

static const struct refusal refusals[] = {
	{{.kind = RING_COUNTER}, "has a name"},
	{{COUNTER("")}, "letters, digits"},
	{{COUNTER("0test_total")}, "letters, digits"},
	{{COUNTER("test-x_total")}, "letters, digits"},
	{{COUNTER("test\n_total")}, "letters, digits"},
	{{COUNTER("test:x_total")}, "':'"},
	{{COUNTER("test_packets")}, "should have \"_total\""},
	{{GAUGE("test_packets_total")}, "should not have \"_total\""},
	{{GAUGE("test_x_bucket")}, "belong to the exposition"},
	{{GAUGE("test_x_count")}, "belong to the exposition"},
	{{GAUGE("test_x_sum")}, "belong to the exposition"},
	{{GAUGE("test_x_created")}, "belong to the exposition"},
	{{COUNTER("testPackets_total")}, "snake_case"},
	{{GAUGE("test_gauge")}, "include type"},
	{{COUNTER("test_counter_total")}, "include type"},
	{{GAUGE("test_histogram_x")}, "include type"},
	{{GAUGE("test_wait_MS")}, "abbreviated"},
	{{GAUGE("test_Gauge")}, "include type"},
	{{COUNTER("test_total"), .overflow_label = "\xff"}, "not UTF-8"},
	{{GAUGE("test_wait_ms")}, "abbreviated"},
	{{COUNTER("test_kb_total")}, "abbreviated"},
	{{GAUGE("test_wait_milliseconds")}, "base unit"},
	{{GAUGE("test_kilobytes")}, "base unit"},
	{{COUNTER("test_bits_total")}, "base unit"},
	{{GAUGE("test_age_days")}, "base unit"},
	{{COUNTER("ring_x_total")}, "exporter's own"},
	{{COUNTER("process_x_total")}, "exporter's own"},
	{{.name = "test_total", .kind = RING_COUNTER}, "no help text"},
	{{.name = "test_total", .kind = RING_COUNTER, .help = ""}, "no help text"},
	{{.name = "test_total", .kind = RING_COUNTER, .help = "\xff"}, "not UTF-8"},
	{{GAUGE("test_x"), .unit = "seconds"}, "end with the unit"},
	{{COUNTER("test_total"), .label_keys = {"le"}}, "\"le\""},
	{{COUNTER("test_total"), .label_keys = {"quantile"}}, "\"quantile\""},
	{{COUNTER("test_total"), .label_keys = {"__x"}}, "'__'"},
	{{COUNTER("test_total"), .label_keys = {"x y"}}, "letters, digits"},
	{{COUNTER("test_total"), .label_keys = {""}}, "letters, digits"},
	{{COUNTER("test_total"), .label_keys = {"camelCase"}}, "snake_case"},
	{{COUNTER("test_total"), .label_keys = {"a", "a"}}, "two labels"},
	{{COUNTER("test_total"), .merge = RING_MAX}, "merge rule"},
	{{COUNTER("test_total"), .series_max = 2}, "has one series"},
	{{COUNTER("test_total"), .bounds = descending, .bound_count = 2}, "upper bounds"},
	{{HISTOGRAM("test_x", NULL)}, "missing"},
	{{HISTOGRAM("test_x", descending)}, "ascending"},
	{{HISTOGRAM("test_x", infinite)}, "finite"},
	{{.name = "test_x", .help = "Help.", .kind = RING_HISTOGRAM}, "upper bounds"},
	{{.name = "test_x", .help = "Help."}, "unknown kind"},
};

static void bad_definition_is_refused_with_its_reason(void **state)
{
	const struct ring_options options = workspace_options(*state, "refused");
	struct ring_segment *segment = workspace_segment(&options);
	const size_t count = sizeof refusals / sizeof refusals[0];

	for (size_t i = 0; i < count; i++) {
		if (ring_metric_define(segment, &refusals[i].def) != -EINVAL)
			fail_msg("%s: not refused", refusals[i].def.name);
		if (!strstr(ring_error(), refusals[i].reason))
			fail_msg("%s: %s", refusals[i].def.name, ring_error());
		assert_null(strchr(ring_error(), '\n'));
	}
	struct ring_reader *reader = workspace_reader(segment);
	assert_int_equal(ring_reader_header(reader)->definitions_refused.bits, count);
	assert_int_equal(ring_reader_metric_count(reader), WORKSPACE_METRICS);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void names_that_the_linter_accepts_are_accepted(void **state)
{
	static const struct ring_metric_def good[] = {
		{COUNTER("dataforts_sync_bytes_total"), .unit = "bytes"},
		{GAUGE("dataforts_replication_lag_seconds"), .unit = "seconds"},
		{GAUGE("replication_lag_seqno"), .label_keys = {"follower"}},
		{GAUGE("thermometers")}, /* not a prefix and meters */
		{GAUGE("s_level")}, /* only the parts behind the first count as abbreviations */
		{GAUGE("Upper_level")},
	};
	const struct ring_options options = workspace_options(*state, "good");
	struct ring_segment *segment = workspace_segment(&options);

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (ring_metric_define(segment, &good[i]) != 0)
			fail_msg("%s", ring_error());
	ring_segment_close(segment);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(R1_one_name_is_one_series_and_two_names_never_share_a_cell),
		TEST(R2_past_the_budget_new_names_fold_and_known_names_keep_their_own),
		TEST(R2_default_budget_is_1024_series),
		TEST(R2_racing_threads_agree_and_never_exceed_the_budget),
		TEST(definition_is_idempotent_and_a_second_one_is_refused),
		TEST(budget_that_does_not_fit_is_refused_when_defined),
		TEST(metric_can_have_as_many_labels_as_there_may_be),
		TEST(full_metric_table_names_what_to_raise),
		TEST(wrong_request_gives_a_zero_handle_and_a_reason),
		TEST(full_heap_folds_into_the_overflow_series),
		TEST(overflow_label_can_be_chosen),
		TEST(bad_definition_is_refused_with_its_reason),
		TEST(names_that_the_linter_accepts_are_accepted),
	};

	return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
