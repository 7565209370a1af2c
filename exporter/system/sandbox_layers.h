/* SPDX-License-Identifier: MIT */
/*
 * The layers of the sandbox; sandbox.c puts them up. Each returns 0 or a negative errno, and then
 * is not there: -ENOSYS or -EOPNOTSUPP where the kernel has none.
 */
#ifndef SANDBOX_LAYERS_H
#define SANDBOX_LAYERS_H

#include "sandbox.h"

/* Landlock: files that are not granted cannot be opened, made or removed. */
int sandbox_restrict_files(const struct sandbox_grants *grants);

/* seccomp: system calls that serving does not need fail. The last one, as it denies the others'. */
int sandbox_restrict_calls(const struct sandbox_grants *grants);

#endif
