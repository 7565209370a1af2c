/* SPDX-License-Identifier: MIT */
/*
 * What a fuzz target is, for libFuzzer and for the replay of a corpus.
 */
#ifndef HOSTILE_FUZZ_TARGET_H
#define HOSTILE_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0; ends the process when a promise is broken. libFuzzer calls it by this name. */
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes);

#endif
