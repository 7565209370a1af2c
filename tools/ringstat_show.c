/* SPDX-License-Identifier: MIT */
/* ringstat show: one segment in full, or its totals, as facts.h finds them. */
#include <stdio.h>

#include "document.h"
#include "facts.h"
#include "ringstat.h"
#include "target.h"
#include "text.h"
#include "tool.h"

static const char *dir;
static bool as_json;
static bool per_core;
static bool total;

static const struct option_def options[] = {
	{.name = "dir", .argument = "DIR", .help = "the segment directory", .text = &dir},
	{.name = "json", .help = "print JSON", .flag = &as_json},
	{.name = "per-core", .help = "also show each core's part", .flag = &per_core},
	{.name = "total",
	 .help = "only totals over all labels, without gauges and states",
	 .flag = &total},
	{0},
};

static void print_header(const json_t *document)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)document, key, value) {
		if (json_is_array(value))
			continue;
		printf("%-20s ", key);
		document_print_scalar(stdout, value);
		putchar('\n');
	}
}

static void print_labels(const json_t *labels)
{
	const char *key;
	json_t *value;
	char before = '{';

	json_object_foreach ((json_t *)labels, key, value) {
		printf("%c%s=", before, key);
		text_print_quoted(stdout, document_string(value));
		before = ',';
	}
	if (before == ',')
		putchar('}');
}

/* The number of a series, of one core's part of it, or of a total; the rest of the line. */
static void print_number(const json_t *object)
{
	const json_t *value = json_object_get(object, "value");

	if (json_object_get(object, "buckets")) {
		fputs("count ", stdout);
		document_print_scalar(stdout, json_object_get(object, "count"));
		fputs(", sum ", stdout);
		document_print_scalar(stdout, json_object_get(object, "sum"));
	} else if (json_is_null(value)) {
		fputs("unset", stdout);
	} else {
		document_print_scalar(stdout, value);
	}
	putchar('\n');
}

static void print_value(const json_t *object, const char *indent)
{
	json_t *bucket;
	size_t i;

	print_number(object);
	json_array_foreach (json_object_get(object, "buckets"), i, bucket) {
		printf("%sle ", indent);
		document_print_scalar(stdout, json_object_get(bucket, "le"));
		fputs(": ", stdout);
		document_print_scalar(stdout, json_object_get(bucket, "count"));
		putchar('\n');
	}
}

static void print_series(const char *name, const json_t *series)
{
	json_t *part;
	size_t i;

	fputs(name, stdout);
	print_labels(json_object_get(series, "labels"));
	putchar(' ');
	print_value(series, "    ");
	json_array_foreach (json_object_get(series, "cores"), i, part) {
		fputs("    core ", stdout);
		document_print_scalar(stdout, json_object_get(part, "core"));
		fputs("  ", stdout);
		print_value(part, "        ");
	}
}

/* How much of the budget is used, if there is one. */
static void print_budget(const json_t *metric)
{
	const json_t *used = json_object_get(metric, "series_used");
	const json_t *overflowed = json_object_get(metric, "overflowed");

	if (!used)
		return;
	fputs(", ", stdout);
	document_print_scalar(stdout, used);
	printf(" of %" JSON_INTEGER_FORMAT " series",
	       json_integer_value(json_object_get(metric, "series_max")));
	if (json_is_integer(overflowed) && json_integer_value(overflowed) == 0)
		return;
	fputs(", ", stdout);
	document_print_scalar(stdout, overflowed);
	fputs(" resolutions overflowed", stdout);
}

static void print_metric(const json_t *metric)
{
	const char *name = json_string_value(json_object_get(metric, "name"));
	json_t *series, *labels;
	size_t i;

	/* Names, kinds and rules are judged ASCII; help may hold anything. */
	printf("\n# %s, %s, merged by %s", name, json_string_value(json_object_get(metric, "kind")),
	       json_string_value(json_object_get(metric, "merge")));
	print_budget(metric);
	fputs(": ", stdout);
	text_print(stdout, document_string(json_object_get(metric, "help")));
	putchar('\n');
	json_array_foreach (json_object_get(metric, "refused"), i, labels) {
		fputs("# no room for ", stdout);
		print_labels(labels);
		putchar('\n');
	}
	json_array_foreach (json_object_get(metric, "series"), i, series)
		print_series(name, series);
}

static void print_for_people(const json_t *document)
{
	json_t *metric;
	size_t i;

	print_header(document);
	putchar('\n');
	document_print_table(stdout, json_object_get(document, "cores"));
	json_array_foreach (json_object_get(document, "metrics"), i, metric)
		print_metric(metric);
}

static void print_totals(const json_t *document)
{
	json_t *metric;
	size_t i;

	json_array_foreach (json_object_get(document, "metrics"), i, metric) {
		printf("%s ", json_string_value(json_object_get(metric, "name")));
		print_number(metric);
	}
}

static int run(char **operands)
{
	struct ring_reader *reader;

	if (total && per_core)
		return options_complain("ringstat show", "--per-core", "not with --total");
	int result = target_open(&reader, dir, operands[0]);
	if (result)
		return target_complain_at(dir, operands[0], result);
	json_t *document = json_object();
	result = (int)(total ? facts_totals(document, reader)
			     : facts_collect(document, reader, per_core));
	ring_reader_close(reader);
	if (result) {
		json_decref(document);
		return target_complain(operands[0], result);
	}
	if (as_json)
		document_print_json(json_incref(document));
	else if (total)
		print_totals(document);
	else
		print_for_people(document);
	json_decref(document);
	return TOOL_OK;
}

const struct ringstat_command ringstat_show = {
	.name = "show",
	.operands = "SEGMENT",
	.summary = "Shows one segment: its rings, metrics and values",
	.options = options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run,
};
