/* SPDX-License-Identifier: MIT */
/* Answers to requests; see answer.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "log.h"

#define LANDING                                                                        \
	"<!DOCTYPE html>\n<html lang=\"en\"><head><title>ring-exporter</title></head>" \
	"<body><h1>ring-exporter " RING_VERSION "</h1><p><a href=\"%s\">Metrics</a> "  \
	"<a href=\"/replication\">Replication</a></p></body></html>\n"

/* Headers, to stand between braces. */
#define TYPE_PLAIN       MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8"
#define TYPE_HTML        MHD_HTTP_HEADER_CONTENT_TYPE, "text/html; charset=utf-8"
#define TYPE_TEXT        MHD_HTTP_HEADER_CONTENT_TYPE, FORMAT_TYPE_TEXT
#define TYPE_OPENMETRICS MHD_HTTP_HEADER_CONTENT_TYPE, FORMAT_TYPE_OPENMETRICS
#define TYPE_CSS         MHD_HTTP_HEADER_CONTENT_TYPE, "text/css; charset=utf-8"
#define TYPE_JSON        MHD_HTTP_HEADER_CONTENT_TYPE, "application/json"
#define VARY             MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding"
#define NO_STORE         MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"
#define NO_SNIFF         "X-Content-Type-Options", "nosniff"
#define POLICY                                                              \
	"Content-Security-Policy", "default-src 'none'; style-src 'self'; " \
				   "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

static const struct page_header plain[] = {{TYPE_PLAIN}, {NULL}};
static const struct page_header landing[] = {{TYPE_HTML}, {NULL}};
static const struct page_header metrics[FORMAT_COUNT][3] = {
	[FORMAT_TEXT] = {{TYPE_TEXT}, {VARY}},
	[FORMAT_OPENMETRICS] = {{TYPE_OPENMETRICS}, {VARY}},
};
static const struct page_header style[] = {{TYPE_CSS}, {NULL}};
static const struct page_header html[] = {{TYPE_HTML}, {VARY},   {NO_STORE},
					  {NO_SNIFF},  {POLICY}, {NULL}};
static const struct page_header json[] = {{TYPE_JSON}, {VARY}, {NO_STORE}, {NO_SNIFF}, {NULL}};
static const struct page_header only_get[] = {
	{TYPE_PLAIN}, {MHD_HTTP_HEADER_ALLOW, "GET, HEAD"}, {NULL}};
static const struct page_header only_post[] = {
	{TYPE_PLAIN}, {MHD_HTTP_HEADER_ALLOW, "POST"}, {NULL}};
static const struct page_header later[] = {
	{TYPE_PLAIN}, {MHD_HTTP_HEADER_RETRY_AFTER, "1"}, {NULL}};
static const struct page_header last[] = {
	{TYPE_PLAIN}, {MHD_HTTP_HEADER_CONNECTION, "close"}, {NULL}};
#define TAKES_TOKENS MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"ring-exporter\""
#define TAKES_PASSWORD \
	MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic realm=\"ring-exporter\", charset=\"UTF-8\""
static const struct page_header wants_token[] = {{TYPE_PLAIN}, {NO_STORE}, {TAKES_TOKENS}, {NULL}};
static const struct page_header wants_password[] = {
	{TYPE_PLAIN}, {NO_STORE}, {TAKES_PASSWORD}, {NULL}};
static const struct page_header wants_either[] = {
	{TYPE_PLAIN}, {NO_STORE}, {TAKES_TOKENS}, {TAKES_PASSWORD}, {NULL}};
/* Relative, for proxies that put a prefix before all paths. */
static const struct page_header see_status[] = {
	{TYPE_PLAIN}, {MHD_HTTP_HEADER_LOCATION, "../replication"}, {NO_STORE}, {NULL}};

/* Takes the response over. */
static enum MHD_Result queue(struct MHD_Connection *connection, unsigned status,
			     const struct page_header *headers, struct MHD_Response *response)
{
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	result = page_add_headers(response, headers);
	if (result == MHD_YES)
		result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* A short body, copied. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status,
			      const struct page_header *headers, const char *body)
{
	return queue(connection, status, headers,
		     MHD_create_response_from_buffer(strlen(body), (void *)(uintptr_t)body,
						     MHD_RESPMEM_MUST_COPY));
}

