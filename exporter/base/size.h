/* SPDX-License-Identifier: MIT */
/* Sizes as flags and files have them: bytes, or whole KiB, MiB or GiB: `65536`, `64MiB`. Pure. */
#ifndef SIZE_H
#define SIZE_H

#include <stddef.h>

/* Returns NULL, or what is wrong in words. */
const char *size_parse(const char *text, size_t *bytes);

#endif
