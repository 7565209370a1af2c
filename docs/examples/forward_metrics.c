/* SPDX-License-Identifier: MIT */
/*
 * What the forwarder measures: the schema, and one channel's handles. This and the calls
 * of <ring/record.h> in forward_worker.c is all that observing it takes.
 */
#include <stdio.h>

#include "forward.h"

const char *const direction_names[DIRECTION_COUNT] = {
	[TO_SERVER] = "to_server",
	[TO_CLIENT] = "to_client",
};

const char *const drop_names[DROP_COUNT] = {
	[DROP_QUEUE_FULL] = "queue_full",
	[DROP_NO_FLOW] = "no_flow",
	[DROP_TRUNCATED] = "truncated",
	[DROP_SEND_FAILED] = "send_failed",
};

static const double batch_bounds[] = {1, 2, 4, 8, 16, 32, BATCH_MAX};
static const double latency_bounds[] = {1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4,
					1e-3, 2.5e-3, 5e-3, 1e-2, 1e-1,   1};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct ring_metric_def schema[] = {
	{.name = "forward_packets_total",
	 .help = "Datagrams forwarded.",
	 .kind = RING_COUNTER,
	 .label_keys = {"channel", "direction"}},
	{.name = "forward_bytes_total",
	 .help = "Payload forwarded.",
	 .unit = "bytes",
	 .kind = RING_COUNTER,
	 .label_keys = {"channel", "direction"}},
	{.name = "forward_drops_total",
	 .help = "Datagrams received, by the kernel or by the forwarder, and not forwarded.",
	 .kind = RING_COUNTER,
	 .label_keys = {"channel", "direction", "reason"}},
	{.name = "forward_batch_packets",
	 .help = "Datagrams taken by one system call.",
	 .kind = RING_HISTOGRAM,
	 .label_keys = {"channel", "direction"},
	 .bounds = batch_bounds,
	 .bound_count = COUNT_OF(batch_bounds)},
	{.name = "forward_latency_seconds",
	 .help = "Time from the kernel's receive timestamp until the datagram was sent on.",
	 .unit = "seconds",
	 .kind = RING_HISTOGRAM,
	 .label_keys = {"channel", "direction"},
	 .bounds = latency_bounds,
	 .bound_count = COUNT_OF(latency_bounds)},
	{.name = "forward_queue_bytes",
	 .help = "Kernel memory held by datagrams that wait in the listening sockets.",
	 .unit = "bytes",
	 .kind = RING_GAUGE,
	 .merge = RING_SUM, /* each core has a queue of its own */
	 .label_keys = {"channel"}},
};

struct ring_segment *metrics_create(const struct options *options)
{
	struct ring_segment *segment;
	const struct ring_options ring = {
		.name = options->segment,
		.dir = options->dir,
		.core_count = options->thread_count,
		.metrics = schema,
		.metric_count = COUNT_OF(schema),
	};

	if (ring_segment_create(&segment, &ring) != 0)
		fprintf(stderr, "udp_forwarder: %s: %s; forwarding unobserved\n", options->segment,
			ring_error());
	return segment;
}

static void metrics_resolve_direction(struct metrics *metrics, struct ring_segment *segment,
				      const char *channel, enum direction direction)
{
	const char *name = direction_names[direction];
	const char *const *labels = RING_LABELS(channel, name);

	metrics->packets[direction] = ring_counter_resolve(segment, "forward_packets_total",
							   labels);
	metrics->bytes[direction] = ring_counter_resolve(segment, "forward_bytes_total", labels);
	metrics->batch[direction] = ring_histogram_resolve(segment, "forward_batch_packets",
							   labels);
	metrics->latency[direction] = ring_histogram_resolve(segment, "forward_latency_seconds",
							     labels);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		metrics->drops[direction][i] = ring_counter_resolve(
			segment, "forward_drops_total", RING_LABELS(channel, name, drop_names[i]));
}

void metrics_resolve(struct metrics *metrics, struct ring_segment *segment, const char *channel)
{
	metrics_resolve_direction(metrics, segment, channel, TO_SERVER);
	metrics_resolve_direction(metrics, segment, channel, TO_CLIENT);
	metrics->queue = ring_gauge_resolve(segment, "forward_queue_bytes", RING_LABELS(channel));
}
