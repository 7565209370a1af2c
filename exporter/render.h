/* SPDX-License-Identifier: MIT */
/*
 * A snapshot as Prometheus text, format 0.0.4: one HELP and one TYPE per family, families and
 * series in the catalog's order. A gauge that was never set has no line, and a family without
 * lines has no header either. A family that might not fit is left out whole, so that nobody's
 * metrics keep the others off the page; the exporter's own come first. Pure.
 */
#ifndef RENDER_H
#define RENDER_H

#include "snapshot.h"
#include "text.h"

#define RENDER_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define RENDER_BYTES_MAX    (256u << 20)

/* The metric that only the page itself can tell: how many families it leaves out. */
#define RENDER_LEFT_OUT_NAME "ring_families_left_out"

/* Returns how many families were left out. Failures stay in the text, as of any append. */
size_t render_values(struct text *text, const struct snapshot_values *values);

/* All parts, and how many families were left out. */
void render_snapshot(struct text *text, const struct snapshot *snapshot);

#endif
