/* SPDX-License-Identifier: MIT */
/*
 * The reason of the last failure, in words, one line per thread. Internal to
 * libring; callers read it through ring_error().
 */
#ifndef RING_INTERNAL_ERROR_H
#define RING_INTERNAL_ERROR_H

/* Keeps the formatted reason for ring_error() and returns -error. */
int ring_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
