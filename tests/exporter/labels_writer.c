/* SPDX-License-Identifier: MIT */
/*
 * A data plane for the end-to-end tests that counts label values of any kind.
 *
 *   labels_writer DIR NAME BUDGET VALUE...
 *
 * adds 1 to odd_names_total{channel=VALUE} for each, and ends.
 */
#include <stdio.h>
#include <stdlib.h>

#include <ring/record.h>
#include <ring/segment.h>

int main(int argc, char **argv)
{
	struct ring_segment *segment;

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
	for (int i = 4; i < argc; i++)
		ring_counter_add(writer,
				 ring_counter_resolve(segment, metric.name, RING_LABELS(argv[i])),
				 1);
	ring_segment_close(segment);
	return 0;
}
