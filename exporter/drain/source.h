/* SPDX-License-Identifier: MIT */
/*
 * One name in the segment directory and what stands behind it: a segment that is followed, or
 * the reason why it is not. A source connects a segment's reader with its member in the
 * aggregate, and keeps the accounts of its rings over a change of file or a quarantine.
 *
 * All of it belongs to the drain thread.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include "aggregate/aggregate.h"
#include "base/stamp.h"
#include "replication/followers.h"

enum source_state {
	SOURCE_LIVE, /* a process holds the segment's lock */
	SOURCE_DEAD, /* nobody does: the totals stand */
	SOURCE_QUARANTINED,
	SOURCE_STATE_COUNT
};

extern const char *const source_state_words[SOURCE_STATE_COUNT];

/* Why a source is quarantined: an enum ring_verdict, or one of these. */
enum source_reason {
	SOURCE_DUPLICATE = RING_VERDICT_COUNT, /* another source counts the same totals */
	SOURCE_UNREADABLE,                     /* opening or reading it failed otherwise */
	SOURCE_TOO_MANY,                       /* more than are followed at a time */
	SOURCE_REASON_COUNT
};

const char *source_reason_word(int reason);

#define SOURCE_BLOCK 64u
#define SOURCE_GONE  UINT64_MAX

/* One ring's account under this name: written = drained + dropped + pending. */
struct source_ring {
	struct ring_account account;
	uint64_t rejected; /* drained, but of a series that the segment does not have */
	uint64_t carried;  /* drained from earlier files of the same history */
	bool is_short;     /* observations may be missing that were counted; see observe.c */
	bool is_careful;   /* and it matters where samples were, as the cursor is before one of: */
	bool has_claim;
	uint64_t skip_pos, guard_pos, claim_pos;
	uint64_t cursor, look_pos;
	bool feeds_short; /* samples were dropped that the feeds have not made up for */
};

struct source {
	char *name;                 /* the file's, which may be anything */
	struct stamp stamp;         /* of the last look */
	int reason;                 /* of the quarantine, when there is one */
	bool alive;                 /* somebody holds the segment's lock */
	struct ring_reader *reader; /* NULL when quarantined, and so is all that depends on it */
	struct aggregate_member *member;
	struct aggregate_member *self; /* the source's own figures, which selfstat.c adds */
	int self_reason;               /* that these tell of */
	struct usage *usage;           /* of its metrics' budgets; NULL: not shown yet */
	struct source_ring *rings;
	uint32_t core_count;
	uint64_t start_ns; /* of the accounts, since 1970: the first file's creation */
	/* Which series were seen in samples since the tallies were read: a byte for each, by index
	 * + 1, and one for each SOURCE_BLOCK of these. Bytes, because to set a bit is to wait for
	 * the one set before. What is not a series is seen at 0. */
	uint8_t *touched;
	uint8_t *touched_blocks;
	uint8_t *series_cells; /* of each series, close together, for reading many of them */
	bool observes;         /* any series is observed; which ones, a byte for each: */
	uint8_t *observed;
	uint64_t *generations; /* of the series that the member knows by index, or SOURCE_GONE */
	uint64_t change_count; /* of generations, when they were looked at last */
	uint32_t named_count;  /* series that are somebody's */
	uint64_t owner_count;  /* when that was looked after last */
	struct followers *followers;  /* NULL: none are looked for */
	struct followers_feed *feeds; /* by series index; NULL: it records nothing of followers */
	struct identity identity;     /* of the last segment followed */
	uint32_t fed_count;           /* series whose first tallies the feeds have taken in */
	uint32_t metric_count, series_count; /* that the member knows */
	bool looked_after;                   /* since usage.c has */
	bool listed;                         /* by the scan in progress */
};

static inline enum source_state source_state(const struct source *source)
{
	if (!source->reader)
		return SOURCE_QUARANTINED;
	return source->alive ? SOURCE_LIVE : SOURCE_DEAD;
}

/* `followers` may be NULL. NULL: no memory. */
struct source *source_create(const char *name, struct followers *followers);
void source_destroy(struct source *source);

/* Follows the segment: it is opened, but not joined, so that the caller can still decide.
 * Returns 0, a positive reason, or -ENOENT if it is gone. */
int source_open(struct source *source, int dir_fd);
/* Makes it count. Returns 0 or a reason. */
int source_join(struct source *source, struct aggregate *aggregate);
/* Undoes both: what was counted stays. */
void source_close(struct source *source);
/* The same, for a reason. */
void source_quarantine(struct source *source, int reason);

/* Whether a metric that is in conflict would no longer be. */
bool source_can_agree(const struct source *source);
/* Leaves and joins again, to try metrics that were in conflict. Returns 0 or a reason. */
int source_rejoin(struct source *source, struct aggregate *aggregate);

/* Takes in whether the owner lives. */
void source_check_owner(struct source *source);
/* Takes in what the tables have gained, and who has left them. Returns 0 or a reason. */
int source_refresh(struct source *source);

/* Brings the ring's account up to date. */
int source_account(struct source *source, uint32_t core);

/* Read tallies into the aggregate: of the series touched, of one core, of all. */
int source_read_touched(struct source *source, uint32_t core);
int source_read_core(struct source *source, uint32_t core);
int source_read_all(struct source *source);

#endif
