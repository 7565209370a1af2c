/* SPDX-License-Identifier: MIT */
#ifndef HOSTILE_FUZZ_READER_H
#define HOSTILE_FUZZ_READER_H

#include <stddef.h>
#include <stdint.h>

/* Damages a sound segment as the input says (edits.h) and reads it. Returns 0; ends the process
 * when a promise is broken. libFuzzer calls it by this name. */
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes);

#endif
