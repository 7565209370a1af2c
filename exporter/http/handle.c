/* SPDX-License-Identifier: MIT */
/* Requests; see handle.h. */
#include "handle.h"
#include "base/clock.h"
#include "base/log.h"
#include "serve.h"

/* Stand for a request whose target is none, until it is handled, and for one that waits until its
 * password is known to be right or wrong, or its profile has been taken. */
static char malformed, suspended;

void *handle_target(void *argument, const char *target, struct MHD_Connection *connection)
{
	(void)argument, (void)connection;
	return !target || request_target_is_sound(target) ? NULL : &malformed;
}

struct peer *handle_peer(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

bool handle_is_gone(void *connection)
{
	return peers_is_gone(handle_peer(connection));
}

static bool is_for_profiles(const struct serve *serve, const struct peer *peer)
{
	return peer && listen_is_for_profiles(serve->listeners, peers_listener(peer));
}

static enum MHD_Result suspend(struct MHD_Connection *connection, void **request)
{
	*request = &suspended;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

static enum MHD_Result answer_profiles(struct serve *serve, struct MHD_Connection *connection,
				       const struct request_line *line, void **request)
{
	struct pprof *pprof = serve->answers.options.pprof;

	if (!pprof_begin(pprof, connection, line))
		return pprof_answer(pprof, connection, line);
	peers_hold(&serve->peers, handle_peer(connection));
	return suspend(connection, request);
}

static enum MHD_Result answer_who_may(struct serve *serve, struct MHD_Connection *connection,
				      const struct request_line *line, void **request)
{
	const struct status_time now = {clock_monotonic_ns(), clock_wall_ns()};
	const struct access_request asked = {
		.path = request_path(line->target),
		.authorization = request_authorization(connection),
		.now_ns = now.monotonic_ns,
	};

	switch (access_judge(serve->access, &asked, connection)) {
	case ACCESS_GRANTED:
		break;
	case ACCESS_DENIED:
		return answer_denied(connection, access_takes_tokens(serve->access),
				     access_takes_passwords(serve->access));
	case ACCESS_WAITS:
		return suspend(connection, request);
	}
	if (is_for_profiles(serve, handle_peer(connection)))
		return answer_profiles(serve, connection, line, request);
	return answer_request(&serve->answers, connection, line->method, line->target, now);
}

static enum MHD_Result answer_or_refuse(struct serve *serve, struct MHD_Connection *connection,
					const struct request_line *line,
					struct request_refusal refusal, void **request)
{
	struct peer *peer = handle_peer(connection);

	if (!peer) /* there was no memory for it */
		return MHD_NO;
	if (!peers_answer(&serve->peers, peer, clock_monotonic_ns()))
		refusal = (struct request_refusal){MHD_HTTP_TOO_MANY_REQUESTS, "too many requests"};
	log_event(LOG_DEBUG, "request", "method", line->method, "url", line->target, NULL);
	return refusal.status ? answer_refusal(connection, &refusal)
			      : answer_who_may(serve, connection, line, request);
}

static enum MHD_Result go_on(struct serve *serve, struct MHD_Connection *connection,
			     const struct request_line *line, const char *upload,
			     size_t *upload_bytes, void **request)
{
	const bool is_malformed = *request == &malformed, is_first = is_malformed || !*request;
	const bool for_profiles = is_for_profiles(serve, handle_peer(connection));
	struct request_refusal refusal = {0, NULL};

	/* An answer before the body would have to close the connection, so short bodies are read
	 * and, but for the addresses in profiles, ignored. */
	if (*request == &suspended)
		return handle_is_gone(connection)
			       ? MHD_NO
			       : answer_who_may(serve, connection, line, request);
	*request = serve;
	if (is_malformed)
		refusal = (struct request_refusal){MHD_HTTP_BAD_REQUEST, "malformed target"};
	else if (is_first)
		refusal = request_head_refusal(connection, line,
					       for_profiles ? PPROF_BODY_BYTES_MAX
							    : REQUEST_BODY_BYTES_MAX);
	if (!refusal.status && (is_first || *upload_bytes > 0)) {
		if (for_profiles && *upload_bytes > 0)
			pprof_take(serve->answers.options.pprof, connection, upload, *upload_bytes);
		*upload_bytes = 0;
		return MHD_YES;
	}
	return answer_or_refuse(serve, connection, line, refusal, request);
}

enum MHD_Result handle_request(void *argument, struct MHD_Connection *connection, const char *url,
			       const char *method, const char *version, const char *upload,
			       size_t *upload_bytes, void **request)
{
	struct serve *serve = argument;
	const struct request_line line = {method, url, version};
	const enum MHD_Result result = go_on(serve, connection, &line, upload, upload_bytes,
					     request);
	/* NULL before there is an answer. */
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_HTTP_STATUS);

	if (info)
		traffic_count_answer(serve->answers.options.traffic, info->http_status);
	return result;
}

void handle_end(void *argument, struct MHD_Connection *connection, void **request,
		enum MHD_RequestTerminationCode how)
{
	struct serve *serve = argument;
	struct peer *peer = handle_peer(connection);

	(void)request, (void)how;
	if (serve->answers.options.pprof)
		pprof_forget(serve->answers.options.pprof, connection);
	if (peer)
		peers_wait(&serve->peers, peer, clock_monotonic_ns());
}
