/* SPDX-License-Identifier: MIT */
/*
 * An entry is filled, then counted, then indexed: readers see it whole or not at all, and no handle
 * for it is given out before readers can know it. Totals that belong together are counted together.
 *
 * A counter or histogram keeps its entry for ever. That of a gauge or state set changes hands:
 *
 *            take               forget              take, when it has cooled down
 *   (none) ───────▶ somebody's ───────▶ nobody's ──────────────────────────▶ another's
 *                        ▲                  │
 *                        └──────────────────┘  the same name, at any time
 *
 * Its generation says which: even while it is somebody's, odd while it is nobody's. A reader that
 * has copied cells looks at it again, as with a sequence lock (cursor.c), so that what it takes for
 * the value of one series never is another's. Samples have the generation in their keys. The same
 * name gets the same generation back: its samples are still its own.
 *
 * Names without an entry of their own share an overflow series. Those of gauges are remembered,
 * because the series is given up with the last of them.
 */
#include "places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "definition.h"
#include "text.h"

/* Names that share overflow series and are remembered. With more at a time the series are not given
 * up before the owner ends. */
#define SHARES_MAX 65536u

/* Generations are told apart by their low half in samples' keys. */
#define GENERATION_WRAP 65536u

/* Free places that are looked at for one whose labels may be as long as a name's. */
#define LOOKS_MAX 64u

static bool is_place(const struct metric *metric)
{
	return !ring_kind_is_total((enum ring_kind)metric->entry.kind);
}

static struct ring_series_entry *entry_of(const struct ring_registry *registry,
					  const struct series *series)
{
	return &registry->series_entries[series->number];
}

static uint64_t generation_of(const struct ring_registry *registry, const struct series *series)
{
	/* relaxed: the mutex is held around every change. */
	return ring_load_relaxed(&entry_of(registry, series)->generation);
}

/* Tells readers in whose hands the entry is from now on. What they see of its cells after that is
 * of this generation or a later one. */
static void set_generation(struct ring_registry *registry, struct series *series,
			   uint64_t generation)
{
	struct ring_word *changes = &registry->map->live->series_changes;

	/* Release, to touch_generation in changes.c: the labels written before belong to it. */
	ring_store_release(&entry_of(registry, series)->generation, generation);
	/* Release, to touch_counts in reader.c: who sees the number sees the generation. Relaxed
	 * for the load: this process alone writes it, under the mutex. */
	ring_store_release(changes, ring_load_relaxed(changes) + 1);
	/* Release fence, to the acquire fences in has_changed in cursor.c and touch_generation in
	 * changes.c: who reads a cell, or a label, written after this sees that there was a change.
	 */
	ring_fence_release();
	series->key = (uint64_t)(uint16_t)generation << 32 |
		      (uint32_t)(series->cell - registry->map->shape.cell_capacity);
}

/* Every core's cells of a gauge or state set say "never set"; zeros do for the rest. */
static void clear_cells(const struct ring_registry *registry, uint32_t cell)
{
	for (uint32_t core = 0; core < registry->map->shape.core_count; core++) {
		struct ring_word *cells = ring_tallies_of(registry->map, core) + cell;
		/* relaxed: nobody records here now, by contract; what readers make of it the
		 * generation tells them. */
		ring_store_relaxed(&cells[0], RING_GAUGE_UNSET);
		ring_store_relaxed(&cells[1], 0);
	}
}

/* How many names of their own the metric has now, for readers. */
static void count_named(struct ring_registry *registry, const struct series *series, int change)
{
	struct ring_word *named = &registry->metric_entries[series->metric->index].named_count;

	if (!(series->flags & RING_SERIES_OVERFLOW))
		/* relaxed: a figure of its own, written under the mutex. */
		ring_store_relaxed(named, ring_load_relaxed(named) + (uint64_t)change);
}

/* Nobody has it any more, as that odd generation says. */
static void give_away(struct ring_registry *registry, struct series *series, uint64_t generation)
{
	set_generation(registry, series, generation);
	clear_cells(registry, series->cell);
	series->free_ns = ring_clock_ns(CLOCK_MONOTONIC);
	if (!(series->flags & RING_SERIES_OVERFLOW))
		TAILQ_INSERT_TAIL(&series->metric->free, series, of_free);
}

/* Somebody had it. */
static void give_up(struct ring_registry *registry, struct series *series)
{
	give_away(registry, series, generation_of(registry, series) + 1);
	count_named(registry, series, -1);
}

