/* SPDX-License-Identifier: MIT */
/*
 * A data plane for the end-to-end tests that counts label values of any kind.
 *
 *   labels_writer [--burst] DIR NAME BUDGET VALUE...
 *
 * adds 1 to odd_names_total{channel=VALUE} for each, and ends. With --burst it says "up", waits for
 * a line, counts in a burst that it leaves open, says "counted" and waits for the end of its input.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ring/record.h>
#include <ring/segment.h>

static void say_and_wait(const char *word)
{
	int c;

	puts(word);
	fflush(stdout);
	do
		c = getchar();
	while (c != EOF && c != '\n');
}

int main(int argc, char **argv)
{
	struct ring_segment *segment;
	const bool burst = argc > 1 && strcmp(argv[1], "--burst") == 0;

	argc -= burst;
	argv += burst;
	if (argc < 4)
		return 2;
	const struct ring_metric_def metric = {
		.name = "odd_names_total",
		.help = "Counts under odd names.",
		.kind = RING_COUNTER,
		.label_keys = {"channel"},
		.series_max = (unsigned)atoi(argv[3]),
	};
	const struct ring_options options = {.name = argv[2],
					     .dir = argv[1],
					     .core_count = 1,
					     .metrics = &metric,
					     .metric_count = 1};

	if (ring_segment_create(&segment, &options) != 0) {
		fprintf(stderr, "labels_writer: %s: %s\n", argv[2], ring_error());
		return 1;
	}
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	if (burst) {
		say_and_wait("up");
		ring_burst_begin(writer);
	}
	for (int i = 4; i < argc; i++)
		ring_counter_add(writer,
				 ring_counter_resolve(segment, metric.name, RING_LABELS(argv[i])),
				 1);
	if (burst)
		say_and_wait("counted");
	ring_segment_close(segment);
	return 0;
}
