/* SPDX-License-Identifier: MIT */
/*
 * A data plane for the end-to-end tests whose queues come and go.
 *
 *   queues_writer DIR NAME BUDGET
 *
 * defines queue_depth{queue}, queue_mode{queue} and queue_operations_total{queue,kind}, whose
 * overflow series keep the kind, with that budget each. It says "up" and then "ok" for each line of
 * its input:
 *
 *   set QUEUE DEPTH          sets the depth, and the mode to the second one
 *   forget QUEUE             forgets both
 *   count QUEUE KIND NUMBER  counts operations
 *   churn COUNT LIVE PACE    so many queues q1, q2, ... come, each as deep as its number and with
 *                            one operation of the kind "any"; so many stay, and the oldest goes.
 *                            So many come in a millisecond, or as many as can (0)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ring/record.h>
#include <ring/segment.h>

#define COOL_DOWN_MS 20

static struct ring_segment *segment;
static struct ring_writer *writer;

static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

static void set(const char *queue, double depth)
{
	ring_tick(writer);
	ring_gauge_set(writer, ring_gauge_resolve(segment, "queue_depth", RING_LABELS(queue)),
		       depth);
	ring_state_set(writer, ring_state_resolve(segment, "queue_mode", RING_LABELS(queue)), 1);
}

static void forget(const char *queue)
{
	ring_series_forget(segment, "queue_depth", RING_LABELS(queue));
	ring_series_forget(segment, "queue_mode", RING_LABELS(queue));
}

static void count(const char *queue, const char *kind, unsigned number)
{
	ring_counter_add(
		writer,
		ring_counter_resolve(segment, "queue_operations_total", RING_LABELS(queue, kind)),
		number);
}

static void churn(unsigned total, unsigned live, unsigned pace)
{
	const struct timespec millisecond = {.tv_nsec = 1000000};
	char name[16];

	for (unsigned i = 1; i <= total + live; i++) {
		if (i > live) {
			snprintf(name, sizeof name, "q%u", i - live);
			forget(name);
		}
		if (i <= total) {
			snprintf(name, sizeof name, "q%u", i);
			set(name, i);
			count(name, "any", 1);
		}
		if (pace > 0 && i % pace == 0)
			nanosleep(&millisecond, NULL);
	}
}

/* Whether the line makes sense. */
static int follow(const char *line)
{
	char verb[8], queue[32], kind[32];
	unsigned a, b, c;

	if (sscanf(line, "set %31s %u", queue, &a) == 2)
		set(queue, a);
	else if (sscanf(line, "count %31s %31s %u", queue, kind, &a) == 3)
		count(queue, kind, a);
	else if (sscanf(line, "churn %u %u %u", &a, &b, &c) == 3)
		churn(a, b, c);
	else if (sscanf(line, "%7s %31s", verb, queue) == 2 && strcmp(verb, "forget") == 0)
		forget(queue);
	else
		return 0;
	return 1;
}

int main(int argc, char **argv)
{
	static const char *const modes[] = {"shut", "open", NULL};
	char line[64];

	if (argc != 4)
		return 2;
	const unsigned budget = (unsigned)atoi(argv[3]);
	const struct ring_metric_def metrics[] = {
		{
			.name = "queue_depth",
			.help = "Entries in the queue.",
			.kind = RING_GAUGE,
			.merge = RING_LAST,
			.label_keys = {"queue"},
			.series_max = budget,
			.overflow_label = "_other",
		},
		{
			.name = "queue_mode",
			.help = "Whether the queue takes entries.",
			.kind = RING_STATESET,
			.merge = RING_LAST,
			.label_keys = {"queue"},
			.series_max = budget,
			.overflow_label = "_other",
			.states = modes,
		},
		{
			.name = "queue_operations_total",
			.help = "Operations on the queue.",
			.kind = RING_COUNTER,
			.label_keys = {"queue", "kind"},
			.series_max = budget,
			.overflow_label = "_other",
			.kept_labels = 1,
			.overflow_max = 2,
		},
	};
	const struct ring_options options = {.name = argv[2],
					     .dir = argv[1],
					     .core_count = 1,
					     .cool_down_ms = COOL_DOWN_MS,
					     .metrics = metrics,
					     .metric_count = sizeof metrics / sizeof *metrics};

	if (ring_segment_create(&segment, &options) != 0) {
		fprintf(stderr, "queues_writer: %s: %s\n", argv[2], ring_error());
		return 1;
	}
	writer = ring_writer_claim(segment, 0);
	say("up");
	while (fgets(line, sizeof line, stdin)) {
		if (!follow(line))
			return 2;
		say("ok");
	}
	ring_segment_close(segment);
	return 0;
}
