/* SPDX-License-Identifier: MIT */
/*
 * The HTTP thread: accepts connections and has their requests answered. It sees snapshots and
 * the monitor, and never a segment.
 */
#ifndef SERVE_H
#define SERVE_H

#include <pthread.h>

#include "access/access.h"
#include "answer.h"
#include "listen.h"
#include "peers.h"

#define SERVE_CONNECTIONS_SPARE 32u /* those that go and those that come in their place */
#define SERVE_FINISH_NS_MAX     UINT64_C(5000000000)
#define SERVE_TURN_MS_MAX       500

struct serve {
	struct MHD_Daemon *daemon;
	const struct listen_set *listeners;
	struct access *access;
	bool is_judging; /* access has been started */
	struct answers answers;
	struct peers peers;
	uint64_t evicted_count, evicted_log_ns; /* as last logged, and when */
	uint64_t turn_count;
	int epoll_fd;
	int stop_fd;
	int reload_fd;
	int accepting_fd; /* the listener of the connection that is being added */
	int spare_fd;     /* given up for a moment when there are no descriptors left */
	pthread_t thread;
};

/* Answers on the listeners, which stay the caller's, as do the access and what the options point
 * to. Returns 0 or a negative errno; after a start there must be a stop. */
int serve_start(struct serve *serve, const struct listen_set *listeners, struct access *access,
		const struct answer_options *options, const struct peers_limits *limits);

/* Has the configuration read again, soon. */
void serve_reload(struct serve *serve);

/* How often the thread has looked for requests, which it does in SERVE_TURN_MS_MAX at the latest.
 * Any thread. */
uint64_t serve_turns(const struct serve *serve);

/* Whoever has asked by now gets an answer, for which there is time until SERVE_FINISH_NS_MAX. */
void serve_stop(struct serve *serve);

#endif
