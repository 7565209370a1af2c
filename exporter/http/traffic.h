/* SPDX-License-Identifier: MIT */
/*
 * What the HTTP thread has to do with clients, in figures that the drain thread shows. One thread
 * writes, any thread reads; each figure is right by itself, not beside the others.
 */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <stdint.h>

/* The statuses that answers have; whatever else the library says itself is not ours. */
#define TRAFFIC_CODES_MAX 16u

enum traffic_figure {
	TRAFFIC_CONNECTIONS, /* open now */
	TRAFFIC_IN_FLIGHT,   /* requests that are being answered now */
	TRAFFIC_ACCEPTED,    /* connections so far */
	TRAFFIC_EVICTED,     /* those that had to make room */
	TRAFFIC_ANSWERED,    /* the first of the answers, code by code */
	TRAFFIC_FIGURES = TRAFFIC_ANSWERED + TRAFFIC_CODES_MAX
};

/* All zero at first. */
struct traffic {
	uint64_t figures[TRAFFIC_FIGURES];
};

/* The codes that are counted, and 0 at their end. */
extern const unsigned traffic_codes[TRAFFIC_CODES_MAX + 1];

/* The thread that writes. */
void traffic_set(struct traffic *traffic, enum traffic_figure figure, uint64_t value);
void traffic_count(struct traffic *traffic, enum traffic_figure figure);
void traffic_count_answer(struct traffic *traffic, unsigned code);

uint64_t traffic_read(const struct traffic *traffic, unsigned figure);

#endif
