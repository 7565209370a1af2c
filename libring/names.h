/* SPDX-License-Identifier: MIT */
/*
 * What may be a name. Each function returns NULL for a sound one, else the rule it
 * breaks as a phrase. Pure.
 *
 * A fault would make the exposition wrong, so readers refuse it in foreign segments
 * too; lint is Prometheus' taste, which only our own definitions have to meet.
 */
#ifndef RING_INTERNAL_NAMES_H
#define RING_INTERNAL_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "ring/read.h"

const char *ring_metric_name_fault(const char *name, size_t bytes, enum ring_kind kind);
const char *ring_metric_name_lint(const char *name, size_t bytes);
const char *ring_label_key_fault(const char *key, size_t bytes);
const char *ring_label_key_lint(const char *key, size_t bytes);
const char *ring_state_fault(const char *name, size_t bytes);

/* Whether `name` ends with `_unit`, before a `_total`. */
bool ring_metric_name_has_unit(const char *name, size_t bytes, const char *unit, size_t unit_bytes);

bool ring_utf8_ok(const char *text, size_t bytes);

#endif
