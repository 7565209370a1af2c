/* SPDX-License-Identifier: MIT */
/* The process behind a segment: whether it lives, its pid for display, and its age. */
#ifndef OWNER_H
#define OWNER_H

#include <jansson.h>
#include <ring/read.h>

/* "alive" or "dead". */
const char *owner_state(const struct ring_reader *reader);

/* How often the file got an owner: one more after each restart that adopted it. */
uint64_t owner_count(const struct ring_reader *reader);

/* Adds "state", "pid" and "age_seconds" to a document. */
void owner_add(json_t *document, const struct ring_reader *reader);

#endif
