/* SPDX-License-Identifier: MIT */
/* Deadlines of connections; see peers.h. All have the same time, so a queue keeps them in order. */
#include <stdlib.h>
#include <sys/socket.h>

#include "peers.h"

struct peer {
	TAILQ_ENTRY(peer) of_list;
	int fd;
	uint64_t deadline_ns;
};

void peers_init(struct peers *peers)
{
	TAILQ_INIT(&peers->by_deadline);
}

static void enqueue(struct peers *peers, struct peer *peer, uint64_t now_ns)
{
	peer->deadline_ns = now_ns + PEERS_REQUEST_NS_MAX;
	TAILQ_INSERT_TAIL(&peers->by_deadline, peer, of_list);
}

struct peer *peers_add(struct peers *peers, int fd, uint64_t now_ns)
{
	struct peer *peer = calloc(1, sizeof *peer);

	if (!peer)
		return NULL;
	peer->fd = fd;
	enqueue(peers, peer, now_ns);
	return peer;
}

void peers_remove(struct peers *peers, struct peer *peer)
{
	TAILQ_REMOVE(&peers->by_deadline, peer, of_list);
	free(peer);
}

void peers_renew(struct peers *peers, struct peer *peer, uint64_t now_ns)
{
	TAILQ_REMOVE(&peers->by_deadline, peer, of_list);
	enqueue(peers, peer, now_ns);
}

int peers_expire(struct peers *peers, uint64_t now_ns)
{
	struct peer *peer;

	while ((peer = TAILQ_FIRST(&peers->by_deadline)) && peer->deadline_ns <= now_ns) {
		/* The library notices, closes and removes it; until then it is out of the way. */
		shutdown(peer->fd, SHUT_RDWR);
		peers_renew(peers, peer, now_ns);
	}
	return peer ? (int)((peer->deadline_ns - now_ns) / 1000000 + 1) : -1;
}
