/* SPDX-License-Identifier: MIT */
/* Profiles over HTTP; see pprof.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "pprof.h"
#include "profile/profiler.h"
#include "profile/symbols.h"
#include "reply.h"

#define ROOT            "/debug/pprof"
#define SECONDS_DEFAULT 30u
#define SECONDS_MAX     60u

#define INDEX                                                                             \
	"<!DOCTYPE html>\n<html lang=\"en\"><head><title>ring-exporter: profiles</title>" \
	"</head><body><h1>Profiles</h1><ul>"                                              \
	"<li><a href=\"profile?seconds=30\">CPU, 30 seconds</a></li>"                     \
	"<li><a href=\"symbol\">number of functions</a></li>"                             \
	"<li><a href=\"cmdline\">program</a></li></ul></body></html>\n"

static const struct http_header uncached[] = {
	{REPLY_PLAIN}, {REPLY_NO_STORE}, {REPLY_NO_SNIFF}, {NULL}};
static const struct http_header binary[] = {
	{MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream"},
	{MHD_HTTP_HEADER_CONTENT_DISPOSITION, "attachment; filename=\"profile\""},
	{REPLY_NO_STORE},
	{REPLY_NO_SNIFF},
	{NULL}};
static const struct http_header only_get[] = {
	{REPLY_PLAIN}, {MHD_HTTP_HEADER_ALLOW, "GET, HEAD"}, {NULL}};
static const struct http_header get_alone[] = {
	{REPLY_PLAIN}, {MHD_HTTP_HEADER_ALLOW, "GET"}, {NULL}};
static const struct http_header see_index[] = {
	{REPLY_PLAIN}, {MHD_HTTP_HEADER_LOCATION, "pprof/"}, {NULL}};

/* What has come of a request's body. */
struct body {
	LIST_ENTRY(body) of_list;
	struct MHD_Connection *connection;
	struct text text;
};

struct pprof {
	struct profiler profiler;
	struct symbols symbols;
	int timer_fd;
	int due_fd;                    /* epoll's: of the timer and of the holder's end */
	struct MHD_Connection *holder; /* whose profile it is; NULL: there is none */
	bool is_due;                   /* whatever due_fd says */
	bool is_stopped;
	int taken_fd; /* the profile that has ended; -1: it has not */
	LIST_HEAD(, body) bodies;
};

static int watch(const struct pprof *pprof, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events};

	return epoll_ctl(pprof->due_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

static int fd_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static int open_parts(struct pprof *pprof)
{
	const char *reason = profiler_open(&pprof->profiler);

	if (reason) {
		log_failure("--web.profile-address", reason);
		return -ENOTSUP;
	}
	int error = symbols_open(&pprof->symbols);
	if (error == 0) {
		pprof->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
		pprof->due_fd = epoll_create1(EPOLL_CLOEXEC);
		error = watch(pprof, pprof->timer_fd, EPOLLIN);
	}
	if (error)
		log_failure("--web.profile-address", strerror(-error));
	return error;
}

int pprof_open(struct pprof **opened)
{
	struct pprof *pprof = malloc(sizeof *pprof);

	if (!pprof)
		return -ENOMEM;
	*pprof = (struct pprof){.timer_fd = -1, .due_fd = -1, .taken_fd = -1};
	LIST_INIT(&pprof->bodies);
	const int error = open_parts(pprof);
	if (error)
		pprof_close(pprof);
	else
		*opened = pprof;
	return error;
}

void pprof_close(struct pprof *pprof)
{
	if (!pprof)
		return;
	profiler_close(&pprof->profiler);
	symbols_close(&pprof->symbols);
	if (pprof->timer_fd >= 0)
		close(pprof->timer_fd);
	if (pprof->due_fd >= 0)
		close(pprof->due_fd);
	free(pprof);
}

static struct body *find_body(const struct pprof *pprof, const struct MHD_Connection *connection)
{
	struct body *body;

	LIST_FOREACH (body, &pprof->bodies, of_list)
		if (body->connection == connection)
			break;
	return body;
}

void pprof_take(struct pprof *pprof, struct MHD_Connection *connection, const char *data,
		size_t bytes)
{
	struct body *body = find_body(pprof, connection);

	if (!body && (body = malloc(sizeof *body))) {
		body->connection = connection;
		text_init(&body->text, PPROF_BODY_BYTES_MAX + 1);
		LIST_INSERT_HEAD(&pprof->bodies, body, of_list);
	}
	if (body)
		text_append(&body->text, data, bytes);
}

void pprof_forget(struct pprof *pprof, struct MHD_Connection *connection)
{
	struct body *body = find_body(pprof, connection);

	if (body) {
		LIST_REMOVE(body, of_list);
		text_release(&body->text);
		free(body);
	}
	if (pprof->holder != connection)
		return;
	pprof->is_due = true;
	pprof_next(pprof);
	close(pprof->taken_fd);
	pprof->taken_fd = -1;
	pprof->holder = NULL;
}

/* The text is released. */
static enum MHD_Result answer_text(struct MHD_Connection *connection, struct text *text)
{
	struct MHD_Response *response = text->error ? NULL
						    : MHD_create_response_from_buffer(
							      text->bytes, text->data,
							      MHD_RESPMEM_MUST_FREE);

	if (!response)
		text_release(text);
	return reply_response(connection, MHD_HTTP_OK, uncached, response);
}

/* Returns 0 for what is no number of seconds, or not alone. */
static unsigned seconds_of(struct MHD_Connection *connection)
{
	const int count = MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, NULL, NULL);
	const char *text = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND,
						       "seconds");

	if (count == 0)
		return SECONDS_DEFAULT;
	const size_t digits = text ? strspn(text, "0123456789") : 0;
	if (count > 1 || digits == 0 || digits > 2 || text[digits] != '\0')
		return 0;
	const unsigned seconds = (unsigned)atoi(text);
	return seconds <= SECONDS_MAX ? seconds : 0;
}

