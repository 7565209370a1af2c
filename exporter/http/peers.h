/* SPDX-License-Identifier: MIT */
/*
 * Who is connected, and until when. A peer that sends or reads a byte now and then is never idle,
 * so what it does has an absolute deadline; and a peer that comes always gets in, whoever else is
 * there: another one has to go.
 *
 *   waiting    for a request to be complete: from the connection's start or the last answer
 *   answered   from then until the answer's last byte is the kernel's
 *   gone       shut down, until the library notices and closes it
 *
 * Of too many connections the one goes whose request has been incomplete for longest. If most are
 * being answered, to readers as slow as can be, the longest answer goes. So whoever sends a request
 * at once and reads its answer outlives whoever does not. One address has half of the connections
 * at most; beyond that its own go.
 *
 * The HTTP thread's own. Time is an argument.
 */
#ifndef PEERS_H
#define PEERS_H

#include <sys/queue.h>

#include "clients.h"

#define PEERS_CONNECTIONS_MAX 1024u /* that can be asked for */

#define PEERS_REQUEST_NS_MAX    UINT64_C(10000000000)
#define PEERS_ANSWER_NS_MAX     UINT64_C(30000000000)
/* After which no further request is taken. */
#define PEERS_CONNECTION_NS_MAX UINT64_C(300000000000)
/* That nobody's memory is needed before. */
#define PEERS_ANSWER_NS_MIN     UINT64_C(1000000000)

enum peer_phase { PEER_WAITING, PEER_ANSWERED, PEER_GONE };

_Static_assert(PEER_GONE == CLIENT_PHASES, "a client's connections are those that are not gone");

TAILQ_HEAD(peer_list, peer);

struct peers_limits {
	unsigned connections_max;
	unsigned rate; /* of requests; see clients.h */
};

struct peers {
	struct peer_list lists[CLIENT_PHASES]; /* by phase, who has been in it for longest first */
	unsigned counts[CLIENT_PHASES];
	struct peers_limits limits;
	uint64_t evicted_count; /* since the beginning */
	struct clients clients;
};

/* Returns 0 or -ENOMEM. */
int peers_init(struct peers *peers, const struct peers_limits *limits);
void peers_release(struct peers *peers);

/* Of requests, from the next one on. */
void peers_set_rate(struct peers *peers, unsigned rate);

/* A new connection, waiting; another may have to go. NULL, for want of memory: refuse it. */
struct peer *peers_add(struct peers *peers, int fd, const struct sockaddr *address,
		       uint64_t now_ns);
/* The listener that it has come by. */
void peers_set_listener(struct peer *peer, int fd);
int peers_listener(const struct peer *peer);
/* It is closed. */
void peers_remove(struct peers *peers, struct peer *peer);

/* Shut down, be it by the peer's own fault or for others. */
bool peers_is_gone(const struct peer *peer);

/* Its request is complete. Returns whether the client may make one now. */
bool peers_answer(struct peers *peers, struct peer *peer, uint64_t now_ns);
/* Its answer is being made, which ends by itself: until it goes on, with all of an answer's time,
 * it has no deadline and need not go for others. */
void peers_hold(struct peers *peers, struct peer *peer);
void peers_go_on(struct peers *peers, struct peer *peer, uint64_t now_ns);
/* Its request is answered: the next one has all its time. */
void peers_wait(struct peers *peers, struct peer *peer, uint64_t now_ns);

/* Shuts down every connection that is past its deadline. Returns the milliseconds until the
 * next deadline, or -1 if there is none. */
int peers_expire(struct peers *peers, uint64_t now_ns);

/* Shuts down one connection, for want of descriptors. Returns false if there is none. */
bool peers_evict(struct peers *peers);
/* The longest answer, for want of memory, if it has had PEERS_ANSWER_NS_MIN. */
void peers_evict_reader(struct peers *peers, uint64_t now_ns);
/* All that are not being answered. */
void peers_evict_waiting(struct peers *peers);

#endif
