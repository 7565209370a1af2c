/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says about this process: the figures behind process_*, which every Prometheus
 * client exports under the same names, and the limit on descriptors.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process_figures {
	double cpu_seconds;
	double open_fds;
	double max_fds;
	double virtual_bytes;
	double virtual_bytes_max;
	double resident_bytes;
	double start_seconds; /* since the epoch */
	bool has_network;     /* else it is hidden, as systemd's ProcSubset=pid does */
	double received_bytes, transmitted_bytes;
};

/* For one thread; allocates nothing after the first time. Returns 0 or a negative errno. */
int process_read(struct process_figures *figures);

/* When it started, since the epoch; 0: not known. */
uint64_t process_start_seconds(void);

/* Raises the limit on open descriptors as far as it goes; returns it. */
size_t process_raise_fds(void);

#endif
