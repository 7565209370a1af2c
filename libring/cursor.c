/* SPDX-License-Identifier: MIT */
/*
 * Following the rings of a segment: one cursor per core, and for each the account of what was
 * drained and what was lost. Positions, slots and tallies are read through the mapping, inside
 * ring_guard_run; whatever the other side stores there, no access leaves the mapping.
 */
#include <string.h>

#include "export.h"
#include "guard.h"
#include "reader.h"

/* No ring moves so far between two looks of one reader: three days at a billion samples a
 * second. */
#define JUMP_MAX (UINT64_C(1) << 48)

static const struct ring_core *core_at(const struct ring_reader *reader, uint32_t core)
{
	const struct ring_header *h = &reader->header;
	const uint8_t *control = reader->map + h->cores_offset + core * h->core_stride +
				 h->control_offset;

	return (const struct ring_core *)(const void *)control;
}

static uint64_t reach_of(const struct ring_reader *reader)
{
	return ring_reach(reader->header.slot_count, reader->header.burst_max);
}

struct position {
	const struct ring_core *core;
	uint64_t first_pos, write_pos;
};

static void touch_position(void *argument)
{
	struct position *position = argument;

	/* Acquire, from ring_publish: first_pos was set before anything was published. */
	position->write_pos = ring_load_acquire(&position->core->write_pos);
	/* relaxed: constant since before the file got its name. */
	position->first_pos = ring_load_relaxed(&position->core->first_pos);
}

static enum ring_verdict read_position(const struct ring_reader *reader, uint32_t core,
				       struct position *position)
{
	position->core = core_at(reader, core);
	if (ring_guard_run(reader->map, reader->header.segment_bytes, touch_position, position) !=
	    0)
		return RING_TRUNCATED;
	return RING_SOUND;
}

/* Where a write_pos can have come from, seen from an older position. Positions wrap. */
static enum ring_verdict judge_distance(uint64_t from, uint64_t to)
{
	if ((int64_t)(to - from) < 0)
		return RING_POSITION_BACK;
	return to - from > JUMP_MAX ? RING_POSITION_JUMP : RING_SOUND;
}

enum ring_verdict ring_cursors_place(struct ring_reader *reader)
{
	for (uint32_t core = 0; core < reader->header.core_count; core++) {
		struct position at;
		const enum ring_verdict verdict = read_position(reader, core, &at);
		if (verdict != RING_SOUND)
			return verdict;
		if ((int64_t)(at.write_pos - at.first_pos) < 0)
			return RING_POSITION_BACK;
		uint64_t oldest = at.first_pos;
		if (at.write_pos - oldest > reach_of(reader))
			oldest = at.write_pos - reach_of(reader);
		reader->cursors[core] = (struct cursor){.position = oldest, .dropped = oldest};
	}
	return RING_SOUND;
}

struct drain {
	const struct ring_reader *reader;
	const struct ring_core *core;
	uint64_t cursor;
	struct ring_sample *samples;
	size_t max;
	struct ring_batch batch;
};

static void touch_slots(void *argument)
{
	struct drain *drain = argument;
	const struct ring_header *h = &drain->reader->header;
	const uint8_t *slots = (const uint8_t *)drain->core + RING_SLOTS_OFFSET;

	drain->batch = ring_take(&drain->core->write_pos,
				 (const struct ring_slot *)(const void *)slots, h->slot_count,
				 h->burst_max, drain->cursor, drain->samples, drain->max);
}

RING_EXPORT enum ring_verdict ring_reader_drain(struct ring_reader *reader, uint32_t core,
						struct ring_sample *samples, size_t max,
						size_t *count)
{
	struct cursor *cursor = &reader->cursors[core];
	struct drain drain = {
		.reader = reader,
		.core = core_at(reader, core),
		.cursor = cursor->position,
		.samples = samples,
		.max = max,
	};

	*count = 0;
	if (ring_guard_run(reader->map, reader->header.segment_bytes, touch_slots, &drain) != 0)
		return RING_TRUNCATED;
	const struct ring_batch *batch = &drain.batch;
	const uint64_t moved = batch->dropped + batch->kept;
	const enum ring_verdict verdict = judge_distance(cursor->position, batch->written);
	if (verdict != RING_SOUND)
		return verdict;
	/* The position was elsewhere when the copy began, and is back now. */
	if (moved > batch->written - cursor->position)
		return RING_POSITION_BACK;
	if (batch->first > 0)
		memmove(samples, samples + batch->first, batch->kept * sizeof *samples);
	cursor->position += moved;
	cursor->dropped += batch->dropped;
	cursor->drained += batch->kept;
	*count = batch->kept;
	return RING_SOUND;
}

RING_EXPORT int ring_reader_series_at(const struct ring_reader *reader, int32_t cell)
{
	const uint32_t number = reader->header.cell_capacity + (uint32_t)cell;

	return number < reader->header.cell_capacity ? (int)reader->by_cell[number] - 1 : -1;
}

static int series_of(const struct ring_reader *reader, const struct ring_sample *sample)
{
	const uint32_t capacity = reader->header.cell_capacity;
	const uint32_t number = capacity + (uint32_t)ring_sample_cell(sample);
	/* Nobody's cell, as number 0 is, gives -1, and to look at the first series does no harm. */
	const int index = (int)reader->by_cell[number < capacity ? number : 0] - 1;
	const uint16_t generation = reader->generations[index < 0 ? 0 : index];

	return generation == ring_sample_generation(sample) ? index : -1;
}

RING_EXPORT int ring_reader_series_of(const struct ring_reader *reader,
				      const struct ring_sample *sample)
{
	return series_of(reader, sample);
}

