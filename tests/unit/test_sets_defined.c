/* SPDX-License-Identifier: MIT */
/*
 * What all sets have in common: how they are declared and defined, in what room and under which
 * prefix, and what becomes of names that are somebody else's.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "all_sets.h"
#include "owner.h"
#include "shown.h"
#include "tables.h"
#include "workspace.h"

/* A segment with room for what is not declared. */
static struct ring_segment *segment_open(const char *dir)
{
	struct ring_options options = workspace_options(dir, "plane");

	options.metrics_spare = 2 * RING_SET_METRICS_MAX;
	options.series_spare = 1000;
	return workspace_segment(&options);
}

static void X13_all_sets_have_room_where_they_ask_for_it_under_any_prefix(void **state)
{
	static const char *const prefixes[] = {NULL, "", "mine_"};
	struct ring_options options = {.dir = *state, .core_count = 1};
	char name[16];

	for (unsigned i = 0; i < 3 * ALL_SETS; i++) {
		const struct ring_set_options with = {.prefix = prefixes[i % 3],
						      .budgets = {3, 4, 5, 6}};
		struct ring_set set;
		snprintf(name, sizeof name, "room%u", i); /* one that nobody had before */
		options.name = name;
		options.metrics_spare = RING_SET_METRICS_MAX;
		options.series_spare = ring_set_series(all_sets[i / 3].spec, &with);
		struct ring_segment *segment = workspace_segment(&options);
		if (ring_set_define(&set, segment, all_sets[i / 3].spec, &with) != 0)
			fail_msg("%s", ring_error());
		ring_segment_close(segment);
	}
}

static void X10_each_bundle_has_its_budget(void **state)
{
	const struct ring_set_options options = {.budgets = {2, 3}};
	struct ring_segment *segment = segment_open(*state);
	const char *const names[] = {"A", "B", "C", "D", "E"};
	struct ring_set set;

	assert_int_equal(ring_set_define(&set, segment, &ring_commands, &options), 0);
	for (unsigned i = 0; i < 5; i++) {
		ring_command_resolve(&set, names[i]);
		ring_command_unsupported(ring_writer_claim(segment, 0), &set, names[i], 1);
	}
	assert_int_equal(shown_count(segment, "elastickv_redis_errors_total"), 2 + 1);
	assert_int_equal(shown_count(segment, "elastickv_redis_requests_total"), 2 * (2 + 1));
	assert_int_equal(shown_count(segment, "elastickv_redis_unsupported_commands_total"), 3 + 1);
	ring_segment_close(segment);
}

/* One that would wrap around, times the values of a closed label, is no small one. */
static void X10_a_budget_beyond_all_limits_is_refused(void **state)
{
	const unsigned budgets[] = {RING_SERIES_MAX / 4 + 1, 1u << 30, UINT_MAX};
	struct ring_segment *segment = segment_open(*state);

	for (unsigned i = 0; i < 3; i++) {
		const struct ring_set_options options = {.budgets = {1, budgets[i]}};
		struct ring_set set;
		assert_int_equal(ring_set_define(&set, segment, &ring_queues, &options), -EINVAL);
		assert_non_null(strstr(ring_error(), "a budget has at most"));
	}
	ring_segment_close(segment);
}

static void X13_what_cannot_be_a_set_is_not_declared_in_part(void **state)
{
	static const struct ring_set_metric metrics[RING_SET_METRICS_MAX + 1] = {{.name = "x"}};
	static const struct ring_set_bundle bundle = {.metrics = metrics,
						      .metric_count = RING_SET_METRICS_MAX + 1};
	static const struct ring_set_spec too_many = {"", {&bundle}};
	struct ring_segment *segment = segment_open(*state);
	char prefix[RING_SET_PREFIX_MAX + 2];
	const struct ring_set_options too_long = {.prefix = prefix};
	struct ring_set_schema schema;
	struct ring_set set;

	memset(prefix, 'p', sizeof prefix);
	prefix[sizeof prefix - 1] = 0;
	ring_set_declare(&schema, &ring_leases, &too_long);
	assert_int_equal(schema.metric_count, 0);
	ring_set_declare(&schema, &too_many, NULL);
	assert_int_equal(schema.metric_count, 0);
	assert_int_equal(ring_set_define(&set, segment, &too_many, NULL), -EINVAL);
	ring_segment_close(segment);
}

