/* SPDX-License-Identifier: MIT */
/*
 * A snapshot as a page, in any of the formats: one heading per family, families and series in the
 * catalog's order. A gauge that was never set has no line, a state set then shows its default, and
 * a family without lines has no heading either. Families that might not fit are left out, by
 * lines.h; the exporter's own come first. Pure.
 */
#ifndef RENDER_H
#define RENDER_H

#include "aggregate/shape.h"
#include "aggregate/snapshot.h"
#include "lines.h"

#define RENDER_BYTES_MAX (256u << 20) /* unless told otherwise */

/* The metric that only the page itself can tell: how many families it leaves out. */
#define RENDER_LEFT_OUT_NAME "ring_families_left_out"

struct ring_metric_info render_left_out_metric(void);

/* What is kept from one page to the next, as long as the catalogs are the same. */
struct render {
	struct lines *lines[SNAPSHOT_PART_COUNT];
	bool hides_left_out; /* the page is about something else */
	const struct shape_labels *labels;
	bool has_created; /* OpenMetrics says when series started */
};

/* With these labels on what only the page can tell, too. They stay the caller's; NULL: none. */
void render_init(struct render *render, const struct shape_labels *labels);
/* It may go on, and begins anew then. */
void render_release(struct render *render);

/* All parts, and how many families were left out. Failures stay in the text, as of any append. */
void render_snapshot(struct render *render, struct text *text, enum format format,
		     const struct snapshot *snapshot);

/* The families that have lines, in protobuf; native buckets as long as there is room for them. */
void render_messages(struct text *text, const struct lines *lines,
		     const struct snapshot_values *values, size_t *native_bytes_left);

/* The lines with the numbers of these cells, which are of the lines' catalog. */
void render_lines(struct text *text, enum format format, const struct lines *lines,
		  const uint64_t *cells);

#endif