RING_EXPORT void ring_reader_resolve(const struct ring_reader *reader,
				     const struct ring_sample *samples, size_t count, int *series)
{
	for (size_t i = 0; i < count; i++)
		series[i] = series_of(reader, &samples[i]);
}

RING_EXPORT void ring_reader_skip_to(struct ring_reader *reader, uint32_t core, uint64_t position)
{
	struct cursor *cursor = &reader->cursors[core];
	const uint64_t distance = position - cursor->position;

	if ((int64_t)distance <= 0)
		return;
	cursor->position = position;
	cursor->dropped += distance;
}

RING_EXPORT enum ring_verdict ring_reader_account(struct ring_reader *reader, uint32_t core,
						  struct ring_account *account)
{
	const struct cursor *cursor = &reader->cursors[core];
	struct position at;
	enum ring_verdict verdict = read_position(reader, core, &at);

	if (verdict == RING_SOUND)
		verdict = judge_distance(cursor->position, at.write_pos);
	if (verdict == RING_SOUND)
		*account = (struct ring_account){
			.written = at.write_pos,
			.drained = cursor->drained,
			.dropped = cursor->dropped,
			.pending = at.write_pos - cursor->position,
		};
	return verdict;
}

static const struct ring_word *tallies_at(const struct ring_reader *reader, uint32_t core)
{
	return (const struct ring_word *)core_at(reader, core) - reader->header.cell_capacity;
}

/* Whether a series has changed hands since this reader last looked; after cells were copied. */
static bool has_changed(const struct ring_reader *reader)
{
	/* Acquire fence, from the release fence in set_generation in places.c: if a cell copied
	 * above was written after some change, the loads below see the change. */
	ring_fence_acquire();
	/* relaxed: the fence has ordered it. */
	return ring_load_relaxed(&ring_live_header(reader)->series_changes) != reader->changes;
}

/* Whether cells that were copied before has_changed are of the series as this reader knows it. */
static bool is_theirs(const struct ring_reader *reader, uint32_t series, bool has_changed)
{
	const struct ring_series_info *info = &reader->series[series];

	/* relaxed: as in has_changed. */
	return !info->gone &&
	       (!has_changed ||
		ring_load_relaxed(ring_live_generation(reader, series)) == info->generation);
}

struct tallies {
	const struct ring_reader *reader;
	const struct ring_word *from;
	uint64_t *into;
	uint32_t cell, count;
};

static void touch_tallies(void *argument)
{
	const struct tallies *tallies = argument;

	/* relaxed: each cell stands for itself, and this thread has acquired the position of the
	 * samples it wants to see counted. */
	for (uint32_t i = 0; i < tallies->count; i++)
		tallies->into[i] = ring_load_relaxed(&tallies->from[i]);
	const bool changed = has_changed(tallies->reader);
	for (uint32_t i = 0; i < tallies->count; i++) {
		const uint32_t number = tallies->reader->by_cell[tallies->cell + i];
		if (number != 0 && !is_theirs(tallies->reader, number - 1, changed)) {
			tallies->into[i] = RING_GAUGE_UNSET;
			if (i + 1 < tallies->count)
				tallies->into[i + 1] = 0;
		}
	}
}

RING_EXPORT enum ring_verdict ring_reader_tallies(struct ring_reader *reader, uint32_t core,
						  uint32_t cell, uint32_t count, uint64_t *cells)
{
	struct tallies tallies = {
		.reader = reader,
		.from = tallies_at(reader, core) + cell,
		.into = cells,
		.cell = cell,
		.count = count,
	};

	if (ring_guard_run(reader->map, reader->header.segment_bytes, touch_tallies, &tallies) != 0)
		return RING_TRUNCATED;
	return RING_SOUND;
}

struct gathering {
	const struct ring_reader *reader;
	const struct ring_word *from;
	const uint32_t *series;
	size_t count;
	uint64_t *into;
};

/* Unsets cells that are not of the series that were asked for. */
static void unset_others(const struct gathering *gathering, bool has_changed)
{
	const struct ring_reader *reader = gathering->reader;
	uint64_t *into = gathering->into;

	for (size_t i = 0; i < gathering->count; i++) {
		if (!is_theirs(reader, gathering->series[i], has_changed)) {
			into[0] = RING_GAUGE_UNSET;
			into[1] = 0;
		}
		into += ring_metric_of(reader, gathering->series[i])->series_cells;
	}
}

static void touch_series(void *argument)
{
	const struct gathering *gathering = argument;
	const struct ring_reader *reader = gathering->reader;
	uint64_t *into = gathering->into;
	uint32_t gone = 0;

	for (size_t i = 0; i < gathering->count; i++) {
		const struct ring_series_info *series = &reader->series[gathering->series[i]];
		const struct ring_word *from = gathering->from + series->cell;
		gone |= series->gone;
		/* relaxed: as in touch_tallies. */
		for (uint32_t n = reader->metrics[series->metric].series_cells; n > 0; n--)
			*into++ = ring_load_relaxed(from++);
	}
	const bool changed = has_changed(reader);
	if (changed || gone)
		unset_others(gathering, changed);
}

RING_EXPORT enum ring_verdict ring_reader_gather(struct ring_reader *reader, uint32_t core,
						 const uint32_t *series, size_t count,
						 uint64_t *cells)
{
	struct gathering gathering = {
		.reader = reader,
		.from = tallies_at(reader, core),
		.series = series,
		.count = count,
		.into = cells,
	};

	if (ring_guard_run(reader->map, reader->header.segment_bytes, touch_series, &gathering) !=
	    0)
		return RING_TRUNCATED;
	return RING_SOUND;
}
