/* SPDX-License-Identifier: MIT */
/*
 * The ring protocol, both ends on one page. Data planes use record.h and
 * readers use read.h; this is what the two agree on.
 *
 *              resume, put, publish     take
 *   writer     alone                    any time
 *   reader     never                    any time, any number of readers
 *
 * Positions are free-running; position p lives in slot p mod N. The writer never
 * waits and overwrites the oldest. It puts at most G samples between two
 * publications, so once `write_pos` reads h, the slots of positions up to
 * h + G - 1 may be in the making, and position p is intact only if
 * p + N > h + G - 1. The reader copies first and judges afterwards.
 *
 * Both ends are wait-free. docs/ordering.md has the argument in two columns, and
 * tests/model runs these very functions through every outcome C11 allows.
 */
#ifndef RING_RING_H
#define RING_RING_H

#include <string.h>

#include "layout.h"

/* A slot as a reader holds it: copied and found intact. */
struct ring_sample {
	uint64_t timestamp_ns;
	uint64_t value;
	uint64_t key;
};

/* The first cell of the sample's series: the cell's number less cell_capacity. */
static inline int32_t ring_sample_cell(const struct ring_sample *sample)
{
	return (int32_t)(uint32_t)sample->key;
}

static inline uint16_t ring_sample_generation(const struct ring_sample *sample)
{
	return (uint16_t)(sample->key >> 32);
}

static inline uint16_t ring_sample_tag(const struct ring_sample *sample)
{
	return (uint16_t)(sample->key >> 48);
}

/* Gauges, sums and observations travel as the bits of a double. */
static inline double ring_double_of(uint64_t bits)
{
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static inline uint64_t ring_bits_of(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	return bits;
}

/* How far behind write_pos a position is intact while the writer lives. */
static inline uint64_t ring_reach(uint64_t slot_count, uint64_t burst_max)
{
	return slot_count - burst_max;
}

/* Writer: fills the slot of the next position. Nothing is visible as a sample yet. */
static inline void ring_put(struct ring_slot *slot, uint64_t timestamp_ns, uint64_t value,
			    uint64_t key)
{
	/* relaxed: a reader that meets these words early finds out in ring_take, because
	 * the fence in the ring_publish before has made the older position visible. */
	ring_store_relaxed(&slot->timestamp_ns, timestamp_ns);
	ring_store_relaxed(&slot->value, value);
	ring_store_relaxed(&slot->key, key);
}

/* Writer: makes every sample before `pos` readable. */
static inline void ring_publish(struct ring_word *write_pos, uint64_t pos)
{
	/* Release, to the first acquire in ring_take: whoever reads `pos` sees the slots
	 * put before. Weaker, and a reader would count a slot that still holds old words. */
	ring_store_release(write_pos, pos);
	/* Release fence, to the acquire fence in ring_take: whoever reads a word put after
	 * this also reads a write_pos of at least `pos`. Without it a reader could copy
	 * new words, re-check against an old position and keep a torn sample. */
	ring_fence_release();
}

/* Writer, before its first put: goes on where the writer before it stopped, which is known to be
 * gone; returns that position. */
static inline uint64_t ring_resume(struct ring_word *write_pos)
{
	/* relaxed: whatever ordered the two writers, a mutex or the file's lock, orders this. */
	const uint64_t pos = ring_load_relaxed(write_pos);
	/* For the fence in it: the writer before may have been killed between its last position
	 * and that fence, and what is put next could be read against an older position. */
	ring_publish(write_pos, pos);
	return pos;
}

/* What one pass over a ring brought. */
struct ring_batch {
	uint64_t dropped; /* positions passed over: overwritten before they could be kept */
	size_t kept;      /* samples kept */
	size_t first;     /* the first one kept is out[first] */
	uint64_t written; /* write_pos as last seen */
};

/*
 * Reader: copies what is there from `cursor` on, at most `max` samples, into `out`.
 * Requires a cursor at or before write_pos, N slots (a power of two) and G < N.
 * The cursor moves by dropped + kept. A reader that is overtaken while it copies
 * resumes half a ring behind the writer; at the oldest slot it would be overtaken
 * again at once.
 */
static inline struct ring_batch ring_take(const struct ring_word *write_pos,
					  const struct ring_slot *slots, uint64_t slot_count,
					  uint64_t burst_max, uint64_t cursor,
					  struct ring_sample *out, size_t max)
{
	const uint64_t reach = ring_reach(slot_count, burst_max);
	struct ring_batch batch = {0, 0, 0, 0};

	/* Acquire, from ring_publish: the slots below are at least as new as this. */
	batch.written = ring_load_acquire(write_pos);
	if (batch.written - cursor > reach)
		batch.dropped = batch.written - cursor - reach;
	const uint64_t begin = cursor + batch.dropped;
	const uint64_t available = batch.written - begin;
	const size_t count = available < max ? (size_t)available : max;

	for (size_t i = 0; i < count; i++) {
		const struct ring_slot *slot = &slots[(begin + i) & (slot_count - 1)];
		/* relaxed: these may be torn; the fence and the re-check below decide. */
		out[i].timestamp_ns = ring_load_relaxed(&slot->timestamp_ns);
		out[i].value = ring_load_relaxed(&slot->value);
		out[i].key = ring_load_relaxed(&slot->key);
	}

	/* Acquire fence, from the release fence in ring_publish: if any word copied above
	 * was put after some position was published, the load below reads that position or
	 * a later one. */
	ring_fence_acquire();
	/* Acquire, from ring_publish: whoever is told `written` sees every tally of the samples
	 * before it. That the samples are intact would follow from the fence alone. */
	const uint64_t written = ring_load_acquire(write_pos);
	size_t torn = 0;
	if (written - begin > reach) {
		const uint64_t overwritten = written - begin - reach;
		torn = overwritten < count ? (size_t)overwritten : count;
	}
	batch.written = written;
	batch.first = torn;
	batch.kept = count - torn;
	batch.dropped += torn;
	if (written - (begin + count) > reach)
		batch.dropped += written - (begin + count) - reach / 2;
	return batch;
}

#endif
