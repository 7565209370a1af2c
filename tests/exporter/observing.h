/* SPDX-License-Identifier: MIT */
/*
 * Histograms of real segments, followed step by step (following.h), and what was observed of them:
 * all in test_latency_seconds{channel="a"} of workspace.h.
 */
#ifndef OBSERVING_H
#define OBSERVING_H

#include "aggregate/observed.h"
#include "following.h"

#define OBSERVING_BUCKETS 4u
#define OBSERVING_NOW_NS  UINT64_C(1700000000000000000)

/* The one series as it is shown: what was counted, and what was observed of that. */
struct shown {
	uint64_t cells[1 + OBSERVING_BUCKETS];
	uint64_t *words;
	struct observed_view view;
};

/* cmocka set-up, whose tear-down is following_remove. */
int observing_make(void **state);

struct shown observing_look(struct following *following);
void observing_forget(struct shown *shown);

uint64_t observing_total(const uint64_t *counts, uint32_t count);

/* Demands that native buckets hold what the classic ones do; that none has fallen; that all was
 * observed that was counted, but for so much of each bucket; or that all was. */
void observing_expect_agreement(const struct shown *shown);
void observing_expect_grown(const struct shown *before, const struct shown *now);
void observing_expect_all_but(const struct shown *shown, const uint64_t base[OBSERVING_BUCKETS]);
void observing_expect_all(struct following *following);

struct ring_histogram observing_latency(struct ring_segment *segment);
void observing_record(struct ring_segment *segment, uint32_t core, double value, unsigned times);

/* What the drain thread does once a second; two seconds in which nothing comes. */
void observing_look_after(struct following *following);
void observing_fall_silent(struct following *following);

#endif