static enum MHD_Result answer_page(struct MHD_Connection *connection, struct page *page)
{
	struct MHD_Response *response = page_response(
		page, request_prefers_gzip(connection) ? PAGE_GZIP : PAGE_PLAIN);

	if (!response)
		return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, plain,
			      "no memory for another page now\n");
	return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

static enum MHD_Result answer_metrics(struct answers *answers, struct MHD_Connection *connection)
{
	const enum format format = request_format(connection);
	struct page *page = &answers->metrics[format];
	const struct snapshot *snapshot = snapshot_borrow();
	const bool ready = snapshot != NULL;
	struct text *text;

	if (ready && !page_shows(page, snapshot->sequence) && (text = page_begin(page))) {
		render_snapshot(&answers->render, text, format, snapshot);
		page_end(page, snapshot->sequence);
	}
	snapshot_return();
	if (!ready)
		return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, plain, "not ready\n");
	return answer_page(connection, page);
}

static enum MHD_Result answer_ready(struct MHD_Connection *connection)
{
	const bool ready = snapshot_borrow() != NULL;

	snapshot_return();
	return ready ? answer(connection, MHD_HTTP_OK, plain, "ready\n")
		     : answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, plain, "not ready\n");
}

static void watch_lock(struct watch *watch)
{
	if (watch->monitor)
		pthread_mutex_lock(&watch->mutex);
}

static void watch_unlock(struct watch *watch)
{
	if (watch->monitor)
		pthread_mutex_unlock(&watch->mutex);
}

static enum MHD_Result answer_status(struct answers *answers, struct MHD_Connection *connection,
				     struct status_time now)
{
	const bool is_json = request_prefers_json(connection);
	struct page *page = is_json ? &answers->status_json : &answers->status_html;
	struct watch *watch = answers->options.watch;
	struct text *text;

	/* Rendered once for each state, a flood of requests leaves the mutex to the drain thread,
	 * which only tries to get it. */
	watch_lock(watch);
	if (!page_shows(page, watch->sequence) && (text = page_begin(page))) {
		if (is_json)
			status_json(text, watch->monitor, now);
		else
			status_html(text, watch->monitor, now, answers->options.admin_api);
		page_end(page, watch->sequence);
	}
	watch_unlock(watch);
	return answer_page(connection, page);
}

static enum MHD_Result answer_node(struct answers *answers, struct MHD_Connection *connection,
				   const char *follower, struct status_time now)
{
	struct watch *watch = answers->options.watch;
	struct text text;

	text_init(&text, STATUS_BYTES_MAX);
	watch_lock(watch);
	const bool is_known = status_node_json(&text, watch->monitor, follower, now);
	watch_unlock(watch);
	struct MHD_Response *response = is_known && !text.error ? MHD_create_response_from_buffer(
									  text.bytes, text.data,
									  MHD_RESPMEM_MUST_FREE)
								: NULL;
	if (response)
		return queue(connection, MHD_HTTP_OK, json, response);
	text_release(&text);
	return is_known ? MHD_NO
			: answer(connection, MHD_HTTP_NOT_FOUND, plain, "unknown follower\n");
}

/* Clears one follower's alerts, or with NULL all. Returns false when there is no such follower. */
static bool clear(struct watch *watch, const char *follower, uint64_t now_ns, size_t *count)
{
	*count = 0;
	if (!watch->monitor)
		return !follower;
	pthread_mutex_lock(&watch->mutex);
	const bool is_known = !follower || monitor_find(watch->monitor, follower);
	if (is_known)
		*count = follower ? monitor_clear(watch->monitor, follower, now_ns)
				  : monitor_clear_all(watch->monitor, now_ns);
	watch->sequence += *count > 0;
	pthread_mutex_unlock(&watch->mutex);
	return is_known;
}

