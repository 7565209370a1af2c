/* SPDX-License-Identifier: MIT */
/* Answers to requests; see answer.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "render.h"

#define TYPE_PLAIN "text/plain; charset=utf-8"
#define TYPE_HTML  "text/html; charset=utf-8"
#define LANDING                                                                                 \
	"<!DOCTYPE html>\n<html lang=\"en\"><head><title>ring-exporter</title></head>"          \
	"<body><h1>ring-exporter " RING_VERSION "</h1><p><a href=\"%s\">Metrics</a></p></body>" \
	"</html>\n"

/* A short body, copied. For want of memory the connection is closed. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
			      const char *body)
{
	enum MHD_Result result;
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);

	if (!response)
		return MHD_NO;
	result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (result == MHD_YES && status == MHD_HTTP_METHOD_NOT_ALLOWED)
		result = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (result == MHD_YES)
		result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* NULL: no memory, or a page beyond all bounds. */
static struct MHD_Response *page_render(const struct snapshot *snapshot)
{
	struct MHD_Response *page = NULL;
	struct text text;

	text_init(&text, RENDER_BYTES_MAX);
	render_snapshot(&text, snapshot);
	if (!text.error)
		page = MHD_create_response_from_buffer(text.bytes, text.data,
						       MHD_RESPMEM_MUST_FREE);
	if (!page) {
		text_release(&text);
		return NULL;
	}
	if (MHD_add_response_header(page, MHD_HTTP_HEADER_CONTENT_TYPE, RENDER_CONTENT_TYPE) ==
	    MHD_YES)
		return page;
	MHD_destroy_response(page);
	return NULL;
}

static enum MHD_Result answer_metrics(struct answers *answers, struct MHD_Connection *connection)
{
	const struct snapshot *snapshot = snapshot_borrow();
	const bool ready = snapshot != NULL;

	if (ready && (!answers->page || answers->page_sequence != snapshot->sequence)) {
		/* Scrapes still being sent hold the page before for themselves. */
		if (answers->page)
			MHD_destroy_response(answers->page);
		answers->page = page_render(snapshot);
		answers->page_sequence = snapshot->sequence;
	}
	snapshot_return();
	if (!ready)
		return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, TYPE_PLAIN, "not ready\n");
	if (!answers->page)
		return answer(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, TYPE_PLAIN,
			      "the page does not fit into memory\n");
	return MHD_queue_response(connection, MHD_HTTP_OK, answers->page);
}

static enum MHD_Result answer_ready(struct MHD_Connection *connection)
{
	const bool ready = snapshot_borrow() != NULL;

	snapshot_return();
	return ready ? answer(connection, MHD_HTTP_OK, TYPE_PLAIN, "ready\n")
		     : answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, TYPE_PLAIN, "not ready\n");
}

enum MHD_Result answer_request(struct answers *answers, struct MHD_Connection *connection,
			       const char *method, const char *path)
{
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, TYPE_PLAIN,
			      "only GET and HEAD\n");
	if (strcmp(path, answers->telemetry_path) == 0)
		return answer_metrics(answers, connection);
	if (strcmp(path, "/") == 0)
		return answer(connection, MHD_HTTP_OK, TYPE_HTML, answers->landing);
	if (strcmp(path, "/-/healthy") == 0)
		return answer(connection, MHD_HTTP_OK, TYPE_PLAIN, "healthy\n");
	if (strcmp(path, "/-/ready") == 0)
		return answer_ready(connection);
	return answer(connection, MHD_HTTP_NOT_FOUND, TYPE_PLAIN, "not found\n");
}

int answers_init(struct answers *answers, const char *telemetry_path)
{
	*answers = (struct answers){.telemetry_path = telemetry_path};
	if (asprintf(&answers->landing, LANDING, telemetry_path) < 0) {
		answers->landing = NULL;
		return -ENOMEM;
	}
	return 0;
}

void answers_release(struct answers *answers)
{
	if (answers->page)
		MHD_destroy_response(answers->page);
	free(answers->landing);
}
