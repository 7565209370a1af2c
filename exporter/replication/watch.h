/* SPDX-License-Identifier: MIT */
/*
 * The monitor, for all threads of the exporter. The drain thread, which must not wait, only tries
 * to get it and comes back later; the others wait for it, hold it for as long as it takes to copy
 * or render something, and do no input or output meanwhile.
 */
#ifndef WATCH_H
#define WATCH_H

#include <pthread.h>

#include "monitor.h"

struct watch {
	struct monitor *monitor;
	uint64_t sequence; /* goes up with every change of the monitor */
	pthread_mutex_t mutex;
};

#endif
