/* SPDX-License-Identifier: MIT */
/*
 * Any bytes, read as a list of edits of a sound segment. What a fuzzer or a random generator
 * makes up is thus a segment that is nearly right, and gets past the first checks.
 *
 * An edit is four bytes: where (16 bits, big-endian; the top bit means header, tables and
 * what is used of the heap, else the cores), how, and a number. See edits.c for `how`.
 */
#ifndef HOSTILE_EDITS_H
#define HOSTILE_EDITS_H

#include "victim.h"

#define EDIT_BYTES 4u
#define EDITS_MAX  16u /* of one input; the rest is ignored */

void edits_apply(struct victim *victim, const uint8_t *input, size_t bytes);

#endif
