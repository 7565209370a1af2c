/* SPDX-License-Identifier: MIT */
/*
 * Series that have changed hands, as a reader sees it. Their labels were rewritten where they
 * stood, so that they are not in the heap's private copy, of which each byte was judged once: each
 * such series has private memory of its own for them.
 */
#include <stdlib.h>

#include "check.h"
#include "export.h"
#include "guard.h"
#include "reader.h"
#include "text.h"

#define BATCH 64u /* entries */

/* The generation of one entry. */
struct look {
	const struct ring_word *at;
	uint64_t generation;
};

static void touch_generation(void *argument)
{
	struct look *look = argument;

	/* Acquire fence, from the release fence in set_generation in places.c: if labels that were
	 * read before this were being changed, then the generation had been, and that is seen. */
	ring_fence_acquire();
	/* Acquire, from set_generation in places.c: labels read after this are of this generation
	 * or of a later one. */
	look->generation = ring_load_acquire(look->at);
}

static enum ring_verdict read_generation(const struct ring_reader *reader, uint32_t index,
					 uint64_t *generation)
{
	struct look look = {.at = ring_live_generation(reader, index)};

	if (ring_guard_run(reader->map, reader->header.segment_bytes, touch_generation, &look) != 0)
		return RING_TRUNCATED;
	*generation = look.generation;
	return RING_SOUND;
}

/* Nobody's, as far as this reader can tell. */
static void drop(struct ring_reader *reader, uint32_t index, uint64_t generation)
{
	struct ring_series_info *info = &reader->series[index];

	if (reader->labels[index])
		reader->labels_bytes -= info->labels.bytes;
	free(reader->labels[index]);
	reader->labels[index] = NULL;
	info->labels = (struct ring_text){"", 0};
	info->gone = 1;
	info->generation = generation;
}

/* Reads an entry's labels. All that are read this way had to fit into the heap together. */
static enum ring_verdict read_labels(struct ring_reader *reader, uint32_t index)
{
	const struct ring_header *h = &reader->header;
	struct ring_series_info *info = &reader->series[index];
	struct ring_series_entry entry;

	if (ring_read_at(reader->fd, &entry, sizeof entry,
			 h->series_offset + index * sizeof entry) != 0)
		return RING_TRUNCATED;
	if (!ring_span_fits(entry.labels, h->heap_bytes) || entry.labels.bytes > RING_PACKED_MAX ||
	    reader->labels_bytes + entry.labels.bytes > h->heap_bytes)
		return RING_BAD_SERIES;
	char *labels = malloc(entry.labels.bytes + 1u);
	if (!labels)
		return RING_BAD_SERIES;
	reader->labels[index] = labels;
	reader->labels_bytes += entry.labels.bytes;
	info->labels = (struct ring_text){labels, entry.labels.bytes};
	return ring_read_at(reader->fd, labels, entry.labels.bytes,
			    h->heap_offset + entry.labels.offset) == 0
		       ? RING_SOUND
		       : RING_TRUNCATED;
}

/* Whose the entry is now. If that changes while its labels are read, it is nobody's, until the next
 * look. */
static enum ring_verdict take(struct ring_reader *reader, uint32_t index)
{
	uint64_t generation, now;
	enum ring_verdict verdict = read_generation(reader, index, &generation);

	if (verdict != RING_SOUND)
		return verdict;
	drop(reader, index, generation | 1);
	if (generation % 2 != 0)
		return RING_SOUND;
	verdict = read_labels(reader, index);
	const enum ring_verdict after = read_generation(reader, index, &now);
	if (after != RING_SOUND)
		return after;
	if (now != generation) {
		drop(reader, index, now | 1);
		return RING_SOUND;
	}
	if (verdict == RING_SOUND)
		verdict = ring_check_labels(ring_metric_of(reader, index),
					    reader->series[index].labels);
	reader->series[index].gone = 0;
	reader->series[index].generation = generation;
	return verdict;
}

