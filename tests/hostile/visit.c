/* SPDX-License-Identifier: MIT */
#include "visit.h"

#include <stdbool.h>

#include "ring/record.h"

#define BATCH_MAX  24u
#define ROUNDS_MAX 64u /* of draining one ring; a writer at full speed never lets it end */

static void break_promise(struct visit *visit, const char *promise)
{
	if (!visit->broken)
		visit->broken = promise;
}

/* Notes a verdict. Returns whether it was sound. */
static bool is_sound(struct visit *visit, enum ring_verdict verdict)
{
	if ((unsigned)verdict >= RING_VERDICT_COUNT)
		break_promise(visit, "a verdict is one of the list");
	if (visit->result == 0)
		visit->result = (int)verdict;
	return verdict == RING_SOUND;
}

static void read_text(struct visit *visit, struct ring_text text)
{
	for (uint32_t i = 0; i < text.bytes; i++)
		visit->sum += (unsigned char)text.data[i];
}

/* Sums in 128 bits, where nothing that a 64-bit field says can wrap. */
static void visit_header(struct visit *visit, const struct ring_header *h)
{
	typedef unsigned __int128 wide;
	const wide end = h->segment_bytes;
	const wide metrics_end = (wide)h->metrics_offset +
				 (wide)h->metric_capacity * sizeof(struct ring_metric_entry);
	const wide series_end = (wide)h->series_offset +
				(wide)h->series_capacity * sizeof(struct ring_series_entry);
	const wide cores_end = (wide)h->cores_offset + (wide)h->core_count * h->core_stride;
	const wide tallies_bytes = (wide)h->cell_capacity * sizeof(struct ring_word);
	const wide slots_end = (wide)h->control_offset + RING_SLOTS_OFFSET +
			       (wide)h->slot_count * sizeof(struct ring_slot);

	if (metrics_end > end || series_end > end || (wide)h->heap_offset + h->heap_bytes > end ||
	    cores_end > end)
		break_promise(visit, "every part is inside the segment");
	if (tallies_bytes > h->control_offset || slots_end > h->core_stride)
		break_promise(visit, "tallies and slots are inside their core's block");
	if (h->burst_max >= h->slot_count || (h->slot_count & (h->slot_count - 1)) != 0)
		break_promise(visit, "slots are a power of two, and more than a burst");
}

static void visit_metric(struct visit *visit, const struct ring_metric_info *metric)
{
	read_text(visit, metric->name);
	read_text(visit, metric->help);
	read_text(visit, metric->unit);
	for (uint32_t i = 0; i < metric->label_count; i++)
		read_text(visit, metric->label_keys[i]);
	for (uint32_t i = 0; i < metric->bound_count; i++)
		visit->sum += ring_bits_of(metric->bounds[i]);
	uint32_t state_count = 0;
	for (struct ring_text states = metric->states, state; ring_label_next(&states, &state);)
		state_count++;
	read_text(visit, metric->states);
	if (state_count != metric->state_count || state_count > RING_STATES_MAX ||
	    (metric->kind == RING_STATESET) != (state_count > 0))
		break_promise(visit, "a state set has as many states as it says");
	if (state_count > 0 && metric->state_default >= state_count)
		break_promise(visit, "the default is one of the states");
	if (metric->name.bytes == 0 || metric->name.bytes > RING_METRIC_NAME_MAX ||
	    metric->help.bytes > RING_HELP_MAX || metric->label_count > RING_LABELS_MAX)
		break_promise(visit, "a metric's texts are within their limits");
	if (metric->bound_count > RING_BOUNDS_MAX || metric->series_cells > metric->bound_count + 2)
		break_promise(visit, "a series has at most two cells more than bounds");
}

/* The cells of one series, merged over all cores, and once more as gathered. */
static bool visit_cells(struct visit *visit, struct ring_reader *reader,
			const struct ring_metric_info *metric, uint32_t index, uint32_t cell)
{
	uint64_t cells[RING_BOUNDS_MAX + 2], total[RING_BOUNDS_MAX + 2];

	ring_cells_clear(metric, total);
	for (uint32_t core = 0; core < ring_reader_header(reader)->core_count; core++) {
		if (!is_sound(visit,
			      ring_reader_tallies(reader, core, cell, metric->series_cells, cells)))
			return false;
		ring_cells_merge(metric, total, cells);
		if (!is_sound(visit, ring_reader_gather(reader, core, &index, 1, cells)))
			return false;
		for (uint32_t i = 0; i < metric->series_cells; i++)
			visit->sum += cells[i];
	}
	for (uint32_t i = 0; i < metric->series_cells; i++)
		visit->sum += total[i];
	if (metric->kind == RING_STATESET && ring_state_of(metric, total[0]) >= metric->state_count)
		break_promise(visit, "whatever a cell holds is a state");
	return true;
}

