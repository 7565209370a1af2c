/* SPDX-License-Identifier: MIT */
/* The metrics; see answer.h. */
#include "endpoints.h"
#include "reply.h"

enum MHD_Result endpoint_metrics(struct answers *answers, struct MHD_Connection *connection,
				 struct status_time now)
{
	const enum format format = request_format(connection);
	struct page *page = &answers->metrics[format];
	const struct snapshot *snapshot = snapshot_borrow();
	const bool ready = snapshot != NULL;
	struct text *text;

	(void)now;
	if (ready && !page_shows(page, snapshot->sequence) && (text = page_begin(page))) {
		render_snapshot(&answers->render, text, format, snapshot);
		page_end(page, snapshot->sequence);
	}
	snapshot_return();
	if (!ready)
		return reply_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, reply_plain,
				  "not ready\n");
	return reply_page(connection, page);
}
