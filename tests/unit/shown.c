/* SPDX-License-Identifier: MIT */
#include "shown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "workspace.h"

static void print_labels(FILE *page, const struct ring_metric_info *metric, struct ring_text labels)
{
	struct ring_text value;

	for (uint32_t i = 0; i < metric->label_count && ring_label_next(&labels, &value); i++)
		fprintf(page, "%s%.*s=\"%.*s\"", i > 0 ? "," : "{",
			(int)metric->label_keys[i].bytes, metric->label_keys[i].data,
			(int)value.bytes, value.data);
	fputs(metric->label_count > 0 ? "} " : " ", page);
}

static void print_state(FILE *page, const struct ring_metric_info *metric, uint64_t cell)
{
	struct ring_text states = metric->states, state = {"", 0};

	for (uint32_t i = 0; i <= ring_state_of(metric, cell); i++)
		ring_label_next(&states, &state);
	fprintf(page, "%.*s\n", (int)state.bytes, state.data);
}

static void print_value(FILE *page, const struct ring_metric_info *metric, const uint64_t *cells)
{
	uint64_t count = 0;

	switch (metric->kind) {
	case RING_COUNTER:
		fprintf(page, "%llu\n", (unsigned long long)cells[0]);
		break;
	case RING_GAUGE:
		fprintf(page, "%.15g\n", ring_double_of(cells[0]));
		break;
	case RING_HISTOGRAM:
		for (uint32_t i = 0; i <= metric->bound_count; i++)
			count += cells[1 + i];
		fprintf(page, "%llu/%.15g\n", (unsigned long long)count, ring_double_of(cells[0]));
		break;
	case RING_STATESET:
		print_state(page, metric, cells[0]);
		break;
	}
}

static void print_series(FILE *page, struct ring_reader *reader,
			 const struct ring_series_info *series)
{
	const struct ring_metric_info *metric = ring_reader_metric(reader, series->metric);
	uint64_t sum[RING_SERIES_CELLS_MAX], cells[RING_SERIES_CELLS_MAX];

	ring_cells_clear(metric, sum);
	for (uint32_t core = 0; core < ring_reader_header(reader)->core_count; core++) {
		assert_int_equal(ring_reader_tallies(reader, core, series->cell,
						     metric->series_cells, cells),
				 RING_SOUND);
		ring_cells_merge(metric, sum, cells);
	}
	if (series->gone || (!ring_kind_is_total(metric->kind) && sum[0] == RING_GAUGE_UNSET))
		return;
	fprintf(page, "\n%.*s", (int)metric->name.bytes, metric->name.data);
	print_labels(page, metric, series->labels);
	print_value(page, metric, sum);
}

/* All lines, each with a line break before it and behind it. */
static char *page_of(const struct ring_segment *segment)
{
	struct ring_reader *reader = workspace_reader(segment);
	char *text = NULL;
	size_t bytes;
	FILE *page = open_memstream(&text, &bytes);

	assert_non_null(page);
	for (uint32_t i = 0; i < ring_reader_series_count(reader); i++)
		print_series(page, reader, ring_reader_series(reader, i));
	fclose(page);
	ring_reader_close(reader);
	return text;
}

static int has_line(const char *page, const char *line)
{
	char whole[1024];

	snprintf(whole, sizeof whole, "\n%s\n", line);
	return strstr(page, whole) != NULL;
}

int is_shown(const struct ring_segment *segment, const char *line)
{
	char *page = page_of(segment);
	const int result = has_line(page, line);

	free(page);
	return result;
}

void require_shown(const struct ring_segment *segment, const char *const *lines, int wanted)
{
	char *page = page_of(segment);

	for (; *lines; lines++)
		if (has_line(page, *lines) != wanted)
			fail_msg("%s: %s; there are:%s", *lines,
				 wanted ? "is not shown" : "is shown", page);
	free(page);
}

unsigned shown_count(const struct ring_segment *segment, const char *metric)
{
	char *page = page_of(segment), name[256];
	unsigned count = 0;

	snprintf(name, sizeof name, "\n%s{", metric);
	for (const char *at = page; (at = strstr(at, name)); at++)
		count++;
	free(page);
	return count;
}
