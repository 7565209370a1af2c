/* SPDX-License-Identifier: MIT */
/*
 * Pages in OpenMetrics, byte by byte where they differ from those in text.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ring/record.h>

#include "members.h"
#include "render/render.h"

static void expect_page(struct aggregate *aggregate, enum format format, const char *wanted)
{
	char *page = members_page_in(aggregate, format);

	assert_string_equal(page, wanted);
	free(page);
}

static void add(struct aggregate *aggregate, struct ring_metric_info metric, uint64_t cell)
{
	struct aggregate_member *member = members_join(aggregate, "m", 0, 0, 1);

	members_add_metric(member, metric);
	members_add_series(member, 0, NULL, NULL);
	aggregate_set(member, 0, 0, (uint64_t[]){cell, 1, 2, 3});
}

static void add_counter(struct aggregate *aggregate, const char *name)
{
	add(aggregate, members_metric(RING_COUNTER, 0, name, NULL, NULL), 7);
}

static void add_gauge(struct aggregate *aggregate, const char *name, double value)
{
	add(aggregate, members_metric(RING_GAUGE, 0, name, NULL, NULL), ring_bits_of(value));
}

static void counter_has_its_name_without_total_and_its_lines_with_it(void **state)
{
	add_counter(*state, "a_total");
	expect_page(*state, FORMAT_OPENMETRICS, "# TYPE a counter\n# HELP a Help.\na_total 7\n");
	expect_page(*state, FORMAT_TEXT,
		    "# HELP a_total Help.\n# TYPE a_total counter\na_total 7\n");
}

static void unit_stands_between_type_and_help(void **state)
{
	struct ring_metric_info metric = members_metric(RING_COUNTER, 0, "sent_bytes_total", NULL,
							NULL);

	metric.unit = (struct ring_text){"bytes", 5};
	add(*state, metric, 7);
	expect_page(*state, FORMAT_OPENMETRICS,
		    "# TYPE sent_bytes counter\n"
		    "# UNIT sent_bytes bytes\n"
		    "# HELP sent_bytes Help.\n"
		    "sent_bytes_total 7\n");
	expect_page(*state, FORMAT_TEXT,
		    "# HELP sent_bytes_total Help.\n"
		    "# TYPE sent_bytes_total counter\n"
		    "sent_bytes_total 7\n");
}

static void help_has_its_quotes_escaped(void **state)
{
	struct ring_metric_info metric = members_metric(RING_GAUGE, 0, "a", NULL, NULL);

	metric.help = (struct ring_text){"x\\y\n\"z\"", 7};
	add(*state, metric, ring_bits_of(0.5));
	expect_page(*state, FORMAT_OPENMETRICS,
		    "# TYPE a gauge\n# HELP a x\\\\y\\n\\\"z\\\"\na 0.5\n");
	expect_page(*state, FORMAT_TEXT, "# HELP a x\\\\y\\n\"z\"\n# TYPE a gauge\na 0.5\n");
}

static void total_in_doubles_is_a_counter(void **state)
{
	add_gauge(*state, "busy_seconds_total", 0.25);
	expect_page(*state, FORMAT_OPENMETRICS,
		    "# TYPE busy_seconds counter\n# HELP busy_seconds Help.\n"
		    "busy_seconds_total 0.25\n");
}

static void only_the_exporters_own_info_is_one(void **state)
{
	add_gauge(*state, "ring_exporter_build_info", 1);
	add_gauge(*state, "user_info", 2);
	expect_page(*state, FORMAT_OPENMETRICS,
		    "# TYPE ring_exporter_build info\n# HELP ring_exporter_build Help.\n"
		    "ring_exporter_build_info 1\n"
		    "# TYPE user_info gauge\n# HELP user_info Help.\n"
		    "user_info 2\n");
}

static void counter_whose_short_name_is_taken_is_unknown(void **state)
{
	static const char *const others[] = {"a_total",       "b_created_total", "b_total",
					     "c_count_total", "d_total_total",   "d_total",
					     "e_sum_total"};
	struct ring_metric_info metric = members_histogram("c", NULL);

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		add_counter(*state, others[i]);
	add_gauge(*state, "a", 1);
	add_gauge(*state, "e", 1);
	add(*state, metric, ring_bits_of(8));
	char *page = members_page_in(*state, FORMAT_OPENMETRICS);
	/* The gauge and the histogram have the names, and lines of these names. */
	assert_non_null(strstr(page, "# TYPE a_total unknown\n# HELP a_total Help.\na_total 7\n"));
	assert_non_null(strstr(page, "# TYPE b_created_total unknown\n"));
	assert_non_null(strstr(page, "# TYPE c_count_total unknown\n"));
	assert_non_null(strstr(page, "# TYPE d_total_total unknown\n"));
	/* These are nobody else's. */
	assert_non_null(strstr(page, "# TYPE b counter\n"));
	assert_non_null(strstr(page, "# TYPE d counter\n"));
	assert_non_null(strstr(page, "# TYPE e_sum counter\n"));
	free(page);
}

