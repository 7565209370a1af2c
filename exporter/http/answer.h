/* SPDX-License-Identifier: MIT */
/*
 * What a request is answered with.
 *
 *   GET, HEAD   /metrics (or --web.telemetry-path), /metrics?FILTER (see filter.h)
 *               /, /style.css, /sd, /-/healthy, /-/ready
 *               /replication, /replication?follower=NAME
 *   POST        /replication/clear, /replication/clear?follower=NAME
 *   POST, PUT   /-/reload
 *
 * The pages, of metrics and of replication, are rendered once for each state of what they show and
 * each form that it has, however many ask. The client's preferences decide which it gets, and
 * whether that is compressed.
 *
 * The HTTP thread's own. The monitor is shared: it is rendered into memory while it is locked, and
 * sent afterwards.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include "filtered.h"
#include "pprof.h"
#include "render/render.h"
#include "replication/status.h"
#include "replication/watch.h"
#include "request.h"
#include "traffic.h"

#define ANSWER_METRICS_HEADERS 6u /* with the NULL at their end */

struct answer_options {
	const char *telemetry_path;
	struct watch *watch;
	bool admin_api; /* requests may clear alerts */
	bool lifecycle; /* requests may reload the configuration */
	/* Reloads it; returns NULL, or why all stays as it was, which stands until the next time.
	 */
	const char *(*reload)(void *context);
	void *reload_context;
	struct traffic *traffic;           /* where requests are counted */
	const char *external_url;          /* where this exporter is reached; NULL: not said */
	uint64_t start_seconds;            /* of the process, since the epoch; 0: not known */
	const struct shape_labels *labels; /* NULL: none */
	size_t page_bytes_max;             /* 0: RENDER_BYTES_MAX */
	struct pprof *pprof;               /* NULL: no listener is for profiles */
	bool openmetrics_created;
};

struct answers {
	struct answer_options options;
	struct render render;
	size_t held_bytes; /* by all pages */
	struct page metrics[FORMAT_COUNT], status_html, status_json, landing;
	struct http_header metrics_headers[FORMAT_COUNT][ANSWER_METRICS_HEADERS];
	char start[24];           /* as a header has it */
	struct filtered filtered; /* metrics, of which only some are wanted */
};

/* What the options point to stays the caller's. */
void answers_init(struct answers *answers, const struct answer_options *options);
void answers_release(struct answers *answers);

/* Queues what a refused request gets. Unless it only came too soon, its connection is closed. */
enum MHD_Result answer_refusal(struct MHD_Connection *connection,
			       const struct request_refusal *refusal);

/* The request is complete: queues its answer. MHD_NO, for want of memory, closes the connection. */
enum MHD_Result answer_request(struct answers *answers, struct MHD_Connection *connection,
			       const char *method, const char *target, struct status_time now);

/* Without the credential that it needs: 401, with what would do. */
enum MHD_Result answer_denied(struct MHD_Connection *connection, bool takes_tokens,
			      bool takes_passwords);

#endif
