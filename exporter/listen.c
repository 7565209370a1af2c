/* SPDX-License-Identifier: MIT */
/* Listening sockets; see listen.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"
#include "log.h"

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	}
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
	return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
}

static void report(int fd)
{
	char host[NI_MAXHOST], port[NI_MAXSERV], url[NI_MAXHOST + NI_MAXSERV + 16];
	struct sockaddr_storage address;
	socklen_t bytes = sizeof address;

	if (getsockname(fd, (struct sockaddr *)&address, &bytes) != 0 ||
	    getnameinfo((struct sockaddr *)&address, bytes, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	snprintf(url, sizeof url, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	log_event(LOG_INFO, "listening", "address", url, NULL);
	if (!is_loopback((struct sockaddr *)&address))
		log_event(LOG_WARN, "anyone who can reach this address can read the metrics",
			  "address", url, NULL);
}

/* For all connections of a socket. Nothing depends on it, so it may fail. */
static void spare_the_exporter(int fd)
{
	const int silent_seconds = 1, unread_bytes = 256 << 10;

	/* Who says something at once comes in; the others wait in the kernel first. */
	setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &silent_seconds, sizeof silent_seconds);
	/* Doubled by the kernel, which would keep megabytes for a reader that does not read. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &unread_bytes, sizeof unread_bytes);
}

static int open_one(const struct addrinfo *info, int *opened)
{
	const int on = 1;
	const int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    (info->ai_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
	    bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
		const int error = -errno;
		close(fd);
		return error;
	}
	spare_the_exporter(fd);
	*opened = fd;
	return 0;
}

static int fail(const struct address *address, const char *reason, int error)
{
	log_failure(address->text, reason);
	return error;
}

/* A name may stand for the same address twice, in a hosts file that was not tidied up. */
static bool is_repeated(const struct addrinfo *found, const struct addrinfo *info)
{
	for (; found != info; found = found->ai_next)
		if (found->ai_addrlen == info->ai_addrlen &&
		    memcmp(found->ai_addr, info->ai_addr, info->ai_addrlen) == 0)
			return true;
	return false;
}

/* Opens one of the address' sockets. */
static int add(struct listen_set *set, const struct addrinfo *info)
{
	if (set->count == LISTEN_SOCKETS_MAX)
		return -EMFILE;
	const int error = open_one(info, &set->fds[set->count]);
	if (error == 0)
		report(set->fds[set->count++]);
	return error;
}

int listen_open(struct listen_set *set, const struct address *address)
{
	const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
				       .ai_socktype = SOCK_STREAM};
	const unsigned count_before = set->count;
	int error, lacking = -EADDRNOTAVAIL;
	struct addrinfo *found;

	error = getaddrinfo(address->host[0] ? address->host : NULL, address->port, &hints, &found);
	if (error)
		return fail(address, gai_strerror(error), -EADDRNOTAVAIL);
	for (const struct addrinfo *info = found; info && error == 0; info = info->ai_next) {
		if (is_repeated(found, info))
			continue;
		error = add(set, info);
		/* A machine without IPv6, say; one of the others may do. */
		if (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL) {
			lacking = error;
			error = 0;
		}
	}
	freeaddrinfo(found);
	if (error == 0 && set->count == count_before)
		error = lacking;
	return error ? fail(address, strerror(-error), error) : 0;
}

void listen_close(struct listen_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		close(set->fds[i]);
	set->count = 0;
}