static bool is_get(const struct request_line *line)
{
	return strcmp(line->method, MHD_HTTP_METHOD_GET) == 0;
}

static bool is_for_profile(const struct request_line *line)
{
	return strcmp(request_path(line->target), ROOT "/profile") == 0;
}

bool pprof_begin(struct pprof *pprof, struct MHD_Connection *connection,
		 const struct request_line *line)
{
	const unsigned seconds = is_for_profile(line) && is_get(line) ? seconds_of(connection) : 0;
	const struct itimerspec time = {.it_value.tv_sec = seconds};
	char word[16];

	if (seconds == 0 || pprof->holder || pprof->is_stopped)
		return false;
	const int error = profiler_start(&pprof->profiler);
	if (error) {
		log_event(LOG_WARN, "no profile can be taken", "reason", strerror(-error), NULL);
		return false;
	}
	timerfd_settime(pprof->timer_fd, 0, &time, NULL);
	/* The library does not look whether it is still there. */
	watch(pprof, fd_of(connection), EPOLLRDHUP);
	pprof->holder = connection;
	pprof->is_due = false;
	snprintf(word, sizeof word, "%u", seconds);
	log_event(LOG_INFO, "profile begins", "seconds", word, NULL);
	return true;
}

static enum MHD_Result answer_taken(struct pprof *pprof, struct MHD_Connection *connection)
{
	struct MHD_Response *response = NULL;
	struct stat status;

	if (fstat(pprof->taken_fd, &status) == 0)
		response = MHD_create_response_from_fd64((uint64_t)status.st_size, pprof->taken_fd);
	if (!response)
		return MHD_NO;
	pprof->taken_fd = -1; /* it is the response's */
	pprof->holder = NULL;
	return reply_response(connection, MHD_HTTP_OK, binary, response);
}

static enum MHD_Result answer_busy(struct pprof *pprof, struct MHD_Connection *connection)
{
	struct itimerspec left = {.it_value.tv_sec = 0};
	char seconds[24];
	const struct http_header later[] = {
		{REPLY_PLAIN}, {MHD_HTTP_HEADER_RETRY_AFTER, seconds}, {NULL}};

	timerfd_gettime(pprof->timer_fd, &left);
	snprintf(seconds, sizeof seconds, "%lld", (long long)left.it_value.tv_sec + 1);
	return reply_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, later,
			  pprof->holder ? "another profile is being taken\n"
					: "no profile can be taken\n");
}

static enum MHD_Result answer_profile(struct pprof *pprof, struct MHD_Connection *connection,
				      const struct request_line *line)
{
	/* A HEAD would take as long. */
	if (!is_get(line))
		return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, get_alone, "only GET\n");
	if (pprof->holder == connection)
		return answer_taken(pprof, connection);
	if (seconds_of(connection) == 0)
		return reply_text(connection, MHD_HTTP_BAD_REQUEST, reply_plain,
				  "only seconds=N, from 1 to 60\n");
	return answer_busy(pprof, connection);
}

