/* SPDX-License-Identifier: MIT */
/*
 * What the drain thread hands to the HTTP thread: an immutable picture of all values. Publishing
 * never waits for a reader and borrowing never waits for a writer; RCU frees a snapshot when
 * nobody can hold it any more.
 *
 *   publish          one thread
 *   borrow, return   any thread; what was borrowed stands until it is returned
 *
 * The last snapshot stays for as long as the process.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "catalog.h"

/* Two parts: what the exporter says of segments and of itself, and what data planes recorded. */
enum snapshot_part { SNAPSHOT_SELF, SNAPSHOT_DATA, SNAPSHOT_PART_COUNT };

struct snapshot_values {
	struct catalog *catalog; /* not to be changed; may be held */
	const uint64_t *cells;
	const uint64_t *observed; /* observed.h's words, one histogram's after the other's */
	size_t observed_count;
};

struct snapshot {
	uint64_t sequence; /* 1 for the first one */
	struct snapshot_values parts[SNAPSHOT_PART_COUNT];
};

/* Publishes a copy of the values; the snapshot holds the catalogs. A part without a catalog stays
 * as it was published last. Returns 0 or -ENOMEM. */
int snapshot_publish(const struct snapshot_values parts[SNAPSHOT_PART_COUNT]);

/* NULL before the first publication. Every borrow needs its return, NULL or not. */
const struct snapshot *snapshot_borrow(void);
void snapshot_return(void);

#endif
