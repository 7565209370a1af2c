/* SPDX-License-Identifier: MIT */
/*
 * The HTTP thread: accepts connections and has their requests answered. It sees snapshots and
 * the monitor, and never a segment.
 */
#ifndef SERVE_H
#define SERVE_H

#include <pthread.h>

#include "answer.h"
#include "listen.h"
#include "peers.h"

#define SERVE_CONNECTIONS_MAX 64u

struct serve {
	struct MHD_Daemon *daemon;
	const struct listen_set *listeners;
	struct answers answers;
	struct peers peers;
	int epoll_fd;
	int stop_fd;
	int spare_fd; /* given up for a moment when there are no descriptors left */
	pthread_t thread;
};

/* Answers on the listeners, which stay the caller's, as does what the options point to. Returns 0
 * or a negative errno; after a start there must be a stop. */
int serve_start(struct serve *serve, const struct listen_set *listeners,
		const struct answer_options *options);
void serve_stop(struct serve *serve);

#endif
