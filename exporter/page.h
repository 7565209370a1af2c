/* SPDX-License-Identifier: MIT */
/*
 * A page that is rendered once and shared by all who ask for it, for as long as what it shows is
 * the same. A slow reader keeps the text that it reads, so there is a limit to what all texts take
 * together, beyond which none is rendered. The memory of a text that nobody reads any more is the
 * next one's: new memory for each would take several times as long as the text.
 *
 *   begin   the text, to be filled
 *   end     it is the page from now on
 *
 * The HTTP thread's own.
 */
#ifndef PAGE_H
#define PAGE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "text.h"

/* With this much in the hands of readers nothing is rendered; so this and one page is the most. */
#define PAGE_HELD_BYTES_MAX (256u << 20)

/* A list of them ends with a name of NULL. */
struct page_header {
	const char *name;
	const char *value;
};

struct page {
	const struct page_header *headers;
	size_t *held_bytes; /* by all pages that are still being sent, and the last ones */
	struct MHD_Response *response; /* as last rendered; may be NULL */
	uint64_t sequence;             /* of what it shows */
	struct text text;              /* the next one */
};

/* The headers and the count, which all pages share, stay the caller's. */
void page_init(struct page *page, const struct page_header *headers, size_t bytes_max,
	       size_t *held_bytes);
void page_release(struct page *page);

/* Whether it need not be rendered. */
bool page_shows(const struct page *page, uint64_t sequence);

/* Lets go of the page as it was. Returns NULL when readers hold too much; then there is no end. */
struct text *page_begin(struct page *page);
/* A text that is bad, or no memory, makes no page: the response stays NULL. */
void page_end(struct page *page, uint64_t sequence);

/* Returns MHD_NO for want of memory. */
enum MHD_Result page_add_headers(struct MHD_Response *response, const struct page_header *headers);

#endif
