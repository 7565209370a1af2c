/* SPDX-License-Identifier: MIT */
/* A segment that is followed, or not; see source.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "source.h"

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

struct source *source_create(const char *name)
{
	struct source *source = calloc(1, sizeof *source);

	if (!source)
		return NULL;
	source->name = strdup(name);
	if (!source->name) {
		free(source);
		return NULL;
	}
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
	source->touched = calloc(capacity / 64 + 1, sizeof *source->touched);
	if (!source->touched)
		return SOURCE_UNREADABLE;
	source->alive = ring_reader_owner_alive(source->reader);
	return source_carry(source);
}

/* Tells the member what the tables have gained. */
static int source_learn(struct source *source)
{
	const struct ring_reader *reader = source->reader;
	int error = 0;

	while (error == 0 && source->metric_count < ring_reader_metric_count(reader))
		error = aggregate_add_metric(source->member,
					     ring_reader_metric(reader, source->metric_count++));
	while (error == 0 && source->series_count < ring_reader_series_count(reader)) {
		const struct ring_series_info *series = ring_reader_series(reader,
									   source->series_count++);
		error = aggregate_add_series(source->member, series->metric, series->labels);
	}
	return error ? SOURCE_UNREADABLE : 0;
}

int source_join(struct source *source, struct aggregate *aggregate)
{
	int reason;

	source->metric_count = 0;
	source->series_count = 0;
	if (aggregate_join(aggregate, &source->member, &source->identity, source->core_count) != 0)
		return SOURCE_UNREADABLE;
	reason = source_learn(source);
	if (reason == 0)
		reason = source_read_all(source);
	if (reason == 0) {
		aggregate_admit(source->member);
		source->reason = 0;
	} else {
		/* Half a reading must not stay behind as what the segment counted. */
		aggregate_drop(source->member);
		source->member = NULL;
	}
	return reason;
}

static void source_leave(struct source *source)
{
	if (source->member)
		aggregate_leave(source->member);
	source->member = NULL;
}

void source_close(struct source *source)
{
	source_leave(source);
	if (source->self)
		aggregate_drop(source->self);
	source->self = NULL;
	ring_reader_close(source->reader);
	source->reader = NULL;
	free(source->touched);
	source->touched = NULL;
}

void source_quarantine(struct source *source, int reason)
{
	source_close(source);
	if (source->reason != reason)
		log_event(LOG_WARN, "segment quarantined", "segment", source->name, "reason",
			  source_reason_word(reason), NULL);
	source->reason = reason;
}

int source_rejoin(struct source *source, struct aggregate *aggregate)
{
	source_leave(source);
	return source_join(source, aggregate);
}

int source_refresh(struct source *source)
{
	const bool alive = ring_reader_owner_alive(source->reader);

	if (source->alive != alive)
		log_event(LOG_INFO, alive ? "owner is back" : "owner is gone", "segment",
			  source->name, NULL);
	source->alive = alive;
	const enum ring_verdict verdict = ring_reader_refresh(source->reader);
	return verdict != RING_SOUND ? (int)verdict : source_learn(source);
}

static int source_read(struct source *source, uint32_t core, uint32_t index)
{
	const struct ring_series_info *series = ring_reader_series(source->reader, index);
	const struct ring_metric_info *metric = ring_reader_metric(source->reader, series->metric);
	uint64_t cells[RING_SERIES_CELLS_MAX];
	const enum ring_verdict verdict = ring_reader_tallies(source->reader, core, series->cell,
							      metric->series_cells, cells);

	if (verdict == RING_SOUND)
		aggregate_set(source->member, index, core, cells);
	return (int)verdict;
}

int source_read_touched(struct source *source, uint32_t core)
{
	int reason = 0;

	for (uint32_t word = 0; word <= source->series_count / 64; word++) {
		uint64_t bits = source->touched[word];
		source->touched[word] = 0;
		for (; bits != 0 && reason == 0; bits &= bits - 1)
			reason = source_read(source, core,
					     word * 64 + (uint32_t)__builtin_ctzll(bits));
	}
	return reason;
}

int source_read_core(struct source *source, uint32_t core)
{
	int reason = 0;

	memset(source->touched, 0, (source->series_count / 64 + 1) * sizeof *source->touched);
	for (uint32_t index = 0; index < source->series_count && reason == 0; index++)
		reason = source_read(source, core, index);
	return reason;
}

int source_read_all(struct source *source)
{
	int reason = 0;

	for (uint32_t core = 0; core < source->core_count && reason == 0; core++)
		reason = source_read_core(source, core);
	return reason;
}