/* Somebody has it from now on. */
static void take_up(struct ring_registry *registry, struct series *series, uint64_t generation)
{
	/* Once more, for whoever has recorded with an old handle in the meantime. */
	clear_cells(registry, series->cell);
	set_generation(registry, series, generation);
	series->free_ns = 0;
	if (!(series->flags & RING_SERIES_OVERFLOW))
		TAILQ_REMOVE(&series->metric->free, series, of_free);
	count_named(registry, series, 1);
}

/* Counts an entry that is filled, for its metric. */
static void count_entry(struct ring_registry *registry, struct series *series)
{
	struct metric *metric = series->metric;

	if (series->flags & RING_SERIES_OVERFLOW) {
		metric->overflow_count++;
		registry->overflow_bytes -= metric->overflow_bytes;
	} else {
		metric->named_count++;
	}
}

static struct series *make_series(struct ring_registry *registry, struct metric *metric,
				  uint32_t number, struct ring_text labels)
{
	const struct ring_series_entry *entry = &registry->series_entries[number];
	struct series *series = calloc(1, sizeof *series);

	if (!series)
		return NULL;
	series->metric = metric;
	series->number = number;
	series->labels = labels;
	series->cell = entry->cell;
	series->flags = entry->flags;
	series->key = (uint32_t)(entry->cell - registry->map->shape.cell_capacity);
	count_entry(registry, series);
	return series;
}

bool ring_place_is_overflow(const struct ring_registry *registry, const struct metric *metric,
			    struct ring_text labels)
{
	char packed[RING_PACKED_MAX];

	return metric->entry.label_count > 0 &&
	       ring_texts_equal(labels,
				ring_entry_overflow_labels(&metric->entry, &registry->heap, labels,
							   metric->kept_labels, packed));
}

int ring_place_adopt(struct ring_registry *registry, uint32_t number)
{
	const struct ring_series_entry *entry = &registry->series_entries[number];
	struct metric *metric = registry->by_index[entry->metric];
	/* relaxed: this process alone writes it. */
	const uint64_t generation = ring_load_relaxed(&entry->generation);
	const bool is_nobodys = generation % 2 != 0;
	struct ring_text labels = {"", 0};

	/* Labels of what is nobody's may be half changed, but those of overflow series, which never
	 * are; and whose they are a reader has not judged. */
	if ((!is_nobodys || (entry->flags & RING_SERIES_OVERFLOW)) &&
	    ring_span_fits(entry->labels, registry->heap.used))
		labels = ring_heap_text(&registry->heap, entry->labels);
	struct series *series = make_series(registry, metric, number, labels);
	if (!series)
		return -ENOMEM;
	ring_index_add_series(&registry->index, series);
	if (is_nobodys) {
		/* Again: an owner who is killed may have got no further than to write it. */
		give_away(registry, series, generation);
		return 0;
	}
	count_named(registry, series, 1);
	if (is_place(metric))
		give_up(registry, series);
	return 0;
}

/* The series of these labels; one that nobody had is somebody's then. NULL: there is none. */
static struct series *find(struct ring_registry *registry, struct metric *metric,
			   struct ring_text labels)
{
	struct series *series = ring_index_find_series(&registry->index, metric, labels);

	if (!series || series->shares)
		return NULL;
	if (series->free_ns != 0)
		take_up(registry, series, generation_of(registry, series) - 1);
	return series;
}

/* How much of the heap the labels get: for a place what was reckoned for any name, if there is as
 * much, so that the next one's labels fit, too. */
static uint32_t room_for(const struct ring_registry *registry, const struct metric *metric,
			 struct ring_text labels, uint32_t flags)
{
	const uint32_t room = metric->entry.label_count * RING_LABEL_ROOM;

	return is_place(metric) && !(flags & RING_SERIES_OVERFLOW) && room > labels.bytes &&
			       ring_tables_have(registry, room)
		       ? room
		       : labels.bytes;
}

/* Adds an entry; NULL when out of memory. */
static struct series *append(struct ring_registry *registry, struct metric *metric,
			     struct ring_text labels, uint32_t flags)
{
	const struct ring_metric_entry *of = &metric->entry;
	const uint32_t number = registry->series_count;
	const uint32_t room = room_for(registry, metric, labels, flags);
	const struct ring_span span = ring_heap_append_labels(&registry->heap, labels, room);

	registry->series_entries[number] = (struct ring_series_entry){
		.metric = metric->index,
		.cell = of->cell_first +
			(metric->named_count + metric->overflow_count) * of->series_cells,
		.flags = flags,
		.labels = span,
		.labels_room = room,
	};
	struct series *series = make_series(registry, metric, number,
					    ring_heap_text(&registry->heap, span));
	if (!series)
		return NULL;
	registry->series_count++;
	count_named(registry, series, 1);
	if (is_place(metric)) {
		clear_cells(registry, series->cell);
		ring_index_add_series(&registry->index, series);
	} else {
		series->node.next = registry->uncounted;
		registry->uncounted = &series->node;
	}
	return series;
}