static void unknown_counter_has_no_unit(void **state)
{
	struct ring_metric_info metric = members_metric(RING_COUNTER, 0, "a_seconds_total", NULL,
							NULL);

	metric.unit = (struct ring_text){"seconds", 7};
	add(*state, metric, 7);
	add_gauge(*state, "a_seconds", 1);
	char *page = members_page_in(*state, FORMAT_OPENMETRICS);
	assert_non_null(strstr(page, "# TYPE a_seconds_total unknown\n# HELP a_seconds_total "));
	free(page);
}

static void histogram_has_no_sum_that_could_fall(void **state)
{
	static const double bounds[] = {-1, 2.5};
	const double sums[] = {1, -1, (double)NAN, (double)INFINITY, 0, -0.0};
	struct ring_metric_info metric = members_histogram("h_seconds", NULL);

	(void)state;
	for (unsigned below_zero = 0; below_zero < 2; below_zero++) {
		for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
			struct aggregate *aggregate = aggregate_create();
			if (below_zero)
				metric.bounds = bounds;
			add(aggregate, metric, ring_bits_of(sums[i]));
			char *page = members_page_in(aggregate, FORMAT_OPENMETRICS);
			char *text = members_page_in(aggregate, FORMAT_TEXT);
			const bool has_sum = strstr(page, "\nh_seconds_sum ");
			assert_int_equal(has_sum, !below_zero && sums[i] >= 0);
			assert_int_equal(strstr(page, "\nh_seconds_count 6\n") != NULL, has_sum);
			assert_non_null(strstr(page, "le=\"+Inf\"} 6\n"));
			assert_non_null(strstr(text, "\nh_seconds_sum "));
			assert_non_null(strstr(text, "\nh_seconds_count 6\n"));
			free(page);
			free(text);
			aggregate_destroy(aggregate);
		}
	}
}

static void series_say_when_they_started(void **state)
{
	const struct ring_metric_info metric = members_histogram("h_seconds", NULL);

	aggregate_set_time(*state, UINT64_C(1700000000012999999));
	add_counter(*state, "a_total");
	add_counter(*state, "g_total"); /* a gauge has the line's name */
	add_gauge(*state, "busy_seconds_total", 0.5);
	add_gauge(*state, "g_created", 1);
	add(*state, metric, ring_bits_of(8));
	expect_page(*state, FORMAT_OPENMETRICS,
		    "# TYPE a counter\n# HELP a Help.\na_total 7\na_created 1700000000.012\n"
		    "# TYPE busy_seconds counter\n# HELP busy_seconds Help.\n"
		    "busy_seconds_total 0.5\nbusy_seconds_created 1700000000.012\n"
		    "# TYPE g_created gauge\n# HELP g_created Help.\ng_created 1\n"
		    "# TYPE g counter\n# HELP g Help.\ng_total 7\n"
		    "# TYPE h_seconds histogram\n# HELP h_seconds Help.\n"
		    "h_seconds_bucket{le=\"1.0\"} 1\nh_seconds_bucket{le=\"2.5\"} 3\n"
		    "h_seconds_bucket{le=\"+Inf\"} 6\nh_seconds_sum 8\nh_seconds_count 6\n"
		    "h_seconds_created 1700000000.012\n");
	char *page = members_page(*state);
	assert_null(strstr(page, "h_seconds_created"));
	free(page);
}

/* Nobody who comes or goes changes it, but one who is older. */
static void series_starts_with_the_oldest_who_contributes(void **state)
{
	static const uint64_t starts[] = {5000000000, 7000000000, 0, 3000000000, 4000000000};
	static const char *const wanted[] = {"5.000", "5.000", "5.000", "3.000", "3.000"};
	struct aggregate_member *member;
	char line[32];

	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		const struct identity identity = {.uuid = {(uint8_t)(i + 1)},
						  .created_ns = starts[i]};
		assert_int_equal(aggregate_join(*state, &member, &identity, 1), 0);
		members_add_metric(member, members_metric(RING_COUNTER, 0, "a_total", NULL, NULL));
		members_add_series(member, 0, NULL, NULL);
		members_count(member, 0, 0, 1);
		for (unsigned gone = 0; gone < 2; gone++) {
			char *page = members_page_in(*state, FORMAT_OPENMETRICS);
			snprintf(line, sizeof line, "\na_created %s\n", wanted[i]);
			assert_non_null(strstr(page, line));
			free(page);
			if (gone == 0)
				aggregate_leave(member);
		}
	}
}

