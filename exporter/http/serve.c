/* SPDX-License-Identifier: MIT */
/*
 * libmicrohttpd without threads of its own: this thread accepts, hands the connections over and
 * runs the library whenever its epoll descriptor has something. See serve.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "access/tls.h"
#include "base/clock.h"
#include "base/log.h"
#include "handle.h"
#include "serve.h"

#define INACTIVITY_SECONDS_MAX 10u
#define HEADER_BYTES_MAX       (16u << 10)
#define LOG_EVERY_NS           UINT64_C(10000000000)

/* What libmicrohttpd has to say is mostly about what peers do. */
static void log_library(void *argument, const char *format, va_list values)
{
	char line[256];

	(void)argument;
	vsnprintf(line, sizeof line, format, values);
	line[strcspn(line, "\n")] = '\0';
	log_event(LOG_DEBUG, "http", "detail", line, NULL);
}

static bool begin_tls(struct serve *serve, struct MHD_Connection *connection)
{
	if (!access_has_tls(serve->access))
		return true;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	return info && access_begin_tls(serve->access, info->tls_session, clock_monotonic_ns());
}

static void connection_changed(void *argument, struct MHD_Connection *connection, void **peer,
			       enum MHD_ConnectionNotificationCode what)
{
	struct serve *serve = argument;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*peer)
			peers_remove(&serve->peers, *peer);
		return;
	}
	traffic_count(serve->answers.options.traffic, TRAFFIC_ACCEPTED);
	const int fd =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	const struct sockaddr *address = MHD_get_connection_info(connection,
								 MHD_CONNECTION_INFO_CLIENT_ADDRESS)
						 ->client_addr;
	*peer = peers_add(&serve->peers, fd, address, clock_monotonic_ns());
	if (*peer)
		peers_set_listener(*peer, serve->accepting_fd);
	if (!*peer || !begin_tls(serve, connection))
		shutdown(fd, SHUT_RDWR);
}

static int open_spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Out of descriptors, a connection would stay in the backlog and wake us for ever. Another one has
 * to go; if there is none, takes it with the spare descriptor and drops it. */
static void make_room(struct serve *serve, int listener)
{
	if (peers_evict(&serve->peers))
		return;
	close(serve->spare_fd);
	const int fd = accept(listener, NULL, NULL);
	if (fd >= 0)
		close(fd);
	serve->spare_fd = open_spare();
}

/* Returns false if none is there. */
static bool accept_connection(struct serve *serve, int listener)
{
	struct sockaddr_storage address;
	socklen_t bytes = sizeof address;
	const int fd = accept4(listener, (struct sockaddr *)&address, &bytes,
			       SOCK_NONBLOCK | SOCK_CLOEXEC);

	serve->accepting_fd = listener;
	if (fd >= 0)
		/* Closes it when there are too many. */
		MHD_add_connection(serve->daemon, fd, (struct sockaddr *)&address, bytes);
	else if (errno == EMFILE || errno == ENFILE)
		make_room(serve, listener);
	return fd >= 0;
}

/* Says that connections have had to go, at most every ten seconds. */
static void log_evictions(struct serve *serve, uint64_t now_ns)
{
	char count[24];

	if (serve->peers.evicted_count == serve->evicted_count ||
	    (serve->evicted_count > 0 && now_ns - serve->evicted_log_ns < LOG_EVERY_NS))
		return;
	snprintf(count, sizeof count, "%" PRIu64, serve->peers.evicted_count);
	log_event(LOG_WARN, "connections had to make room for others", "so_far", count, NULL);
	serve->evicted_count = serve->peers.evicted_count;
	serve->evicted_log_ns = now_ns;
}

static void show_peers(const struct serve *serve)
{
	const struct peers *peers = &serve->peers;
	struct traffic *traffic = serve->answers.options.traffic;

	traffic_set(traffic, TRAFFIC_IN_FLIGHT, peers->counts[PEER_ANSWERED]);
	traffic_set(traffic, TRAFFIC_CONNECTIONS,
		    peers->counts[PEER_ANSWERED] + peers->counts[PEER_WAITING]);
	traffic_set(traffic, TRAFFIC_EVICTED, peers->evicted_count);
}

/* What became due since the last time. */
static int look_after_peers(struct serve *serve)
{
	const uint64_t now_ns = clock_monotonic_ns();

	if (serve->answers.held_bytes > PAGE_HELD_BYTES_MAX / 2)
		peers_evict_reader(&serve->peers, now_ns);
	log_evictions(serve, now_ns);
	const int deadline_ms = peers_expire(&serve->peers, now_ns);
	/* The library would keep them until their passwords are computed. */
	access_drop(serve->access, handle_is_gone);
	show_peers(serve);
	return deadline_ms;
}

