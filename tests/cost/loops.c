/* SPDX-License-Identifier: MIT */
/*
 * Loops over resolved handles, as a data plane has them, whose instructions callgrind counts
 * function by function. The build compiles this file with -O2, always.
 *
 * usage: cost_loops DIR COUNT
 */
#include <stdio.h>
#include <stdlib.h>

#include <ring/record.h>
#include <ring/segment.h>
#include <ring/set/queues.h>
#include <ring/set/replication.h>

#define HANDLES   64u /* a power of two */
#define BURST     32u
#define MEASURED  __attribute__((noinline))
#define HANDLE(i) handles[(i) % HANDLES]

void loop_nothing(struct ring_writer *writer, const struct ring_counter *handles, unsigned count);
void loop_add(struct ring_writer *writer, const struct ring_counter *handles, unsigned count);
void loop_burst(struct ring_writer *writer, const struct ring_counter *handles, unsigned count);

typedef void state_loop(struct ring_writer *writer, const struct ring_state *handles,
			unsigned count);
state_loop loop_plain_gauge, loop_state;

/* The set's calls, each behind what it is to cost: the record itself, with the conversion. */
typedef void channel_loop(struct ring_writer *writer,
			  const struct ring_replication_channel *channels, unsigned count);
channel_loop loop_plain_bytes, loop_sync_bytes, loop_plain_lag, loop_leader_lag;

/* Of a label that is closed: a handle that is known, one whose label is known, and one whose label
 * is to be judged. */
typedef void action_loop(struct ring_writer *writer, const struct ring_queue_partition *partitions,
			 unsigned count);
action_loop loop_plain_action, loop_action, loop_plain_any_action, loop_any_action;

/* What taking the next handle costs. */
MEASURED void loop_nothing(struct ring_writer *writer, const struct ring_counter *handles,
			   unsigned count)
{
	(void)writer;
	for (unsigned i = 0; i < count; i++)
		__asm__ __volatile__("" : : "r"(HANDLE(i).key));
}

MEASURED void loop_add(struct ring_writer *writer, const struct ring_counter *handles,
		       unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		ring_counter_add(writer, HANDLE(i), 1);
}

MEASURED void loop_burst(struct ring_writer *writer, const struct ring_counter *handles,
			 unsigned count)
{
	for (unsigned i = 0; i < count; i += BURST) {
		ring_burst_begin(writer);
		for (unsigned j = i; j < i + BURST; j++)
			ring_counter_add(writer, HANDLE(j), 1);
		ring_burst_end(writer);
	}
}

MEASURED void loop_plain_gauge(struct ring_writer *writer, const struct ring_state *handles,
			       unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		ring_gauge_set(writer, (struct ring_gauge){HANDLE(i).key}, i % 4);
}

MEASURED void loop_state(struct ring_writer *writer, const struct ring_state *handles,
			 unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		ring_state_set(writer, HANDLE(i), i % 4);
}

MEASURED void loop_plain_bytes(struct ring_writer *writer,
			       const struct ring_replication_channel *channels, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		ring_counter_add(writer, channels[i % HANDLES].sync_bytes, i);
}

MEASURED void loop_sync_bytes(struct ring_writer *writer,
			      const struct ring_replication_channel *channels, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		ring_replication_sync_bytes(writer, &channels[i % HANDLES], i);
}

MEASURED void loop_plain_lag(struct ring_writer *writer,
			     const struct ring_replication_channel *channels, unsigned count)
{
	for (uint64_t i = 0; i < count; i++)
		ring_gauge_set(writer, channels[i % HANDLES].lag[RING_REPLICATION_LEADER],
			       (double)i / 1e9);
}

MEASURED void loop_leader_lag(struct ring_writer *writer,
			      const struct ring_replication_channel *channels, unsigned count)
{
	for (uint64_t i = 0; i < count; i++)
		ring_replication_leader_lag(writer, &channels[i % HANDLES], i);
}

#define PARTITION(i) partitions[(i) % HANDLES]

/* One of them, of which the compiler does not know that. */
static inline unsigned some_action(unsigned i)
{
	unsigned action = i / 2 % (unsigned)ring_queue_action_count;

	__asm__("" : "+r"(action));
	return action;
}

MEASURED void loop_plain_action(struct ring_writer *writer,
				const struct ring_queue_partition *partitions, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		ring_counter_add(writer, PARTITION(i).messages[RING_QUEUE_SEND], 1);
}

