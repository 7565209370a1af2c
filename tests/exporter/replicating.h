/* SPDX-License-Identifier: MIT */
/*
 * Replicating data planes in a directory that is followed, and what is then shown of their
 * followers. Times are around REPLICATING_BEGIN, so that they have a past.
 */
#ifndef REPLICATING_H
#define REPLICATING_H

#include <ring/set/replication.h>

#include "following.h"

#define S                 UINT64_C(1000000000)
#define REPLICATING_BEGIN (100000 * S)
#define PLANE_CORES       2u

struct plane {
	struct ring_segment *segment;
	struct ring_set set;
	struct ring_writer *writers[PLANE_CORES];
};

struct plane plane_open(struct following *following, const char *name, unsigned slot_count);
void plane_close(struct plane *plane);

typedef void follower_call(struct ring_writer *writer,
			   const struct ring_replication_follower *follower, uint64_t number);

/* Makes a call of the set, on the first core or another one. */
void plane_record(struct plane *plane, follower_call *call, const char *follower, uint64_t number,
		  uint64_t time_ns);
void plane_record_on(struct plane *plane, unsigned core, follower_call *call, const char *follower,
		     uint64_t number, uint64_t time_ns);

/* The first step, to ten seconds after the beginning. */
void replicating_begin(struct following *following);

/* Each follower has its turn. */
void replicating_tick(struct following *following);

/* These take in what there is, and demand on the page: that the follower is so many entries behind,
 * the first of which was shipped so many seconds after the beginning (0: none is missed); its lag
 * in time; nothing about it; so many records ignored. */
void replicating_expect(struct following *following, const char *follower, int entries,
			int missed_s);
void replicating_expect_seconds(struct following *following, const char *follower, double seconds);
void replicating_expect_unknown(struct following *following, const char *follower);
void replicating_expect_ignored(struct following *following, const char *reason, unsigned count);

#endif
