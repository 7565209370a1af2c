/* SPDX-License-Identifier: MIT */
/*
 * What a request is answered with. The page of metrics is rendered once per snapshot.
 *
 *   GET, HEAD   /metrics (or --web.telemetry-path), /, /-/healthy, /-/ready
 *
 * The HTTP thread's own.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include "page.h"
#include "render.h"

struct answers {
	const char *telemetry_path;
	char *landing; /* the page at / */
	struct render render;
	size_t held_bytes; /* by all pages */
	struct page metrics;
};

/* Returns 0 or -ENOMEM. */
int answers_init(struct answers *answers, const char *telemetry_path);
void answers_release(struct answers *answers);

/* Queues the answer to a request. MHD_NO, for want of memory, closes the connection. */
enum MHD_Result answer_request(struct answers *answers, struct MHD_Connection *connection,
			       const char *method, const char *path);

#endif
