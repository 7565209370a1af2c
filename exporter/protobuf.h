/* SPDX-License-Identifier: MIT */
/*
 * A page in Prometheus' protobuf format: a MetricFamily for each family, each after its length.
 * Names are those of the text format, and so is what is shown: lines.h decides which families
 * are. Made from catalog and cells at one go: a message is as soon put together as copied. Pure.
 */
#ifndef PROTOBUF_H
#define PROTOBUF_H

#include "catalog.h"
#include "text.h"

/* The most that a family can take, whatever its values. */
size_t protobuf_bytes_max(const struct catalog_family *family);

/* Appends the family with the values of these cells, the first of which is its own; a family of
 * gauges of which none was ever set is left out. There must be room. */
void protobuf_family(struct text *text, const struct catalog_family *family, const uint64_t *cells);

#endif
