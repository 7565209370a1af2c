/* SPDX-License-Identifier: MIT */
/*
 * Recording, for data-plane cores. Each call adds to the series' tally and puts
 * one timestamped sample into the core's ring: no system call, no lock, no
 * allocation, no wait, a bounded number of instructions. docs/ordering.md gives
 * the memory orders, metric.h resolves the handles used here.
 *
 * A ring_writer belongs to one thread at a time; nothing here may be called
 * concurrently on the same writer, nor from a signal handler that can interrupt
 * such a call. A handle is used with writers of its own segment only. Zero
 * handles and no-op writers are safe everywhere: such a call records nothing.
 */
#ifndef RING_RECORD_H
#define RING_RECORD_H

#include <time.h>

#include "ring.h"

#ifndef CLOCK_MONOTONIC
#error "needs POSIX.1-2008: compile with -D_POSIX_C_SOURCE=200809L or -std=gnu11"
#endif

/* One core's recording end. Made by ring_writer_claim; the fields are for the
 * functions below. The private copy of the position is what keeps a polling
 * reader from slowing the writer: the shared word is stored and never loaded. */
struct ring_writer {
	struct ring_word *tallies;
	struct ring_slot *slots;
	struct ring_word *shared_pos;
	uint64_t slot_mask;
	uint64_t write_pos;
	uint64_t now_ns;
	uint32_t cell_count; /* 0 in a no-op writer */
	uint32_t burst_max;
	uint32_t burst_room; /* samples until the next publication; 0: publish each one */
	uint32_t core;
};

/* Handles. All zeros is a valid handle that records nothing. */
struct ring_counter {
	uint64_t key;
	uint32_t cell;
	uint32_t reserved;
};

struct ring_gauge {
	uint64_t key;
	uint32_t cell;
	uint32_t reserved;
};

struct ring_histogram {
	uint64_t key;
	uint32_t cell;
	uint32_t bound_count;
	const double *bounds; /* ascending, finite; owned by the segment handle */
};

/* The key with its upper 16 bits, free for the caller and visible to readers of
 * samples (ring_sample_tag), set to `tag`: a direction, a queue, an error code. */
static inline uint64_t ring_key_tagged(uint64_t key, uint16_t tag)
{
	return (key & UINT64_C(0x0000ffffffffffff)) | (uint64_t)tag << 48;
}

/* Sets the time of the samples that follow: nanoseconds of CLOCK_MONOTONIC. Once per
 * packet burst is the idea; a clock read costs ten to twenty times a record. */
static inline void ring_tick_at(struct ring_writer *writer, uint64_t timestamp_ns)
{
	writer->now_ns = timestamp_ns;
}

/* The same with the time of the call, read through the vDSO; returns it. */
static inline uint64_t ring_tick(struct ring_writer *writer)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	writer->now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	return writer->now_ns;
}

/* Between begin and end samples become visible together, at the latest after
 * burst_max of them: cheaper for the writer, above all under a spinning reader.
 * Tallies do not wait. */
static inline void ring_burst_begin(struct ring_writer *writer)
{
	/* Begun twice, it goes on: what is not yet published still counts against burst_max. */
	if (writer->burst_room == 0)
		writer->burst_room = writer->burst_max;
}

static inline void ring_burst_end(struct ring_writer *writer)
{
	if (writer->burst_room != writer->burst_max)
		ring_publish(writer->shared_pos, writer->write_pos);
	writer->burst_room = 0;
}

/* One comparison stops zero handles (cell 0 wraps round), no-op writers (no cells)
 * and handles of a larger segment. */
static inline int ring_writer_has_cell(const struct ring_writer *writer, uint32_t cell)
{
	return (int)__builtin_expect(cell - 1u < writer->cell_count, 1);
}

/* The sample's half of a record: scalars straight into the slot, because a struct built
 * on the stack and copied would have to pass through memory twice. */
static inline void ring_writer_put(struct ring_writer *writer, uint64_t value, uint64_t key)
{
	const uint64_t pos = writer->write_pos;

	ring_put(&writer->slots[pos & writer->slot_mask], writer->now_ns, value, key);
	writer->write_pos = pos + 1;
	if (writer->burst_room != 0) {
		if (--writer->burst_room != 0)
			return;
		writer->burst_room = writer->burst_max;
	}
	ring_publish(writer->shared_pos, pos + 1);
}

/* A tally cell has one writer, this core, so load and store are separate and relaxed:
 * a reader that acquires write_pos sees every tally of the samples before it. */
static inline uint64_t ring_cell_add(struct ring_word *cell, uint64_t n)
{
	const uint64_t total = ring_load_relaxed(cell) + n;

	ring_store_relaxed(cell, total);
	return total;
}

/* Adds `n` to a counter. Totals are 64 bits wide and wrap. */
static inline void ring_counter_add(struct ring_writer *writer, struct ring_counter counter,
				    uint64_t n)
{
	if (!ring_writer_has_cell(writer, counter.cell))
		return;
	const uint64_t total = ring_cell_add(&writer->tallies[counter.cell], n);
	ring_writer_put(writer, total, counter.key);
}

/* Sets a gauge, to any double. The one NaN whose bits are RING_GAUGE_UNSET takes the value back:
 * the series is then shown as never set. */
static inline void ring_gauge_set(struct ring_writer *writer, struct ring_gauge gauge, double value)
{
	if (!ring_writer_has_cell(writer, gauge.cell))
		return;
	struct ring_word *cells = &writer->tallies[gauge.cell];
	const uint64_t bits = ring_bits_of(value);
	/* relaxed, and in no order: the time only decides which core's value is the last;
	 * seen apart, the value before is shown once more. */
	ring_store_relaxed(&cells[0], bits);
	ring_store_relaxed(&cells[1], writer->now_ns);
	ring_writer_put(writer, bits, gauge.key);
}

/* Adds `delta`, which may be negative, to this core's part of a gauge; from 0 if unset. */
static inline void ring_gauge_add(struct ring_writer *writer, struct ring_gauge gauge, double delta)
{
	if (!ring_writer_has_cell(writer, gauge.cell))
		return;
	/* relaxed: this core's own cell. */
	const uint64_t bits = ring_load_relaxed(&writer->tallies[gauge.cell]);
	ring_gauge_set(writer, gauge,
		       bits == RING_GAUGE_UNSET ? delta : ring_double_of(bits) + delta);
}

/* Counts `value` into the first bucket whose upper bound is not below it. NaN lands in
 * the last bucket and makes the sum NaN, as in every Prometheus client. */
static inline void ring_histogram_observe(struct ring_writer *writer,
					  struct ring_histogram histogram, double value)
{
	if (!ring_writer_has_cell(writer, histogram.cell))
		return;
	struct ring_word *cells = &writer->tallies[histogram.cell];
	uint32_t bucket = 0;
	for (uint32_t i = 0; i < histogram.bound_count; i++)
		bucket += !(value <= histogram.bounds[i]);
	ring_cell_add(&cells[1 + bucket], 1);
	/* relaxed: this core's own cell. */
	const double sum = ring_double_of(ring_load_relaxed(&cells[0])) + value;
	ring_store_relaxed(&cells[0], ring_bits_of(sum));
	ring_writer_put(writer, ring_bits_of(value), histogram.key);
}

#endif
