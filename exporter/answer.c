/* SPDX-License-Identifier: MIT */
/* Which path gets which answer; see answer.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoints.h"
#include "reply.h"

#define LANDING                                                                        \
	"<!DOCTYPE html>\n<html lang=\"en\"><head><title>ring-exporter</title></head>" \
	"<body><h1>ring-exporter " RING_VERSION "</h1><p><a href=\"%s\">Metrics</a> "  \
	"<a href=\"/replication\">Replication</a></p></body></html>\n"

/* As in Allow. */
#define READS  MHD_HTTP_METHOD_GET ", " MHD_HTTP_METHOD_HEAD
#define WRITES MHD_HTTP_METHOD_POST

#define TYPE_CSS     MHD_HTTP_HEADER_CONTENT_TYPE, "text/css; charset=utf-8"
#define TAKES_TOKENS MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"ring-exporter\""
#define TAKES_PASSWORD \
	MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic realm=\"ring-exporter\", charset=\"UTF-8\""

static const char *const metrics_types[FORMAT_COUNT] = {
	[FORMAT_TEXT] = FORMAT_TYPE_TEXT,
	[FORMAT_OPENMETRICS] = FORMAT_TYPE_OPENMETRICS,
};
static const struct page_header style[] = {{TYPE_CSS}, {NULL}};
static const struct page_header later[] = {
	{REPLY_PLAIN}, {MHD_HTTP_HEADER_RETRY_AFTER, "1"}, {NULL}};
static const struct page_header last[] = {
	{REPLY_PLAIN}, {MHD_HTTP_HEADER_CONNECTION, "close"}, {NULL}};
static const struct page_header wants_token[] = {
	{REPLY_PLAIN}, {REPLY_NO_STORE}, {TAKES_TOKENS}, {NULL}};
static const struct page_header wants_password[] = {
	{REPLY_PLAIN}, {REPLY_NO_STORE}, {TAKES_PASSWORD}, {NULL}};
static const struct page_header wants_either[] = {
	{REPLY_PLAIN}, {REPLY_NO_STORE}, {TAKES_TOKENS}, {TAKES_PASSWORD}, {NULL}};

static enum MHD_Result endpoint_landing(struct answers *answers, struct MHD_Connection *connection,
					struct status_time now)
{
	(void)now;
	return reply_text(connection, MHD_HTTP_OK, reply_html, answers->landing);
}

static enum MHD_Result endpoint_style(struct answers *answers, struct MHD_Connection *connection,
				      struct status_time now)
{
	(void)answers, (void)now;
	return reply_text(connection, MHD_HTTP_OK, style, status_css);
}

static enum MHD_Result endpoint_healthy(struct answers *answers, struct MHD_Connection *connection,
					struct status_time now)
{
	(void)answers, (void)now;
	return reply_text(connection, MHD_HTTP_OK, reply_plain, "healthy\n");
}

static enum MHD_Result endpoint_ready(struct answers *answers, struct MHD_Connection *connection,
				      struct status_time now)
{
	const bool ready = snapshot_borrow() != NULL;

	(void)answers, (void)now;
	snapshot_return();
	return ready ? reply_text(connection, MHD_HTTP_OK, reply_plain, "ready\n")
		     : reply_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, reply_plain,
				  "not ready\n");
}

static enum MHD_Result endpoint_reload(struct answers *answers, struct MHD_Connection *connection,
				       struct status_time now)
{
	char body[CONFIG_FAULT_BYTES + 1];

	(void)now;
	if (!answers->options.lifecycle)
		return reply_text(connection, MHD_HTTP_FORBIDDEN, reply_plain,
				  "only with --web.enable-lifecycle\n");
	if (request_is_foreign(connection))
		return reply_text(connection, MHD_HTTP_FORBIDDEN, reply_plain,
				  "not for other sites\n");
	const char *fault = reload_run(answers->options.reload);
	if (!fault)
		return reply_text(connection, MHD_HTTP_OK, reply_plain, "reloaded\n");
	snprintf(body, sizeof body, "%s\n", fault);
	return reply_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, reply_plain, body);
}

static const struct route {
	const char *path; /* NULL: the telemetry path */
	const char *allow;
	endpoint *answer;
} routes[] = {
	{NULL, READS, endpoint_metrics},
	{"/", READS, endpoint_landing},
	{"/replication", READS, endpoint_replication},
	{"/replication/clear", WRITES, endpoint_clear},
	{"/replication.css", READS, endpoint_style},
	{"/-/healthy", READS, endpoint_healthy},
	{"/-/ready", READS, endpoint_ready},
	{"/-/reload", WRITES ", " MHD_HTTP_METHOD_PUT, endpoint_reload},
};

