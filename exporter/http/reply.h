/* SPDX-License-Identifier: MIT */
/*
 * Answers on their way to the library, and the headers that several of them have. MHD_NO, for want
 * of memory, closes the connection. The HTTP thread's own.
 */
#ifndef REPLY_H
#define REPLY_H

#include "page.h"

/* Headers, to stand between braces. */
#define REPLY_PLAIN    MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8"
#define REPLY_VARY     MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding"
#define REPLY_NO_STORE MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"
#define REPLY_NO_SNIFF "X-Content-Type-Options", "nosniff"

/* Of a word to whoever asked, of pages for people, which run nothing, and of those for programs. */
extern const struct http_header reply_plain[], reply_html[], reply_json[];

/* Takes the response over, which may be NULL for want of memory. */
enum MHD_Result reply_response(struct MHD_Connection *connection, unsigned status,
			       const struct http_header *headers, struct MHD_Response *response);

/* A short body, copied. */
enum MHD_Result reply_text(struct MHD_Connection *connection, unsigned status,
			   const struct http_header *headers, const char *body);

/* The page, compressed if that is preferred; 503 when there is none. */
enum MHD_Result reply_page(struct MHD_Connection *connection, struct page *page);

#endif
