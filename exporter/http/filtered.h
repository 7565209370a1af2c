/* SPDX-License-Identifier: MIT */
/*
 * Pages of metrics that show what a filter takes. The last few filters are remembered, each with
 * what it takes and its page, so that whoever asks again and again for the same costs as much as
 * others, and two who do share the page. The HTTP thread's own.
 */
#ifndef FILTERED_H
#define FILTERED_H

#include "page.h"
#include "render/render.h"
#include "render/subset.h"

#define FILTERED_COUNT     8u
/* Of the pages remembered beside the one asked for, with all numbers at their longest. */
#define FILTERED_BYTES_MAX (64u << 20)

struct filtered_page {
	struct filter filter;
	uint64_t used; /* when, in requests; 0: nothing is remembered here */
	struct subset subsets[SNAPSHOT_PART_COUNT];
	struct render render;
	struct page pages[FORMAT_COUNT];
};

struct filtered {
	struct filtered_page list[FILTERED_COUNT];
	uint64_t request_count;
};

/* The pages are like the whole ones, with this way to render them, in all but what they show. */
void filtered_init(struct filtered *filtered, const struct page whole[FORMAT_COUNT],
		   size_t page_bytes_max, const struct render *render);
void filtered_release(struct filtered *filtered);

/* The page of the snapshot, rendered if it is not there. It may have failed, as any page. */
struct page *filtered_page(struct filtered *filtered, const struct filter *filter,
			   enum format format, const struct snapshot *snapshot);

#endif