void ring_places_announce(struct ring_registry *registry)
{
	struct ring_node *node = registry->uncounted;

	/* Release, to touch_counts in reader.c: the entries and their texts are complete for
	 * whoever sees the count. Weaker, and a reader could judge an entry that is still zero. */
	ring_store_release(&registry->map->live->series_count, registry->series_count);
	while (node) {
		struct ring_node *next = node->next;
		ring_index_add_series(&registry->index, (struct series *)node);
		node = next;
	}
	registry->uncounted = NULL;
}

/* Whether labels of that many bytes fit where the entry's are. */
static bool fits(const struct ring_registry *registry, const struct ring_series_entry *entry,
		 uint32_t bytes)
{
	return bytes <= entry->labels_room &&
	       (uint64_t)entry->labels.offset + entry->labels_room <= registry->heap.used;
}

/* Moves an entry that is nobody's to other labels, for which there is room. */
static void relabel(struct ring_registry *registry, struct series *series, struct ring_text labels)
{
	struct ring_series_entry *entry = entry_of(registry, series);
	struct ring_span span = {entry->labels.offset, labels.bytes};
	uint64_t bits;
	const bool stays = fits(registry, entry, labels.bytes);

	ring_index_remove_place(&registry->index, series);
	if (stays)
		memcpy(registry->heap.bytes + span.offset, labels.data, labels.bytes);
	else
		span = ring_heap_append(&registry->heap, labels.data, labels.bytes);
	/* relaxed, but at once: an owner who is killed here leaves one span or the other. */
	memcpy(&bits, &span, sizeof bits);
	ring_store_relaxed((struct ring_word *)(void *)&entry->labels, bits);
	if (!stays)
		entry->labels_room = span.bytes;
	series->labels = ring_heap_text(&registry->heap, span);
	ring_index_add_series(&registry->index, series);
}

/* The place that was free the longest, if that was long enough, of those with room for the labels.
 * Where there is none, the name overflows, and the places wait for shorter ones. */
static struct series *pick(const struct ring_registry *registry, const struct metric *metric,
			   uint32_t bytes)
{
	const uint64_t now_ns = ring_clock_ns(CLOCK_MONOTONIC);
	struct series *series;
	unsigned looks = 0;

	TAILQ_FOREACH (series, &metric->free, of_free) {
		if (now_ns - series->free_ns < registry->cool_down_ns || looks++ == LOOKS_MAX)
			return NULL;
		if (fits(registry, entry_of(registry, series), bytes) ||
		    ring_tables_have(registry, bytes))
			return series;
	}
	return NULL;
}

/* Gives the labels a place that others had. */
static struct series *reuse(struct ring_registry *registry, struct metric *metric,
			    struct ring_text labels)
{
	struct series *series = pick(registry, metric, labels.bytes);

	if (!series)
		return NULL;
	const uint64_t generation = generation_of(registry, series) + 1;
	const uint64_t key = (uint64_t)(uint16_t)generation << 32 | (uint32_t)series->key;
	if (generation >= GENERATION_WRAP && ring_rings_have(registry->map, key)) {
		/* The place passes it over, lest it wait for ever for a core that records no more,
		 * and goes on without a name, which the samples would be taken for. */
		ring_index_remove_place(&registry->index, series);
		series->labels = (struct ring_text){"", 0};
		ring_index_add_series(&registry->index, series);
		TAILQ_REMOVE(&metric->free, series, of_free);
		give_away(registry, series, generation + 1);
		return NULL;
	}
	relabel(registry, series, labels);
	take_up(registry, series, generation);
	return series;
}

/* Gives the labels an entry of their own, if there is one to be had; they have none. */
static struct series *take(struct ring_registry *registry, struct metric *metric,
			   struct ring_text labels)
{
	if (metric->named_count < metric->entry.series_max &&
	    ring_tables_have(registry, labels.bytes))
		return append(registry, metric, labels, 0);
	return is_place(metric) ? reuse(registry, metric, labels) : NULL;
}

struct series *ring_place_overflow(struct ring_registry *registry, struct metric *metric,
				   struct ring_text labels)
{
	char packed[RING_PACKED_MAX];

