/* SPDX-License-Identifier: MIT */
/* Plays the writer's program and remembers what it put. */
#include <string.h>

#include "model.h"

#include "history.h"

enum {
	COUNTER_CELL = 1,
	GAUGE_CELL = 2,
	HISTOGRAM_CELL = 4,
};

static const double history_bound = 8.0; /* both buckets of the histogram get some */

/* As the registry makes them. */
#define KEY_OF(cell) ((uint32_t)(cell)-HISTORY_CELLS)

static const struct ring_counter history_counter = {.key = KEY_OF(COUNTER_CELL)};
static const struct ring_gauge history_gauge = {.key = KEY_OF(GAUGE_CELL)};
static const struct ring_histogram history_histogram = {
	.key = KEY_OF(HISTOGRAM_CELL), .bounds = &history_bound, .bound_count = 1};

struct history_memory history_memory;

/* As ring_writer_claim does it. */
static void history_claim(const struct ring_case *c)
{
	history_memory.writer = (struct ring_writer){
		.write_pos = ring_resume(&history_memory.core.write_pos),
		.slot_mask = c->slot_count - 1,
		.cell_floor = -HISTORY_CELLS,
		.burst_mask_max = c->burst_max - 1,
	};
}

/* Records once. `stamp` makes all three words of each sample ever put unlike any other. */
static void history_record(struct history *history, struct ring_writer *writer, char kind,
			   uint64_t stamp)
{
	const uint64_t put_index = writer->write_pos - history->first_pos;
	const uint16_t tag = (uint16_t)stamp;
	struct ring_counter counter = history_counter;
	struct ring_gauge gauge = history_gauge;
	struct ring_histogram histogram = history_histogram;
	struct ring_sample *sample = &history->samples[put_index];

	sample->timestamp_ns = stamp << 32;
	sample->value = ring_bits_of((double)stamp);
	ring_tick_at(writer, sample->timestamp_ns);
	if (kind == 'g') {
		sample->key = gauge.key = ring_key_tagged(gauge.key, tag);
		ring_gauge_set(writer, gauge, (double)stamp);
	} else if (kind == 'h') {
		sample->key = histogram.key = ring_key_tagged(histogram.key, tag);
		ring_histogram_observe(writer, histogram, (double)stamp);
	} else {
		/* relaxed: the writer's own cell; so are those below. */
		sample->value = ring_load_relaxed(&history_memory.cells[COUNTER_CELL]) + 1;
		sample->key = counter.key = ring_key_tagged(counter.key, tag);
		ring_counter_add(writer, counter, 1);
	}
	history->put_count = put_index + 1;
	for (size_t i = 0; i < HISTORY_CELLS; i++)
		history->cells[put_index + 1][i] = ring_load_relaxed(&history_memory.cells[i]);
}

bool history_write(struct history *history, const struct ring_case *c, size_t stores_max)
{
	struct ring_writer *writer = &history_memory.writer;
	const struct model_piece pieces[] = {
		{&history_memory.core.write_pos, 1},
		{(const struct ring_word *)history_memory.slots, HISTORY_SLOTS * 3},
		{history_memory.cells, HISTORY_CELLS},
	};
	uint64_t stamp = 0;
	bool died = false;

	memset(history, 0, sizeof *history);
	history->first_pos = c->first_pos;
	model_reset(pieces, sizeof pieces / sizeof pieces[0]);
	model_initial(&history_memory.core.write_pos, c->first_pos);
	model_write(strchr(c->program, '!') ? stores_max : SIZE_MAX);
	history_claim(c);
	for (const char *step = c->program; *step != '\0'; step++) {
		switch (*step) {
		case '[':
			ring_burst_begin(writer);
			break;
		case ']':
			ring_burst_end(writer);
			break;
		case '!':
			died = !model_writer_alive();
			model_write(SIZE_MAX);
			history_claim(c);
			break;
		default:
			history_record(history, writer, *step, ++stamp);
		}
	}
	return died;
}
