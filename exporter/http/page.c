/* SPDX-License-Identifier: MIT */
/* Pages and their memory; see page.h. */
#include <stdlib.h>

#include "page.h"
#include "render/gzip.h"

static const struct http_header *everywhere;

/* A text in the hands of readers. */
struct held {
	struct page_form *form;
	size_t *held_bytes;
	struct text text;
};

void page_init(struct page *page, const struct http_header *headers, size_t bytes_max,
	       size_t *held_bytes)
{
	*page = (struct page){.headers = headers, .held_bytes = held_bytes};
	for (unsigned coding = 0; coding < PAGE_CODING_COUNT; coding++)
		text_init(&page->forms[coding].text, bytes_max);
}

static void drop(struct page_form *form)
{
	if (form->response)
		MHD_destroy_response(form->response);
	form->response = NULL;
}

void page_release(struct page *page)
{
	for (unsigned coding = 0; coding < PAGE_CODING_COUNT; coding++) {
		drop(&page->forms[coding]);
		text_release(&page->forms[coding].text);
	}
}

bool page_shows(const struct page *page, uint64_t sequence)
{
	return page->forms[PAGE_PLAIN].response && page->sequence == sequence;
}

struct text *page_begin(struct page *page)
{
	for (unsigned coding = 0; coding < PAGE_CODING_COUNT; coding++)
		drop(&page->forms[coding]);
	if (*page->held_bytes > PAGE_HELD_BYTES_MAX)
		return NULL;
	text_clear(&page->forms[PAGE_PLAIN].text);
	return &page->forms[PAGE_PLAIN].text;
}

/* Nobody reads it any more. */
static void held_free(void *argument)
{
	struct held *held = argument;

	*held->held_bytes -= held->text.capacity;
	text_release(&held->form->text);
	if (held->form->response)
		held->form->text = held->text;
	else
		text_release(&held->text); /* there may be no next one */
	free(held);
}

/* Makes a response of the form's text. */
static void form_end(struct page *page, enum page_coding coding)
{
	struct page_form *form = &page->forms[coding];
	struct held *held = form->text.error ? NULL : malloc(sizeof *held);

	if (!held)
		return;
	*held = (struct held){form, page->held_bytes, form->text};
	text_init(&form->text, held->text.bytes_max);
	*page->held_bytes += held->text.capacity;
	form->shown = &held->text;
	form->response = MHD_create_response_from_buffer_with_free_callback_cls(
		held->text.bytes, held->text.data, held_free, held);
	if (!form->response)
		held_free(held);
	else if (page_add_headers(form->response, page->headers) != MHD_YES ||
		 (coding == PAGE_GZIP &&
		  MHD_add_response_header(form->response, MHD_HTTP_HEADER_CONTENT_ENCODING,
					  "gzip") != MHD_YES))
		drop(form);
}

void page_end(struct page *page, uint64_t sequence)
{
	page->sequence = sequence;
	form_end(page, PAGE_PLAIN);
}

struct MHD_Response *page_response(struct page *page, enum page_coding coding)
{
	const struct page_form *plain = &page->forms[PAGE_PLAIN];
	struct page_form *form = &page->forms[coding];

	if (!form->response && plain->response) {
		text_clear(&form->text);
		gzip_append(&form->text, plain->shown->data, plain->shown->bytes);
		form_end(page, coding);
	}
	return form->response ? form->response : plain->response;
}

void page_headers_everywhere(const struct http_header *headers)
{
	everywhere = headers;
}

enum MHD_Result page_add_headers(struct MHD_Response *response, const struct http_header *headers)
{
	enum MHD_Result result = MHD_YES;

	for (; headers->name && result == MHD_YES; headers++)
		result = MHD_add_response_header(response, headers->name, headers->value);
	for (headers = everywhere; headers && headers->name && result == MHD_YES; headers++)
		if (!MHD_get_response_header(response, headers->name))
			result = MHD_add_response_header(response, headers->name, headers->value);
	return result;
}
