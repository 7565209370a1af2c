/* SPDX-License-Identifier: MIT */
/* Listening sockets; see listen.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "listen.h"

#define UNPROTECTED                                                                      \
	"other machines can reach it: give --web.token-file, or --web.config.file with " \
	"basic_auth_users or RequireAndVerifyClientCert, or listen on 127.0.0.1"

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	}
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
	return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
}

static void log_listening(const char *address, const struct listen_options *options)
{
	log_event(LOG_INFO, "listening", "address", address, options->for_profiles ? "for" : NULL,
		  "profiles", NULL);
}

static void report(int fd, const struct listen_options *options)
{
	char host[NI_MAXHOST], port[NI_MAXSERV], url[NI_MAXHOST + NI_MAXSERV + 16];
	struct sockaddr_storage address;
	socklen_t bytes = sizeof address;

	if (getsockname(fd, (struct sockaddr *)&address, &bytes) != 0 ||
	    getnameinfo((struct sockaddr *)&address, bytes, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	snprintf(url, sizeof url, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	log_listening(url, options);
	if (!is_loopback((struct sockaddr *)&address) && !options->has_tls)
		log_event(LOG_WARN, "without TLS, tokens and passwords can be read on the way",
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

static int fail_as(const char *object, const char *reason, int error)
{
	log_failure(object, reason);
	return error;
}

static int fail(const struct address *address, const char *reason, int error)
{
	return fail_as(address->text, reason, error);
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
static int add(struct listen_set *set, const struct addrinfo *info,
	       const struct listen_options *options)
{
	if (set->count == LISTEN_SOCKETS_MAX)
		return -EMFILE;
	const int error = open_one(info, &set->fds[set->count]);
	if (error == 0)
		report(set->fds[set->count++], options);
	return error;
}

/* Of all that a name stands for, before any of it is opened. */
static bool may_open(const struct addrinfo *found, const struct listen_options *options)
{
	for (; found && !options->is_protected; found = found->ai_next)
		if (!is_loopback(found->ai_addr))
			return false;
	return true;
}

/* What an address of the network stands for, to be freed, if all of it may be opened. */
static int look_up(const struct address *address, const struct listen_options *options,
		   struct addrinfo **found)
{
	const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
				       .ai_socktype = SOCK_STREAM};
	const int error = getaddrinfo(address->host[0] ? address->host : NULL, address->port,
				      &hints, found);

	if (error)
		return fail(address, gai_strerror(error), -EADDRNOTAVAIL);
	if (may_open(*found, options))
		return 0;
	freeaddrinfo(*found);
	return fail(address, UNPROTECTED, -EACCES);
}

int listen_check(const struct address *address, const struct listen_options *options)
{
	struct addrinfo *found = NULL;
	const int error = address->path[0] ? 0 : look_up(address, options, &found);

	if (error == 0 && found)
		freeaddrinfo(found);
	return error;
}

static int open_network(struct listen_set *set, const struct address *address,
			const struct listen_options *options)
{
	const unsigned count_before = set->count;
	int error, lacking = -EADDRNOTAVAIL;
	struct addrinfo *found;

	error = look_up(address, options, &found);
	if (error)
		return error;
	for (const struct addrinfo *info = found; info && error == 0; info = info->ai_next) {
		if (is_repeated(found, info))
			continue;
		error = add(set, info, options);
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

/* A file that a dead process has left is in the way; anything else is somebody's. */
static int remove_stale(const struct sockaddr_un *address)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	const int error = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0
				  ? errno
				  : EADDRINUSE;
	close(fd);
	if (error == ENOENT)
		return 0;
	/* Of a file that is no socket, connect says the same. */
	const struct stamp stamp = stamp_take(AT_FDCWD, address->sun_path);
	if (error != ECONNREFUSED || !S_ISSOCK(stamp.mode))
		return error == EAGAIN || error == ECONNREFUSED ? -EADDRINUSE : -error;
	return unlink(address->sun_path) == 0 ? 0 : -errno;
}

static int bind_file(int fd, const struct sockaddr_un *address, mode_t mask)
{
	int error = remove_stale(address);

	if (error)
		return error;
	/* The file is never open to more than it shall be. */
	const mode_t mask_before = umask(mask);
	if (bind(fd, (const struct sockaddr *)address, sizeof *address) != 0)
		error = -errno;
	umask(mask_before);
	return error;
}

static int open_file(struct listen_set *set, const struct address *given,
		     const struct listen_options *options)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail(given, strerror(errno), -errno);
	strcpy(address.sun_path, given->path);
	int error = bind_file(fd, &address, options->unix_mask);
	if (error == 0) {
		set->files[set->file_count].path = given->path;
		set->files[set->file_count++].stamp = stamp_take(AT_FDCWD, given->path);
		error = listen(fd, SOMAXCONN) == 0 ? 0 : -errno;
	}
	if (error) {
		close(fd);
		return fail(given, strerror(-error), error);
	}
	spare_the_exporter(fd);
	set->fds[set->count++] = fd;
	log_listening(given->text, options);
	return 0;
}

