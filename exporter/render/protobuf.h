/* SPDX-License-Identifier: MIT */
/*
 * A page in Prometheus' protobuf format: a MetricFamily for each family, each after its length.
 * Names are those of the text format, and so is what is shown: lines.h decides which families
 * are. Made from catalog and cells at one go: a message is as soon put together as copied. Pure.
 */
#ifndef PROTOBUF_H
#define PROTOBUF_H

#include "aggregate/catalog.h"
#include "aggregate/observed.h"
#include "base/text.h"

/* The most that a family can take, whatever its values, without native buckets; these alone. */
size_t protobuf_bytes_max(const struct catalog_family *family);
size_t protobuf_native_bytes_max(const struct catalog_family *family, const uint64_t *observed);

/* Appends the family with the values of these cells, the first of which is its own; a family of
 * gauges of which none was ever set is left out. Histograms that are observed (observed.h; NULL:
 * they are not) have those values instead, and native buckets if `has_native`. */
void protobuf_family(struct text *text, const struct catalog_family *family, const uint64_t *cells,
		     const uint64_t *observed, bool has_native);

#endif
