/* SPDX-License-Identifier: MIT */
/*
 * Who is connected, and until when. A peer that sends or reads a byte now and then is never
 * idle, so each request also has an absolute deadline, from its connection's start or from the
 * request before.
 *
 * The HTTP thread's own. Time is an argument.
 */
#ifndef PEERS_H
#define PEERS_H

#include <stdint.h>
#include <sys/queue.h>

#define PEERS_REQUEST_NS_MAX UINT64_C(30000000000)

TAILQ_HEAD(peer_list, peer);

struct peers {
	struct peer_list by_deadline; /* the next one first */
};

void peers_init(struct peers *peers);

/* Returns NULL for want of memory; such a connection is better refused. */
struct peer *peers_add(struct peers *peers, int fd, uint64_t now_ns);
void peers_remove(struct peers *peers, struct peer *peer);

/* A request is answered: the next one has all its time. */
void peers_renew(struct peers *peers, struct peer *peer, uint64_t now_ns);

/* Shuts down every connection that is past its deadline. Returns the milliseconds until the
 * next deadline, or -1 if there is none. */
int peers_expire(struct peers *peers, uint64_t now_ns);

#endif
