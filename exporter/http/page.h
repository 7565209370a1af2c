/* SPDX-License-Identifier: MIT */
/*
 * A page that is rendered once and shared by all who ask for it, for as long as what it shows is
 * the same; and compressed once, if anybody asks for that. A slow reader keeps the text that it
 * reads, so there is a limit to what all texts take together, beyond which none is rendered. The
 * memory of a text that nobody reads any more is the next one's: new memory for each would take
 * several times as long as the text.
 *
 *   begin      the text, to be filled
 *   end        it is the page from now on
 *   response   the page as it is or, made when it is first asked for, compressed
 *
 * The HTTP thread's own.
 */
#ifndef PAGE_H
#define PAGE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/http_header.h"
#include "base/text.h"

/* With this much in the hands of readers nothing is rendered; so this and one page, which may be
 * there compressed too, is the most. */
#define PAGE_HELD_BYTES_MAX (256u << 20)

enum page_coding { PAGE_PLAIN, PAGE_GZIP, PAGE_CODING_COUNT };

/* A page under one content coding. */
struct page_form {
	struct MHD_Response *response; /* may be NULL */
	const struct text *shown;      /* the response's, as long as there is one */
	struct text text;              /* the next one */
};

struct page {
	const struct http_header *headers;
	size_t *held_bytes; /* by all pages that are still being sent, and the last ones */
	struct page_form forms[PAGE_CODING_COUNT];
	uint64_t sequence; /* of what it shows */
};

/* The headers and the count, which all pages share, stay the caller's. */
void page_init(struct page *page, const struct http_header *headers, size_t bytes_max,
	       size_t *held_bytes);
/* Nothing is left of it but what readers have; it may be filled again. */
void page_release(struct page *page);

/* Whether it need not be rendered. */
bool page_shows(const struct page *page, uint64_t sequence);

/* Lets go of the page as it was. Returns NULL when readers hold too much; then there is no end. */
struct text *page_begin(struct page *page);
/* A text that is bad, or no memory, makes no page. */
void page_end(struct page *page, uint64_t sequence);

/* The page's own; NULL: there is none. Where compressing fails, the page as it is. */
struct MHD_Response *page_response(struct page *page, enum page_coding coding);

/* Of every response made from now on, where it has none of that name itself. The list stays the
 * caller's and may change. */
void page_headers_everywhere(const struct http_header *headers);

/* Returns MHD_NO for want of memory. */
enum MHD_Result page_add_headers(struct MHD_Response *response, const struct http_header *headers);

#endif
