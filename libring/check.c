/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <math.h>
#include <string.h>

#include "export.h"
#include "names.h"
#include "text.h"

static const struct {
	const char *word, *text;
} verdicts[] = {
#define RING_VERDICT_STRINGS(name, word, text) {word, text},
	RING_VERDICTS(RING_VERDICT_STRINGS)
#undef RING_VERDICT_STRINGS
};

RING_EXPORT const char *ring_verdict_word(enum ring_verdict verdict)
{
	return (unsigned)verdict < RING_VERDICT_COUNT ? verdicts[verdict].word : "unknown";
}

RING_EXPORT const char *ring_verdict_text(enum ring_verdict verdict)
{
	return (unsigned)verdict < RING_VERDICT_COUNT ? verdicts[verdict].text : "unknown";
}

uint32_t ring_series_cells(enum ring_kind kind, uint32_t bound_count)
{
	switch (kind) {
	case RING_COUNTER:
		return 1;
	case RING_GAUGE:
	case RING_STATESET:
		return 2;
	case RING_HISTOGRAM:
		return 1 + bound_count + 1;
	}
	return 0;
}

uint32_t ring_series_room(const struct ring_metric_entry *entry)
{
	return entry->series_max + entry->overflow_max;
}

static bool is_power_of_two(uint32_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static bool geometry_ok(const struct ring_header *header)
{
	return header->core_count >= 1 && header->core_count <= RING_CORES_MAX &&
	       header->slot_count >= RING_SLOTS_MIN && header->slot_count <= RING_SLOTS_MAX &&
	       is_power_of_two(header->slot_count) && is_power_of_two(header->burst_max) &&
	       header->burst_max <= header->slot_count / 2 && header->metric_capacity >= 1 &&
	       header->metric_capacity <= RING_METRICS_MAX && header->series_capacity >= 1 &&
	       header->series_capacity <= RING_SERIES_MAX && header->cell_capacity >= 2 &&
	       header->cell_capacity <= RING_CELLS_MAX && header->heap_bytes <= RING_HEAP_MAX &&
	       header->segment_bytes <= RING_SEGMENT_MAX;
}

/* Whether [offset, offset + bytes) starts aligned, at or after *end, and ends by `limit`; moves
 * *end on. No sum can wrap: the caller has bounded each part far below 2^63. */
static bool part_fits(uint64_t offset, uint64_t bytes, uint64_t align, uint64_t limit,
		      uint64_t *end)
{
	if (offset % align != 0 || offset < *end || offset > limit || bytes > limit - offset)
		return false;
	*end = offset + bytes;
	return true;
}

static bool layout_ok(const struct ring_header *h)
{
	const uint64_t metrics_bytes = (uint64_t)h->metric_capacity *
				       sizeof(struct ring_metric_entry);
	const uint64_t series_bytes = (uint64_t)h->series_capacity *
				      sizeof(struct ring_series_entry);
	const uint64_t tallies_bytes = (uint64_t)h->cell_capacity * sizeof(struct ring_word);
	const uint64_t slots_bytes = (uint64_t)h->slot_count * sizeof(struct ring_slot);
	uint64_t end = h->header_bytes;
	uint64_t core_end = tallies_bytes;

	return h->header_bytes >= sizeof(struct ring_header) && h->header_bytes <= RING_PAGE &&
	       part_fits(h->metrics_offset, metrics_bytes, RING_LINE, h->segment_bytes, &end) &&
	       part_fits(h->series_offset, series_bytes, RING_LINE, h->segment_bytes, &end) &&
	       part_fits(h->heap_offset, h->heap_bytes, RING_LINE, h->segment_bytes, &end) &&
	       h->core_stride <= RING_SEGMENT_MAX && h->core_stride % RING_PAGE == 0 &&
	       part_fits(h->control_offset, RING_SLOTS_OFFSET + slots_bytes, RING_PAGE,
			 h->core_stride, &core_end) &&
	       part_fits(h->cores_offset, h->core_count * h->core_stride, RING_PAGE,
			 h->segment_bytes, &end);
}

enum ring_verdict ring_check_header(const struct ring_header *header)
{
	if (memcmp(header->magic, RING_MAGIC, sizeof header->magic) != 0)
		return RING_BAD_MAGIC;
	if (header->endian_mark == __builtin_bswap32(RING_ENDIAN_MARK))
		return RING_FOREIGN_ENDIAN;
	if (header->endian_mark != RING_ENDIAN_MARK)
		return RING_BAD_MAGIC;
	if (header->version_major != RING_VERSION_MAJOR)
		return RING_BAD_VERSION;
	if ((header->features_required & ~(RING_FEATURE_STATESET | RING_FEATURE_REUSE)) != 0)
		return RING_BAD_FEATURES;
	if (!geometry_ok(header))
		return RING_BAD_GEOMETRY;
	if (!layout_ok(header))
		return RING_BAD_LAYOUT;
	if (!ring_segment_name_ok(header->name, strnlen(header->name, sizeof header->name)))
		return RING_BAD_IDENTITY;
	return RING_SOUND;
}

bool ring_span_fits(struct ring_span span, uint64_t heap_used)
{
	return span.offset <= heap_used && span.bytes <= heap_used - span.offset;
}

static struct ring_text text_at(const uint8_t *heap, struct ring_span span)
{
	return (struct ring_text){(const char *)heap + span.offset, span.bytes};
}

RING_EXPORT int ring_label_next(struct ring_text *labels, struct ring_text *value)
{
	if (labels->bytes == 0)
		return 0;
	const uint32_t bytes = (uint8_t)labels->data[0];
	if (bytes > labels->bytes - 1)
		return 0;
	*value = (struct ring_text){labels->data + 1, bytes};
	labels->data += 1 + bytes;
	labels->bytes -= 1 + bytes;
	return 1;
}

/* Splits packed strings into at most `max` parts; returns their count, or -1 if they do not
 * fill the text exactly. */
static int labels_split(struct ring_text packed, struct ring_text *parts, int max)
{
	int count = 0;
	struct ring_text part;

	while (count < max && ring_label_next(&packed, &part))
		parts[count++] = part;
	return packed.bytes == 0 ? count : -1;
}

static bool label_keys_ok(const struct ring_metric_info *info)
{
	if (info->kind == RING_STATESET && ring_label_key_fault(info->name.data, info->name.bytes))
		return false; /* the states' label */
	for (uint32_t i = 0; i < info->label_count; i++) {
		const struct ring_text *key = &info->label_keys[i];
		if (ring_label_key_fault(key->data, key->bytes) ||
		    (info->kind == RING_STATESET && ring_texts_equal(*key, info->name)))
			return false;
		for (uint32_t j = 0; j < i; j++)
			if (ring_texts_equal(*key, info->label_keys[j]))
				return false;
	}
	return true;
}

/* Takes the entry's bounds, which are known to lie in the heap. */
static bool bounds_take(const struct ring_metric_entry *entry, const uint8_t *heap,
			struct ring_metric_info *info)
{
	const double *bounds = (const double *)(const void *)(heap + entry->bounds_offset);

	info->bounds = bounds;
	info->bound_count = entry->bound_count;
	for (uint32_t i = 0; i < info->bound_count; i++)
		if (!isfinite(bounds[i]) || (i > 0 && !(bounds[i - 1] < bounds[i])))
			return false;
	return true;
}

/* Takes the entry's states, each of them sound and of a name of its own. */
static bool states_take(const struct ring_metric_entry *entry, const uint8_t *heap,
			uint64_t heap_used, struct ring_metric_info *info)
{
	struct ring_text names[RING_STATES_MAX];
	struct ring_text rest = {(const char *)heap + entry->bounds_offset,
				 (uint32_t)(heap_used - entry->bounds_offset)};

	info->states = rest;
	info->state_count = entry->bound_count;
	info->state_default = entry->state_default;
	for (uint32_t i = 0; i < info->state_count; i++) {
		if (!ring_label_next(&rest, &names[i]) ||
		    ring_state_fault(names[i].data, names[i].bytes))
			return false;
		for (uint32_t j = 0; j < i; j++)
			if (ring_texts_equal(names[i], names[j]))
				return false;
	}
	info->states.bytes -= rest.bytes;
	return info->state_default < info->state_count;
}

static bool kind_ok(const struct ring_header *header, const struct ring_metric_entry *entry)
{
	switch (entry->kind) {
	case RING_COUNTER:
	case RING_HISTOGRAM:
		return entry->merge == RING_SUM;
	case RING_GAUGE:
		return entry->merge <= RING_MAX;
	case RING_STATESET:
		return entry->merge != RING_SUM && entry->merge <= RING_MAX &&
		       entry->unit.bytes == 0 &&
		       (header->features_required & RING_FEATURE_STATESET) != 0;
	}
	return false;
}

/* Kind, merge rule, bounds and cells: the numbers of an entry. */
static bool metric_shape_ok(const struct ring_header *header, const struct ring_metric_entry *entry,
			    uint64_t heap_used, uint32_t cell_first)
{
	const bool is_stateset = entry->kind == RING_STATESET;
	const bool has_bounds = is_stateset || entry->kind == RING_HISTOGRAM;
	/* How many bytes states have, they say themselves. */
	const struct ring_span bounds = {
		entry->bounds_offset,
		is_stateset ? 0 : entry->bound_count * (uint32_t)sizeof(double)};

	if (!kind_ok(header, entry))
		return false;
	if (has_bounds != (entry->bound_count > 0) || entry->bound_count > RING_BOUNDS_MAX ||
	    entry->bounds_offset % sizeof(double) != 0 || !ring_span_fits(bounds, heap_used))
		return false;
	if (entry->label_count > RING_LABELS_MAX || entry->series_max < 1 ||
	    entry->series_max > RING_SERIES_MAX ||
	    (entry->label_count == 0 && entry->series_max != 1))
		return false;
	if (entry->overflow_max > RING_OVERFLOW_MAX ||
	    (entry->label_count == 0) != (entry->overflow_max == 0))
		return false;
	if (entry->series_cells != ring_series_cells(entry->kind, entry->bound_count))
		return false;
	const uint64_t cells = (uint64_t)entry->series_cells * ring_series_room(entry);
	return entry->cell_first >= cell_first && entry->cell_first < header->cell_capacity &&
	       cells <= header->cell_capacity - entry->cell_first;
}

/* Takes what overflow series have for labels: some have one value in common, then as many as there
 * are may be kept. */
static bool overflow_take(const struct ring_metric_entry *entry, struct ring_text packed,
			  struct ring_metric_info *info)
{
	struct ring_text values[RING_LABELS_MAX] = {{"", 0}};

	if (labels_split(packed, values, RING_LABELS_MAX) != entry->label_count)
		return false;
	info->overflow_label = values[0];
	info->overflow_max = entry->overflow_max;
	for (uint32_t i = 0; i < entry->label_count; i++) {
		info->kept_labels += values[i].bytes == 0;
		if (info->kept_labels > 0 ? values[i].bytes > 0
					  : !ring_texts_equal(values[i], values[0]))
			return false;
	}
	return entry->label_count == 0 || (info->kept_labels < entry->label_count &&
					   (info->kept_labels == 0) == (entry->overflow_max == 1));
}

enum ring_verdict ring_check_metric(const struct ring_header *header,
				    const struct ring_metric_entry *entry, const uint8_t *heap,
				    uint64_t heap_used, uint32_t *cell_first,
				    struct ring_metric_info *info)
{
	if (!metric_shape_ok(header, entry, heap_used, *cell_first) ||
	    !ring_span_fits(entry->name, heap_used) || !ring_span_fits(entry->help, heap_used) ||
	    !ring_span_fits(entry->unit, heap_used) ||
	    !ring_span_fits(entry->label_keys, heap_used) ||
	    !ring_span_fits(entry->overflow_labels, heap_used) || entry->help.bytes > RING_HELP_MAX)
		return RING_BAD_METRIC;
	*info = (struct ring_metric_info){
		.name = text_at(heap, entry->name),
		.help = text_at(heap, entry->help),
		.unit = text_at(heap, entry->unit),
		.label_count = entry->label_count,
		.kind = (enum ring_kind)entry->kind,
		.merge = (enum ring_merge)entry->merge,
		.series_max = entry->series_max,
		.series_cells = entry->series_cells,
		.cell_first = entry->cell_first,
		.declared = entry->flags & RING_METRIC_DECLARED,
	};
	if (labels_split(text_at(heap, entry->label_keys), info->label_keys, RING_LABELS_MAX) !=
		    entry->label_count ||
	    !overflow_take(entry, text_at(heap, entry->overflow_labels), info) ||
	    !(entry->kind == RING_STATESET ? states_take(entry, heap, heap_used, info)
					   : bounds_take(entry, heap, info)))
		return RING_BAD_METRIC;
	if (ring_metric_name_fault(info->name.data, info->name.bytes, info->kind) ||
	    !label_keys_ok(info) ||
	    (info->unit.bytes > 0 && !ring_metric_name_has_unit(info->name.data, info->name.bytes,
								info->unit.data, info->unit.bytes)))
		return RING_BAD_NAME;
	*cell_first = entry->cell_first + entry->series_cells * ring_series_room(entry);
	return RING_SOUND;
}

enum ring_verdict ring_check_labels(const struct ring_metric_info *metric, struct ring_text labels)
{
	struct ring_text values[RING_LABELS_MAX];

	return labels_split(labels, values, RING_LABELS_MAX) == (int)metric->label_count
		       ? RING_SOUND
		       : RING_BAD_SERIES;
}

enum ring_verdict ring_check_series(const struct ring_series_entry *entry, const uint8_t *heap,
				    uint64_t heap_used, struct ring_metric_info *metrics,
				    uint32_t metric_count, struct ring_series_info *info)
{
	/* relaxed: the caller's private copy. */
	const uint64_t generation = ring_load_relaxed(&entry->generation);
	const uint32_t overflow = entry->flags & RING_SERIES_OVERFLOW;

	if (entry->metric >= metric_count)
		return RING_BAD_SERIES;
	struct ring_metric_info *metric = &metrics[entry->metric];
	if (generation != 0 && ring_kind_is_total(metric->kind))
		return RING_BAD_SERIES;
	if (overflow ? metric->overflow_count == metric->overflow_max
		     : metric->series_count - metric->overflow_count == metric->series_max)
		return RING_BAD_SERIES;
	if (entry->cell != metric->cell_first + metric->series_count * metric->series_cells)
		return RING_BAD_SERIES;
	*info = (struct ring_series_info){
		.labels = {"", 0},
		.metric = entry->metric,
		.cell = entry->cell,
		.overflow = overflow,
		.gone = generation != 0,
		.generation = generation == 0 ? 0 : (generation - 1) | 1,
	};
	/* Of one that has changed hands they may lie in heap that has come since it was copied. */
	if (!info->gone) {
		if (!ring_span_fits(entry->labels, heap_used))
			return RING_BAD_SERIES;
		info->labels = text_at(heap, entry->labels);
		if (ring_check_labels(metric, info->labels) != RING_SOUND)
			return RING_BAD_SERIES;
	}
	metric->series_count++;
	metric->overflow_count += overflow != 0;
	return RING_SOUND;
}
