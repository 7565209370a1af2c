/* SPDX-License-Identifier: MIT */
/* Names and merged values of a reader's series. */
#include "series.h"

#include <stdlib.h>

#include "document.h"
#include "text.h"
#include "tool.h"

const struct ring_metric_info *series_metric(const struct ring_reader *reader, uint32_t index)
{
	return ring_reader_metric(reader, ring_reader_series(reader, index)->metric);
}

uint32_t series_count(const struct ring_reader *reader)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < ring_reader_series_count(reader); i++)
		count += !ring_reader_series(reader, i)->gone;
	return count;
}

const char *series_kind_word(enum ring_kind kind)
{
	static const char *const words[] = {
		[RING_COUNTER] = "counter",
		[RING_GAUGE] = "gauge",
		[RING_HISTOGRAM] = "histogram",
		[RING_STATESET] = "stateset",
	};

	return words[kind];
}

const char *series_merge_word(enum ring_merge merge)
{
	static const char *const words[] = {
		[RING_SUM] = "sum", [RING_LAST] = "last", [RING_MIN] = "min", [RING_MAX] = "max"};

	return words[merge];
}

struct ring_text series_state(const struct ring_metric_info *metric, uint64_t cell)
{
	struct ring_text states = metric->states, state = {"", 0};

	for (uint32_t i = 0; i <= ring_state_of(metric, cell); i++)
		ring_label_next(&states, &state);
	return state;
}

static void print_title(FILE *out, const struct ring_reader *reader, uint32_t index,
			const char *suffix)
{
	const struct ring_metric_info *metric = series_metric(reader, index);
	struct ring_text labels = ring_reader_series(reader, index)->labels, value;

	text_print(out, metric->name);
	fputs(suffix, out);
	for (uint32_t i = 0; i < metric->label_count && ring_label_next(&labels, &value); i++) {
		fputc(i == 0 ? '{' : ',', out);
		text_print(out, metric->label_keys[i]);
		fputc('=', out);
		text_print_quoted(out, value);
	}
	if (metric->label_count > 0)
		fputc('}', out);
}

void series_print(FILE *out, const struct ring_reader *reader, uint32_t index)
{
	print_title(out, reader, index, "");
}

json_t *series_title(const struct ring_reader *reader, uint32_t index)
{
	char *title;
	size_t bytes;
	FILE *out = tool_open_text(&title, &bytes);

	print_title(out, reader, index,
		    series_metric(reader, index)->kind == RING_HISTOGRAM ? "_count" : "");
	fclose(out);
	json_t *string = json_stringn(title, bytes);
	free(title);
	return string;
}

json_t *series_labels_of(const struct ring_metric_info *metric, struct ring_text labels)
{
	json_t *object = json_object();
	struct ring_text value;

	for (uint32_t i = 0; i < metric->label_count && ring_label_next(&labels, &value); i++) {
		const struct ring_text *key = &metric->label_keys[i];
		json_object_setn_new(object, key->data, key->bytes, document_text(value));
	}
	return object;
}

json_t *series_labels(const struct ring_reader *reader, uint32_t index)
{
	return series_labels_of(series_metric(reader, index),
				ring_reader_series(reader, index)->labels);
}

enum ring_verdict series_read(struct ring_reader *reader, uint32_t index, uint32_t core_first,
			      uint32_t core_count, uint64_t cells[RING_SERIES_CELLS_MAX])
{
	const struct ring_metric_info *metric = series_metric(reader, index);
	const uint32_t cell = ring_reader_series(reader, index)->cell;
	uint64_t one[RING_SERIES_CELLS_MAX];

	ring_cells_clear(metric, cells);
	for (uint32_t core = core_first; core < core_first + core_count; core++) {
		const enum ring_verdict verdict = ring_reader_tallies(reader, core, cell,
								      metric->series_cells, one);
		if (verdict != RING_SOUND)
			return verdict;
		ring_cells_merge(metric, cells, one);
	}
	return RING_SOUND;
}

uint64_t series_observations(const struct ring_metric_info *metric, const uint64_t *cells)
{
	uint64_t count = 0;

	for (uint32_t i = 1; i < metric->series_cells; i++)
		count += cells[i];
	return count;
}
