/* SPDX-License-Identifier: MIT */
/* A page as gzip has it (RFC 1952). Pure. */
#ifndef GZIP_H
#define GZIP_H

#include "base/text.h"

/* Appends it. Failures stay in the text, as of any append. */
void gzip_append(struct text *text, const char *data, size_t bytes);

#endif
