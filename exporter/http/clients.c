/* SPDX-License-Identifier: MIT */
/* Addresses and their budgets; see clients.h. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "clients.h"

#define NETWORK_BYTES_V6 8u

int clients_init(struct clients *clients, unsigned connections_max, unsigned rate)
{
	*clients = (struct clients){.count_max = connections_max + CLIENTS_REMEMBERED,
				    .rate = rate};
	clients->list = calloc(clients->count_max, sizeof *clients->list);
	return clients->list ? 0 : -ENOMEM;
}

void clients_release(struct clients *clients)
{
	free(clients->list);
	clients->list = NULL;
}

/* As an IPv6 address; all zeros for what has none. */
static void bytes_of(const struct sockaddr *address, unsigned char bytes[16])
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	memset(bytes, 0, 16);
	if (address->sa_family == AF_INET) {
		memcpy(&v4, address, sizeof v4);
		bytes[10] = bytes[11] = 0xff;
		memcpy(bytes + 12, &v4.sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		memcpy(&v6, address, sizeof v6);
		memcpy(bytes, &v6.sin6_addr,
		       IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? 16 : NETWORK_BYTES_V6);
	}
}

static bool is_connected(const struct client *client)
{
	for (unsigned phase = 0; phase < CLIENT_PHASES; phase++)
		if (client->counts[phase] > 0)
			return true;
	return false;
}

/* A place for one more: a new one, or that of whoever has been away for longest. */
static struct client *take_place(struct clients *clients)
{
	struct client *oldest = NULL;

	if (clients->count < clients->count_max)
		return &clients->list[clients->count++];
	for (size_t i = 0; i < clients->count; i++) {
		struct client *client = &clients->list[i];
		if (!is_connected(client) &&
		    (!oldest || client->requests.seen_ns < oldest->requests.seen_ns))
			oldest = client;
	}
	return oldest;
}

struct client *clients_find(struct clients *clients, const struct sockaddr *address,
			    uint64_t now_ns)
{
	unsigned char bytes[16];

	bytes_of(address, bytes);
	for (size_t i = 0; i < clients->count; i++)
		if (memcmp(clients->list[i].address, bytes, sizeof bytes) == 0)
			return &clients->list[i];
	struct client *client = take_place(clients);
	if (client) {
		*client = (struct client){.requests = bucket_full(2.0 * clients->rate, now_ns)};
		memcpy(client->address, bytes, sizeof bytes);
	}
	return client;
}

void clients_set_rate(struct clients *clients, unsigned rate)
{
	clients->rate = rate;
	for (size_t i = 0; i < clients->count; i++)
		clients->list[i].requests.tokens = 2.0 * rate;
}

bool clients_admit(const struct clients *clients, struct client *client, uint64_t now_ns)
{
	return clients->rate == 0 ||
	       bucket_take(&client->requests, clients->rate, 2.0 * clients->rate, now_ns);
}
