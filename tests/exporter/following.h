/* SPDX-License-Identifier: MIT */
/*
 * An exporter's inside without threads and clocks: a directory that is followed step by step.
 */
#ifndef FOLLOWING_H
#define FOLLOWING_H

#include "drain/attach.h"

#define FOLLOWING_MAX 4u /* segments at a time */

struct following {
	char *root;   /* of all that the test makes */
	char dir[64]; /* in it, of the segments */
	struct aggregate *aggregate;
	struct aggregate *own; /* of the exporter's own metrics */
	struct followers followers;
	struct attach attach;
	uint64_t now_ns;
};

/* cmocka set-up and tear-down, the state being a struct following. */
int following_make(void **state);
int following_remove(void **state);

/* Ten seconds later: looks through all of the directory, at what was refused too, then drains
 * everything once. */
void following_step(struct following *following);
/* Drains everything once, now. */
void following_drain(struct following *following);

/* Removes the segment's file. */
void following_remove_file(const struct following *following, const char *name);

/* The source of that name; fails the test if there is none. */
struct source *following_source(struct following *following, const char *name);

/* Demands this state, and this reason of a quarantined one. */
void following_expect(struct following *following, const char *name, enum source_state state,
		      int reason);

/* A segment in the directory, with the metrics of workspace.h. */
struct ring_segment *following_segment(struct following *following, const char *name);

/* Adds `n` to test_packets_total{channel}, `times` times, on one core. */
void following_count(struct ring_segment *segment, const char *channel, uint32_t core, uint64_t n,
		     unsigned times);

#endif