/* A line for each address that has a name. Returns false if anything else is there. */
static bool put_names(const struct symbols *symbols, const char *addresses, struct text *text)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	for (const char *next = addresses; *next;) {
		char line[24], *end;
		const size_t prefix = strncmp(next, "0x", 2) == 0 ? 2 : 0;
		const size_t bytes = strspn(next + prefix, digits);
		const unsigned long long address = strtoull(next + prefix, &end, 16);
		const char *name = symbols_name(symbols, (uintptr_t)address);
		if (bytes == 0 || bytes > 16 || (*end != '+' && *end != '\0'))
			return false;
		if (name) {
			snprintf(line, sizeof line, "0x%llx\t", address);
			text_string(text, line);
			text_string(text, name);
			text_string(text, "\n");
		}
		next = end + (*end == '+');
	}
	return true;
}

static enum MHD_Result answer_names(struct pprof *pprof, struct MHD_Connection *connection)
{
	struct body *body = find_body(pprof, connection);
	struct text text;

	text_init(&text, SIZE_MAX / 2);
	text_string(&text, ""); /* may be all */
	if (body) {
		text_append(&body->text, "", 1);
		if (body->text.error || strlen(body->text.data) + 1 != body->text.bytes ||
		    !put_names(&pprof->symbols, body->text.data, &text)) {
			text_release(&text);
			return reply_text(connection, MHD_HTTP_BAD_REQUEST, reply_plain,
					  "only addresses, as in 0x1+0x2\n");
		}
	}
	return answer_text(connection, &text);
}

static enum MHD_Result answer_symbol(struct pprof *pprof, struct MHD_Connection *connection)
{
	char text[48];

	snprintf(text, sizeof text, "num_symbols: %zu\n", pprof->symbols.count);
	return reply_text(connection, MHD_HTTP_OK, reply_plain, text);
}

/* Without the arguments, which may hold passwords; these programs leave them off anyway. */
static enum MHD_Result answer_cmdline(struct MHD_Connection *connection)
{
	char path[4096];
	const ssize_t bytes = readlink("/proc/self/exe", path, sizeof path - 1);

	path[bytes > 0 ? bytes : 0] = '\0';
	return reply_text(connection, MHD_HTTP_OK, reply_plain, path);
}

enum MHD_Result pprof_answer(struct pprof *pprof, struct MHD_Connection *connection,
			     const struct request_line *line)
{
	const char *path = request_path(line->target);

	if (is_for_profile(line))
		return answer_profile(pprof, connection, line);
	if (strcmp(path, ROOT "/symbol") == 0 && strcmp(line->method, MHD_HTTP_METHOD_POST) == 0)
		return answer_names(pprof, connection);
	if (!is_get(line) && strcmp(line->method, MHD_HTTP_METHOD_HEAD) != 0)
		return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, only_get,
				  "only GET and HEAD\n");
	if (strcmp(path, ROOT "/symbol") == 0)
		return answer_symbol(pprof, connection);
	if (strcmp(path, ROOT "/cmdline") == 0)
		return answer_cmdline(connection);
	if (strcmp(path, ROOT "/") == 0)
		return reply_text(connection, MHD_HTTP_OK, reply_html, INDEX);
	if (strcmp(path, ROOT) == 0)
		return reply_text(connection, MHD_HTTP_MOVED_PERMANENTLY, see_index, "moved\n");
	return reply_text(connection, MHD_HTTP_NOT_FOUND, reply_plain, "not found\n");
}

int pprof_fd(const struct pprof *pprof)
{
	return pprof->due_fd;
}

struct MHD_Connection *pprof_next(struct pprof *pprof)
{
	const struct itimerspec never = {.it_value.tv_sec = 0};
	struct epoll_event event;

	if (!pprof->holder || pprof->taken_fd >= 0 ||
	    (!pprof->is_due && epoll_wait(pprof->due_fd, &event, 1, 0) <= 0))
		return NULL;
	epoll_ctl(pprof->due_fd, EPOLL_CTL_DEL, fd_of(pprof->holder), NULL);
	timerfd_settime(pprof->timer_fd, 0, &never, NULL);
	pprof->taken_fd = profiler_stop(&pprof->profiler);
	log_event(LOG_INFO, "profile ends", NULL);
	return pprof->holder;
}

void pprof_stop(struct pprof *pprof)
{
	pprof->is_stopped = pprof->is_due = true;
}
