/* SPDX-License-Identifier: MIT */
/* /replication, and what clears alerts; see answer.h. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "endpoints.h"
#include "reply.h"

/* Relative, for proxies that put a prefix before all paths. */
static const struct http_header see_status[] = {
	{REPLY_PLAIN}, {MHD_HTTP_HEADER_LOCATION, "../replication"}, {REPLY_NO_STORE}, {NULL}};

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
	return reply_page(connection, page);
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
		return reply_response(connection, MHD_HTTP_OK, reply_json, response);
	text_release(&text);
	return is_known ? MHD_NO
			: reply_text(connection, MHD_HTTP_NOT_FOUND, reply_plain,
				     "unknown follower\n");
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

enum MHD_Result endpoint_clear(struct answers *answers, struct MHD_Connection *connection,
			       struct status_time now)
{
	const char *follower = request_follower(connection);
	char body[64], digits[24];
	size_t count;

	if (!answers->options.admin_api)
		return reply_text(connection, MHD_HTTP_FORBIDDEN, reply_plain,
				  "only with --web.enable-admin-api\n");
	if (request_is_foreign(connection))
		return reply_text(connection, MHD_HTTP_FORBIDDEN, reply_plain,
				  "not for other sites\n");
	/* A name misspelt must not clear everybody's. */
	if (request_says_more(connection))
		return reply_text(connection, MHD_HTTP_BAD_REQUEST, reply_plain,
				  "only follower=NAME\n");
	if (!clear(answers->options.watch, follower, now.monotonic_ns, &count))
		return reply_text(connection, MHD_HTTP_NOT_FOUND, reply_plain,
				  "unknown follower\n");
	snprintf(digits, sizeof digits, "%zu", count);
	if (count > 0)
		log_event(LOG_INFO, follower ? "alerts cleared" : "all alerts cleared", "count",
			  digits, follower ? "follower" : NULL, follower, NULL);
	if (!request_prefers_json(connection))
		return reply_text(connection, MHD_HTTP_SEE_OTHER, see_status, "cleared\n");
	snprintf(body, sizeof body, "{\"cleared\":%zu}\n", count);
	return reply_text(connection, MHD_HTTP_OK, reply_json, body);
}

enum MHD_Result endpoint_replication(struct answers *answers, struct MHD_Connection *connection,
				     struct status_time now)
{
	const char *follower = request_follower(connection);

	return follower ? answer_node(answers, connection, follower, now)
			: answer_status(answers, connection, now);
}
