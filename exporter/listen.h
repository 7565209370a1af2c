/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets out of addresses. A name or the empty host may stand for several; each gets
 * a socket, and a socket for IPv6 takes IPv6 alone.
 */
#ifndef LISTEN_H
#define LISTEN_H

#include "address.h"

#define LISTEN_SOCKETS_MAX 32u

struct listen_set {
	int fds[LISTEN_SOCKETS_MAX];
	unsigned count;
};

/* Adds the address' sockets and logs where they are bound. Returns 0, or a negative errno after
 * one line on stderr. */
int listen_open(struct listen_set *set, const struct address *address);
void listen_close(struct listen_set *set);

#endif