static const struct route *find_route(const struct answers *answers, const char *path)
{
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		const char *known = routes[i].path;
		if (strcmp(path, known ? known : answers->options.telemetry_path) == 0)
			return &routes[i];
	}
	return NULL;
}

/* Whether the list has the method, which may be any word. */
static bool allows(const char *allow, const char *method)
{
	for (; *allow; allow += strspn(allow, ", ")) {
		const size_t bytes = strcspn(allow, ",");
		if (bytes == strlen(method) && memcmp(allow, method, bytes) == 0)
			return true;
		allow += bytes;
	}
	return false;
}

static enum MHD_Result answer_not_allowed(struct MHD_Connection *connection, const char *allow)
{
	const struct page_header headers[] = {
		{REPLY_PLAIN}, {MHD_HTTP_HEADER_ALLOW, allow}, {NULL}};
	char body[64];

	snprintf(body, sizeof body, "only %s\n", allow);
	return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, headers, body);
}

enum MHD_Result answer_request(struct answers *answers, struct MHD_Connection *connection,
			       const char *method, const char *target, struct status_time now)
{
	const struct route *route = find_route(answers, request_path(target));

	/* Nothing here can be written, so what is not here cannot either. */
	if (!allows(route ? route->allow : READS, method))
		return answer_not_allowed(connection, route ? route->allow : READS);
	if (!route)
		return reply_text(connection, MHD_HTTP_NOT_FOUND, reply_plain, "not found\n");
	return route->answer(answers, connection, now);
}

enum MHD_Result answer_refusal(struct MHD_Connection *connection,
			       const struct request_refusal *refusal)
{
	char body[64];

	snprintf(body, sizeof body, "%s\n", refusal->reason);
	return reply_text(connection, refusal->status,
			  refusal->status == MHD_HTTP_TOO_MANY_REQUESTS ? later : last, body);
}

/* The same whether it had none or a wrong one. */
enum MHD_Result answer_denied(struct MHD_Connection *connection, bool takes_tokens,
			      bool takes_passwords)
{
	const struct page_header *headers = !takes_passwords ? wants_token
					    : takes_tokens   ? wants_either
							     : wants_password;

	return reply_text(connection, MHD_HTTP_UNAUTHORIZED, headers, "unauthorized\n");
}

static void init_metrics(struct answers *answers, size_t bytes_max)
{
	const unsigned long long start = answers->options.start_seconds;

	snprintf(answers->start, sizeof answers->start, "%llu", start);
	for (unsigned format = 0; format < FORMAT_COUNT; format++) {
		const struct page_header headers[ANSWER_METRICS_HEADERS] = {
			{MHD_HTTP_HEADER_CONTENT_TYPE, metrics_types[format]},
			{REPLY_VARY},
			{REPLY_NO_STORE},
			{REPLY_NO_SNIFF},
			{start > 0 ? "Process-Start-Time-Unix" : NULL, answers->start},
		};
		memcpy(answers->metrics_headers[format], headers, sizeof headers);
		page_init(&answers->metrics[format], answers->metrics_headers[format], bytes_max,
			  &answers->held_bytes);
	}
	filtered_init(&answers->filtered, answers->metrics, bytes_max, answers->options.labels);
}

int answers_init(struct answers *answers, const struct answer_options *options)
{
	const size_t bytes_max = options->page_bytes_max ? options->page_bytes_max
							 : RENDER_BYTES_MAX;

	*answers = (struct answers){.options = *options};
	render_init(&answers->render, options->labels);
	init_metrics(answers, bytes_max);
	page_init(&answers->status_html, reply_html, STATUS_BYTES_MAX, &answers->held_bytes);
	page_init(&answers->status_json, reply_json, STATUS_BYTES_MAX, &answers->held_bytes);
	if (asprintf(&answers->landing, LANDING, options->telemetry_path) < 0) {
		answers->landing = NULL;
		return -ENOMEM;
	}
	return 0;
}

void answers_release(struct answers *answers)
{
	for (unsigned format = 0; format < FORMAT_COUNT; format++)
		page_release(&answers->metrics[format]);
	filtered_release(&answers->filtered);
	page_release(&answers->status_html);
	page_release(&answers->status_json);
	render_release(&answers->render);
	free(answers->landing);
}
