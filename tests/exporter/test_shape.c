/* SPDX-License-Identifier: MIT */
/*
 * How metrics are shown: what the options say, and what becomes of names, rules and labels.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aggregate/shape.h"
#include "config.h"
#include "members.h"
#include "render/render.h"

static struct shape_rule rule_of(const char *text)
{
	struct shape_rule rule;
	const char *fault = shape_rule_parse(text, &rule);

	if (fault)
		fail_msg("%s: %s", text, fault);
	return rule;
}

static void refuse_rule(const char *text, const char *word)
{
	struct shape_rule rule;
	const char *fault = shape_rule_parse(text, &rule);

	if (!fault || !strstr(fault, word))
		fail_msg("%s: %s", text, fault ? fault : "was taken");
}

static void keys_come_in_any_order(void **state)
{
	struct shape_rule rule = rule_of("a_*:series=7,merge=max,rename=b_,labels=core");

	(void)state;
	assert_string_equal(rule.pattern, "a_*");
	assert_true(rule.merges && rule.renames);
	assert_int_equal(rule.merge, RING_MAX);
	assert_string_equal(rule.rename, "b_");
	assert_int_equal(rule.series_max, 7);
	assert_true(rule.split.by_core && !rule.split.by_segment);
	rule = rule_of("a:labels=segment+core");
	assert_true(rule.split.by_core && rule.split.by_segment && !rule.merges && !rule.renames);
	rule = rule_of("[[:alpha:]]*:labels=segment");
	assert_string_equal(rule.pattern, "[[:alpha:]]*");
	assert_true(!rule.split.by_core && rule.split.by_segment);
	assert_int_equal(rule_of("a:merge=sum").merge, RING_SUM);
	assert_int_equal(rule_of("a:series=1048576").series_max, RING_SERIES_MAX);
}

static void rules_that_make_no_sense_are_refused(void **state)
{
	static const char *const texts[][2] = {
		{"", "PATTERN"},
		{"a", "PATTERN"},
		{":merge=max", "PATTERN"},
		{"a:", "KEY=VALUE"},
		{"a:merge", "KEY=VALUE"},
		{"a:merge=max,", "KEY=VALUE"},
		{"a:,merge=max", "KEY=VALUE"},
		{"a:merge=", "merge must be"},
		{"a:merge=avg", "merge must be"},
		{"a:merge=MAX", "merge must be"},
		{"a:merge=max ", "merge must be"},
		{"a:merge=max,merge=max", "twice"},
		{"a:labels=", "labels must be"},
		{"a:labels=core,labels=segment", "twice"},
		{"a:labels=core+core", "labels must be"},
		{"a:labels=cores", "labels must be"},
		{"a:labels=none", "labels must be"},
		{"a:rename=", "rename must be"},
		{"a:rename=9a", "rename must be"},
		{"a:rename=a-b", "rename must be"},
		{"a:rename=a b", "rename must be"},
		{"a:rename=\xc3\xa9", "rename must be"},
		{"a:rename=b,rename=c", "twice"},
		{"a:series=0", "series must be"},
		{"a:series=", "series must be"},
		{"a:series=-1", "series must be"},
		{"a:series=1048577", "series must be"},
		{"a:series=99999999999", "series must be"},
		{"a:series=1,series=2", "twice"},
		{"a:max=merge", "other than"},
		{"a: merge=max", "other than"},
		{"a:=max", "other than"},
	};
	char text[2 * RING_METRIC_NAME_MAX] = "";

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		refuse_rule(texts[i][0], texts[i][1]);
	memset(text, 'x', RING_METRIC_NAME_MAX);
	strcpy(text + RING_METRIC_NAME_MAX, ":merge=max");
	rule_of(text);
	strcpy(text + RING_METRIC_NAME_MAX, "x:merge=max");
	refuse_rule(text, "longer");
	snprintf(text, sizeof text, "a:rename=%0201d", 0);
	memset(text + 9, 'b', RING_METRIC_NAME_MAX + 1);
	refuse_rule(text, "rename must be");
}

static void labels_are_taken_in_order(void **state)
{
	struct shape_labels labels = {.count = 0};

	(void)state;
	assert_null(shape_label_parse("node=a", &labels));
	assert_null(shape_label_parse("Site_2=x=y, \"z\"\\", &labels));
	assert_int_equal(labels.count, 2);
	assert_memory_equal(labels.names[0].data, "node", labels.names[0].bytes);
	assert_int_equal(labels.names[1].bytes, strlen("Site_2"));
	assert_int_equal(labels.values[1].bytes, strlen("x=y, \"z\"\\"));
}

static void labels_that_make_no_sense_are_refused(void **state)
{
	static const char *const texts[][2] = {
		{"", "NAME=VALUE"},          {"a", "NAME=VALUE"},    {"=b", "NAME=VALUE"},
		{"b=", "NAME=VALUE"},        {"9a=b", "digit"},      {"a-b=c", "letters"},
		{" a=b", "letters"},         {"a:b=c", "letters"},   {"le=1", "exposition"},
		{"quantile=1", "expo"},      {"__name__=a", "'__'"}, {"b=\xff", "UTF-8"},
		{"b=\xed\xa0\x80", "UTF-8"}, {"there=2", "already"},
	};
	char long_value[RING_LABEL_VALUE_MAX + 4];
	struct shape_labels labels = {.count = 0};
	char words[SHAPE_LABELS_MAX + 1][8];

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		labels.count = 0;
		assert_null(shape_label_parse("there=1", &labels));
		const char *fault = shape_label_parse(texts[i][0], &labels);
		if (!fault || !strstr(fault, texts[i][1]))
			fail_msg("%s: %s", texts[i][0], fault ? fault : "was taken");
	}
	labels.count = 0;
	snprintf(long_value, sizeof long_value, "a=%0255d", 1);
	assert_null(shape_label_parse(long_value, &labels));
	labels.count = 0;
	snprintf(long_value, sizeof long_value, "a=%0256d", 1);
	assert_non_null(shape_label_parse(long_value, &labels));
	for (unsigned i = 0; i <= SHAPE_LABELS_MAX; i++) {
		snprintf(words[i], sizeof words[i], "l%u=v", i);
		assert_int_equal(shape_label_parse(words[i], &labels) == NULL,
				 i < SHAPE_LABELS_MAX);
	}
}

/* What the rules make of a metric; NULL: it cannot be shown. The name stays until the next call. */
static const char *name_after(const char *rule_text, enum ring_kind kind, const char *name,
			      const char *unit)
{
	const struct shape_rule rule = rule_of(rule_text);
	const struct shape shape = {.rules = &rule, .rule_count = 1};
	struct ring_metric_info metric = members_metric(kind, RING_SUM, name, "channel", NULL);
	static struct shape_metric shown;
	static char terminated[RING_METRIC_NAME_MAX + 1];

	metric.unit = (struct ring_text){unit, (uint32_t)strlen(unit)};
	if (!shape_metric(&shape, &metric, 1, &shown))
		return NULL;
	snprintf(terminated, sizeof terminated, "%.*s", (int)shown.metric.name.bytes,
		 shown.metric.name.data);
	return terminated;
}

