/* SPDX-License-Identifier: MIT */
/*
 * One core's data plane. Each event is one batch: receive what waits on a socket with
 * one system call, send it on with as few as possible, record. The time is taken once
 * per batch, and the batch's samples become visible together.
 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "forward.h"

#define SWEEP_MS 1000 /* between two looks at idle flows and silent queues */

/* An epoll event carries the index of a channel; or of a flow, after the channels; or: */
#define EVENT_STOP UINT64_MAX

static void worker_drop(struct worker *worker, struct channel *channel, enum direction direction,
			enum drop reason, uint64_t count)
{
	ring_counter_add(worker->writer, channel->metrics.drops[direction][reason], count);
	channel->totals.drops[direction][reason] += count;
}

/* Records the datagrams from `first` up to `end`, which have just been sent. */
static void worker_record(struct worker *worker, struct channel *channel, enum direction direction,
			  unsigned first, unsigned end)
{
	const struct batch *batch = worker->batch;
	const uint64_t sent_ns = realtime_ns();
	uint64_t bytes = 0;

	for (unsigned i = first; i < end; i++) {
		/* A clock set back in between must not make this negative. */
		const uint64_t received_ns = batch->received_ns[i];
		const uint64_t latency_ns = sent_ns > received_ns ? sent_ns - received_ns : 0;

		ring_histogram_observe(worker->writer, channel->metrics.latency[direction],
				       (double)latency_ns * 1e-9);
		bytes += batch->vectors[i].iov_len;
	}
	ring_counter_add(worker->writer, channel->metrics.packets[direction], end - first);
	ring_counter_add(worker->writer, channel->metrics.bytes[direction], bytes);
	channel->totals.packets[direction] += end - first;
	channel->totals.bytes[direction] += bytes;
}

/* Sends the run from `first` up to `end`. A datagram that fails is passed over: waiting for
 * room would hold up every other flow of this core. */
static void worker_send(struct worker *worker, struct channel *channel, enum direction direction,
			int fd, struct address *to, unsigned first, unsigned end)
{
	while (first < end) {
		const unsigned sent = batch_send(worker->batch, fd, to, first, end);

		if (sent)
			worker_record(worker, channel, direction, first, first + sent);
		else
			worker_drop(worker, channel, direction, DROP_SEND_FAILED, 1);
		first += sent ? sent : 1;
	}
}

/* Takes account of what the kernel dropped on `fd` since the last look: its own count, which
 * needs no later datagram to come along with, as SO_RXQ_OVFL does. Returns the bytes of memory that
 * the queue holds. */
static uint32_t worker_look(struct worker *worker, struct channel *channel,
			    enum direction direction, int fd, uint32_t *drops_seen)
{
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	socklen_t bytes = sizeof memory;

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &bytes) != 0)
		return 0;
	const uint32_t dropped = memory[SK_MEMINFO_DROPS] - *drops_seen;
	*drops_seen = memory[SK_MEMINFO_DROPS];
	if (dropped)
		worker_drop(worker, channel, direction, DROP_QUEUE_FULL, dropped);
	return memory[SK_MEMINFO_RMEM_ALLOC];
}

static void worker_look_at_channel(struct worker *worker, struct channel *channel)
{
	ring_gauge_set(worker->writer, channel->metrics.queue,
		       worker_look(worker, channel, TO_SERVER, channel->fd, &channel->drops_seen));
}

static void worker_look_at_flow(struct worker *worker, struct flow *flow)
{
	worker_look(worker, &worker->channels[flow->channel], TO_CLIENT, flow->fd,
		    &flow->drops_seen);
}

static int worker_watch(struct worker *worker, int fd, uint64_t what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = what};

	return epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

static int socket_open(int family)
{
	const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &(int){1}, sizeof(int));
	return fd;
}

/* Opens a flow's socket, connected so that nobody but the server can answer on it. Returns
 * the descriptor or -1. */
static int worker_connect(struct worker *worker, const struct address *server, uint64_t what)
{
	const int fd = socket_open(server->name.ss_family);

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&server->name, server->bytes) == 0 &&
	    worker_watch(worker, fd, what) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A client's flow, made if it is new. Returns NULL if it cannot be made. */
static struct flow *worker_flow(struct worker *worker, uint32_t channel,
				const struct address *client)
{
	struct flow *flow = flow_find(&worker->table, channel, client);

	if (flow)
		return flow;
	flow = flow_add(&worker->table, channel, client);
	if (!flow)
		return NULL;
	const uint64_t index = (uint64_t)(flow - worker->table.flows);
	flow->fd = worker_connect(worker, &worker->channels[channel].route->server,
				  worker->options->route_count + index);
	if (flow->fd >= 0)
		return flow;
	flow_remove(&worker->table, flow);
	return NULL;
}

/* Receives one batch and records what came, kept or not. */
static void worker_receive(struct worker *worker, struct channel *channel, enum direction direction,
			   int fd)
{
	struct batch *batch = worker->batch;

	batch_receive(batch, fd);
	if (batch->count + batch->truncated == 0)
		return;
	ring_histogram_observe(worker->writer, channel->metrics.batch[direction],
			       batch->count + batch->truncated);
	if (batch->truncated)
		worker_drop(worker, channel, direction, DROP_TRUNCATED, batch->truncated);
}

