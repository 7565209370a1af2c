/* SPDX-License-Identifier: MIT */
/* The metrics; see answer.h. */
#include <stdio.h>

#include "endpoints.h"
#include "reply.h"

static struct page *whole_page(struct answers *answers, enum format format,
			       const struct snapshot *snapshot)
{
	struct page *page = &answers->metrics[format];
	struct text *text;

	if (page_shows(page, snapshot->sequence) || !(text = page_begin(page)))
		return page;
	render_snapshot(&answers->render, text, format, snapshot);
	page_end(page, snapshot->sequence);
	return page;
}

enum MHD_Result endpoint_metrics(struct answers *answers, struct MHD_Connection *connection,
				 struct status_time now)
{
	const enum format format = request_format(connection);
	struct filter filter;
	const struct request_refusal refusal = request_filter(connection, &filter);
	struct page *page = NULL;

	(void)now;
	if (refusal.status) {
		char body[128];
		snprintf(body, sizeof body, "%s\n", refusal.reason);
		return reply_text(connection, refusal.status, reply_plain, body);
	}
	const struct snapshot *snapshot = snapshot_borrow();
	if (snapshot)
		page = filter.bytes > 0
			       ? filtered_page(&answers->filtered, &filter, format, snapshot)
			       : whole_page(answers, format, snapshot);
	snapshot_return();
	return page ? reply_page(connection, page)
		    : reply_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, reply_plain,
				 "not ready\n");
}
