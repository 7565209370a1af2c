/* SPDX-License-Identifier: MIT */
/*
 * A broker whose queues are polled, and live for two polls: with each poll as many come as go. A
 * queue's number is its depth, and what was sent through it follows from that.
 *
 * usage: broker DIR NAME POLLS QUEUES
 *
 * Says "polled FIRST", the number of the oldest queue that is there, before each answer; after so
 * many polls the queues are gone, and it says "over SENT", the messages of them all. Ends when
 * stdin does.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <ring/poll.h>
#include <ring/segment.h>

#define BUDGET       512u
#define INTERVAL_MS  1000u
#define COOL_DOWN_MS 3000u
#define LIVES        2u /* polls */

static const struct ring_metric_def metrics[] = {
	{.name = "queue_messages",
	 .help = "Messages.",
	 .kind = RING_GAUGE,
	 .label_keys = {"queue"},
	 .series_max = BUDGET,
	 .overflow_label = "_other"},
	{.name = "queue_sent_total",
	 .help = "Messages sent.",
	 .kind = RING_COUNTER,
	 .label_keys = {"queue"},
	 .series_max = BUDGET,
	 .overflow_label = "_other"},
};

struct broker {
	uint64_t first, end;       /* numbers of the queues */
	uint64_t polls_left, come; /* with each of them */
	uint64_t sent;
};

/* Through a queue, until the poll after which it is `age` polls old. */
static uint64_t sent_of(uint64_t number, uint64_t age)
{
	return (1 + number % 7) * age;
}

static void turn(struct broker *broker)
{
	if (broker->polls_left == 0) {
		broker->first = broker->end;
		return;
	}
	if (broker->end - broker->first == LIVES * broker->come)
		broker->first += broker->come;
	broker->polls_left--;
	broker->end += broker->come;
	for (uint64_t number = broker->first; number < broker->end; number++)
		broker->sent += sent_of(number, 1);
}

static enum ring_answer say(struct ring_poll *poll, void *context)
{
	struct broker *broker = context;
	const bool is_last = broker->polls_left == 0;
	char queue[24];

	turn(broker);
	for (uint64_t number = broker->first; number < broker->end; number++) {
		const uint64_t age = (broker->end - 1 - number) / broker->come + 1;
		snprintf(queue, sizeof queue, "q%" PRIu64, number);
		ring_poll_depth(poll, metrics[0].name, RING_LABELS(queue), (int64_t)number);
		ring_poll_counter(poll, metrics[1].name, RING_LABELS(queue), sent_of(number, age));
	}
	printf(is_last ? "over %" PRIu64 "\n" : "polled %" PRIu64 "\n",
	       is_last ? broker->sent : broker->first);
	fflush(stdout);
	return RING_ANSWER_ALL;
}

int main(int argc, char **argv)
{
	static struct broker broker;
	const struct ring_source source = {
		.name = "broker", .poll = say, .context = &broker, .interval_ms = INTERVAL_MS};
	struct ring_segment *segment;
	struct ring_poller *poller;

	if (argc != 5)
		return 2;
	broker.polls_left = strtoull(argv[3], NULL, 10);
	broker.come = strtoull(argv[4], NULL, 10) / broker.polls_left;
	const struct ring_options options = {.name = argv[2],
					     .dir = argv[1],
					     .core_count = 1,
					     .cool_down_ms = COOL_DOWN_MS,
					     .metrics = metrics,
					     .metric_count = 2};
	if (ring_segment_create(&segment, &options) != 0 ||
	    ring_poller_start(&poller, segment, 0) != 0 || ring_poller_add(poller, &source) != 0) {
		fprintf(stderr, "broker: %s\n", ring_error());
		return 1;
	}
	while (getchar() != EOF)
		;
	ring_poller_stop(poller);
	ring_segment_close(segment);
	return 0;
}