/* Until the library or a deadline wants to be looked after; -1 for as long as it takes. */
static int timeout_ms(struct serve *serve)
{
	MHD_UNSIGNED_LONG_LONG library_ms;
	const int deadline_ms = look_after_peers(serve);

	if (MHD_get_timeout(serve->daemon, &library_ms) != MHD_YES)
		return deadline_ms;
	if (deadline_ms >= 0 && (unsigned)deadline_ms < library_ms)
		return deadline_ms;
	return library_ms < INT_MAX ? (int)library_ms : INT_MAX;
}

/* Lets requests go on that have waited for a password or for their profile. */
static void resume(struct serve *serve)
{
	struct pprof *pprof = serve->answers.options.pprof;
	struct MHD_Connection *connection;

	while ((connection = access_next(serve->access)))
		MHD_resume_connection(connection);
	if (!pprof || !(connection = pprof_next(pprof)))
		return;
	peers_go_on(&serve->peers, handle_peer(connection), clock_monotonic_ns());
	MHD_resume_connection(connection);
}

/* Takes what the kernel has taken for us, and what has been sent. */
static void take_the_last(struct serve *serve, uint64_t end_ns)
{
	MHD_UNSIGNED_LONG_LONG library_ms;

	for (unsigned i = 0; i < serve->listeners->count; i++) {
		const int listener = serve->listeners->fds[i];
		epoll_ctl(serve->epoll_fd, EPOLL_CTL_DEL, listener, NULL);
		for (int left = SOMAXCONN; left > 0 && accept_connection(serve, listener); left--)
			MHD_run(serve->daemon);
	}
	do
		MHD_run(serve->daemon);
	while (MHD_get_timeout(serve->daemon, &library_ms) == MHD_YES && library_ms == 0 &&
	       clock_monotonic_ns() < end_ns);
}

/* Whoever has not asked has to go; the others are answered as long as there is time. */
static void finish(struct serve *serve)
{
	const uint64_t end_ns = clock_monotonic_ns() + SERVE_FINISH_NS_MAX;
	struct epoll_event event;
	uint64_t now_ns;

	epoll_ctl(serve->epoll_fd, EPOLL_CTL_DEL, serve->stop_fd, NULL);
	epoll_ctl(serve->epoll_fd, EPOLL_CTL_DEL, serve->reload_fd, NULL);
	if (serve->answers.options.pprof)
		pprof_stop(serve->answers.options.pprof);
	resume(serve);
	take_the_last(serve, end_ns);
	peers_evict_waiting(&serve->peers);
	while (serve->peers.counts[PEER_ANSWERED] > 0 && (now_ns = clock_monotonic_ns()) < end_ns) {
		const int left_ms = (int)((end_ns - now_ns) / 1000000 + 1), ms = timeout_ms(serve);
		epoll_wait(serve->epoll_fd, &event, 1, ms >= 0 && ms < left_ms ? ms : left_ms);
		resume(serve);
		MHD_run(serve->daemon);
		peers_evict_waiting(&serve->peers);
	}
}

static void reload(struct serve *serve)
{
	eventfd_t times; /* once is as good */

	eventfd_read(serve->reload_fd, &times);
	serve->answers.options.reload(serve->answers.options.reload_context);
}

/* Turns though nothing happens, so that who watches sees a sign of life. */
static int turn_ms(struct serve *serve)
{
	const int ms = timeout_ms(serve);

	/* Relaxed: only this thread writes it, and it stands for itself. */
	__atomic_store_n(&serve->turn_count, serve->turn_count + 1, __ATOMIC_RELAXED);
	return ms < 0 || ms > SERVE_TURN_MS_MAX ? SERVE_TURN_MS_MAX : ms;
}

uint64_t serve_turns(const struct serve *serve)
{
	/* Relaxed: it stands for itself. */
	return __atomic_load_n(&serve->turn_count, __ATOMIC_RELAXED);
}

static void *serve_run(void *argument)
{
	struct serve *serve = argument;
	const struct pprof *pprof = serve->answers.options.pprof;
	struct epoll_event events[16];

	pthread_setname_np(pthread_self(), "serve");
	for (;;) {
		const int count = epoll_wait(serve->epoll_fd, events, 16, turn_ms(serve));
		for (int i = 0; i < count; i++) {
			const int fd = events[i].data.fd;
			if (fd == serve->stop_fd) {
				finish(serve);
				return NULL;
			}
			if (fd == serve->reload_fd)
				reload(serve);
			else if (fd == access_fd(serve->access) || (pprof && fd == pprof_fd(pprof)))
				resume(serve);
			else if (fd >= 0)
				accept_connection(serve, fd);
		}
		MHD_run(serve->daemon);
	}
}