static void family_without_lines_has_no_heading(void **state)
{
	struct ring_metric_info metric = members_metric(RING_GAUGE, RING_MIN, "lag", NULL, NULL);

	add_counter(*state, "a_total");
	add(*state, metric, RING_GAUGE_UNSET);
	add_counter(*state, "z_total");
	expect_page(*state, FORMAT_OPENMETRICS,
		    "# TYPE a counter\n# HELP a Help.\na_total 7\n"
		    "# TYPE z counter\n# HELP z Help.\nz_total 7\n");
}

/* Which families are on the page does not depend on the format: the longer heading counts. */
static void family_has_room_in_both_formats_or_is_in_neither(void **state)
{
	struct ring_metric_info metric = members_metric(RING_GAUGE, 0, "a_bytes", NULL, NULL);
	size_t shown_count = 0, none = 0;
	struct catalog *catalog;
	const uint64_t *cells;

	metric.unit = (struct ring_text){"bytes", 5};
	metric.help = (struct ring_text){"\"\"\"\"\"\"", 6};
	add(*state, metric, ring_bits_of(-2.2250738585072014e-308));
	assert_int_equal(aggregate_view(*state, &catalog, &cells), 0);
	for (size_t bytes_max = 1; bytes_max < 200; bytes_max++) {
		struct lines *lines = lines_create(catalog, bytes_max, true);
		assert_non_null(lines);
		assert_true(lines->page_bytes_max <= bytes_max);
		for (unsigned format = 0; format < FORMAT_COUNT; format++) {
			struct text text;
			text_init(&text, bytes_max);
			if (format == FORMAT_PROTOBUF)
				render_messages(&text, lines,
						&(struct snapshot_values){.cells = cells}, &none);
			else
				render_lines(&text, format, lines, cells);
			assert_int_equal(text.error, 0);
			assert_true(text.bytes <= lines->page_bytes_max);
			assert_int_equal(text.bytes == 0, lines->left_out_count == 1);
			text_release(&text);
		}
		shown_count += lines->left_out_count == 0;
		lines_destroy(lines);
	}
	assert_in_range(shown_count, 1, 198);
}

static void page_ends_and_says_so(void **state)
{
	struct aggregate *self = aggregate_create();
	struct aggregate *const parts[] = {[SNAPSHOT_SELF] = self, [SNAPSHOT_DATA] = *state};
	struct snapshot snapshot = {.sequence = 1};
	struct render render;
	struct text text;

	add_counter(*state, "a_total");
	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT; part++) {
		struct snapshot_values *values = &snapshot.parts[part];
		assert_int_equal(aggregate_view(parts[part], &values->catalog, &values->cells), 0);
	}
	render_init(&render, NULL);
	for (unsigned round = 0; round < 3;
	     round++) { /* one after the other, from the same lines */
		const bool is_text = round == 1;
		text_init(&text, 1u << 20);
		render_snapshot(&render, &text, is_text ? FORMAT_TEXT : FORMAT_OPENMETRICS,
				&snapshot);
		text_append(&text, "", 1);
		assert_int_equal(text.error, 0);
		const char *end = strstr(text.data, "\n" RENDER_LEFT_OUT_NAME " ");
		assert_string_equal(end, is_text ? "\n" RENDER_LEFT_OUT_NAME " 0\n"
						 : "\n" RENDER_LEFT_OUT_NAME " 0\n# EOF\n");
		text_release(&text);
	}
	render_release(&render);
	aggregate_destroy(self);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, members_make, members_unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(counter_has_its_name_without_total_and_its_lines_with_it),
		TEST(unit_stands_between_type_and_help),
		TEST(help_has_its_quotes_escaped),
		TEST(total_in_doubles_is_a_counter),
		TEST(only_the_exporters_own_info_is_one),
		TEST(counter_whose_short_name_is_taken_is_unknown),
		TEST(unknown_counter_has_no_unit),
		TEST(histogram_has_no_sum_that_could_fall),
		TEST(series_say_when_they_started),
		TEST(series_starts_with_the_oldest_who_contributes),
		TEST(family_without_lines_has_no_heading),
		TEST(family_has_room_in_both_formats_or_is_in_neither),
		TEST(page_ends_and_says_so),
	};

	return cmocka_run_group_tests_name("openmetrics", tests, NULL, NULL);
}
