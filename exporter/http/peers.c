/* SPDX-License-Identifier: MIT */
/* Deadlines and evictions; see peers.h. All peers of a phase have the same time, so a queue keeps
 * them in order. */
#include <stdlib.h>

#include "peers.h"

struct peer {
	TAILQ_ENTRY(peer) of_list;
	struct client *client;
	int fd, listener;
	enum peer_phase phase;
	bool is_held; /* in its phase, but in no list */
	uint64_t start_ns;
	uint64_t since_ns; /* in this phase */
};

static const uint64_t phase_ns_max[CLIENT_PHASES] = {
	[PEER_WAITING] = PEERS_REQUEST_NS_MAX,
	[PEER_ANSWERED] = PEERS_ANSWER_NS_MAX,
};

int peers_init(struct peers *peers, const struct peers_limits *limits)
{
	*peers = (struct peers){.limits = *limits};
	for (unsigned phase = 0; phase < CLIENT_PHASES; phase++)
		TAILQ_INIT(&peers->lists[phase]);
	return clients_init(&peers->clients, limits->connections_max, limits->rate);
}

void peers_release(struct peers *peers)
{
	clients_release(&peers->clients);
}

static void leave(struct peers *peers, struct peer *peer)
{
	if (peer->phase == PEER_GONE)
		return;
	if (!peer->is_held)
		TAILQ_REMOVE(&peers->lists[peer->phase], peer, of_list);
	peers->counts[peer->phase]--;
	peer->client->counts[peer->phase]--;
	peer->phase = PEER_GONE;
	peer->is_held = false;
}

static void enter(struct peers *peers, struct peer *peer, enum peer_phase phase, uint64_t now_ns)
{
	peer->phase = phase;
	peer->since_ns = now_ns;
	TAILQ_INSERT_TAIL(&peers->lists[phase], peer, of_list);
	peers->counts[phase]++;
	peer->client->counts[phase]++;
}

static void move(struct peers *peers, struct peer *peer, enum peer_phase phase, uint64_t now_ns)
{
	if (peer->phase == PEER_GONE)
		return;
	leave(peers, peer);
	enter(peers, peer, phase, now_ns);
}

static void shut_down(struct peers *peers, struct peer *peer)
{
	shutdown(peer->fd, SHUT_RDWR);
	leave(peers, peer);
}

static unsigned total(const unsigned counts[CLIENT_PHASES])
{
	return counts[PEER_WAITING] + counts[PEER_ANSWERED];
}

/* Who has to go of a client's, or with NULL of all. */
static bool evict(struct peers *peers, const struct client *client)
{
	const unsigned *counts = client ? client->counts : peers->counts;
	const bool most_read = 2 * counts[PEER_ANSWERED] > total(counts);
	struct peer *peer;

	TAILQ_FOREACH (peer, &peers->lists[most_read ? PEER_ANSWERED : PEER_WAITING], of_list) {
		if (client && peer->client != client)
			continue;
		shut_down(peers, peer);
		peers->evicted_count++;
		return true;
	}
	return false;
}

void peers_set_rate(struct peers *peers, unsigned rate)
{
	if (rate != peers->limits.rate)
		clients_set_rate(&peers->clients, rate);
	peers->limits.rate = rate;
}

struct peer *peers_add(struct peers *peers, int fd, const struct sockaddr *address, uint64_t now_ns)
{
	struct client *client = clients_find(&peers->clients, address, now_ns);
	struct peer *peer = client ? calloc(1, sizeof *peer) : NULL;
	const unsigned connections_max = peers->limits.connections_max;

	if (!peer)
		return NULL;
	if (total(client->counts) >= (connections_max + 1) / 2)
		evict(peers, client);
	if (total(peers->counts) >= connections_max)
		evict(peers, NULL);
	peer->client = client;
	peer->fd = fd;
	peer->start_ns = now_ns;
	enter(peers, peer, PEER_WAITING, now_ns);
	return peer;
}

void peers_set_listener(struct peer *peer, int fd)
{
	peer->listener = fd;
}

int peers_listener(const struct peer *peer)
{
	return peer->listener;
}

void peers_remove(struct peers *peers, struct peer *peer)
{
	leave(peers, peer);
	free(peer);
}

bool peers_is_gone(const struct peer *peer)
{
	return peer->phase == PEER_GONE;
}

bool peers_answer(struct peers *peers, struct peer *peer, uint64_t now_ns)
{
	move(peers, peer, PEER_ANSWERED, now_ns);
	return clients_admit(&peers->clients, peer->client, now_ns);
}

void peers_hold(struct peers *peers, struct peer *peer)
{
	if (peer->phase == PEER_GONE || peer->is_held)
		return;
	TAILQ_REMOVE(&peers->lists[peer->phase], peer, of_list);
	peer->is_held = true;
}

void peers_go_on(struct peers *peers, struct peer *peer, uint64_t now_ns)
{
	move(peers, peer, PEER_ANSWERED, now_ns);
}

void peers_wait(struct peers *peers, struct peer *peer, uint64_t now_ns)
{
	if (now_ns - peer->start_ns >= PEERS_CONNECTION_NS_MAX)
		shut_down(peers, peer);
	else
		move(peers, peer, PEER_WAITING, now_ns);
}

int peers_expire(struct peers *peers, uint64_t now_ns)
{
	uint64_t left_ns = UINT64_MAX;

	for (unsigned phase = 0; phase < CLIENT_PHASES; phase++) {
		const uint64_t ns_max = phase_ns_max[phase];
		struct peer *peer;
		while ((peer = TAILQ_FIRST(&peers->lists[phase])) &&
		       now_ns - peer->since_ns >= ns_max)
			shut_down(peers, peer);
		if (peer && peer->since_ns + ns_max - now_ns < left_ns)
			left_ns = peer->since_ns + ns_max - now_ns;
	}
	return left_ns == UINT64_MAX ? -1 : (int)(left_ns / 1000000 + 1);
}

bool peers_evict(struct peers *peers)
{
	return evict(peers, NULL);
}

void peers_evict_reader(struct peers *peers, uint64_t now_ns)
{
	struct peer *peer = TAILQ_FIRST(&peers->lists[PEER_ANSWERED]);

	if (!peer || now_ns - peer->since_ns < PEERS_ANSWER_NS_MIN)
		return;
	shut_down(peers, peer);
	peers->evicted_count++;
}

void peers_evict_waiting(struct peers *peers)
{
	struct peer *peer;

	while ((peer = TAILQ_FIRST(&peers->lists[PEER_WAITING])))
		shut_down(peers, peer);
}
