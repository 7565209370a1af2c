/* SPDX-License-Identifier: MIT */
/* All that a reader knows about its segment, put into one JSON document. */
#include "facts.h"

#include <ring/record.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "owner.h"
#include "series.h"
#include "tool.h"

static json_t *uuid_text(const uint8_t uuid[16])
{
	static const uint8_t none[16];
	char digits[33];

	if (memcmp(uuid, none, sizeof none) == 0)
		return json_null();
	for (int i = 0; i < 16; i++)
		snprintf(digits + 2 * i, 3, "%02x", uuid[i]);
	return json_string(digits);
}

static json_t *live_word(const struct ring_word *word)
{
	/* relaxed: the reader's private copy of the header. */
	return document_total(ring_load_relaxed(word));
}

static void add_header(json_t *document, const struct ring_reader *reader)
{
	const struct ring_header *h = ring_reader_header(reader);

	json_object_set_new(document, "name", json_string(h->name));
	owner_add(document, reader);
	json_object_set_new(document, "owners", document_total(owner_count(reader)));
	json_object_set_new(document, "uuid", uuid_text(h->uuid));
	json_object_set_new(document, "predecessor", uuid_text(h->predecessor));
	json_object_set_new(document, "created_realtime_ns",
			    document_total(h->created_realtime_ns));
	json_object_set_new(document, "format",
			    json_sprintf("%u.%u", h->version_major, h->version_minor));
	json_object_set_new(document, "segment_bytes", document_total(h->segment_bytes));
	json_object_set_new(document, "slots_per_core", json_integer(h->slot_count));
	json_object_set_new(document, "burst_max", json_integer(h->burst_max));
	json_object_set_new(document, "definitions_refused", live_word(&h->definitions_refused));
	json_object_set_new(document, "labels_refused", live_word(&h->labels_refused));
	json_object_set_new(document, "claims_refused", live_word(&h->claims_refused));
	json_object_set_new(document, "overflowed", live_word(&h->overflowed));
}

static enum ring_verdict add_cores(json_t *document, struct ring_reader *reader)
{
	const struct ring_header *header = ring_reader_header(reader);
	const uint64_t reach = ring_reach(header->slot_count, header->burst_max);
	json_t *rows = json_array();
	struct ring_account account;

	json_object_set_new(document, "cores", rows);
	for (uint32_t core = 0; core < header->core_count; core++) {
		const enum ring_verdict verdict = ring_reader_account(reader, core, &account);
		if (verdict != RING_SOUND)
			return verdict;
		/* What was pending may have been overwritten since this reader came. */
		const uint64_t readable = account.pending < reach ? account.pending : reach;
		json_t *row = json_object();
		json_object_set_new(row, "core", json_integer(core));
		json_object_set_new(row, "written", document_total(account.written));
		json_object_set_new(row, "oldest", document_total(account.written - readable));
		json_object_set_new(row, "readable", document_total(readable));
		json_object_set_new(row, "capacity", document_total(reach));
		json_array_append_new(rows, row);
	}
	return RING_SOUND;
}

/* Counts as Prometheus has them: each bucket holds what is not above its bound. */
static json_t *buckets_of(const struct ring_metric_info *metric, const uint64_t *cells)
{
	json_t *buckets = json_array();
	uint64_t count = 0;

	for (uint32_t i = 0; i <= metric->bound_count; i++) {
		json_t *bucket = json_object();
		count += cells[1 + i];
		json_object_set_new(bucket, "le",
				    i < metric->bound_count ? document_double(metric->bounds[i])
							    : json_string("+Inf"));
		json_object_set_new(bucket, "count", document_total(count));
		json_array_append_new(buckets, bucket);
	}
	return buckets;
}

static void add_value(json_t *object, const struct ring_metric_info *metric, const uint64_t *cells)
{
	switch (metric->kind) {
	case RING_COUNTER:
		json_object_set_new(object, "value", document_total(cells[0]));
		break;
	case RING_GAUGE:
		json_object_set_new(object, "value",
				    cells[0] == RING_GAUGE_UNSET
					    ? json_null()
					    : document_double(ring_double_of(cells[0])));
		break;
	case RING_STATESET:
		json_object_set_new(object, "value", document_text(series_state(metric, cells[0])));
		break;
	case RING_HISTOGRAM:
		json_object_set_new(object, "count",
				    document_total(series_observations(metric, cells)));
		json_object_set_new(object, "sum", document_double(ring_double_of(cells[0])));
		json_object_set_new(object, "buckets", buckets_of(metric, cells));
		break;
	}
}

static enum ring_verdict add_parts(json_t *object, struct ring_reader *reader, uint32_t index)
{
	const struct ring_metric_info *metric = series_metric(reader, index);
	json_t *parts = json_array();
	uint64_t cells[RING_SERIES_CELLS_MAX];

	json_object_set_new(object, "cores", parts);
	for (uint32_t core = 0; core < ring_reader_header(reader)->core_count; core++) {
		const enum ring_verdict verdict = series_read(reader, index, core, 1, cells);
		if (verdict != RING_SOUND)
			return verdict;
		json_t *part = json_object();
		json_object_set_new(part, "core", json_integer(core));
		add_value(part, metric, cells);
		json_array_append_new(parts, part);
	}
	return RING_SOUND;
}

