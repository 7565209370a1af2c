/* SPDX-License-Identifier: MIT */
/*
 * A snapshot as Prometheus text, format 0.0.4: one HELP and one TYPE per family, families and
 * series in the catalog's order. A gauge that was never set has no line, and a family without
 * lines has no header either. Pure.
 */
#ifndef RENDER_H
#define RENDER_H

#include "snapshot.h"
#include "text.h"

#define RENDER_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define RENDER_BYTES_MAX    (256u << 20)

/* Failures stay in the text, as of any append. */
void render_snapshot(struct text *text, const struct snapshot *snapshot);

#endif
