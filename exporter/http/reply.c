/* SPDX-License-Identifier: MIT */
/* Queueing of answers; see reply.h. */
#include <string.h>

#include "reply.h"
#include "request.h"

#define TYPE_HTML MHD_HTTP_HEADER_CONTENT_TYPE, "text/html; charset=utf-8"
#define TYPE_JSON MHD_HTTP_HEADER_CONTENT_TYPE, "application/json"
#define POLICY                                                              \
	"Content-Security-Policy", "default-src 'none'; style-src 'self'; " \
				   "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const struct http_header reply_plain[] = {{REPLY_PLAIN}, {NULL}};
const struct http_header reply_html[] = {{TYPE_HTML},      {REPLY_VARY}, {REPLY_NO_STORE},
					 {REPLY_NO_SNIFF}, {POLICY},     {NULL}};
const struct http_header reply_json[] = {
	{TYPE_JSON}, {REPLY_VARY}, {REPLY_NO_STORE}, {REPLY_NO_SNIFF}, {NULL}};

enum MHD_Result reply_response(struct MHD_Connection *connection, unsigned status,
			       const struct http_header *headers, struct MHD_Response *response)
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

enum MHD_Result reply_text(struct MHD_Connection *connection, unsigned status,
			   const struct http_header *headers, const char *body)
{
	return reply_response(connection, status, headers,
			      MHD_create_response_from_buffer(strlen(body), (void *)(uintptr_t)body,
							      MHD_RESPMEM_MUST_COPY));
}

enum MHD_Result reply_page(struct MHD_Connection *connection, struct page *page)
{
	struct MHD_Response *response = page_response(
		page, request_prefers_gzip(connection) ? PAGE_GZIP : PAGE_PLAIN);

	if (!response)
		return reply_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, reply_plain,
				  "no memory for another page now\n");
	return MHD_queue_response(connection, MHD_HTTP_OK, response);
}
