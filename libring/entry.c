/* SPDX-License-Identifier: MIT */
#include "entry.h"

#include <string.h>

#include "check.h"
#include "definition.h"
#include "text.h"

struct ring_span ring_heap_append(struct ring_heap *heap, const void *bytes, size_t count)
{
	const struct ring_span span = {(uint32_t)heap->used, (uint32_t)count};

	if (count > 0)
		memcpy(heap->bytes + span.offset, bytes, count);
	heap->used += count;
	/* Release, to touch_counts in reader.c, which copies the heap up to here and never again.
	 * Weaker, and it could keep bytes that were not written yet. */
	ring_store_release(heap->live_used, heap->used);
	return span;
}

struct ring_span ring_heap_append_labels(struct ring_heap *heap, struct ring_text labels,
					 uint32_t room)
{
	char padded[RING_PACKED_MAX] = "";

	memcpy(padded, labels.data, labels.bytes);
	return (struct ring_span){ring_heap_append(heap, padded, room).offset, labels.bytes};
}

static struct ring_span append_packed(struct ring_heap *heap, const char *const *strings,
				      unsigned count)
{
	char packed[RING_PACKED_MAX];

	return ring_heap_append(heap, packed, (size_t)ring_strings_pack(strings, count, packed));
}

/* The values of a metric's labels in its overflow series; empty where they are kept. */
struct overflow_values {
	const char *values[RING_LABELS_MAX];
};

static struct overflow_values overflow_values(const struct ring_metric_def *def)
{
	struct overflow_values overflow;

	for (unsigned i = 0; i < RING_LABELS_MAX; i++)
		overflow.values[i] = i + def->kept_labels < ring_label_count(def)
					     ? ring_overflow_label(def)
					     : "";
	return overflow;
}

/* Where the bounds, or the states, begin. */
static uint32_t append_bounds(struct ring_heap *heap, const struct ring_metric_def *def)
{
	static const char zeros[sizeof(double)];

	ring_heap_append(heap, zeros, -heap->used % sizeof(double));
	const uint32_t offset = (uint32_t)heap->used;
	ring_heap_append(heap, def->bounds, def->bound_count * sizeof *def->bounds);
	for (unsigned i = 0; i < ring_state_count(def); i++)
		append_packed(heap, &def->states[i], 1);
	return offset;
}

struct ring_metric_entry ring_entry_make(struct ring_heap *heap, const struct ring_metric_def *def,
					 uint8_t flags)
{
	const struct overflow_values overflow = overflow_values(def);
	const unsigned labels = ring_label_count(def);
	struct ring_metric_entry entry = {
		.kind = (uint8_t)def->kind,
		.merge = (uint8_t)def->merge,
		.flags = flags,
		.label_count = (uint8_t)labels,
		.bound_count = (uint16_t)ring_bound_count(def),
		.state_default = (uint16_t)def->state_default,
		.series_max = ring_series_max(def),
		.series_cells = (uint16_t)ring_series_cells(def->kind, ring_bound_count(def)),
		.overflow_max = (uint16_t)ring_overflow_max(def),
		.name = ring_heap_append(heap, def->name, strlen(def->name)),
		.help = ring_heap_append(heap, def->help, strlen(def->help)),
		.unit = ring_heap_append(heap, def->unit, def->unit ? strlen(def->unit) : 0),
		.label_keys = append_packed(heap, def->label_keys, labels),
		.overflow_labels = append_packed(heap, overflow.values, labels),
	};
	entry.bounds_offset = append_bounds(heap, def);
	return entry;
}

/* Packed label values, in parts. */
struct parts {
	struct ring_text values[RING_LABELS_MAX];
	uint32_t count;
};

static struct parts split(struct ring_text packed)
{
	struct parts parts = {.count = 0};

	while (parts.count < RING_LABELS_MAX &&
	       ring_label_next(&packed, &parts.values[parts.count]))
		parts.count++;
	return parts;
}

struct ring_text ring_entry_overflow_labels(const struct ring_metric_entry *entry,
					    const struct ring_heap *heap, struct ring_text labels,
					    uint32_t kept, char packed[RING_PACKED_MAX])
{
	const struct parts own = split(labels);
	const struct parts overflow = split(ring_heap_text(heap, entry->overflow_labels));
	char *next = packed;

	for (uint32_t i = 0; i < own.count; i++) {
		const struct ring_text value = i + kept < own.count ? overflow.values[0]
								    : own.values[i];
		*next++ = (char)value.bytes;
		next = (char *)mempcpy(next, value.data, value.bytes);
	}
	return (struct ring_text){packed, (uint32_t)(next - packed)};
}

static bool has_states(const struct ring_metric_entry *entry, const struct ring_heap *heap,
		       const struct ring_metric_def *def)
{
	struct ring_text packed = {(const char *)heap->bytes + entry->bounds_offset,
				   (uint32_t)(heap->used - entry->bounds_offset)};
	struct ring_text state;

	for (unsigned i = 0; i < ring_state_count(def); i++)
		if (!ring_label_next(&packed, &state) || !ring_text_is(state, def->states[i]))
			return false;
	return entry->state_default == def->state_default;
}

bool ring_entry_equals(const struct ring_metric_entry *entry, const struct ring_heap *heap,
		       const struct ring_metric_def *def)
{
	const struct overflow_values overflow = overflow_values(def);
	const unsigned labels = ring_label_count(def);

	return entry->kind == def->kind && entry->merge == def->merge &&
	       entry->series_max == ring_series_max(def) &&
	       entry->overflow_max == ring_overflow_max(def) &&
	       entry->bound_count == ring_bound_count(def) && has_states(entry, heap, def) &&
	       (def->bound_count == 0 || memcmp(heap->bytes + entry->bounds_offset, def->bounds,
						def->bound_count * sizeof(double)) == 0) &&
	       ring_text_is(ring_heap_text(heap, entry->help), def->help) &&
	       ring_text_is(ring_heap_text(heap, entry->unit), def->unit) &&
	       ring_text_is_packed(ring_heap_text(heap, entry->label_keys), def->label_keys,
				   labels) &&
	       ring_text_is_packed(ring_heap_text(heap, entry->overflow_labels), overflow.values,
				   labels);
}
