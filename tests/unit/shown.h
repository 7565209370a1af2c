/* SPDX-License-Identifier: MIT */
/*
 * What a segment has, as a reader sees it: a line for each series, `name{key="value"} 1`. A state
 * set has its state's name in place of a number, a histogram `count/sum`, and what is unset no
 * line.
 */
#ifndef RING_TEST_SHOWN_H
#define RING_TEST_SHOWN_H

#include <ring/segment.h>

/* Whether that line is there. */
int is_shown(const struct ring_segment *segment, const char *line);

/* Fails the test unless each line is there, or none is; with all that there is. */
void require_shown(const struct ring_segment *segment, const char *const *lines, int wanted);

#define SHOWS(segment, ...)      require_shown(segment, (const char *const[]){__VA_ARGS__, NULL}, 1)
#define SHOWS_NONE(segment, ...) require_shown(segment, (const char *const[]){__VA_ARGS__, NULL}, 0)

/* How many series of the metric there are. */
unsigned shown_count(const struct ring_segment *segment, const char *metric);

#endif