static void rename_replaces_what_the_pattern_says_before_a_wildcard(void **state)
{
	static const char *const names[][3] = {
		{"forward_*:rename=dns_", "forward_packets_total", "dns_packets_total"},
		{"forward_*:rename=dns_", "forward_total", "dns_total"},
		{"forward_*:rename=dns_", "other_packets_total", "other_packets_total"},
		{"*_total:rename=dns_", "packets_total", "dns_packets_total"},
		{"packets_total:rename=frames_total", "packets_total", "frames_total"},
		{"packets_*s_total:rename=x_", "packets_errors_total", "x_errors_total"},
		{"packets_[de]*:rename=x_", "packets_drops_total", "x_drops_total"},
		{"packets_?ops_total:rename=x_", "packets_drops_total", "packets_drops_total"},
		{"packets_total:merge=max", "packets_total", "packets_total"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_string_equal(name_after(names[i][0], RING_COUNTER, names[i][1], ""),
				    names[i][2]);
}

static void names_that_break_a_rule_are_not_shown(void **state)
{
	char longest[RING_METRIC_NAME_MAX + 32];

	(void)state;
	assert_null(name_after("a_total:rename=b", RING_COUNTER, "a_total", ""));
	assert_null(name_after("a_*:rename=b_total_", RING_GAUGE, "a_total", ""));
	assert_null(name_after("a_*:rename=ring_", RING_COUNTER, "a_b_total", ""));
	assert_null(name_after("a*:rename=process", RING_GAUGE, "a_b", ""));
	assert_null(name_after("a_*:rename=ms_", RING_GAUGE, "a_ms", ""));
	assert_null(name_after("a:rename=loadAverage", RING_GAUGE, "a", ""));
	assert_null(name_after("a:rename=a_sum", RING_GAUGE, "a", ""));
	assert_null(name_after("a_seconds:rename=wait", RING_GAUGE, "a_seconds", "seconds"));
	assert_non_null(name_after("a_*:rename=wait_", RING_GAUGE, "a_seconds", "seconds"));
	snprintf(longest, sizeof longest, "*:rename=%0100d", 0);
	memset(longest + strlen("*:rename="), 'a', 100);
	assert_int_equal(strlen(name_after(longest, RING_GAUGE, "b", "")), 101);
	char name[RING_METRIC_NAME_MAX + 1] = "";
	memset(name, 'b', 100);
	assert_non_null(name_after(longest, RING_GAUGE, name, ""));
	memset(name, 'b', 101);
	assert_null(name_after(longest, RING_GAUGE, name, ""));
}

static void first_rule_that_matches_is_the_metrics(void **state)
{
	const struct shape_rule rules[] = {rule_of("b_*:merge=min"), rule_of("a_x:merge=max"),
					   rule_of("a_*:merge=last,labels=core")};
	const struct shape shape = {.rules = rules, .rule_count = 3};
	const struct ring_metric_info x = members_metric(RING_GAUGE, RING_SUM, "a_x", NULL, NULL);
	const struct ring_metric_info y = members_metric(RING_GAUGE, RING_SUM, "a_y", NULL, NULL);
	const struct ring_metric_info none = members_metric(RING_GAUGE, RING_SUM, "c", NULL, NULL);
	struct shape_metric shown;

	(void)state;
	assert_true(shape_metric(&shape, &x, 1, &shown));
	assert_true(shown.metric.merge == RING_MAX && !shown.split.by_core);
	assert_true(shape_metric(&shape, &y, 1, &shown));
	assert_true(shown.metric.merge == RING_LAST && shown.split.by_core);
	assert_true(shape_metric(&shape, &none, 1, &shown));
	assert_true(shown.metric.merge == RING_SUM && !shown.split.by_core);
}

static void counters_and_histograms_stay_sums(void **state)
{
	const struct shape_rule rule = rule_of("*:merge=max");
	const struct shape shape = {.rules = &rule, .rule_count = 1};
	const struct ring_metric_info counter = members_metric(RING_COUNTER, RING_SUM, "a_total",
							       NULL, NULL);
	const struct ring_metric_info histogram = members_histogram("a_seconds", NULL);
	struct shape_metric shown;

	(void)state;
	assert_true(shape_metric(&shape, &counter, 1, &shown));
	assert_int_equal(shown.metric.merge, RING_SUM);
	assert_true(shape_metric(&shape, &histogram, 1, &shown));
	assert_int_equal(shown.metric.merge, RING_SUM);
}

static void state_sets_merge_by_any_rule_but_the_sum_and_have_a_label_already(void **state)
{
	const struct shape_rule rules[] = {rule_of("a:merge=max"), rule_of("*:merge=sum,rename=c")};
	const struct shape shape = {.rules = rules, .rule_count = 2};
	struct ring_metric_info metric = members_metric(RING_STATESET, RING_LAST, "a", "b", NULL);
	struct shape_labels labels = {.count = 0};
	struct shape_metric shown;

	(void)state;
	assert_true(shape_metric(&shape, &metric, 1, &shown));
	assert_int_equal(shown.metric.merge, RING_MAX);
	metric.name = (struct ring_text){"d", 1};
	assert_true(shape_metric(&shape, &metric, 1, &shown));
	assert_int_equal(shown.metric.merge, RING_LAST);
	assert_null(shape_label_parse("a=x", &labels));
	const struct shape labelled = {.labels = &labels};
	assert_true(shape_metric(&labelled, &metric, 1, &shown));
	metric.name = (struct ring_text){"a", 1};
	assert_false(shape_metric(&labelled, &metric, 1, &shown));
	metric.label_keys[0] = (struct ring_text){"cd", 2};
	metric.name = (struct ring_text){"d", 1};
	assert_false(shape_metric(&shape, &metric, 1, &shown));
}

/* Of a metric with a budget of 10 and two labels. */
static uint32_t budget_after(const char *text, uint32_t core_count)
{
	const struct shape_rule rule = rule_of(text);
	const struct shape shape = {.rules = &rule, .rule_count = 1};
	struct ring_metric_info metric = members_metric(RING_COUNTER, 0, "a_total", "x", "y");
	struct shape_metric shown;

	metric.series_max = 10;
	assert_true(shape_metric(&shape, &metric, core_count, &shown));
	return shown.metric.series_max;
}

static void budget_is_each_cores_unless_a_rule_says_it(void **state)
{
	(void)state;
	assert_int_equal(budget_after("*:merge=max", 8), 10);
	assert_int_equal(budget_after("*:labels=core", 8), 88);
	assert_int_equal(budget_after("*:labels=segment", 8), UINT32_MAX);
	assert_int_equal(budget_after("*:labels=core+segment,series=12", 8), 12);
	assert_int_equal(budget_after("*:series=12", 8), 12);
}

static void metric_with_all_its_labels_has_room_for_all_of_ours(void **state)
{
	const struct shape_rule rule = rule_of("*:labels=core+segment");
	struct ring_metric_info metric = members_metric(RING_COUNTER, 0, "a_total", NULL, NULL);
	static const char keys[] = "abcdefgh", own[] = "\1a\1b\1c\1d\1e\1f\1g\1h";
	struct shape_labels labels = {.count = 0};
	char words[SHAPE_LABELS_MAX][8], packed[SHAPE_PACKED_MAX];
	struct shape_metric shown;

	(void)state;
	for (unsigned i = 0; i < SHAPE_LABELS_MAX; i++) {
		snprintf(words[i], sizeof words[i], "l%u=%u", i, i);
		assert_null(shape_label_parse(words[i], &labels));
	}
	for (; metric.label_count < RING_LABELS_MAX; metric.label_count++)
		metric.label_keys[metric.label_count] = (struct ring_text){
			keys + metric.label_count, 1};
	const struct shape shape = {&labels, &rule, 1};
	assert_true(shape_metric(&shape, &metric, 1, &shown));
	assert_int_equal(shown.metric.label_count, RING_INFO_LABELS_MAX);
	struct ring_text values = shape_series(
		&shape, shown.split, (struct ring_text){own, sizeof own - 1}, "seg", 13, packed);
	struct ring_text value;
	char all[64] = "";
	while (ring_label_next(&values, &value)) {
		strncat(all, value.data, value.bytes);
		strcat(all, ",");
	}
	assert_string_equal(all, "a,b,c,d,e,f,g,h,seg,13,0,1,2,3,4,5,");
}

#define READ(config, ...) \
	read_words(config, (char *const[]){(char[]){"ring-exporter"}, __VA_ARGS__, NULL})
#define WORD(string) ((char[]){string})

static enum config_result read_words(struct config *config, char *const *words)
{
	int count = 0;

	while (words[count])
		count++;
	return config_read(config, count, words);
}

static void nothing_is_changed_unless_told(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(READ(&config, WORD("--once")), CONFIG_RUN);
	assert_int_equal(config.labels.count, 0);
	assert_int_equal(config.shape_rule_count, 0);
	assert_int_equal(config.aggregate_limits.series_max, 1000000);
	assert_int_equal(config.aggregate_limits.retention_ns, 0);
	assert_int_equal(config.page_bytes_max, RENDER_BYTES_MAX);
}

static void options_are_taken(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(READ(&config, WORD("--label=a=b"), WORD("--label=c=d"),
			      WORD("--metrics.override=x_*:merge=max"),
			      WORD("--series.retention=10m"), WORD("--limit.series=99999999"),
			      WORD("--limit.page-bytes=1GiB")),
			 CONFIG_RUN);
	assert_int_equal(config.labels.count, 2);
	assert_memory_equal(config.labels.values[1].data, "d", 2);
	assert_int_equal(config.shape_rule_count, 1);
	assert_string_equal(config.shape_rules[0].pattern, "x_*");
	assert_int_equal(config.aggregate_limits.retention_ns, UINT64_C(600000000000));
	assert_int_equal(config.aggregate_limits.series_max, 99999999);
	assert_int_equal(config.page_bytes_max, 1 << 30);
}

static void options_that_make_no_sense_are_refused(void **state)
{
	static char words[][48] = {
		"--label=",
		"--label=a",
		"--label=le=b",
		"--label=core=b",
		"--label=severity=b",
		"--metrics.override=",
		"--metrics.override=a:merge=avg",
		"--series.retention=0s",
		"--series.retention=10",
		"--limit.series=0",
		"--limit.series=-1",
		"--limit.series=100000000",
		"--limit.page-bytes=65535",
		"--limit.page-bytes=1048577KiB",
		"--limit.page-bytes=64MB",
	};
	struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (READ(&config, words[i]) != CONFIG_WRONG)
			fail_msg("%s was taken", words[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_come_in_any_order),
		cmocka_unit_test(rules_that_make_no_sense_are_refused),
		cmocka_unit_test(labels_are_taken_in_order),
		cmocka_unit_test(labels_that_make_no_sense_are_refused),
		cmocka_unit_test(rename_replaces_what_the_pattern_says_before_a_wildcard),
		cmocka_unit_test(names_that_break_a_rule_are_not_shown),
		cmocka_unit_test(first_rule_that_matches_is_the_metrics),
		cmocka_unit_test(counters_and_histograms_stay_sums),
		cmocka_unit_test(state_sets_merge_by_any_rule_but_the_sum_and_have_a_label_already),
		cmocka_unit_test(budget_is_each_cores_unless_a_rule_says_it),
		cmocka_unit_test(metric_with_all_its_labels_has_room_for_all_of_ours),
		cmocka_unit_test(nothing_is_changed_unless_told),
		cmocka_unit_test(options_are_taken),
		cmocka_unit_test(options_that_make_no_sense_are_refused),
	};

	return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
