/* SPDX-License-Identifier: MIT */
/* Being asked to stop: SIGINT and SIGTERM, taken when the program is ready for them. */
#ifndef STOP_H
#define STOP_H

#include <stdbool.h>
#include <stdint.h>

#define STOP_WAIT_FOREVER UINT64_MAX

/* From here on the two signals wait for stop_wait, in this thread and in those it starts. */
void stop_prepare(void);

/* Waits that long, or until asked to stop; returns whether that was it. */
bool stop_wait(uint64_t wait_ns);

#endif
