/* SPDX-License-Identifier: MIT */
/*
 * CPU profiles of this process, by gperftools: a hundred times per second of CPU time, whichever
 * thread uses it, SIGPROF notes where that is.
 *
 * The library is loaded when there may be profiles, and not linked: from the environment it takes
 * orders to write files as soon as it is there. Until it is there, nothing of it runs.
 *
 * One thread's own.
 */
#ifndef PROFILER_H
#define PROFILER_H

#include <stdio.h>

struct profiler {
	int (*start)(const char *path);
	void (*stop)(void);
	FILE *nowhere;
	int fd; /* of the profile being taken; -1: there is none */
};

/* Before there are threads, for the environment's sake. Returns NULL, or why there will be no
 * profiles; then there is nothing to close. */
const char *profiler_open(struct profiler *profiler);
void profiler_close(struct profiler *profiler);

/* Begins a profile, in memory. Returns 0 or a negative errno. */
int profiler_start(struct profiler *profiler);
/* Ends it. Returns its descriptor, which is the caller's. */
int profiler_stop(struct profiler *profiler);

#endif
