/* SPDX-License-Identifier: MIT */
/*
 * The addresses that connections come from: how many each has now, and whether it asks too often.
 * An IPv6 client is its network of 64 bits, in which it may choose any address. All clients of
 * Unix-domain sockets are one.
 *
 * Bounded: an address without connections is remembered until its place is needed. The HTTP
 * thread's own. Time is an argument.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/bucket.h"

#define CLIENTS_REMEMBERED 256u
#define CLIENT_PHASES      2u

struct client {
	unsigned char address[16];
	unsigned counts[CLIENT_PHASES]; /* of its connections, as peers.c has them */
	struct bucket requests;         /* that it may still make */
};

struct clients {
	struct client *list;
	size_t count, count_max;
	unsigned rate; /* requests per second and address, twice as many at once; 0: no limit */
};

/* With room for all addresses of that many connections. Returns 0 or -ENOMEM. */
int clients_init(struct clients *clients, unsigned connections_max, unsigned rate);
void clients_release(struct clients *clients);

/* The client at an address, new or known. NULL: all places have connections, more than were
 * announced. */
struct client *clients_find(struct clients *clients, const struct sockaddr *address,
			    uint64_t now_ns);

/* Everybody begins anew with it. */
void clients_set_rate(struct clients *clients, unsigned rate);

/* Whether it may make one more request now, which then counts. */
bool clients_admit(const struct clients *clients, struct client *client, uint64_t now_ns);

#endif
