/* SPDX-License-Identifier: MIT */
/*
 * One alert as Alertmanager's API v2 has it, for the array that `POST /api/v2/alerts` takes. Its
 * identity are its labels: name, follower, severity and what the operator adds. All that may change
 * while it holds stands in annotations, and tells of the node as it is now. Pure.
 */
#ifndef ALERT_JSON_H
#define ALERT_JSON_H

#include "base/text.h"
#include "monitor.h"

#define ALERT_NAME            "ReplicationLag"
#define ALERT_LABEL_BYTES_MAX 1024u /* of a value */

struct alert_label {
	const char *name;
	const char *value;
};

/* What all alerts of a batch have in common. */
struct alert_terms {
	const struct alert_label *labels; /* besides those of its own */
	unsigned label_count;
	const char *external_url; /* of this exporter, for links back; NULL: none */
	uint64_t now_ns;          /* CLOCK_MONOTONIC */
	uint64_t wall_ns;         /* the wall clock's at the same instant, since the epoch */
	uint64_t holds_ns;        /* a firing alert that is not told again ends after so long */
};

/* What is wrong with the last of so many labels, in words, or NULL. */
const char *alert_label_fault(const struct alert_label *labels, unsigned label_count);

/* The alert of this severity, which must have been raised. */
void alert_json(struct text *text, const struct monitor_node *node, enum severity severity,
		const struct alert_terms *terms);

#endif
