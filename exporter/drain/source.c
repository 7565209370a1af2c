/* SPDX-License-Identifier: MIT */
/* A segment that is followed, or not; see source.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/account.h"
#include "aggregate/own.h"
#include "base/log.h"
#include "feed.h"
#include "observe.h"
#include "source.h"
#include "usage.h"

/* Series whose tallies are read at a time, so that looking out for a truncation costs little. */
#define BATCH_SERIES 64u
#define BATCH_CELLS  512u /* more than one series can have */

const char *const source_state_words[SOURCE_STATE_COUNT] = {"live", "dead", "quarantined"};

const char *source_reason_word(int reason)
{
	if (reason == SOURCE_DUPLICATE)
		return "duplicate";
	if (reason == SOURCE_UNREADABLE)
		return "unreadable";
	if (reason == SOURCE_TOO_MANY)
		return "too_many";
	return ring_verdict_word((enum ring_verdict)reason);
}

struct source *source_create(const char *name, struct followers *followers)
{
	struct source *source = calloc(1, sizeof *source);

	if (!source)
		return NULL;
	source->name = strdup(name);
	if (!source->name) {
		free(source);
		return NULL;
	}
	source->followers = followers;
	return source;
}

void source_destroy(struct source *source)
{
	source_close(source);
	free(source->rings);
	free(source->name);
	free(source);
}

int source_account(struct source *source, uint32_t core)
{
	struct source_ring *ring = &source->rings[core];
	struct ring_account account;
	const enum ring_verdict verdict = ring_reader_account(source->reader, core, &account);

	if (verdict != RING_SOUND)
		return (int)verdict;
	account.drained += ring->carried;
	account.dropped -= ring->carried;
	ring->account = account;
	return 0;
}

static int source_account_all(struct source *source)
{
	int reason = 0;

	for (uint32_t core = 0; core < source->core_count && reason == 0; core++)
		reason = source_account(source, core);
	return reason;
}

static struct identity identity_of(const struct source *source)
{
	const struct ring_header *header = ring_reader_header(source->reader);
	struct identity identity = {.name = ""};

	/* A source that is open has a sound name, which fits. */
	memcpy(identity.name, source->name, strlen(source->name) + 1);
	memcpy(identity.uuid, header->uuid, sizeof identity.uuid);
	memcpy(identity.predecessor, header->predecessor, sizeof identity.predecessor);
	identity.created_ns = header->created_realtime_ns;
	return identity;
}

/* Rings of a file that goes on where the last one under this name stood keep their accounts:
 * what was drained before counts as drained, and no longer as dropped before our time. */
static int source_carry(struct source *source)
{
	const struct ring_header *header = ring_reader_header(source->reader);
	const struct identity identity = identity_of(source);
	struct source_ring *rings = calloc(header->core_count, sizeof *rings);
	struct ring_account now;
	uint32_t common = 0;

	if (!rings)
		return SOURCE_UNREADABLE;
	/* An heir of somebody unknown: generations were missed. Positions tell whether it is ours.
	 */
	if (identity_covers(&identity, &source->identity) || identity_is_heir(&identity))
		common = source->core_count < header->core_count ? source->core_count
								 : header->core_count;
	for (uint32_t core = 0; core < common; core++) {
		const struct source_ring *before = &source->rings[core];
		const uint64_t cursor = before->account.written - before->account.pending;
		if (ring_reader_account(source->reader, core, &now) != RING_SOUND ||
		    (int64_t)(now.written - cursor) < 0)
			continue;
		ring_reader_skip_to(source->reader, core, cursor);
		rings[core].carried = before->account.drained;
		rings[core].rejected = before->rejected;
	}
	if (common == 0)
		source->start_ns = identity.created_ns;
	free(source->rings);
	source->rings = rings;
	source->core_count = header->core_count;
	source->identity = identity;
	return source_account_all(source);
}

int source_open(struct source *source, int dir_fd)
{
	int reason;

	if (!ring_segment_name_ok(source->name, strlen(source->name)))
		return RING_BAD_FILE_NAME;
	reason = ring_reader_open(&source->reader, dir_fd, source->name);
	if (reason < 0) {
		source->reader = NULL;
		return reason == -ENOENT ? reason : SOURCE_UNREADABLE;
	}
	if (reason > 0)
		return reason;
	const uint32_t capacity = ring_reader_header(source->reader)->series_capacity;
	source->touched_blocks = calloc(capacity / SOURCE_BLOCK + 1, 1);
	source->touched = calloc(capacity / SOURCE_BLOCK + 1, SOURCE_BLOCK);
	source->series_cells = calloc(capacity + 1, sizeof *source->series_cells);
	source->observed = calloc(capacity + 1, sizeof *source->observed);
	source->generations = calloc(capacity + 1, sizeof *source->generations);
	if (!source->generations || !source->observed || !source->touched ||
	    !source->touched_blocks || !source->series_cells)
		return SOURCE_UNREADABLE;
	source->alive = ring_reader_owner_alive(source->reader);
	return source_carry(source);
}

