/* SPDX-License-Identifier: MIT */
/*
 * The heap has room for the labels of a whole budget, also when names come and go that are longer
 * than those before; and for those of overflow series. What readers make of labels that moved, or
 * that nobody moved. Rows R2 and X10.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "workspace.h"

#define BUDGET       16u
#define COMBINATIONS 40u
#define COOL_DOWN_MS 1u

static struct ring_options options_of(void **state, const struct ring_metric_def *metric)
{
	return (struct ring_options){
		.name = "room",
		.dir = *state,
		.core_count = 1,
		.slot_count = 8,
		.series_spare = 1,
		.metrics_spare = 1,
		.cool_down_ms = COOL_DOWN_MS,
		.metrics = metric,
		.metric_count = 1,
	};
}

static const struct ring_metric_def depth = {
	.name = "queue_messages",
	.help = "Messages.",
	.kind = RING_GAUGE,
	.merge = RING_LAST,
	.label_keys = {"queue"},
	.series_max = BUDGET,
	.overflow_label = "_other",
};

/* A name of that many letters that begins with its number. */
static const char *name_of(unsigned number, size_t bytes)
{
	static char name[RING_LABEL_VALUE_MAX + 1];

	memset(name, '-', bytes);
	name[bytes] = 0;
	name[snprintf(name, sizeof name, "%u", number)] = '-';
	return name;
}

static void resolve_all(struct ring_segment *segment, size_t bytes)
{
	for (unsigned i = 0; i < BUDGET; i++)
		ring_gauge_resolve(segment, depth.name, RING_LABELS(name_of(i, bytes)));
}

static void forget_all(struct ring_segment *segment, size_t bytes)
{
	for (unsigned i = 0; i < BUDGET; i++)
		assert_int_equal(
			ring_series_forget(segment, depth.name, RING_LABELS(name_of(i, bytes))), 0);
	workspace_cool_down(COOL_DOWN_MS);
}

static uint64_t named_count(struct ring_reader *reader)
{
	struct ring_usage usage;

	assert_int_equal(ring_reader_refresh(reader), RING_SOUND);
	assert_int_equal(ring_reader_usage(reader, 0, &usage), RING_SOUND);
	return usage.named_count;
}

