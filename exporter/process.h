/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says about this process: the figures behind process_*, which every Prometheus
 * client exports under the same names.
 */
#ifndef PROCESS_H
#define PROCESS_H

struct process_figures {
	double cpu_seconds;
	double open_fds;
	double max_fds;
	double virtual_bytes;
	double virtual_bytes_max;
	double resident_bytes;
	double start_seconds; /* since the epoch */
};

/* Returns 0 or a negative errno. */
int process_read(struct process_figures *figures);

#endif
