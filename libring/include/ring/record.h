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

/* One core's recording end. Made by ring_writer_claim; the fields are for the functions below.
 * The owner maps private memory over one page of each core block, and there the writer stands: its
 * address gives those of the core's tallies, position and slots, and no other process can reach
 * what decides where a record goes. While it records it stores the shared position and never loads
 * it: a burst is ahead of it. */
struct ring_writer {
	uint64_t now_ns;
	uint64_t write_pos;
	uint64_t slot_mask;
	uint32_t cell_floor;     /* cells above it exist; UINT32_MAX in a no-op writer */
	uint32_t burst_mask;     /* a position with none of these bits is published; 0: each one */
	uint32_t burst_mask_max; /* burst_max - 1; in a no-op writer 0: nothing to publish */
	uint32_t core;
};

/* Behind the control lines. Not at their offset in its page, or the processor would take loads
 * here for dependent on the stores there (4 KiB aliasing), nor a whole fraction of a page away,
 * which costs a little still. */
#define RING_WRITER_OFFSET (RING_PRIVATE_OFFSET + RING_PAGE / 2 + RING_LINE)

/* Handles: the key of the series' samples, with the caller's tag if it has set one, and what a
 * histogram or a state set is made of. All zeros is a valid handle that records nothing. */
struct ring_counter {
	uint64_t key;
};

struct ring_gauge {
	uint64_t key;
};

struct ring_histogram {
	uint64_t key;
	const double *bounds; /* ascending, finite; owned by the segment handle */
	uint32_t bound_count;
	uint32_t reserved;
};

struct ring_state {
	uint64_t key;
	uint32_t state_count;
	uint32_t state_default;
};

/* The key with its upper 16 bits, free for the caller and visible to readers of
 * samples (ring_sample_tag), set to `tag`: a direction, a queue, an error code. */
static inline uint64_t ring_key_tagged(uint64_t key, uint16_t tag)
{
	return (key & UINT64_C(0x0000ffffffffffff)) | (uint64_t)tag << 48;
}

/* Sets the time of the samples that follow: nanoseconds of CLOCK_MONOTONIC. Once per
 * packet burst is the idea; a clock read costs about twenty records. */
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

/* The control lines; not for a no-op writer, which has none. */
static inline struct ring_core *ring_writer_core(struct ring_writer *writer)
{
	return (struct ring_core *)(void *)((char *)writer - RING_WRITER_OFFSET);
}

/* Between begin and end samples become visible only when the position comes to a multiple of
 * burst_max, and at the end: cheaper for the writer, above all under a spinning reader. Tallies do
 * not wait. Begun twice, it goes on. */
static inline void ring_burst_begin(struct ring_writer *writer)
{
	writer->burst_mask = writer->burst_mask_max;
}

static inline void ring_burst_end(struct ring_writer *writer)
{
	if (writer->burst_mask != 0)
		ring_publish(&ring_writer_core(writer)->write_pos, writer->write_pos);
	writer->burst_mask = 0;
}

/* Whether a handle's series has its first tally cell here. Its number is negative, so that one
 * unsigned comparison stops zero handles, no-op writers and whatever would lie before the tallies.
 * The cells behind the first one are not looked at: they are there if the handle is of this
 * segment. */
static inline int ring_writer_has(const struct ring_writer *writer, uint64_t key)
{
	return (uint32_t)key > writer->cell_floor;
}

/* That cell; NULL where nothing is to be recorded. */
static inline struct ring_word *ring_writer_cells(struct ring_writer *writer, uint64_t key)
{
	if (__builtin_expect(!ring_writer_has(writer, key), 0))
		return NULL;
	return (struct ring_word *)ring_writer_core(writer) + (int32_t)(uint32_t)key;
}

/* The sample's half of a record: scalars straight into the slot, because a struct built
 * on the stack and copied would have to pass through memory twice. */
static inline void ring_writer_put(struct ring_writer *writer, uint64_t value, uint64_t key)
{
	struct ring_core *core = ring_writer_core(writer);
	struct ring_slot *slots = (struct ring_slot *)(void *)((char *)core + RING_SLOTS_OFFSET);
	const uint64_t pos = writer->write_pos;
	const uint64_t next = pos + 1;

	ring_put(&slots[pos & writer->slot_mask], writer->now_ns, value, key);
	writer->write_pos = next;
	/* So a burst keeps no count, and never has more than burst_max samples unpublished. */
	if (__builtin_expect(((uint32_t)next & writer->burst_mask) == 0, 1))
		ring_publish(&core->write_pos, next);
}

/* A tally cell has one writer, this core, so load and store are separate and relaxed:
 * a reader that acquires write_pos sees every tally of the samples before it. */