static enum MHD_Result answer_clear(struct answers *answers, struct MHD_Connection *connection,
				    struct status_time now)
{
	const char *follower = request_follower(connection);
	char body[64], digits[24];
	size_t count;

	if (!answers->options.admin_api)
		return answer(connection, MHD_HTTP_FORBIDDEN, plain,
			      "only with --web.enable-admin-api\n");
	if (request_is_foreign(connection))
		return answer(connection, MHD_HTTP_FORBIDDEN, plain, "not for other sites\n");
	/* A name misspelt must not clear everybody's. */
	if (request_says_more(connection))
		return answer(connection, MHD_HTTP_BAD_REQUEST, plain, "only follower=NAME\n");
	if (!clear(answers->options.watch, follower, now.monotonic_ns, &count))
		return answer(connection, MHD_HTTP_NOT_FOUND, plain, "unknown follower\n");
	snprintf(digits, sizeof digits, "%zu", count);
	if (count > 0)
		log_event(LOG_INFO, follower ? "alerts cleared" : "all alerts cleared", "count",
			  digits, follower ? "follower" : NULL, follower, NULL);
	if (!request_prefers_json(connection))
		return answer(connection, MHD_HTTP_SEE_OTHER, see_status, "cleared\n");
	snprintf(body, sizeof body, "{\"cleared\":%zu}\n", count);
	return answer(connection, MHD_HTTP_OK, json, body);
}

enum MHD_Result answer_refusal(struct MHD_Connection *connection,
			       const struct request_refusal *refusal)
{
	char body[64];

	snprintf(body, sizeof body, "%s\n", refusal->reason);
	return answer(connection, refusal->status,
		      refusal->status == MHD_HTTP_TOO_MANY_REQUESTS ? later : last, body);
}

enum MHD_Result answer_request(struct answers *answers, struct MHD_Connection *connection,
			       const char *method, const char *target, struct status_time now)
{
	const char *path = request_path(target);

	if (strcmp(path, "/replication/clear") == 0)
		return strcmp(method, MHD_HTTP_METHOD_POST) == 0
			       ? answer_clear(answers, connection, now)
			       : answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, only_post,
					"only POST\n");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, only_get,
			      "only GET and HEAD\n");
	if (strcmp(path, answers->options.telemetry_path) == 0)
		return answer_metrics(answers, connection);
	if (strcmp(path, "/replication") == 0) {
		const char *follower = request_follower(connection);
		return follower ? answer_node(answers, connection, follower, now)
				: answer_status(answers, connection, now);
	}
	if (strcmp(path, "/replication.css") == 0)
		return answer(connection, MHD_HTTP_OK, style, status_css);
	if (strcmp(path, "/") == 0)
		return answer(connection, MHD_HTTP_OK, landing, answers->landing);
	if (strcmp(path, "/-/healthy") == 0)
		return answer(connection, MHD_HTTP_OK, plain, "healthy\n");
	if (strcmp(path, "/-/ready") == 0)
		return answer_ready(connection);
	return answer(connection, MHD_HTTP_NOT_FOUND, plain, "not found\n");
}

/* The same whether it had none or a wrong one. */
enum MHD_Result answer_denied(struct MHD_Connection *connection, bool takes_tokens,
			      bool takes_passwords)
{
	const struct page_header *headers = !takes_passwords ? wants_token
					    : takes_tokens   ? wants_either
							     : wants_password;

	return answer(connection, MHD_HTTP_UNAUTHORIZED, headers, "unauthorized\n");
}

int answers_init(struct answers *answers, const struct answer_options *options)
{
	*answers = (struct answers){.options = *options};
	render_init(&answers->render);
	for (unsigned format = 0; format < FORMAT_COUNT; format++)
		page_init(&answers->metrics[format], metrics[format], RENDER_BYTES_MAX,
			  &answers->held_bytes);
	page_init(&answers->status_html, html, STATUS_BYTES_MAX, &answers->held_bytes);
	page_init(&answers->status_json, json, STATUS_BYTES_MAX, &answers->held_bytes);
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
	page_release(&answers->status_html);
	page_release(&answers->status_json);
	render_release(&answers->render);
	free(answers->landing);
}
