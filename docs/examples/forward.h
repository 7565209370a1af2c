/* SPDX-License-Identifier: MIT */
/*
 * The UDP forwarder's parts, in the order in which they come to life: options in
 * udp_forwarder.c, metrics in forward_metrics.c, one worker per core in
 * forward_worker.c, its flows in forward_flow.c.
 *
 * Workers share nothing that is written while they run: each has its own listening
 * sockets (SO_REUSEPORT), its own flows and its own ring.
 */
#ifndef FORWARD_H
#define FORWARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include <ring/record.h>
#include <ring/segment.h>

enum {
	ROUTES_MAX = 16,
	THREADS_MAX = 256,
	BATCH_MAX = 64,       /* datagrams per system call */
	DATAGRAM_MAX = 4096,  /* bytes; a longer one is dropped */
	ROUTE_NAME_BYTES = 64 /* with the terminator */
};

struct address {
	struct sockaddr_storage name;
	socklen_t bytes;
};

/* What comes in on `listen` goes to `server`, and the answers back. */
struct route {
	char name[ROUTE_NAME_BYTES]; /* the channel label */
	struct address listen;
	struct address server;
};

struct options {
	const char *segment;
	const char *dir;
	unsigned thread_count;
	unsigned flows_max; /* per thread */
	unsigned idle_ms;   /* after which a flow is given up */
	unsigned route_count;
	struct route routes[ROUTES_MAX];
};

enum direction { TO_SERVER, TO_CLIENT, DIRECTION_COUNT };

enum drop {
	DROP_QUEUE_FULL,  /* by the kernel, before this program saw it */
	DROP_NO_FLOW,     /* table full, no descriptor, or no way to the server */
	DROP_TRUNCATED,   /* longer than DATAGRAM_MAX */
	DROP_SEND_FAILED, /* refused, unreachable, or the send buffer was full */
	DROP_COUNT
};

extern const char *const direction_names[DIRECTION_COUNT];
extern const char *const drop_names[DROP_COUNT];

/* What a worker itself knows of a route: what the metrics must agree with. */
struct totals {
	uint64_t packets[DIRECTION_COUNT];
	uint64_t bytes[DIRECTION_COUNT];
	uint64_t drops[DIRECTION_COUNT][DROP_COUNT];
};

/* The handles of one channel. */
struct metrics {
	struct ring_counter packets[DIRECTION_COUNT];
	struct ring_counter bytes[DIRECTION_COUNT];
	struct ring_histogram batch[DIRECTION_COUNT];
	struct ring_histogram latency[DIRECTION_COUNT];
	struct ring_counter drops[DIRECTION_COUNT][DROP_COUNT];
	struct ring_gauge queue;
};

/* Makes the segment with the forwarder's schema. Always gives a handle. */
struct ring_segment *metrics_create(const struct options *options);

/* Resolves one channel's handles. */
void metrics_resolve(struct metrics *metrics, struct ring_segment *segment, const char *channel);

/* One client on one route, and the socket on which the server answers it. */
struct flow {
	struct address client;
	uint64_t active_ns; /* CLOCK_MONOTONIC, of the last datagram */
	uint32_t channel;   /* index of the route */
	uint32_t next;      /* in the bucket, or in the free list */
	uint32_t drops_seen;
	int fd; /* -1: free */
};

struct flow_table {
	struct flow *flows;
	uint32_t *buckets;
	uint32_t flow_count; /* free or not */
	uint32_t bucket_mask;
	uint32_t free_first;
};

/* Makes a table of `count` free flows. Returns 0 or -ENOMEM. */
int flow_table_open(struct flow_table *table, uint32_t count);

/* Frees the table; the flows' descriptors are the caller's. */
void flow_table_close(struct flow_table *table);

/* Finds a client's flow. Returns NULL if there is none. */
struct flow *flow_find(struct flow_table *table, uint32_t channel, const struct address *client);

/* Takes a free flow for a client that has none yet; its descriptor is the caller's to set.
 * Returns NULL when the table is full. */
struct flow *flow_add(struct flow_table *table, uint32_t channel, const struct address *client);

/* Gives a flow back. */
void flow_remove(struct flow_table *table, struct flow *flow);

/* What one system call received, whole datagrams only. */
struct batch {
	unsigned count;
	unsigned truncated; /* left out: longer than DATAGRAM_MAX */
	struct address peers[BATCH_MAX];
	struct iovec vectors[BATCH_MAX];
	uint64_t received_ns[BATCH_MAX]; /* CLOCK_REALTIME: that is what the kernel stamps with */

	struct mmsghdr messages[BATCH_MAX];
	char control[BATCH_MAX][CMSG_SPACE(sizeof(struct timespec))]
		__attribute__((aligned(__alignof__(struct cmsghdr))));
	char data[BATCH_MAX][DATAGRAM_MAX];
};

uint64_t realtime_ns(void);

/* Takes what waits on `fd`, without waiting. */
void batch_receive(struct batch *batch, int fd);

/* Where the run of datagrams from one peer that starts at `first` ends. */
unsigned batch_run_end(const struct batch *batch, unsigned first);

/* Sends the datagrams from `first` up to `end` to `to`, or, if NULL, to where `fd` is
 * connected. Returns how many went out; 0 when the first one failed. */
unsigned batch_send(struct batch *batch, int fd, struct address *to, unsigned first, unsigned end);

/* One worker's part of a route. */
struct channel {
	const struct route *route;
	struct metrics metrics;
	struct totals totals;
	uint32_t drops_seen;
	int fd; /* listening */
};

struct worker {
	const struct options *options;
	struct ring_segment *segment;
	struct ring_writer *writer;
	struct flow_table table;
	struct batch *batch;
	uint64_t now_ns; /* CLOCK_MONOTONIC, of the batch in hand */
	uint64_t swept_ns;
	unsigned core;
	int epoll_fd;
	pthread_t thread;
	struct channel channels[ROUTES_MAX];
};

/* Prepares a worker; `stop_fd` turning readable will end worker_run. Returns 0 or a negative
 * errno; worker_close is due in both cases. */
int worker_open(struct worker *worker, const struct options *options, unsigned core, int stop_fd);

/* Opens the worker's listening socket of one route. A port 0 in the route is replaced by the one
 * found, so that the next worker shares it. Returns 0 or a negative errno. */
int worker_listen(struct worker *worker, unsigned index, struct route *route);

/* Forwards until stopped; the thread function. */
void *worker_run(void *worker);

void worker_close(struct worker *worker);

#endif
