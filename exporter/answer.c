/* SPDX-License-Identifier: MIT */
/* Answers to requests; see answer.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"

#define LANDING                                                                                 \
	"<!DOCTYPE html>\n<html lang=\"en\"><head><title>ring-exporter</title></head>"          \
	"<body><h1>ring-exporter " RING_VERSION "</h1><p><a href=\"%s\">Metrics</a></p></body>" \
	"</html>\n"

/* Headers, to stand between braces. */
#define TYPE_PLAIN MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8"
#define TYPE_HTML  MHD_HTTP_HEADER_CONTENT_TYPE, "text/html; charset=utf-8"

static const struct page_header plain[] = {{TYPE_PLAIN}, {NULL}};
static const struct page_header landing[] = {{TYPE_HTML}, {NULL}};
static const struct page_header metrics[] = {{MHD_HTTP_HEADER_CONTENT_TYPE, RENDER_CONTENT_TYPE},
					     {NULL}};
static const struct page_header only_get[] = {
	{TYPE_PLAIN}, {MHD_HTTP_HEADER_ALLOW, "GET, HEAD"}, {NULL}};

/* A short body, copied. For want of memory the connection is closed. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status,
			      const struct page_header *headers, const char *body)
{
	enum MHD_Result result;
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);

	if (!response)
		return MHD_NO;
	result = page_add_headers(response, headers);
	if (result == MHD_YES)
		result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_metrics(struct answers *answers, struct MHD_Connection *connection)
{
	const struct snapshot *snapshot = snapshot_borrow();
	const bool ready = snapshot != NULL;
	struct text *text;

	if (ready && !page_shows(&answers->metrics, snapshot->sequence) &&
	    (text = page_begin(&answers->metrics))) {
		render_snapshot(&answers->render, text, snapshot);
		page_end(&answers->metrics, snapshot->sequence);
	}
	snapshot_return();
	if (!ready)
		return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, plain, "not ready\n");
	if (!answers->metrics.response)
		return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, plain,
			      "no memory for another page now\n");
	return MHD_queue_response(connection, MHD_HTTP_OK, answers->metrics.response);
}

static enum MHD_Result answer_ready(struct MHD_Connection *connection)
{
	const bool ready = snapshot_borrow() != NULL;

	snapshot_return();
	return ready ? answer(connection, MHD_HTTP_OK, plain, "ready\n")
		     : answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, plain, "not ready\n");
}

enum MHD_Result answer_request(struct answers *answers, struct MHD_Connection *connection,
			       const char *method, const char *path)
{
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, only_get,
			      "only GET and HEAD\n");
	if (strcmp(path, answers->telemetry_path) == 0)
		return answer_metrics(answers, connection);
	if (strcmp(path, "/") == 0)
		return answer(connection, MHD_HTTP_OK, landing, answers->landing);
	if (strcmp(path, "/-/healthy") == 0)
		return answer(connection, MHD_HTTP_OK, plain, "healthy\n");
	if (strcmp(path, "/-/ready") == 0)
		return answer_ready(connection);
	return answer(connection, MHD_HTTP_NOT_FOUND, plain, "not found\n");
}

int answers_init(struct answers *answers, const char *telemetry_path)
{
	*answers = (struct answers){.telemetry_path = telemetry_path};
	render_init(&answers->render);
	page_init(&answers->metrics, metrics, RENDER_BYTES_MAX, &answers->held_bytes);
	if (asprintf(&answers->landing, LANDING, telemetry_path) < 0) {
		answers->landing = NULL;
		return -ENOMEM;
	}
	return 0;
}

void answers_release(struct answers *answers)
{
	page_release(&answers->metrics);
	render_release(&answers->render);
	free(answers->landing);
}
