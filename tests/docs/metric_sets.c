/* SPDX-License-Identifier: MIT */
/*
 * The part of docs/metric-sets.md that tells a set's metrics, from what its header declares; or a
 * segment that has a series of each metric of all sets, and their names, until the input ends.
 *
 * usage: metric_sets SET
 *        metric_sets --dir DIR
 */
#include <stdio.h>
#include <string.h>

#include "all_sets.h"

static void print_list(const char *const *values, const char *mark)
{
	for (unsigned i = 0; values[i]; i++)
		printf("%s%s%s%s", i > 0 ? ", " : "", mark, values[i], mark);
}

static void print_kind(const struct ring_set_metric *metric)
{
	switch (metric->kind) {
	case RING_COUNTER:
		printf("counter");
		break;
	case RING_GAUGE:
		printf("gauge, %s", metric->merge == RING_SUM ? "sum" : "newest");
		break;
	case RING_STATESET:
		printf("state set: ");
		print_list(metric->states, "`");
		break;
	case RING_HISTOGRAM:
		printf("histogram:");
		for (unsigned i = 0; i < metric->bound_count; i++)
			printf(" %.7g", metric->bounds[i]);
		break;
	}
}

static void print_metric(const struct ring_set_bundle *bundle, const struct ring_set_metric *metric)
{
	printf("| `%s", metric->name);
	if (metric->closed)
		printf("{%s}", metric->closed->key);
	printf("` | ");
	print_kind(metric);
	printf(" | %s%s |\n", metric->help, bundle->is_bare ? " No prefix." : "");
}

/* Each closed label once. */
static void print_labels(const struct ring_set_bundle *bundle)
{
	for (unsigned i = 0; i < bundle->metric_count; i++) {
		const struct ring_set_label *label = bundle->metrics[i].closed;
		unsigned first = 0;
		while (bundle->metrics[first].closed != label)
			first++;
		if (!label || first < i)
			continue;
		printf("\n`%s` is one of ", label->key);
		print_list(label->values, "`");
		printf(".\n");
	}
}

static void print_bundle(const struct ring_set_bundle *bundle)
{
	if (bundle->labels[0]) {
		printf("\nBy ");
		print_list(bundle->labels, "`");
		printf("; %u names, then `%s`:\n", bundle->budget, bundle->overflow_label);
	} else {
		printf("\nOnce:\n");
	}
	printf("\n| metric | kind | |\n| --- | --- | --- |\n");
	for (unsigned i = 0; i < bundle->metric_count; i++)
		print_metric(bundle, &bundle->metrics[i]);
	print_labels(bundle);
}

static int print_set(const char *name)
{
	for (size_t i = 0; i < ALL_SETS; i++) {
		const struct ring_set_bundle *const *bundle = all_sets[i].spec->bundles;
		if (strcmp(all_sets[i].name, name) != 0)
			continue;
		for (; *bundle; bundle++)
			print_bundle(*bundle);
		return 0;
	}
	fprintf(stderr, "metric_sets: %s: no such set\n", name);
	return 2;
}

/* Gives one series of the metric a value. */
static void record(struct ring_segment *segment, struct ring_writer *writer,
		   const struct ring_metric_def *def)
{
	const char *labels[RING_LABELS_MAX + 1] = {NULL};

	for (unsigned i = 0; i < RING_LABELS_MAX && def->label_keys[i]; i++)
		labels[i] = "x";
	switch (def->kind) {
	case RING_COUNTER:
		ring_counter_add(writer, ring_counter_resolve(segment, def->name, labels), 1);
		break;
	case RING_GAUGE:
		ring_gauge_set(writer, ring_gauge_resolve(segment, def->name, labels), 1);
		break;
	case RING_HISTOGRAM:
		ring_histogram_observe(writer, ring_histogram_resolve(segment, def->name, labels),
				       1);
		break;
	case RING_STATESET:
		ring_state_set(writer, ring_state_resolve(segment, def->name, labels), 1);
		break;
	}
}

static int show_all(const char *dir)
{
	const struct ring_options options = {.name = "sets",
					     .dir = dir,
					     .core_count = 1,
					     .metrics_spare = 256,
					     .series_spare = 1u << 16};
	const struct ring_set_options few = {.budgets = {2, 2, 2, 2}};
	struct ring_set_schema schema;
	struct ring_segment *segment;
	struct ring_set set;
	int error = ring_segment_create(&segment, &options);
	struct ring_writer *writer = ring_writer_claim(segment, 0);

	ring_tick(writer);
	for (size_t i = 0; i < ALL_SETS && error == 0; i++) {
		error = ring_set_define(&set, segment, all_sets[i].spec, &few);
		ring_set_declare(&schema, all_sets[i].spec, &few);
		for (unsigned m = 0; m < schema.metric_count; m++) {
			record(segment, writer, &schema.metrics[m]);
			printf("%s\n", schema.names[m]);
		}
	}
	if (error)
		fprintf(stderr, "metric_sets: %s: %s\n", dir, ring_error());
	fclose(stdout);
	(void)getchar(); /* up to its end */
	ring_segment_close(segment);
	return error ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--dir") == 0)
		return show_all(argv[2]);
	return print_set(argc == 2 ? argv[1] : "");
}
