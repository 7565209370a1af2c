/* SPDX-License-Identifier: MIT */
/*
 * A metric's entry in the metric table, made from its definition, and the heap that its texts are
 * appended to. The owner's side only; the registry's mutex is held around whatever appends.
 */
#ifndef RING_INTERNAL_ENTRY_H
#define RING_INTERNAL_ENTRY_H

#include <stdbool.h>

#include "ring/metric.h"
#include "ring/read.h"
#include "text.h"

struct ring_heap {
	uint8_t *bytes;
	uint64_t capacity;
	uint64_t used;
	struct ring_word *live_used; /* the same, for readers */
};

static inline bool ring_heap_has(const struct ring_heap *heap, uint64_t bytes)
{
	return heap->used + bytes <= heap->capacity;
}

static inline struct ring_text ring_heap_text(const struct ring_heap *heap, struct ring_span span)
{
	return (struct ring_text){(const char *)heap->bytes + span.offset, span.bytes};
}

/* Appends, which the caller knows to have room for. */
struct ring_span ring_heap_append(struct ring_heap *heap, const void *bytes, size_t count);

/* Appends labels and zeros, `room` bytes in all, for labels that come instead of them. */
struct ring_span ring_heap_append_labels(struct ring_heap *heap, struct ring_text labels,
					 uint32_t room);

/* The entry of a sound definition, with its texts appended; where its cells begin is left to the
 * caller. */
struct ring_metric_entry ring_entry_make(struct ring_heap *heap, const struct ring_metric_def *def,
					 uint8_t flags);

/* The labels of the metric's overflow series that stands for these: with the values of as many of
 * the last ones as are kept. */
struct ring_text ring_entry_overflow_labels(const struct ring_metric_entry *entry,
					    const struct ring_heap *heap, struct ring_text labels,
					    uint32_t kept, char packed[RING_PACKED_MAX]);

/* Whether the entry was made from an equal definition, whose name is known to be the same. */
bool ring_entry_equals(const struct ring_metric_entry *entry, const struct ring_heap *heap,
		       const struct ring_metric_def *def);

#endif
