/* SPDX-License-Identifier: MIT */
/*
 * What a request is answered with. The page of metrics is rendered once per snapshot and shared
 * by all scrapes of it.
 *
 *   GET, HEAD   /metrics (or --web.telemetry-path), /, /-/healthy, /-/ready
 *
 * The HTTP thread's own.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <microhttpd.h>
#include <stdint.h>

struct answers {
	const char *telemetry_path;
	char *landing;             /* the page at / */
	struct MHD_Response *page; /* of metrics, as last rendered; may be NULL */
	uint64_t page_sequence;    /* of the snapshot that it shows */
};

/* Returns 0 or -ENOMEM. */
int answers_init(struct answers *answers, const char *telemetry_path);
void answers_release(struct answers *answers);

/* Queues the answer to a request. MHD_NO, for want of memory, closes the connection. */
enum MHD_Result answer_request(struct answers *answers, struct MHD_Connection *connection,
			       const char *method, const char *path);

#endif