static int open_any(struct listen_set *set, const struct address *address,
		    const struct listen_options *options)
{
	if (!address->path[0])
		return open_network(set, address, options);
	if (set->count == LISTEN_SOCKETS_MAX)
		return fail(address, strerror(EMFILE), -EMFILE);
	return open_file(set, address, options);
}

int listen_open(struct listen_set *set, const struct address *address,
		const struct listen_options *options)
{
	const unsigned count_before = set->count;
	const int error = open_any(set, address, options);

	for (unsigned i = count_before; i < set->count; i++)
		set->is_for_profiles[i] = options->for_profiles;
	return error;
}

bool listen_is_for_profiles(const struct listen_set *set, int fd)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->fds[i] == fd)
			return set->is_for_profiles[i];
	return false;
}

static int option_of(int fd, int option)
{
	socklen_t bytes = sizeof(int);
	int value = -1;

	return getsockopt(fd, SOL_SOCKET, option, &value, &bytes) == 0 ? value : -1;
}

/* Returns NULL, or why nobody could be served there. */
static const char *adoption_fault(int fd, const struct sockaddr_storage *address,
				  const struct listen_options *options)
{
	const bool is_network = address->ss_family == AF_INET || address->ss_family == AF_INET6;

	if (option_of(fd, SO_TYPE) != SOCK_STREAM || option_of(fd, SO_ACCEPTCONN) != 1)
		return "is no listening stream socket";
	if (!is_network && address->ss_family != AF_UNIX)
		return "is neither an internet nor a Unix-domain socket";
	if (is_network && !options->is_protected && !is_loopback((const struct sockaddr *)address))
		return UNPROTECTED;
	return NULL;
}

int listen_adopt(struct listen_set *set, int fd, const char *name,
		 const struct listen_options *options)
{
	struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
	socklen_t bytes = sizeof address;
	char object[512];

	getsockname(fd, (struct sockaddr *)&address, &bytes);
	snprintf(object, sizeof object, "socket %s", name);
	const char *fault = adoption_fault(fd, &address, options);
	if (!fault && set->count == LISTEN_SOCKETS_MAX)
		fault = strerror(EMFILE);
	if (!fault && fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) != 0)
		fault = strerror(errno);
	if (fault)
		return fail_as(object, fault, -EINVAL);
	spare_the_exporter(fd);
	set->fds[set->count++] = fd;
	if (address.ss_family == AF_UNIX)
		log_event(LOG_INFO, "listening", "socket", name, NULL);
	else
		report(fd, options);
	return 0;
}

void listen_close(struct listen_set *set)
{
	for (unsigned i = 0; i < set->file_count; i++) {
		const struct stamp now = stamp_take(AT_FDCWD, set->files[i].path);
		if (stamp_is_same_file(&now, &set->files[i].stamp))
			unlink(set->files[i].path);
	}
	set->file_count = 0;
	for (unsigned i = 0; i < set->count; i++)
		close(set->fds[i]);
	set->count = 0;
}
