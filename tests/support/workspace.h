/* SPDX-License-Identifier: MIT */
/*
 * A directory of its own on tmpfs for each test, gone afterwards, and the few shapes of
 * segment that most tests want.
 */
#ifndef RING_TEST_WORKSPACE_H
#define RING_TEST_WORKSPACE_H

#include <ring/read.h>
#include <ring/segment.h>

/* cmocka set-up and tear-down. The state is the directory's path. */
int workspace_make(void **state);
int workspace_remove(void **state);

/* How many entries the directory has, of whatever kind. */
unsigned workspace_entries(const char *path);

/* Sleeps until a place that was given up may be another's: a cool-down cannot be waited for
 * otherwise. */
void workspace_cool_down(unsigned ms);

/* A counter, a gauge and a histogram with one label `channel`, three series each, and a gauge
 * without labels. */
#define WORKSPACE_METRICS 4
extern const struct ring_metric_def workspace_metrics[WORKSPACE_METRICS];

/* Options with these metrics, two cores of eight slots, bursts of two. */
struct ring_options workspace_options(const char *dir, const char *name);

/* Creates and opens, or fails the test. */
struct ring_segment *workspace_segment(const struct ring_options *options);
struct ring_reader *workspace_reader(const struct ring_segment *segment);

/* The counter's series of this channel. */
struct ring_counter workspace_packets(struct ring_segment *segment, const char *channel);

/* On core 0: adds `n` to channel "a", observes 0.5 there, and sets the gauge without labels to
 * 5. */
void workspace_record(struct ring_segment *segment, uint64_t n);

/* A series' value merged over all cores, by metric name and first label value ("" for none);
 * -1 as bits if there is no such series. `cell` selects one of its cells. */
uint64_t workspace_value(struct ring_reader *reader, const char *metric, const char *label,
			 uint32_t cell);

#endif
