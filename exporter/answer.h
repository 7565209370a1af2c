/* SPDX-License-Identifier: MIT */
/*
 * What a request is answered with. The page of metrics is rendered once per snapshot and shared
 * by all scrapes of it. A slow reader keeps the page that it reads, so there is a limit to what
 * all pages take, beyond which a scrape is put off.
 *
 *   GET, HEAD   /metrics (or --web.telemetry-path), /, /-/healthy, /-/ready
 *
 * The HTTP thread's own.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <microhttpd.h>
#include <stddef.h>
#include <stdint.h>

#include "render.h"

/* With this much in the hands of readers, no page is rendered; so twice that is the most. */
#define ANSWER_HELD_BYTES_MAX RENDER_BYTES_MAX

struct answers {
	const char *telemetry_path;
	char *landing; /* the page at / */
	struct render render;
	struct MHD_Response *page; /* of metrics, as last rendered; may be NULL */
	uint64_t page_sequence;    /* of the snapshot that it shows */
	size_t held_bytes;         /* by all pages that are still being sent, and the last one */
	struct text spare;         /* the memory of a page that nobody reads any more */
};

/* Returns 0 or -ENOMEM. */
int answers_init(struct answers *answers, const char *telemetry_path);
void answers_release(struct answers *answers);

/* Queues the answer to a request. MHD_NO, for want of memory, closes the connection. */
enum MHD_Result answer_request(struct answers *answers, struct MHD_Connection *connection,
			       const char *method, const char *path);

#endif
