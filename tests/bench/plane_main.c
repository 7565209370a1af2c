/* SPDX-License-Identifier: MIT */
/*
 * A data plane as a process of its own: records at a steady rate, all rings in turn, until its
 * input ends, and says exactly what it has recorded.
 *
 *   plane DIR SEGMENTS RINGS SERIES RATE [counters]
 *
 * RATE is in samples a second over all rings together; 0: after one sample of each series, none.
 * It says "up" when the segments are, and at the end one line: samples written, sum of the
 * counters, observations.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plane.h"

#define TURN_NS 2000000 /* a turn of all rings */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Records until the input ends; what is late is made up for. */
static void record_steadily(struct plane *plane, double rate_hz)
{
	const struct timespec turn = {.tv_nsec = TURN_NS};
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	const unsigned ring_count = plane->size.segment_count * plane->size.ring_count;
	const double started = now();
	double recorded = 0; /* in each ring */

	while (ppoll(&input, 1, rate_hz > 0 ? &turn : NULL, NULL) == 0) {
		const double due = (now() - started) * rate_hz / ring_count - recorded;
		plane_record(plane, (unsigned)due);
		recorded += (unsigned)due;
	}
}

int main(int argc, char **argv)
{
	struct plane plane;

	if (argc < 6)
		return 2;
	const struct plane_size size = {
		.segment_count = (unsigned)atoi(argv[2]),
		.ring_count = (unsigned)atoi(argv[3]),
		.series_count = (uint32_t)atoi(argv[4]),
		.counters_only = argc > 6 && strcmp(argv[6], "counters") == 0,
	};
	int status = 1;
	if (plane_open(&plane, argv[1], &size) == 0) {
		plane_record_each(&plane);
		puts("up");
		fflush(stdout);
		record_steadily(&plane, atof(argv[5]));
		status = printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", plane.totals.written,
				plane.totals.counted, plane.totals.observed) < 0;
	} else {
		fprintf(stderr, "plane: %s: %s\n", argv[1], ring_error());
	}
	plane_close(&plane);
	return status;
}