static uint64_t generation_of(const struct source *source, uint32_t index)
{
	const struct ring_series_info *series = ring_reader_series(source->reader, index);

	return series->gone ? SOURCE_GONE : series->generation;
}

/* Tells the member whose the place is, which was nobody's. */
static int name_series(struct source *source, uint32_t index)
{
	const struct ring_series_info *series = ring_reader_series(source->reader, index);
	int error;

	source->generations[index] = generation_of(source, index);
	if (series->gone)
		return 0;
	source->named_count++;
	error = aggregate_name_series(source->member, index, series->metric, series->labels);
	if (error)
		return error;
	source->observed[index] = account_is_kept(source->member, index);
	source->observes |= source->observed[index];
	return feed_learn(source, index);
}

static void forget_series(struct source *source, uint32_t index)
{
	aggregate_forget_series(source->member, index);
	feed_forget(source, index);
	source->generations[index] = SOURCE_GONE;
	source->named_count--;
}

/* Tells the member which places have changed hands. Whoever leaves does so before anybody comes,
 * who may need the room or have the name. */
static int learn_changes(struct source *source)
{
	const uint64_t change_count = ring_reader_changes(source->reader);
	int error = 0;

	if (source->change_count == change_count)
		return 0;
	source->change_count = change_count;
	for (uint32_t i = 0; i < source->series_count; i++)
		if (source->generations[i] != SOURCE_GONE &&
		    source->generations[i] != generation_of(source, i))
			forget_series(source, i);
	for (uint32_t i = 0; i < source->series_count && error == 0; i++)
		if (source->generations[i] != generation_of(source, i))
			error = name_series(source, i);
	return error;
}

/* Tells the member what the tables have gained. */
static int source_learn(struct source *source)
{
	const struct ring_reader *reader = source->reader;
	int error = 0;

	while (error == 0 && source->metric_count < ring_reader_metric_count(reader))
		error = aggregate_add_metric(source->member,
					     ring_reader_metric(reader, source->metric_count++));
	if (error == 0)
		error = learn_changes(source);
	while (error == 0 && source->series_count < ring_reader_series_count(reader)) {
		const uint32_t index = source->series_count++;
		const uint32_t metric = ring_reader_series(reader, index)->metric;
		source->series_cells[index] =
			(uint8_t)ring_reader_metric(reader, metric)->series_cells;
		error = aggregate_add_place(source->member);
		if (error == 0)
			error = name_series(source, index);
	}
	return error ? SOURCE_UNREADABLE : 0;
}

int source_join(struct source *source, struct aggregate *aggregate)
{
	int reason;

	source->metric_count = 0;
	source->series_count = 0;
	source->named_count = 0;
	source->observes = false;
	if (aggregate_join(aggregate, &source->member, &source->identity, source->core_count) != 0)
		return SOURCE_UNREADABLE;
	reason = source_learn(source);
	if (reason == 0)
		reason = source_read_all(source);
	if (reason == 0)
		reason = observe_begin(source);
	if (reason == 0) {
		aggregate_admit(source->member);
		source->reason = 0;
		source->looked_after = true;
	} else {
		/* Half a reading must not stay behind as what the segment counted. */
		feed_close(source);
		aggregate_drop(source->member);
		source->member = NULL;
	}
	return reason;
}

static void source_leave(struct source *source)
{
	feed_close(source);
	if (source->member)
		aggregate_leave(source->member);
	source->member = NULL;
}

void source_close(struct source *source)
{
	source_leave(source);
	own_leave(&source->self);
	usage_close(source);
	ring_reader_close(source->reader);
	source->reader = NULL;
	free(source->touched);
	source->touched = NULL;
	free(source->touched_blocks);
	source->touched_blocks = NULL;
	free(source->series_cells);
	source->series_cells = NULL;
	free(source->observed);
	source->observed = NULL;
	free(source->generations);
	source->generations = NULL;
}

