/* SPDX-License-Identifier: MIT */
/*
 * Durations as Prometheus writes them in flags and files: `1h30m`, `45s`, `500ms`; units are y, w,
 * d, h, m, s and ms, each at most once, the larger ones first. Pure.
 */
#ifndef DURATION_H
#define DURATION_H

#include <stdint.h>

/* Returns NULL, or what is wrong in words; 0 is wrong, and so is more than 292 years. */
const char *duration_parse(const char *text, uint64_t *ns);
const char *duration_parse_seconds(const char *text, double *seconds);

#endif
