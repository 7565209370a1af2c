/* SPDX-License-Identifier: MIT */
/* Pages and their memory; see page.h. */
#include <stdlib.h>

#include "page.h"

/* A text in the hands of readers. */
struct held {
	struct page *page;
	struct text text;
};

void page_init(struct page *page, const struct page_header *headers, size_t bytes_max,
	       size_t *held_bytes)
{
	*page = (struct page){.headers = headers, .held_bytes = held_bytes};
	text_init(&page->text, bytes_max);
}

static void drop(struct page *page)
{
	if (page->response)
		MHD_destroy_response(page->response);
	page->response = NULL;
}

void page_release(struct page *page)
{
	drop(page);
	text_release(&page->text);
}

bool page_shows(const struct page *page, uint64_t sequence)
{
	return page->response && page->sequence == sequence;
}

struct text *page_begin(struct page *page)
{
	drop(page);
	if (*page->held_bytes > PAGE_HELD_BYTES_MAX)
		return NULL;
	text_clear(&page->text);
	return &page->text;
}

/* Nobody reads it any more. */
static void held_free(void *argument)
{
	struct held *held = argument;
	struct page *page = held->page;

	*page->held_bytes -= held->text.capacity;
	text_release(&page->text);
	page->text = held->text;
	free(held);
}

void page_end(struct page *page, uint64_t sequence)
{
	struct held *held = page->text.error ? NULL : malloc(sizeof *held);

	if (!held)
		return;
	*held = (struct held){.page = page, .text = page->text};
	text_init(&page->text, held->text.bytes_max);
	*page->held_bytes += held->text.capacity;
	page->sequence = sequence;
	page->response = MHD_create_response_from_buffer_with_free_callback_cls(
		held->text.bytes, held->text.data, held_free, held);
	if (!page->response)
		held_free(held);
	else if (page_add_headers(page->response, page->headers) != MHD_YES)
		drop(page);
}

enum MHD_Result page_add_headers(struct MHD_Response *response, const struct page_header *headers)
{
	enum MHD_Result result = MHD_YES;

	for (; headers->name && result == MHD_YES; headers++)
		result = MHD_add_response_header(response, headers->name, headers->value);
	return result;
}
