/* SPDX-License-Identifier: MIT */
/* Filtered pages remembered; see filtered.h. */
#include <string.h>

#include "filtered.h"

void filtered_init(struct filtered *filtered, const struct page whole[FORMAT_COUNT],
		   size_t page_bytes_max, const struct render *render)
{
	*filtered = (struct filtered){.request_count = 0};
	for (unsigned i = 0; i < FILTERED_COUNT; i++) {
		render_init(&filtered->list[i].render, render->labels);
		filtered->list[i].render.has_created = render->has_created;
		for (unsigned format = 0; format < FORMAT_COUNT; format++)
			page_init(&filtered->list[i].pages[format], whole[format].headers,
				  page_bytes_max, whole[format].held_bytes);
	}
}

/* Readers may still have its pages, which come back to their place here. */
static void forget(struct filtered_page *page)
{
	for (unsigned format = 0; format < FORMAT_COUNT; format++)
		page_release(&page->pages[format]);
	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT; part++)
		subset_release(&page->subsets[part]);
	render_release(&page->render);
	page->used = 0;
}

void filtered_release(struct filtered *filtered)
{
	for (unsigned i = 0; i < FILTERED_COUNT; i++)
		forget(&filtered->list[i]);
}

static bool is_of(const struct filtered_page *page, const struct snapshot *snapshot)
{
	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT; part++)
		if (page->subsets[part].of != snapshot->parts[part].catalog)
			return false;
	return true;
}

static bool is_for(const struct filtered_page *page, const struct filter *filter)
{
	return page->used > 0 && page->filter.bytes == filter->bytes &&
	       memcmp(page->filter.words, filter->words, filter->bytes) == 0;
}

/* The one for the filter, or else the one that has not been used for longest. Catalogs that are
 * not the snapshot's any more are held by none. */
static struct filtered_page *find(struct filtered *filtered, const struct filter *filter,
				  const struct snapshot *snapshot)
{
	struct filtered_page *oldest = &filtered->list[0], *found = NULL;

	for (unsigned i = 0; i < FILTERED_COUNT; i++) {
		struct filtered_page *page = &filtered->list[i];
		if (page->used > 0 && !is_of(page, snapshot))
			forget(page);
		if (is_for(page, filter))
			found = page;
		if (page->used < oldest->used)
			oldest = page;
	}
	return found ? found : oldest;
}

/* Another filter than before. Returns 0 or -ENOMEM. */
static int choose(struct filtered_page *page, const struct filter *filter,
		  const struct snapshot *snapshot)
{
	const struct ring_metric_info left_out = render_left_out_metric();
	int error = 0;

	forget(page);
	page->filter = *filter;
	page->render.hides_left_out = !filter_takes_metric(filter, &left_out, false) ||
				      !filter_takes_series(filter, &left_out, "");
	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT && error == 0; part++)
		error = subset_choose(&page->subsets[part], filter, snapshot->parts[part].catalog,
				      part == SNAPSHOT_DATA);
	return error;
}

/* How large the pages may be of what has been laid out. */
static size_t bytes_of(const struct filtered_page *page)
{
	size_t bytes = 0;

	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT; part++)
		if (page->render.lines[part])
			bytes += page->render.lines[part]->page_bytes_max;
	return bytes;
}

/* Forgets others until the limit is kept, in the order of last use. */
static void make_room(struct filtered *filtered, const struct filtered_page *besides)
{
	for (;;) {
		struct filtered_page *oldest = NULL;
		size_t bytes = 0;
		for (unsigned i = 0; i < FILTERED_COUNT; i++) {
			struct filtered_page *page = &filtered->list[i];
			if (page == besides || page->used == 0)
				continue;
			bytes += bytes_of(page);
			if (!oldest || page->used < oldest->used)
				oldest = page;
		}
		if (bytes <= FILTERED_BYTES_MAX)
			return;
		forget(oldest);
	}
}

static void render(struct filtered_page *page, struct text *text, enum format format,
		   const struct snapshot *snapshot)
{
	struct snapshot taken = {.sequence = snapshot->sequence};

	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT && !text->error; part++)
		text->error = subset_fill(&page->subsets[part], &snapshot->parts[part],
					  &taken.parts[part]);
	if (!text->error)
		render_snapshot(&page->render, text, format, &taken);
}

struct page *filtered_page(struct filtered *filtered, const struct filter *filter,
			   enum format format, const struct snapshot *snapshot)
{
	struct filtered_page *page = find(filtered, filter, snapshot);
	struct page *shown = &page->pages[format];
	struct text *text;

	if (!is_for(page, filter) && choose(page, filter, snapshot) != 0) {
		forget(page);
		return shown;
	}
	page->used = ++filtered->request_count;
	if (page_shows(shown, snapshot->sequence) || !(text = page_begin(shown)))
		return shown;
	render(page, text, format, snapshot);
	page_end(shown, snapshot->sequence);
	make_room(filtered, page);
	return shown;
}