static struct MHD_Daemon *daemon_start(struct serve *serve)
{
	const bool has_tls = access_has_tls(serve->access);
	const struct MHD_OptionItem options[] = {
		{MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_library, NULL},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)connection_changed, serve},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)handle_end, serve},
		{MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)handle_target, NULL},
		{MHD_OPTION_CONNECTION_LIMIT,
		 serve->peers.limits.connections_max + SERVE_CONNECTIONS_SPARE, NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, INACTIVITY_SECONDS_MAX, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADER_BYTES_MAX, NULL},
		/* The last one, left out without TLS. */
		{has_tls ? MHD_OPTION_HTTPS_CERT_CALLBACK2 : MHD_OPTION_END, 0,
		 (void *)(intptr_t)tls_certificate},
		{MHD_OPTION_END, 0, NULL},
	};
	const unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG |
			       MHD_ALLOW_SUSPEND_RESUME | (has_tls ? MHD_USE_TLS : 0);

	return MHD_start_daemon(flags, 0, NULL, NULL, handle_request, serve, MHD_OPTION_ARRAY,
				options, MHD_OPTION_END);
}

/* The library's descriptor is known as -1, the others as themselves. */
static int watch(struct serve *serve, int fd, int known_as)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = known_as};

	return epoll_ctl(serve->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

static int watch_all(struct serve *serve)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(serve->daemon,
							       MHD_DAEMON_INFO_EPOLL_FD);
	const struct pprof *pprof = serve->answers.options.pprof;
	int error = watch(serve, info->epoll_fd, -1);

	if (error == 0)
		error = watch(serve, serve->stop_fd, serve->stop_fd);
	if (error == 0)
		error = watch(serve, serve->reload_fd, serve->reload_fd);
	if (error == 0)
		error = watch(serve, access_fd(serve->access), access_fd(serve->access));
	if (error == 0 && pprof)
		error = watch(serve, pprof_fd(pprof), pprof_fd(pprof));
	for (unsigned i = 0; i < serve->listeners->count && error == 0; i++)
		error = watch(serve, serve->listeners->fds[i], serve->listeners->fds[i]);
	return error;
}

static void serve_release(struct serve *serve)
{
	if (serve->is_judging) {
		access_stop(serve->access);
		resume(serve); /* the library cannot be stopped while it holds a request for us */
	}
	if (serve->daemon)
		MHD_stop_daemon(serve->daemon);
	answers_release(&serve->answers);
	peers_release(&serve->peers);
	if (serve->spare_fd >= 0)
		close(serve->spare_fd);
	if (serve->reload_fd >= 0)
		close(serve->reload_fd);
	if (serve->stop_fd >= 0)
		close(serve->stop_fd);
	if (serve->epoll_fd >= 0)
		close(serve->epoll_fd);
}

int serve_start(struct serve *serve, const struct listen_set *listeners, struct access *access,
		const struct answer_options *options, const struct peers_limits *limits)
{
	int error = 0;

	*serve = (struct serve){
		.listeners = listeners,
		.access = access,
		.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
		.stop_fd = eventfd(0, EFD_CLOEXEC),
		.reload_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.spare_fd = open_spare(),
	};
	if (serve->epoll_fd < 0 || serve->stop_fd < 0 || serve->reload_fd < 0 ||
	    serve->spare_fd < 0)
		error = -EMFILE;
	if (error == 0)
		error = peers_init(&serve->peers, limits);
	page_headers_everywhere(access_headers(access));
	answers_init(&serve->answers, options);
	if (error == 0 && !(serve->daemon = daemon_start(serve)))
		error = -ENOMEM;
	if (error == 0)
		error = watch_all(serve);
	if (error == 0) {
		error = access_start(access);
		serve->is_judging = error == 0;
	}
	if (error == 0)
		error = -pthread_create(&serve->thread, NULL, serve_run, serve);
	if (error)
		serve_release(serve);
	return error;
}

void serve_reload(struct serve *serve)
{
	eventfd_write(serve->reload_fd, 1);
}

void serve_stop(struct serve *serve)
{
	eventfd_write(serve->stop_fd, 1);
	pthread_join(serve->thread, NULL);
	serve_release(serve);
}