MEASURED void loop_action(struct ring_writer *writer, const struct ring_queue_partition *partitions,
			  unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		ring_queue_act(writer, &PARTITION(i), RING_QUEUE_SEND);
}

MEASURED void loop_plain_any_action(struct ring_writer *writer,
				    const struct ring_queue_partition *partitions, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		ring_counter_add(writer, PARTITION(i).messages[some_action(i)], 1);
}

MEASURED void loop_any_action(struct ring_writer *writer,
			      const struct ring_queue_partition *partitions, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		ring_queue_act(writer, &PARTITION(i), (enum ring_queue_action)some_action(i));
}

static int loop_partitions(struct ring_segment *segment, struct ring_writer *writer, unsigned count)
{
	struct ring_queue_partition partitions[HANDLES];
	struct ring_set set;

	if (ring_set_define(&set, segment, &ring_queues, NULL) != 0)
		return -1;
	for (unsigned i = 0; i < HANDLES; i++)
		partitions[i] = ring_queue_partition_resolve(&set, "cost", i);
	loop_plain_action(writer, partitions, count);
	loop_action(writer, partitions, count);
	loop_plain_any_action(writer, partitions, count);
	loop_any_action(writer, partitions, count);
	return 0;
}

static int loop_channels(struct ring_segment *segment, struct ring_writer *writer, unsigned count)
{
	struct ring_replication_channel channels[HANDLES];
	struct ring_set set;

	if (ring_set_define(&set, segment, &ring_replication, NULL) != 0)
		return -1;
	for (unsigned i = 0; i < HANDLES; i++) {
		char channel[12];
		snprintf(channel, sizeof channel, "%u", i);
		channels[i] = ring_replication_channel_resolve(&set, channel);
	}
	loop_plain_bytes(writer, channels, count);
	loop_sync_bytes(writer, channels, count);
	loop_plain_lag(writer, channels, count);
	loop_leader_lag(writer, channels, count);
	return 0;
}

static int loop_states(struct ring_segment *segment, struct ring_writer *writer, unsigned count)
{
	static const char *const states[] = {"leader", "follower", "candidate", NULL};
	const struct ring_metric_def metric = {
		.name = "cost_role",
		.help = "Role.",
		.kind = RING_STATESET,
		.merge = RING_LAST,
		.label_keys = {"group"},
		.states = states,
		.series_max = HANDLES,
	};
	struct ring_state handles[HANDLES];

	if (ring_metric_define(segment, &metric) != 0)
		return -1;
	for (unsigned i = 0; i < HANDLES; i++) {
		char group[12];
		snprintf(group, sizeof group, "%u", i);
		handles[i] = ring_state_resolve(segment, metric.name, RING_LABELS(group));
	}
	loop_plain_gauge(writer, handles, count);
	loop_state(writer, handles, count);
	return 0;
}

int main(int argc, char **argv)
{
	const struct ring_metric_def metric = {
		.name = "cost_packets_total",
		.help = "Packets.",
		.kind = RING_COUNTER,
		.label_keys = {"channel"},
		.series_max = HANDLES,
	};
	const struct ring_options options = {
		.name = "cost",
		.dir = argc == 3 ? argv[1] : NULL,
		.core_count = 1,
		.metrics = &metric,
		.metric_count = 1,
		.series_spare = ring_set_series(&ring_replication, NULL) +
				ring_set_series(&ring_queues, NULL) + 2 * HANDLES,
	};
	const unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	struct ring_counter handles[HANDLES];
	struct ring_segment *segment;

	if (count == 0 || count % BURST != 0 || ring_segment_create(&segment, &options) != 0) {
		fprintf(stderr, "usage: cost_loops DIR COUNT, with bursts of %u: %s\n", BURST,
			ring_error());
		return 2;
	}
	for (unsigned i = 0; i < HANDLES; i++) {
		char channel[8];
		snprintf(channel, sizeof channel, "%u", i);
		handles[i] = ring_counter_resolve(segment, metric.name, RING_LABELS(channel));
	}
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	if (!ring_writer_is_live(writer))
		return 1;
	loop_nothing(writer, handles, count);
	loop_add(writer, handles, count);
	loop_burst(writer, handles, count);
	const int error = loop_channels(segment, writer, count) |
			  loop_partitions(segment, writer, count) |
			  loop_states(segment, writer, count);
	ring_segment_close(segment);
	return error ? 1 : 0;
}
