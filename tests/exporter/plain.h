/* SPDX-License-Identifier: MIT */
/*
 * The obvious ways to do what the exporter does in faster ones: digits one by one, doubles by
 * trial, a page appended piece by piece. For tests to compare with, and for benchmarks.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include "aggregate/snapshot.h"
#include "base/text.h"

/* As number.h has them. */
char *plain_u64(char *to, uint64_t value);
char *plain_double(char *to, double value);

/* All families, whatever the page's limit. */
void plain_page(struct text *text, const struct snapshot_values *values);

#endif