static inline void ring_cell_add(struct ring_word *cell, uint64_t n)
{
	ring_store_relaxed(cell, ring_load_relaxed(cell) + n);
}

/* Adds `n` to a counter. Totals are 64 bits wide and wrap. */
static inline void ring_counter_add(struct ring_writer *writer, struct ring_counter counter,
				    uint64_t n)
{
	if (__builtin_expect(!ring_writer_has(writer, counter.key), 0))
		return;
	struct ring_word *cells = (struct ring_word *)ring_writer_core(writer);
	int64_t cell = (int32_t)(uint32_t)counter.key;
	/* relaxed, both: as in ring_cell_add. */
	const uint64_t total = ring_load_relaxed(&cells[cell]) + n;
	/* Now gcc cannot compute the cell's address once for both, which the load would have to
	 * wait for: 4 % of a record. */
	__asm__("" : "+r"(cell));
	ring_store_relaxed(&cells[cell], total);
	ring_writer_put(writer, total, counter.key);
}

/* Sets a gauge, to any double. The one NaN whose bits are RING_GAUGE_UNSET takes the value back:
 * the series is then shown as never set. */
static inline void ring_gauge_set(struct ring_writer *writer, struct ring_gauge gauge, double value)
{
	struct ring_word *cells = ring_writer_cells(writer, gauge.key);

	if (!cells)
		return;
	const uint64_t bits = ring_bits_of(value);
	/* relaxed, and in no order: the time only decides which core's value is the last; a
	 * reader in between may take the new value for as old as the one before. */
	ring_store_relaxed(&cells[0], bits);
	ring_store_relaxed(&cells[1], writer->now_ns);
	ring_writer_put(writer, bits, gauge.key);
}

/* Adds `delta`, which may be negative, to this core's part of a gauge; from 0 if unset. */
static inline void ring_gauge_add(struct ring_writer *writer, struct ring_gauge gauge, double delta)
{
	const struct ring_word *cells = ring_writer_cells(writer, gauge.key);

	if (!cells)
		return;
	/* relaxed: this core's own cell. */
	const uint64_t bits = ring_load_relaxed(&cells[0]);
	ring_gauge_set(writer, gauge,
		       bits == RING_GAUGE_UNSET ? delta : ring_double_of(bits) + delta);
}

/* Sets which state of a set holds, by its place in the list of them; a number that is no state's
 * sets the default. One word says it, so that no reader ever sees two states or none. */
static inline void ring_state_set(struct ring_writer *writer, struct ring_state set, uint64_t state)
{
	const uint32_t known = state < set.state_count ? (uint32_t)state : set.state_default;
	const struct ring_gauge gauge = {set.key};

	ring_gauge_set(writer, gauge, known);
}

typedef double ring_two_doubles __attribute__((vector_size(16), aligned(8)));
typedef int64_t ring_two_counts __attribute__((vector_size(16)));

/* Bounds below `value`, which is the index of its bucket; all of them for NaN, or any number
 * where the caller's compiler has been told that there is none, but never more than
 * `bound_count`. Without a branch on the data, four bounds a step: a comparison that holds gives
 * -1. */
static inline uint32_t ring_bounds_below(const double *bounds, uint32_t bound_count, double value)
{
	const ring_two_doubles *pairs = (const ring_two_doubles *)(const void *)bounds;
	const ring_two_doubles values = {value, value};
	ring_two_counts even = {0, 0}, odd = {0, 0};

	for (uint32_t i = 4; i <= bound_count; i += 4, pairs += 2) {
		even += values <= pairs[0];
		odd += values <= pairs[1];
	}
	even += odd;
	if (bound_count & 2)
		even += values <= *pairs;
	const uint32_t below = bound_count + (uint32_t)(even[0] + even[1]);
	return (bound_count & 1) && value <= bounds[bound_count - 1] ? below - 1 : below;
}

/* Counts `value` into the first bucket whose upper bound is not below it. NaN lands in
 * the last bucket and makes the sum NaN, as in every Prometheus client. */
static inline void ring_histogram_observe(struct ring_writer *writer,
					  struct ring_histogram histogram, double value)
{
	struct ring_word *cells = ring_writer_cells(writer, histogram.key);

	if (!cells)
		return;
	const uint32_t bucket = ring_bounds_below(histogram.bounds, histogram.bound_count, value);
	ring_cell_add(&cells[1 + bucket], 1);
	/* relaxed: this core's own cell. */
	const double sum = ring_double_of(ring_load_relaxed(&cells[0])) + value;
	ring_store_relaxed(&cells[0], ring_bits_of(sum));
	ring_writer_put(writer, ring_bits_of(value), histogram.key);
}

#endif
