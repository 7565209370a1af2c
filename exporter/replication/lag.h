/* SPDX-License-Identifier: MIT */
/*
 * How far one follower is behind its leader, from the sequence numbers that both record, each with
 * the time of its record. In entries it is the difference. In time it is the age of the first entry
 * that the follower lacks: when the leader shipped it says the history kept here. So an idle leader
 * is no lag, and a stopped follower is, from the first entry missed.
 *
 * The history holds what is shipped and not applied, at most LAG_STEPS_MAX steps of it. When these
 * run out, steps go whose neighbours are closer to each other than a part, one LAG_PARTS-th, of the
 * time from the oldest to the newest, which both stay. So an age is too small by no more than that
 * part of the longest age that the history has had, exact as long as nothing is applied, and too
 * large by less than LAG_STEP_NS.
 *
 * Pure: times are CLOCK_MONOTONIC in nanoseconds, and the present is an argument. A record from the
 * future counts as of now. The newest record of a kind wins; older ones, which come when several
 * cores record the same, are ignored and counted. Of sequence numbers of one time the highest wins:
 * cores may share a clock that is rarely read.
 */
#ifndef LAG_H
#define LAG_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAG_STEPS_MAX   64u
#define LAG_PARTS       16u
#define LAG_SEQNO_MAX   (UINT64_C(1) << 53) /* gauges are doubles, exact up to here; seconds too */
#define LAG_STEP_NS     UINT64_C(1000000)   /* steps closer than this are one, as of the first */
#define LAG_BELIEVED_NS UINT64_C(10000000000)
static_assert(2 * LAG_PARTS < LAG_STEPS_MAX, "of three neighbours, two span a part: half is free");

enum lag_kind {
	LAG_SHIPPED,  /* by the leader to this follower: a sequence number */
	LAG_APPLIED,  /* by the follower: a sequence number */
	LAG_RECORDED, /* seconds, as the producer itself knows them */
	LAG_KIND_COUNT
};

struct lag_record {
	double value;
	uint64_t time_ns;
};

struct lag_step {
	uint64_t seqno; /* up to which all was shipped */
	uint64_t time_ns;
};

/* All zeros: nothing is known. There may be thousands, and each record finds another one out of the
 * caches; what it needs is in the first two lines. */
struct lag {
	struct lag_record records[LAG_KIND_COUNT];
	bool known[LAG_KIND_COUNT];
	uint8_t recalled; /* bits: of these kinds the newest record was a tally */
	uint32_t step_count;
	uint32_t stale_count;   /* records older than the newest */
	uint32_t refused_count; /* values that are no sequence number or no time */
	/* What is not applied, and always the newest; in order. */
	struct lag_step steps[LAG_STEPS_MAX];
};
static_assert(offsetof(struct lag, steps) == 64, "the steps begin a line");

/* Takes in a record. RING_GAUGE_UNSET, as the bits of a double, takes the value back. A sequence
 * number that goes back is a new beginning: the leader's clears the history; a follower's lag is
 * then counted from the oldest step that is still known. What is refused takes the value back too:
 * the one before is not what was recorded last. Returns whether it was taken. */
bool lag_observe(struct lag *lag, enum lag_kind kind, uint64_t bits, uint64_t time_ns,
		 uint64_t now_ns);

/* The same for a tally, which is asked for the last record of a core where records are missing.
 * What is known already is neither news nor stale, and what is refused was so before; samples that
 * come after it and are older are not stale either, for their core had only gone on. A gauge's
 * value and its time are not read at one instant, so that a new value may come with the time of the
 * one before, which may be long ago: one that comes without a new time counts as of now. Returns
 * whether it stands. */
bool lag_recall(struct lag *lag, enum lag_kind kind, uint64_t bits, uint64_t time_ns,
		uint64_t now_ns);

/* The newest sequence number of that kind; 0 if there is none. */
static inline uint64_t lag_seqno(const struct lag *lag, enum lag_kind kind)
{
	return lag->known[kind] ? (uint64_t)lag->records[kind].value : 0;
}

/* Nobody records this any more. */
void lag_forget(struct lag *lag, enum lag_kind kind);

/* Shipped minus applied, where nothing applied is 0; negative when the leader has begun anew.
 * Returns false, and writes nothing, as long as nothing is shipped. */
bool lag_entries(const struct lag *lag, int64_t *entries);

/* The lag in seconds, never negative: the age of the first entry missed. A lag that was recorded is
 * believed instead for LAG_BELIEVED_NS, but for what the records prove: a follower that had not
 * applied an entry at the time of its last record was behind by the age that the entry had then.
 * After that it is the larger one. Returns false, and writes nothing, when neither is known. */
bool lag_seconds(const struct lag *lag, uint64_t now_ns, double *seconds);

#endif
