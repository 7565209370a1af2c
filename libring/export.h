/* SPDX-License-Identifier: MIT */
/*
 * Marks what the shared library offers; everything else stays inside.
 */
#ifndef RING_INTERNAL_EXPORT_H
#define RING_INTERNAL_EXPORT_H

#define RING_EXPORT __attribute__((visibility("default")))

#endif