static enum ring_verdict take_batch(struct ring_reader *reader, uint32_t first, uint32_t count)
{
	struct ring_series_entry entries[BATCH];
	enum ring_verdict verdict = RING_SOUND;

	if (ring_read_at(reader->fd, entries, count * sizeof entries[0],
			 reader->header.series_offset + first * sizeof entries[0]) != 0)
		return RING_TRUNCATED;
	for (uint32_t i = 0; i < count && verdict == RING_SOUND; i++) {
		/* relaxed: a private copy, which is a hint. */
		const uint64_t generation = ring_load_relaxed(&entries[i].generation);
		const uint32_t index = first + i;
		if (generation == reader->series[index].generation)
			continue;
		if (ring_kind_is_total(ring_metric_of(reader, index)->kind))
			return RING_BAD_SERIES;
		verdict = take(reader, index);
		reader->generations[index] = (uint16_t)reader->series[index].generation;
	}
	return verdict;
}

enum ring_verdict ring_changes_take(struct ring_reader *reader)
{
	enum ring_verdict verdict = RING_SOUND;

	for (uint32_t i = 0; i < reader->series_count && verdict == RING_SOUND; i += BATCH) {
		const uint32_t left = reader->series_count - i;
		verdict = take_batch(reader, i, left < BATCH ? left : BATCH);
	}
	return verdict;
}

RING_EXPORT uint64_t ring_reader_changes(const struct ring_reader *reader)
{
	return reader->changes;
}

RING_EXPORT int ring_reader_is_history(const struct ring_reader *reader,
				       const struct ring_sample *sample)
{
	const int index = ring_reader_series_at(reader, ring_sample_cell(sample));

	if (index < 0)
		return 0;
	/* Half generations wrap; an older one is behind by less than half of that. */
	return (uint16_t)(ring_sample_generation(sample) - reader->generations[index]) > INT16_MAX;
}

/* Takes the names that the heap's copy has by now. */
static enum ring_verdict take_refused(const struct ring_reader *reader,
				      const struct ring_metric_info *metric,
				      const struct ring_metric_entry *entry, uint64_t count,
				      struct ring_usage *usage)
{
	for (uint64_t i = 0; i < count; i++) {
		const struct ring_span span = entry->refused[i];
		const struct ring_text labels = {(const char *)reader->heap + span.offset,
						 span.bytes};
		if (!ring_span_fits(span, reader->header.heap_bytes))
			return RING_BAD_METRIC;
		if (!ring_span_fits(span, reader->heap_used))
			break;
		if (ring_check_labels(metric, labels) != RING_SOUND)
			return RING_BAD_METRIC;
		usage->refused[usage->refused_count++] = labels;
	}
	return RING_SOUND;
}

RING_EXPORT enum ring_verdict ring_reader_usage(struct ring_reader *reader, uint32_t metric,
						struct ring_usage *usage)
{
	const struct ring_metric_info *info = &reader->metrics[metric];
	struct ring_metric_entry entry;

	if (ring_read_at(reader->fd, &entry, sizeof entry,
			 reader->header.metrics_offset + metric * sizeof entry) != 0)
		return RING_TRUNCATED;
	/* relaxed, as below: a private copy. */
	const uint64_t count = ring_load_relaxed(&entry.refused_count);
	*usage = (struct ring_usage){
		.named_count = ring_load_relaxed(&entry.named_count),
		.overflowed = ring_load_relaxed(&entry.overflowed),
	};
	if (usage->named_count > info->series_max || count > RING_REFUSED_MAX)
		return RING_BAD_COUNTS;
	if (count == 0)
		return RING_SOUND;
	/* Acquire fence, from note_refused in places.c: what the count covers is there, read now.
	 */
	ring_fence_acquire();
	if (ring_read_at(reader->fd, &entry, sizeof entry,
			 reader->header.metrics_offset + metric * sizeof entry) != 0)
		return RING_TRUNCATED;
	return take_refused(reader, info, &entry, count, usage);
}
