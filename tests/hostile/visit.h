/* SPDX-License-Identifier: MIT */
/*
 * A reader that uses everything <ring/read.h> offers on a file it knows nothing about, and
 * holds every answer against what read.h promises. It reads every byte it is given, so that an
 * address sanitizer can judge each of them.
 */
#ifndef HOSTILE_VISIT_H
#define HOSTILE_VISIT_H

#include <stdint.h>

#include "ring/read.h"

struct visit {
	int result;         /* of the first call that did not say sound; 0 if all did */
	const char *broken; /* the promise that did not hold, or NULL */
	uint64_t samples;   /* drained */
	uint64_t sum;       /* over all bytes and words, so that reading them counts */
};

struct visit visit_path(int dir_fd, const char *path);
struct visit visit_reader(struct ring_reader *reader);

#endif
