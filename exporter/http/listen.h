/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets out of addresses. A name or the empty host may stand for several; each gets
 * a socket, and a socket for IPv6 takes IPv6 alone. Where other machines could come from, there is
 * none unless requests need a credential; who comes through a Unix-domain socket is decided by its
 * permissions. The same goes for sockets that the service manager has opened.
 */
#ifndef LISTEN_H
#define LISTEN_H

#include <stdbool.h>

#include "base/address.h"
#include "base/stamp.h"

#define LISTEN_SOCKETS_MAX 32u

struct listen_set {
	int fds[LISTEN_SOCKETS_MAX];
	bool is_for_profiles[LISTEN_SOCKETS_MAX];
	unsigned count;
	struct {
		const char *path; /* the address' */
		struct stamp stamp;
	} files[LISTEN_SOCKETS_MAX]; /* of Unix-domain sockets */
	unsigned file_count;
};

struct listen_options {
	bool is_protected; /* requests need a credential */
	bool has_tls;
	bool for_profiles;
	mode_t unix_mask; /* the umask for Unix-domain sockets */
};

/* Whether the address stands for any, and may be opened so. Opens nothing. Returns 0, or a negative
 * errno after one line on stderr. */
int listen_check(const struct address *address, const struct listen_options *options);

/* Adds the address' sockets and logs where they are bound. Before there are threads, for the
 * umask's sake. Returns 0, or a negative errno after one line on stderr. */
int listen_open(struct listen_set *set, const struct address *address,
		const struct listen_options *options);
/* Adds a listening socket that somebody else has bound, by the same rules; `name` is for messages.
 * It is the set's from then on. */
int listen_adopt(struct listen_set *set, int fd, const char *name,
		 const struct listen_options *options);
bool listen_is_for_profiles(const struct listen_set *set, int fd);
/* Removes the files that are still ours, too. */
void listen_close(struct listen_set *set);

#endif
