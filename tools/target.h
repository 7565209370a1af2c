/* SPDX-License-Identifier: MIT */
/*
 * The operand SEGMENT: a name in the segment directory or, if it has a slash, the
 * path of any file, so that copies are read as well. And what is said when it cannot
 * be read.
 */
#ifndef TARGET_H
#define TARGET_H

#include <ring/read.h>
#include <ring/segment.h>
#include <stdbool.h>

/* Returns 0 or -ENAMETOOLONG. `dir` is the option --dir, or NULL. */
int target_path(const char *dir, const char *operand, char path[RING_PATH_BYTES]);

/* ring_reader_open of what `operand` names; returns the same. */
int target_open(struct ring_reader **reader, const char *dir, const char *operand);

/* A verdict or a negative errno in words, such as "bad_counts (a live count ...)". The text
 * stays until the next call. */
const char *target_reason(int result);

/* The exit status for it. */
int target_status(int result);

/* Says that `operand` could not be read; returns the exit status. */
int target_complain(const char *operand, int result);

/* The same of what target_open was given, and where it looked for it. */
int target_complain_at(const char *dir, const char *operand, int result);

#endif
