/* SPDX-License-Identifier: MIT */
/* Which path gets which answer; see answer.h. */
#include <stdio.h>
#include <string.h>

#include "discovery.h"
#include "endpoints.h"
#include "landing.h"
#include "render/html.h"
#include "reply.h"

#define DISCOVERY_BYTES_MAX (1u << 17)

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
	[FORMAT_PROTOBUF] = FORMAT_TYPE_PROTOBUF,
};
static const struct http_header style[] = {{TYPE_CSS}, {NULL}};
static const struct http_header later[] = {
	{REPLY_PLAIN}, {MHD_HTTP_HEADER_RETRY_AFTER, "1"}, {NULL}};
static const struct http_header last[] = {
	{REPLY_PLAIN}, {MHD_HTTP_HEADER_CONNECTION, "close"}, {NULL}};
static const struct http_header wants_token[] = {
	{REPLY_PLAIN}, {REPLY_NO_STORE}, {TAKES_TOKENS}, {NULL}};
static const struct http_header wants_password[] = {
	{REPLY_PLAIN}, {REPLY_NO_STORE}, {TAKES_PASSWORD}, {NULL}};
static const struct http_header wants_either[] = {
	{REPLY_PLAIN}, {REPLY_NO_STORE}, {TAKES_TOKENS}, {TAKES_PASSWORD}, {NULL}};

static enum MHD_Result endpoint_style(struct answers *answers, struct MHD_Connection *connection,
				      struct status_time now)
{
	(void)answers, (void)now;
	return reply_text(connection, MHD_HTTP_OK, style, html_css);
}

static enum MHD_Result endpoint_discovery(struct answers *answers,
					  struct MHD_Connection *connection, struct status_time now)
{
	const struct discovery discovery = {
		.external_url = answers->options.external_url,
		.host = request_host(connection),
		.is_tls = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION),
		.metrics_path = answers->options.telemetry_path,
	};
	struct text text;

	(void)now;
	if (!discovery.external_url && !*discovery.host)
		return reply_text(connection, MHD_HTTP_BAD_REQUEST, reply_plain, "needs a host\n");
	text_init(&text, DISCOVERY_BYTES_MAX);
	discovery_json(&text, &discovery);
	text_append(&text, "", 1);
	const enum MHD_Result result = text.error ? MHD_NO
						  : reply_text(connection, MHD_HTTP_OK, reply_json,
							       text.data);
	text_release(&text);
	return result;
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
	const struct answer_options *options = &answers->options;
	char body[1024];

	(void)now;
	if (!options->lifecycle)
		return reply_text(connection, MHD_HTTP_FORBIDDEN, reply_plain,
				  "only with --web.enable-lifecycle\n");
	if (request_is_foreign(connection))
		return reply_text(connection, MHD_HTTP_FORBIDDEN, reply_plain,
				  "not for other sites\n");
	const char *fault = options->reload(options->reload_context);
	if (!fault)
		return reply_text(connection, MHD_HTTP_OK, reply_plain, "reloaded\n");
	snprintf(body, sizeof body, "%s\n", fault);
	return reply_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, reply_plain, body);
}

static endpoint endpoint_landing; /* knows the table */

static const struct route {
	const char *path; /* NULL: the telemetry path */
	const char *allow;
	endpoint *answer;
	const char *title; /* on the landing page; NULL: it is not there */
} routes[] = {
	{NULL, READS, endpoint_metrics, "Metrics"},
	{"/", READS, endpoint_landing, NULL},
	{"/replication", READS, endpoint_replication, "Replication"},
	{"/replication/clear", WRITES, endpoint_clear, NULL},
	{"/style.css", READS, endpoint_style, NULL},
	{"/sd", READS, endpoint_discovery, "Service discovery"},
	{"/-/healthy", READS, endpoint_healthy, "Health"},
	{"/-/ready", READS, endpoint_ready, "Readiness"},
	{"/-/reload", WRITES ", " MHD_HTTP_METHOD_PUT, endpoint_reload, NULL},
};

#define ROUTE_COUNT (sizeof routes / sizeof *routes)

static const char *path_of(const struct answers *answers, const struct route *route)
{
	return route->path ? route->path : answers->options.telemetry_path;
}

static enum MHD_Result endpoint_landing(struct answers *answers, struct MHD_Connection *connection,
					struct status_time now)
{
	const struct snapshot *snapshot = snapshot_borrow();
	const uint64_t sequence = snapshot ? snapshot->sequence : 0;
	struct landing_link links[ROUTE_COUNT];
	size_t link_count = 0;
	struct text *text;

	(void)now;
	for (size_t i = 0; i < ROUTE_COUNT; i++)
		if (routes[i].title)
			links[link_count++] = (struct landing_link){path_of(answers, &routes[i]),
								    routes[i].title};
	if (!page_shows(&answers->landing, sequence) && (text = page_begin(&answers->landing))) {
		landing_html(text, links, link_count, snapshot);
		page_end(&answers->landing, sequence);
	}
	snapshot_return();
	return reply_page(connection, &answers->landing);
}

static const struct route *find_route(const struct answers *answers, const char *path)
{
	for (size_t i = 0; i < ROUTE_COUNT; i++)
		if (strcmp(path, path_of(answers, &routes[i])) == 0)
			return &routes[i];
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
	const struct http_header headers[] = {
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
	const struct http_header *headers = !takes_passwords ? wants_token
					    : takes_tokens   ? wants_either
							     : wants_password;

	return reply_text(connection, MHD_HTTP_UNAUTHORIZED, headers, "unauthorized\n");
}

static void init_metrics(struct answers *answers, size_t bytes_max)
{
	const unsigned long long start = answers->options.start_seconds;

	snprintf(answers->start, sizeof answers->start, "%llu", start);
	for (unsigned format = 0; format < FORMAT_COUNT; format++) {
		const struct http_header headers[ANSWER_METRICS_HEADERS] = {
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
	filtered_init(&answers->filtered, answers->metrics, bytes_max, &answers->render);
}

void answers_init(struct answers *answers, const struct answer_options *options)
{
	const size_t bytes_max = options->page_bytes_max ? options->page_bytes_max
							 : RENDER_BYTES_MAX;

	*answers = (struct answers){.options = *options};
	render_init(&answers->render, options->labels);
	answers->render.has_created = options->openmetrics_created;
	init_metrics(answers, bytes_max);
	page_init(&answers->status_html, reply_html, STATUS_BYTES_MAX, &answers->held_bytes);
	page_init(&answers->status_json, reply_json, STATUS_BYTES_MAX, &answers->held_bytes);
	page_init(&answers->landing, reply_html, LANDING_BYTES_MAX, &answers->held_bytes);
}

void answers_release(struct answers *answers)
{
	for (unsigned format = 0; format < FORMAT_COUNT; format++)
		page_release(&answers->metrics[format]);
	filtered_release(&answers->filtered);
	page_release(&answers->status_html);
	page_release(&answers->status_json);
	page_release(&answers->landing);
	render_release(&answers->render);
}
