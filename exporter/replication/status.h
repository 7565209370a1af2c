/* SPDX-License-Identifier: MIT */
/*
 * The monitor as a page, for people and for programs. All times are absolute, so that a page stays
 * true until the monitor changes. Names are foreign text. Without a monitor (NULL) there are no
 * nodes. Pure: the present is an argument, both as CLOCK_MONOTONIC, which the monitor counts in,
 * and as the wall clock's, which is shown.
 */
#ifndef STATUS_H
#define STATUS_H

#include "base/text.h"
#include "monitor.h"

#define STATUS_BYTES_MAX (128u << 20)

struct status_time {
	uint64_t monotonic_ns;
	uint64_t wall_ns; /* since the epoch */
};

/* Statistics, critical nodes, active alerts and all nodes, each list by name; `clears`: with
 * buttons that clear alerts. */
void status_html(struct text *text, const struct monitor *monitor, struct status_time now,
		 bool clears);

/* The same as a JSON object, whose members docs/operating.md lists. */
void status_json(struct text *text, const struct monitor *monitor, struct status_time now);

/* One node with its history. Returns false for an unknown one. */
bool status_node_json(struct text *text, const struct monitor *monitor, const char *name,
		      struct status_time now);

#endif