static void X10_budget_has_as_many_places_when_names_get_longer(void **state)
{
	const struct ring_options options = options_of(state, &depth);
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_reader *reader = workspace_reader(segment);

	for (size_t bytes = 3; bytes < 64; bytes += 10) {
		resolve_all(segment, bytes);
		assert_int_equal(named_count(reader), BUDGET);
		forget_all(segment, bytes);
	}
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void names_too_long_for_any_place_do_not_keep_places_from_others(void **state)
{
	const struct ring_options options = options_of(state, &depth);
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_reader *reader = workspace_reader(segment);

	resolve_all(segment, 10);
	forget_all(segment, 10);
	for (unsigned i = 0; i < 10 * BUDGET; i++)
		ring_gauge_resolve(segment, depth.name,
				   RING_LABELS(name_of(i, RING_LABEL_VALUE_MAX)));
	const uint64_t before = named_count(reader);
	assert_in_range(before, 0, BUDGET - 1);
	ring_gauge_resolve(segment, depth.name, RING_LABELS("another"));
	assert_int_equal(named_count(reader), before + 1);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void overflow_series_have_room_for_labels_as_long_as_they_may_be(void **state)
{
	char overflow_label[RING_LABEL_VALUE_MAX + 1];
	const struct ring_metric_def metric = {
		.name = "queue_messages",
		.help = "Messages.",
		.kind = RING_GAUGE,
		.label_keys = {"queue", "state"},
		.series_max = 1,
		.overflow_label = overflow_label,
		.kept_labels = 1,
		.overflow_max = COMBINATIONS,
	};
	const struct ring_options options = options_of(state, &metric);

	strcpy(overflow_label, name_of(0, RING_LABEL_VALUE_MAX));
	struct ring_segment *segment = workspace_segment(&options);
	for (unsigned i = 0; i < 2 * COMBINATIONS; i++) {
		const char *value = name_of(i + 1, RING_LABEL_VALUE_MAX);
		const struct ring_gauge gauge = ring_gauge_resolve(segment, metric.name,
								   RING_LABELS("a", value));
		assert_int_not_equal(gauge.key, 0);
	}
	ring_segment_close(segment);
}

static void long_name_gets_the_place_of_another_long_name_when_the_heap_is_spent(void **state)
{
	const struct ring_options options = options_of(state, &depth);
	struct ring_segment *segment = workspace_segment(&options);

	/* The first place, and the last to be free. */
	ring_gauge_resolve(segment, depth.name, RING_LABELS(name_of(99, RING_LABEL_VALUE_MAX)));
	resolve_all(segment, 10);
	for (unsigned i = 0; i < BUDGET - 1; i++)
		ring_series_forget(segment, depth.name, RING_LABELS(name_of(i, 10)));
	ring_series_forget(segment, depth.name, RING_LABELS(name_of(99, RING_LABEL_VALUE_MAX)));
	workspace_cool_down(COOL_DOWN_MS);
	for (unsigned i = 0; i < BUDGET; i++)
		ring_gauge_resolve(segment, depth.name,
				   RING_LABELS(name_of(i, RING_LABEL_VALUE_MAX)));
	struct ring_reader *reader = workspace_reader(segment);
	assert_in_range(named_count(reader), 1, BUDGET - 1);
	assert_false(ring_reader_series(reader, 0)->gone);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

/* Whatever the first one leaves of the heap when those after it have taken as much as they may. */
static void long_labels_that_are_kept_leave_room_for_the_last_overflow_series(void **state)
{
	const struct ring_metric_def metric = {
		.name = "queue_messages",
		.help = "Messages.",
		.kind = RING_GAUGE,
		.label_keys = {"queue", "state"},
		.series_max = 1,
		.overflow_label = "_other",
		.kept_labels = 1,
		.overflow_max = COMBINATIONS,
	};
	const struct ring_options options = options_of(state, &metric);

	for (size_t first = 8; first <= RING_LABEL_VALUE_MAX; first += 8) {
		struct ring_segment *segment = workspace_segment(&options);
		ring_gauge_resolve(segment, metric.name, RING_LABELS("a", "a"));
		for (unsigned i = 0; i < 2 * COMBINATIONS; i++) {
			const char *value = name_of(i, i == 0 ? first : RING_LABEL_VALUE_MAX);
			assert_int_not_equal(
				ring_gauge_resolve(segment, metric.name, RING_LABELS("a", value))
					.key,
				0);
		}
		assert_int_equal(remove(ring_segment_path(segment)), 0);
		ring_segment_close(segment);
	}
}

static void metrics_defined_later_leave_room_for_overflow_series(void **state)
{
	char overflow_label[RING_LABEL_VALUE_MAX + 1], help[RING_HELP_MAX + 1] = "", name[16];
	struct ring_metric_def metric = depth;
	struct ring_options options = options_of(state, &metric);
	unsigned later = 0;

	strcpy(overflow_label, name_of(0, RING_LABEL_VALUE_MAX));
	metric.overflow_label = overflow_label;
	options.metrics_spare = 64;
	options.series_spare = 64;
	struct ring_segment *segment = workspace_segment(&options);
	for (size_t bytes = RING_HELP_MAX; bytes > 0;) {
		const struct ring_metric_def other = {
			.name = name, .help = help, .kind = RING_GAUGE};
		memset(help, 'x', bytes);
		help[bytes] = 0;
		snprintf(name, sizeof name, "later%u", later);
		if (ring_metric_define(segment, &other) == 0)
			later++;
		else
			bytes /= 2;
	}
	assert_in_range(later, 1, 63);
	for (unsigned i = 0; i <= BUDGET; i++)
		assert_int_not_equal(
			ring_gauge_resolve(segment, depth.name, RING_LABELS(name_of(i, 60))).key,
			0);
	ring_segment_close(segment);
}

/* Writes into the file of a segment, as no owner does. */
static void overwrite(struct ring_segment *segment, uint64_t offset, uint64_t value, size_t bytes)
{
	FILE *file = fopen(ring_segment_path(segment), "r+");

	assert_non_null(file);
	assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
	assert_int_equal(fwrite(&value, bytes, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

/* The entry as it is when labels have moved to heap that was appended since the reader looked how
 * much of it there is. */
static void reader_that_comes_while_labels_move_finds_the_segment_sound(void **state)
{
	const struct ring_options options = options_of(state, &depth);
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_reader *reader;

	resolve_all(segment, 10);
	forget_all(segment, 10);
	reader = workspace_reader(segment);
	const struct ring_header *header = ring_reader_header(reader);
	overwrite(segment,
		  header->series_offset + offsetof(struct ring_series_entry, labels.offset),
		  ring_load_relaxed(&header->heap_used) + 8, sizeof(uint32_t));
	ring_reader_close(reader);
	reader = workspace_reader(segment);
	assert_true(ring_reader_series(reader, 0)->gone);
	assert_int_equal(ring_reader_refresh(reader), RING_SOUND);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

/* Each of them would be sound; a reader keeps a copy of each. */
static void labels_that_share_the_heap_s_bytes_are_refused(void **state)
{
	const struct ring_options options = options_of(state, &depth);
	struct ring_segment *segment = workspace_segment(&options);

	ring_gauge_resolve(segment, depth.name, RING_LABELS(name_of(99, RING_LABEL_VALUE_MAX)));
	resolve_all(segment, 10);
	struct ring_reader *reader = workspace_reader(segment);
	const struct ring_header *header = ring_reader_header(reader);
	uint64_t labels;
	FILE *file = fopen(ring_segment_path(segment), "r");
	uint64_t at = header->series_offset;
	fseek(file, (long)(at + offsetof(struct ring_series_entry, labels)), SEEK_SET);
	assert_int_equal(fread(&labels, sizeof labels, 1, file), 1);
	fclose(file);
	for (unsigned i = 0; i < BUDGET; i++, at += sizeof(struct ring_series_entry)) {
		overwrite(segment, at, 2, sizeof(uint64_t));
		overwrite(segment, at + offsetof(struct ring_series_entry, labels), labels,
			  sizeof labels);
	}
	overwrite(segment, offsetof(struct ring_header, series_changes), BUDGET, sizeof(uint64_t));
	assert_int_equal(ring_reader_refresh(reader), RING_BAD_SERIES);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void counter_that_changes_hands_is_refused(void **state)
{
	const struct ring_options options = workspace_options(*state, "counter");
	struct ring_segment *segment = workspace_segment(&options);

	workspace_packets(segment, "a");
	struct ring_reader *reader = workspace_reader(segment);
	overwrite(segment, ring_reader_header(reader)->series_offset, 2, sizeof(uint64_t));
	overwrite(segment, offsetof(struct ring_header, series_changes), 1, sizeof(uint64_t));
	assert_int_equal(ring_reader_refresh(reader), RING_BAD_SERIES);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(X10_budget_has_as_many_places_when_names_get_longer),
		TEST(names_too_long_for_any_place_do_not_keep_places_from_others),
		TEST(overflow_series_have_room_for_labels_as_long_as_they_may_be),
		TEST(long_name_gets_the_place_of_another_long_name_when_the_heap_is_spent),
		TEST(long_labels_that_are_kept_leave_room_for_the_last_overflow_series),
		TEST(metrics_defined_later_leave_room_for_overflow_series),
		TEST(reader_that_comes_while_labels_move_finds_the_segment_sound),
		TEST(labels_that_share_the_heap_s_bytes_are_refused),
		TEST(counter_that_changes_hands_is_refused),
	};
	return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