	for (uint32_t kept = metric->kept_labels;; kept = 0) {
		const struct ring_text overflow = ring_entry_overflow_labels(
			&metric->entry, &registry->heap, labels, kept, packed);
		struct series *series = find(registry, metric, overflow);
		/* The last one is for those whose kept labels there were too many of. */
		const uint32_t room = metric->entry.overflow_max - (kept > 0 ? 1u : 0u);
		if (!series && metric->overflow_count < room &&
		    ring_heap_has(&registry->heap, registry->overflow_bytes -
							   metric->overflow_bytes + overflow.bytes))
			series = append(registry, metric, overflow, RING_SERIES_OVERFLOW);
		if (series || kept == 0)
			return series;
	}
}

/* Keeps a name that had no place, for readers, if it is one of the first. */
static void note_refused(struct ring_registry *registry, const struct metric *metric,
			 struct ring_text labels)
{
	struct ring_metric_entry *entry = &registry->metric_entries[metric->index];
	/* relaxed: this process alone writes it, under the mutex. */
	const uint64_t count = ring_load_relaxed(&entry->refused_count);

	for (uint64_t i = 0; i < count && i < RING_REFUSED_MAX; i++)
		if (ring_span_fits(entry->refused[i], registry->heap.used) &&
		    ring_texts_equal(ring_heap_text(&registry->heap, entry->refused[i]), labels))
			return;
	if (count >= RING_REFUSED_MAX || !ring_tables_have(registry, labels.bytes))
		return;
	entry->refused[count] = ring_heap_append(&registry->heap, labels.data, labels.bytes);
	/* Release, to the acquire fence in ring_reader_usage: the span and its bytes are complete.
	 */
	ring_store_release(&entry->refused_count, count + 1);
}

/* Remembers that the name shares the overflow series. */
static void share(struct ring_registry *registry, struct series *overflow, struct ring_text labels)
{
	struct series *name = NULL;

	if (registry->share_count < SHARES_MAX)
		name = calloc(1, sizeof *name + labels.bytes);
	/* Counted also where it cannot be remembered: the series is never given up then. */
	overflow->share_count++;
	if (!name)
		return;
	registry->share_count++;
	memcpy(name + 1, labels.data, labels.bytes);
	name->metric = overflow->metric;
	name->labels = (struct ring_text){(const char *)(name + 1), labels.bytes};
	name->shares = overflow;
	ring_index_add_series(&registry->index, name);
}

static void leave(struct ring_registry *registry, struct series *overflow)
{
	if (--overflow->share_count == 0)
		give_up(registry, overflow);
}

/* The name shares no longer. */
static void stop_sharing(struct ring_registry *registry, struct series *name)
{
	leave(registry, name->shares);
	registry->share_count--;
	ring_index_remove_place(&registry->index, name);
	free(name);
}

/* The overflow series under its own name, which is then one of those that share it. */
static struct series *admit_overflow(struct ring_registry *registry, struct metric *metric,
				     struct ring_text labels)
{
	struct series *series = ring_place_overflow(registry, metric, labels);

	if (!series || !is_place(metric))
		return series;
	if (!ring_texts_equal(series->labels, labels)) {
		/* There were too many to keep its labels. */
		if (!ring_index_find_series(&registry->index, metric, labels))
			share(registry, series, labels);
	} else if (!series->shares_itself) {
		series->shares_itself = true;
		series->share_count++;
	}
	return series;
}

struct series *ring_place_admit(struct ring_registry *registry, struct metric *metric,
				struct ring_text labels)
{
	if (ring_place_is_overflow(registry, metric, labels))
		return admit_overflow(registry, metric, labels);
	struct series *series = find(registry, metric, labels);
	if (series)
		return series;
	struct series *name = ring_index_find_series(&registry->index, metric, labels);
	series = take(registry, metric, labels);
	if (series && name)
		stop_sharing(registry, name);
	if (series || name)
		return series ? series : name->shares;
	ring_bump(&registry->map->live->overflowed);
	ring_bump(&registry->metric_entries[metric->index].overflowed);
	note_refused(registry, metric, labels);
	series = ring_place_overflow(registry, metric, labels);
	if (series && is_place(metric))
		share(registry, series, labels);
	return series;
}

bool ring_place_forget(struct ring_registry *registry, struct metric *metric,
		       struct ring_text labels)
{
	struct series *series = ring_index_find_series(&registry->index, metric, labels);

	if (!series || series->free_ns != 0)
		return false;
	if (series->shares) {
		stop_sharing(registry, series);
	} else if (!(series->flags & RING_SERIES_OVERFLOW)) {
		give_up(registry, series);
	} else if (series->shares_itself) {
		series->shares_itself = false;
		leave(registry, series);
	} else {
		return false;
	}
	return true;
}