static void worker_to_server(struct worker *worker, uint32_t index)
{
	struct channel *channel = &worker->channels[index];
	struct batch *batch = worker->batch;
	unsigned end;

	worker_look_at_channel(worker, channel);
	worker_receive(worker, channel, TO_SERVER, channel->fd);
	for (unsigned first = 0; first < batch->count; first = end) {
		struct flow *flow = worker_flow(worker, index, &batch->peers[first]);

		end = batch_run_end(batch, first);
		if (!flow) {
			worker_drop(worker, channel, TO_SERVER, DROP_NO_FLOW, end - first);
			continue;
		}
		flow->active_ns = worker->now_ns;
		worker_send(worker, channel, TO_SERVER, flow->fd, NULL, first, end);
	}
}

static void worker_to_client(struct worker *worker, struct flow *flow)
{
	struct channel *channel = &worker->channels[flow->channel];

	worker_look_at_flow(worker, flow);
	worker_receive(worker, channel, TO_CLIENT, flow->fd);
	flow->active_ns = worker->now_ns;
	worker_send(worker, channel, TO_CLIENT, channel->fd, &flow->client, 0,
		    worker->batch->count);
}

static void worker_end_flow(struct worker *worker, struct flow *flow)
{
	worker_look_at_flow(worker, flow);
	close(flow->fd);
	flow_remove(&worker->table, flow);
}

/* Ends every flow that has been idle for `idle_ns`, and looks at queues that no datagram
 * led to. */
static void worker_sweep(struct worker *worker, uint64_t idle_ns)
{
	struct flow_table *table = &worker->table;

	for (struct flow *flow = table->flows; flow < table->flows + table->flow_count; flow++) {
		if (flow->fd >= 0 && worker->now_ns - flow->active_ns >= idle_ns)
			worker_end_flow(worker, flow);
	}
	for (unsigned i = 0; i < worker->options->route_count; i++)
		worker_look_at_channel(worker, &worker->channels[i]);
	worker->swept_ns = worker->now_ns;
}

static void worker_dispatch(struct worker *worker, uint64_t what)
{
	const unsigned channel_count = worker->options->route_count;

	if (what < channel_count)
		worker_to_server(worker, (uint32_t)what);
	else
		worker_to_client(worker, &worker->table.flows[what - channel_count]);
}

/* One wait and what it brought. Returns whether to go on. */
static bool worker_turn(struct worker *worker)
{
	struct epoll_event events[BATCH_MAX];
	const int count = epoll_wait(worker->epoll_fd, events, BATCH_MAX, SWEEP_MS);
	bool stopped = false;

	for (int i = 0; i < count; i++) {
		if (events[i].data.u64 == EVENT_STOP) {
			stopped = true;
			continue;
		}
		worker->now_ns = ring_tick(worker->writer);
		ring_burst_begin(worker->writer);
		worker_dispatch(worker, events[i].data.u64);
		ring_burst_end(worker->writer);
	}
	worker->now_ns = ring_tick(worker->writer);
	if (worker->now_ns - worker->swept_ns >= SWEEP_MS * UINT64_C(1000000))
		worker_sweep(worker, worker->options->idle_ms * UINT64_C(1000000));
	return !stopped;
}

void *worker_run(void *argument)
{
	struct worker *worker = argument;

	worker->writer = ring_writer_claim(worker->segment, worker->core);
	for (unsigned i = 0; i < worker->options->route_count; i++)
		metrics_resolve(&worker->channels[i].metrics, worker->segment,
				worker->channels[i].route->name);
	while (worker_turn(worker))
		;
	worker_sweep(worker, 0); /* the last drops count, too */
	ring_writer_release(worker->writer);
	return NULL;
}

int worker_open(struct worker *worker, const struct options *options, unsigned core, int stop_fd)
{
	*worker = (struct worker){.options = options, .core = core, .epoll_fd = -1};
	for (unsigned i = 0; i < ROUTES_MAX; i++)
		worker->channels[i].fd = -1;
	worker->batch = malloc(sizeof *worker->batch);
	if (!worker->batch || flow_table_open(&worker->table, options->flows_max) != 0)
		return -ENOMEM;
	worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (worker->epoll_fd < 0)
		return -errno;
	return worker_watch(worker, stop_fd, EVENT_STOP);
}

int worker_listen(struct worker *worker, unsigned index, struct route *route)
{
	struct channel *channel = &worker->channels[index];
	struct address *listen = &route->listen;

	channel->route = route;
	channel->fd = socket_open(listen->name.ss_family);
	if (channel->fd < 0)
		return -errno;
	/* Without IPV6_V6ONLY a route on [::] would also take another's IPv4 address. */
	if (listen->name.ss_family == AF_INET6)
		setsockopt(channel->fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
	if (setsockopt(channel->fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int)) != 0 ||
	    bind(channel->fd, (const struct sockaddr *)&listen->name, listen->bytes) != 0 ||
	    getsockname(channel->fd, (struct sockaddr *)&listen->name, &listen->bytes) != 0)
		return -errno;
	return worker_watch(worker, channel->fd, index);
}

void worker_close(struct worker *worker)
{
	for (unsigned i = 0; i < ROUTES_MAX; i++) {
		if (worker->channels[i].fd >= 0)
			close(worker->channels[i].fd);
	}
	if (worker->epoll_fd >= 0)
		close(worker->epoll_fd);
	flow_table_close(&worker->table);
	free(worker->batch);
}
