/* SPDX-License-Identifier: MIT */
/*
 * The page at /: where the others are, and which segments there are. What it says of segments is
 * what the exporter's own metrics say, read out of a snapshot, so that it costs the drain thread
 * nothing. Pure.
 */
#ifndef LANDING_H
#define LANDING_H

#include "aggregate/snapshot.h"
#include "base/text.h"

#define LANDING_BYTES_MAX (1u << 20)
#define LANDING_ROWS_MAX  100u /* and how many more there are */

struct landing_link {
	const char *path; /* from the root */
	const char *title;
};

/* The first link is that of the metrics. `snapshot` may be NULL: there is none yet. */
void landing_html(struct text *text, const struct landing_link *links, size_t link_count,
		  const struct snapshot *snapshot);

#endif