static bool visit_usage(struct visit *visit, struct ring_reader *reader, uint32_t index)
{
	struct ring_usage usage;

	if (!is_sound(visit, ring_reader_usage(reader, index, &usage)))
		return false;
	if (usage.named_count > ring_reader_metric(reader, index)->series_max)
		break_promise(visit, "a budget holds");
	for (uint32_t i = 0; i < usage.refused_count; i++)
		read_text(visit, usage.refused[i]);
	return true;
}

static bool visit_series(struct visit *visit, struct ring_reader *reader, uint32_t index)
{
	const struct ring_series_info *series = ring_reader_series(reader, index);
	struct ring_text labels = series->labels, value;
	uint32_t label_count = 0;

	if (series->metric >= ring_reader_metric_count(reader)) {
		break_promise(visit, "a series has a metric");
		return false;
	}
	const struct ring_metric_info *metric = ring_reader_metric(reader, series->metric);
	for (; ring_label_next(&labels, &value); label_count++)
		read_text(visit, value);
	if (label_count != (series->gone ? 0 : metric->label_count) || labels.bytes != 0)
		break_promise(visit, "a series has a value for each label key and nothing else");
	if (series->cell == 0 || metric->series_cells > RING_BOUNDS_MAX + 2 ||
	    (uint64_t)series->cell + metric->series_cells >
		    ring_reader_header(reader)->cell_capacity) {
		break_promise(visit, "a series' cells are inside the tallies");
		return false;
	}
	return visit_cells(visit, reader, metric, index, series->cell);
}

static void visit_samples(struct visit *visit, struct ring_reader *reader,
			  const struct ring_sample *samples, size_t count)
{
	int series[BATCH_MAX];

	ring_reader_resolve(reader, samples, count, series);
	for (size_t i = 0; i < count; i++) {
		const int index = ring_reader_series_of(reader, &samples[i]);
		const int at = ring_reader_series_at(reader, ring_sample_cell(&samples[i]));
		if (series[i] != index)
			break_promise(visit, "a batch is resolved as each sample is");
		if (index < -1 || index >= (int)ring_reader_series_count(reader)) {
			break_promise(visit, "a sample's series is one of the reader's");
			return;
		}
		if (index >= 0 && at != index)
			break_promise(visit, "a sample's series is that of its cell");
		if (index >= 0)
			visit->sum += ring_reader_series(reader, (uint32_t)index)->cell;
	}
}

/* Between two looks nothing that was accounted for becomes less. */
static bool visit_account(struct visit *visit, struct ring_reader *reader, uint32_t core,
			  struct ring_account *last)
{
	struct ring_account now;

	if (!is_sound(visit, ring_reader_account(reader, core, &now)))
		return false;
	if (now.written != now.drained + now.dropped + now.pending)
		break_promise(visit, "written = drained + dropped + pending");
	if ((int64_t)(now.drained - last->drained) < 0 ||
	    (int64_t)(now.dropped - last->dropped) < 0)
		break_promise(visit, "what was drained or dropped stays so");
	*last = now;
	return true;
}

static bool visit_ring(struct visit *visit, struct ring_reader *reader, uint32_t core)
{
	struct ring_sample samples[BATCH_MAX];
	struct ring_account account;
	size_t count = 1;

	if (!is_sound(visit, ring_reader_account(reader, core, &account)))
		return false;
	for (unsigned round = 0; round < ROUNDS_MAX && count > 0; round++) {
		if (!is_sound(visit, ring_reader_drain(reader, core, samples, BATCH_MAX, &count)))
			return false;
		if (count > BATCH_MAX) {
			break_promise(visit, "a drain brings no more than was asked for");
			return false;
		}
		visit_samples(visit, reader, samples, count);
		visit->samples += count;
		if (!visit_account(visit, reader, core, &account))
			return false;
	}
	return true;
}

struct visit visit_reader(struct ring_reader *reader)
{
	struct visit visit = {.broken = NULL};
	const struct ring_header *header = ring_reader_header(reader);

	if (!is_sound(&visit, ring_reader_refresh(reader)))
		return visit;
	visit_header(&visit, header);
	if (visit.broken)
		return visit;
	for (uint32_t i = 0; i < ring_reader_metric_count(reader); i++) {
		visit_metric(&visit, ring_reader_metric(reader, i));
		if (!visit_usage(&visit, reader, i))
			return visit;
	}
	for (uint32_t core = 0; core < header->core_count; core++)
		if (!visit_ring(&visit, reader, core))
			return visit;
	for (uint32_t i = 0; i < ring_reader_series_count(reader); i++)
		if (!visit_series(&visit, reader, i))
			return visit;
	return visit;
}

struct visit visit_path(int dir_fd, const char *path)
{
	struct visit visit = {.broken = NULL};
	struct ring_reader *reader = NULL;

	visit.result = ring_reader_open(&reader, dir_fd, path);
	if (visit.result >= RING_VERDICT_COUNT)
		visit.broken = "a verdict is one of the list";
	if (visit.result != 0)
		return visit;
	visit = visit_reader(reader);
	ring_reader_close(reader);
	return visit;
}