static enum ring_verdict add_series(json_t *metrics, struct ring_reader *reader, uint32_t index,
				    bool per_core)
{
	const uint32_t core_count = ring_reader_header(reader)->core_count;
	const uint32_t metric = ring_reader_series(reader, index)->metric;
	json_t *object = json_object();
	uint64_t cells[RING_SERIES_CELLS_MAX];

	json_array_append_new(json_object_get(json_array_get(metrics, metric), "series"), object);
	const enum ring_verdict verdict = series_read(reader, index, 0, core_count, cells);
	if (verdict != RING_SOUND)
		return verdict;
	json_object_set_new(object, "labels", series_labels(reader, index));
	add_value(object, series_metric(reader, index), cells);
	return per_core ? add_parts(object, reader, index) : RING_SOUND;
}

static json_t *states_of(const struct ring_metric_info *metric)
{
	struct ring_text states = metric->states, state;
	json_t *names = json_array();

	while (ring_label_next(&states, &state))
		json_array_append_new(names, document_text(state));
	return names;
}

static json_t *metric_facts(const struct ring_metric_info *info)
{
	json_t *metric = json_object();

	json_object_set_new(metric, "name", document_text(info->name));
	json_object_set_new(metric, "kind", json_string(series_kind_word(info->kind)));
	json_object_set_new(metric, "merge", json_string(series_merge_word(info->merge)));
	json_object_set_new(metric, "unit", document_text(info->unit));
	json_object_set_new(metric, "help", document_text(info->help));
	if (info->kind == RING_STATESET)
		json_object_set_new(metric, "states", states_of(info));
	return metric;
}

/* What a metric with labels uses of its budget. */
static enum ring_verdict add_budget(json_t *metric, struct ring_reader *reader, uint32_t index)
{
	const struct ring_metric_info *info = ring_reader_metric(reader, index);
	struct ring_usage usage;

	if (info->label_count == 0)
		return RING_SOUND;
	const enum ring_verdict verdict = ring_reader_usage(reader, index, &usage);
	if (verdict != RING_SOUND)
		return verdict;
	json_t *refused = json_array();
	for (uint32_t i = 0; i < usage.refused_count; i++)
		json_array_append_new(refused, series_labels_of(info, usage.refused[i]));
	json_object_set_new(metric, "series_used", document_total(usage.named_count));
	json_object_set_new(metric, "series_max", json_integer(info->series_max));
	json_object_set_new(metric, "overflowed", document_total(usage.overflowed));
	json_object_set_new(metric, "refused", refused);
	return RING_SOUND;
}

static enum ring_verdict add_metrics(json_t *document, struct ring_reader *reader, bool per_core)
{
	json_t *metrics = json_array();
	enum ring_verdict verdict = RING_SOUND;

	json_object_set_new(document, "metrics", metrics);
	for (uint32_t i = 0; i < ring_reader_metric_count(reader) && verdict == RING_SOUND; i++) {
		json_t *metric = metric_facts(ring_reader_metric(reader, i));
		verdict = add_budget(metric, reader, i);
		json_object_set_new(metric, "series", json_array());
		json_array_append_new(metrics, metric);
	}
	for (uint32_t i = 0; i < ring_reader_series_count(reader) && verdict == RING_SOUND; i++)
		if (!ring_reader_series(reader, i)->gone)
			verdict = add_series(metrics, reader, i, per_core);
	return verdict;
}

enum ring_verdict facts_collect(json_t *document, struct ring_reader *reader, bool per_core)
{
	json_object_set_new(document, "version", json_integer(DOCUMENT_VERSION));
	add_header(document, reader);
	const enum ring_verdict verdict = add_cores(document, reader);
	return verdict == RING_SOUND ? add_metrics(document, reader, per_core) : verdict;
}

/* The value of a series or of several. */
struct tally {
	uint64_t cells[RING_SERIES_CELLS_MAX];
};

/* Merges every series into its metric's total. */
static enum ring_verdict add_up(struct ring_reader *reader, struct tally *totals)
{
	const uint32_t core_count = ring_reader_header(reader)->core_count;
	struct tally one;

	for (uint32_t i = 0; i < ring_reader_metric_count(reader); i++)
		ring_cells_clear(ring_reader_metric(reader, i), totals[i].cells);
	for (uint32_t i = 0; i < ring_reader_series_count(reader); i++) {
		const enum ring_verdict verdict = series_read(reader, i, 0, core_count, one.cells);
		if (verdict != RING_SOUND)
			return verdict;
		ring_cells_merge(series_metric(reader, i),
				 totals[ring_reader_series(reader, i)->metric].cells, one.cells);
	}
	return RING_SOUND;
}

enum ring_verdict facts_totals(json_t *document, struct ring_reader *reader)
{
	struct tally *totals = tool_alloc(ring_reader_metric_count(reader), sizeof *totals);
	json_t *metrics = json_array();

	json_object_set_new(document, "version", json_integer(DOCUMENT_VERSION));
	add_header(document, reader);
	json_object_set_new(document, "metrics", metrics);
	const enum ring_verdict verdict = add_up(reader, totals);
	for (uint32_t i = 0; i < ring_reader_metric_count(reader) && verdict == RING_SOUND; i++) {
		const struct ring_metric_info *info = ring_reader_metric(reader, i);
		if (!ring_kind_is_total(info->kind))
			continue;
		json_t *metric = metric_facts(info);
		add_value(metric, info, totals[i].cells);
		json_array_append_new(metrics, metric);
	}
	free(totals);
	return verdict;
}