void source_quarantine(struct source *source, int reason)
{
	source_close(source);
	if (source->reason != reason)
		log_event(LOG_WARN, "segment quarantined", "segment", source->name, "reason",
			  source_reason_word(reason), NULL);
	source->reason = reason;
}

bool source_can_agree(const struct source *source)
{
	if (aggregate_conflict_count(source->member) == 0)
		return false;
	for (uint32_t i = 0; i < source->metric_count; i++)
		if (aggregate_can_agree(source->member, i, ring_reader_metric(source->reader, i)))
			return true;
	return false;
}

int source_rejoin(struct source *source, struct aggregate *aggregate)
{
	source_leave(source);
	return source_join(source, aggregate);
}

void source_check_owner(struct source *source)
{
	const bool alive = ring_reader_owner_alive(source->reader);

	if (source->alive != alive)
		log_event(LOG_INFO, alive ? "owner is back" : "owner is gone", "segment",
			  source->name, NULL);
	source->alive = alive;
}

int source_refresh(struct source *source)
{
	const enum ring_verdict verdict = ring_reader_refresh(source->reader);

	return verdict != RING_SOUND ? (int)verdict : source_learn(source);
}

struct batch {
	uint32_t series[BATCH_SERIES];
	uint32_t count, cell_count;
};

/* Reads the tallies of the batch, and empties it. */
static int batch_read(struct source *source, uint32_t core, struct batch *batch)
{
	uint64_t cells[BATCH_CELLS];
	const uint64_t *at = cells;
	const enum ring_verdict verdict = ring_reader_gather(source->reader, core, batch->series,
							     batch->count, cells);

	for (uint32_t i = 0; i < batch->count && verdict == RING_SOUND; i++) {
		aggregate_set(source->member, batch->series[i], core, at);
		at += source->series_cells[batch->series[i]];
	}
	batch->count = 0;
	batch->cell_count = 0;
	return (int)verdict;
}

/* Adds a series, after reading what else is in the batch if it is full. */
static int batch_add(struct source *source, uint32_t core, struct batch *batch, uint32_t index)
{
	const uint32_t cell_count = source->series_cells[index];
	int reason = 0;

	if (batch->count == BATCH_SERIES || batch->cell_count + cell_count > BATCH_CELLS)
		reason = batch_read(source, core, batch);
	batch->series[batch->count++] = index;
	batch->cell_count += cell_count;
	return reason;
}

/* Which ones of a block were touched, as bits: to look at each byte is to guess 64 branches. */
static uint64_t block_bits(const uint8_t touched[SOURCE_BLOCK])
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < SOURCE_BLOCK; i++)
		bits |= (uint64_t)touched[i] << i;
	return bits;
}

/* In ascending order, since neighbours are of one kind and stand together. */
static int batch_add_block(struct source *source, uint32_t core, struct batch *batch,
			   uint32_t block)
{
	uint8_t *touched = &source->touched[block * SOURCE_BLOCK];
	uint64_t bits;
	int reason = 0;

	source->touched[0] = 0; /* what is not a series */
	for (bits = block_bits(touched); bits != 0 && reason == 0; bits &= bits - 1)
		reason = batch_add(source, core, batch,
				   block * SOURCE_BLOCK + (uint32_t)__builtin_ctzll(bits) - 1);
	memset(touched, 0, SOURCE_BLOCK);
	source->touched_blocks[block] = 0;
	return reason;
}

int source_read_touched(struct source *source, uint32_t core)
{
	struct batch batch = {.count = 0};
	int reason = 0;

	for (uint32_t block = 0; block <= source->series_count / SOURCE_BLOCK; block++)
		if (source->touched_blocks[block] && reason == 0)
			reason = batch_add_block(source, core, &batch, block);
	return reason ? reason : batch_read(source, core, &batch);
}

int source_read_core(struct source *source, uint32_t core)
{
	struct batch batch = {.count = 0};
	int reason = 0;

	const uint32_t block_count = source->series_count / SOURCE_BLOCK + 1;
	memset(source->touched, 0, block_count * SOURCE_BLOCK);
	memset(source->touched_blocks, 0, block_count);
	for (uint32_t index = 0; index < source->series_count && reason == 0; index++)
		reason = batch_add(source, core, &batch, index);
	return reason ? reason : batch_read(source, core, &batch);
}

int source_read_all(struct source *source)
{
	int reason = 0;

	for (uint32_t core = 0; core < source->core_count && reason == 0; core++)
		reason = source_read_core(source, core);
	return reason;
}
