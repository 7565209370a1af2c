/* SPDX-License-Identifier: MIT */
/* Answers to requests; see answer.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"

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

/* A page's text, as long as somebody reads it. */
struct page {
	struct answers *answers;
	struct text text;
};

/* Nobody reads it any more: its memory is for the next page. New memory for every page would take
 * several times as long as the page. */
static void page_free(void *argument)
{
	struct page *page = argument;
	struct answers *answers = page->answers;

	answers->held_bytes -= page->text.capacity;
	text_release(&answers->spare);
	answers->spare = page->text;
	free(page);
}

/* Takes the page over, whatever comes of it. */
static struct MHD_Response *page_respond(struct page *page)
{
	struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
		page->text.bytes, page->text.data, page_free, page);

	if (!response) {
		page_free(page);
		return NULL;
	}
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, RENDER_CONTENT_TYPE) ==
	    MHD_YES)
		return response;
	MHD_destroy_response(response);
	return NULL;
}

/* NULL: no memory, or none left of what pages may take. */
static struct MHD_Response *page_render(struct answers *answers, const struct snapshot *snapshot)
{
	struct page *page = answers->held_bytes <= ANSWER_HELD_BYTES_MAX ? malloc(sizeof *page)
									 : NULL;

	if (!page)
		return NULL;
	*page = (struct page){.answers = answers, .text = answers->spare};
	text_clear(&page->text);
	text_init(&answers->spare, RENDER_BYTES_MAX);
	render_snapshot(&answers->render, &page->text, snapshot);
	answers->held_bytes += page->text.capacity;
	if (!page->text.error)
		return page_respond(page);
	page_free(page);
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
		answers->page = page_render(answers, snapshot);
		answers->page_sequence = snapshot->sequence;
	}
	snapshot_return();
	if (!ready)
		return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, TYPE_PLAIN, "not ready\n");
	if (!answers->page)
		return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, TYPE_PLAIN,
			      "no memory for another page now\n");
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
	text_init(&answers->spare, RENDER_BYTES_MAX);
	render_init(&answers->render);
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
	text_release(&answers->spare);
	render_release(&answers->render);
	free(answers->landing);
}