/* Clients choose such names, as many as they like. */
static void X13_a_command_that_is_known_to_be_unsupported_takes_no_lock(void **state)
{
	struct ring_segment *segment = segment_open(*state);
	struct ring_set set;

	assert_int_equal(ring_set_define(&set, segment, &ring_commands,
					 &(struct ring_set_options){.budgets = {1, 1}}),
			 0);
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	ring_command_unsupported(writer, &set, "object", 6);
	pthread_mutex_lock(&segment->registry->mutex);
	alarm(20);
	ring_command_unsupported(writer, &set, "object", 6);
	alarm(0);
	pthread_mutex_unlock(&segment->registry->mutex);
	SHOWS(segment, "elastickv_redis_unsupported_commands_total{command=\"OBJECT\"} 2");
	ring_segment_close(segment);
}

static void X13_a_prefix_is_that_of_all_names(void **state)
{
	const struct ring_set_options options = {.prefix = "mine_"};
	struct ring_segment *segment = segment_open(*state);
	struct ring_set set;

	assert_int_equal(ring_set_define(&set, segment, &ring_leases, &options), 0);
	ring_lease_resolve(&set);
	SHOWS(segment, "mine_lease_read_total{outcome=\"miss\"} 0");
	ring_segment_close(segment);
}

static void X13_under_two_prefixes_only_what_has_none_is_shared(void **state)
{
	const struct ring_set_options options[] = {{"a_", {2, 2}}, {"b_", {2, 2}}};
	struct ring_segment *segment = segment_open(*state);
	struct ring_replication_channel channels[2];
	struct ring_replication_follower followers[2];
	struct ring_set set;

	for (unsigned i = 0; i < 2; i++) {
		if (ring_set_define(&set, segment, &ring_replication, &options[i]) != 0)
			fail_msg("%s", ring_error());
		channels[i] = ring_replication_channel_resolve(&set, "x");
		followers[i] = ring_replication_follower_resolve(&set, "x");
	}
	assert_memory_equal(&followers[0], &followers[1], sizeof followers[0]);
	assert_int_not_equal(channels[0].skip_ahead.key, channels[1].skip_ahead.key);
	SHOWS(segment, "a_replication_skip_ahead_total{channel=\"x\"} 0",
	      "b_replication_skip_ahead_total{channel=\"x\"} 0");
	ring_segment_close(segment);
}

static void X13_names_of_others_become_short_upper_case_valid_labels(void **state)
{
	static const struct {
		const char *name;
		size_t bytes;
		const char *word;
	} cases[] = {
		{"get", 3, "GET"},
		{"\t get\r\n", 7, "GET"},
		{"Az{`", 4, "AZ{`"},
		{"", 0, "unknown"},
		{"   ", 3, "unknown"},
		{"\xff\xfe", 2, "invalid_utf8"},
		{"a\0b", 3, "invalid_utf8"},
		{"stra\xc3\x9f"
		 "e",
		 7,
		 "STRA\xc3\x9f"
		 "E"},
	};
	char word[RING_SET_WORD_BYTES], longer[300];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ring_set_word(cases[i].name, cases[i].bytes, word);
		assert_string_equal(word, cases[i].word);
	}
	memset(longer, 'x', sizeof longer);
	ring_set_word(longer, sizeof longer, word);
	assert_int_equal(strlen(word), 64);
	ring_set_word(longer, 65, word);
	assert_int_equal(strlen(word), 64);
	memcpy(longer + 62, "\xf0\x9f\x98\x80", 4); /* would be cut off in the middle */
	ring_set_word(longer, sizeof longer, word);
	assert_int_equal(strlen(word), 62);
	memcpy(longer + 61, "\xf0\x9f\x98\x80y", 5);
	ring_set_word(longer, sizeof longer, word);
	assert_int_equal(strlen(word), 61);
	memset(longer + 4, ' ', sizeof longer - 4);
	longer[sizeof longer - 1] = 'x';
	ring_set_word(longer, sizeof longer, word);
	assert_string_equal(word, "XXXX");
	memset(longer, 0x80, sizeof longer);
	ring_set_word(longer, sizeof longer, word);
	assert_string_equal(word, "invalid_utf8");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(X13_all_sets_have_room_where_they_ask_for_it_under_any_prefix),
		TEST(X10_each_bundle_has_its_budget),
		TEST(X10_a_budget_beyond_all_limits_is_refused),
		TEST(X13_what_cannot_be_a_set_is_not_declared_in_part),
		TEST(X13_a_command_that_is_known_to_be_unsupported_takes_no_lock),
		TEST(X13_a_prefix_is_that_of_all_names),
		TEST(X13_under_two_prefixes_only_what_has_none_is_shared),
		TEST(X13_names_of_others_become_short_upper_case_valid_labels),
	};

	return cmocka_run_group_tests_name("sets_defined", tests, NULL, NULL);
}
