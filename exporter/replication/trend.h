/* SPDX-License-Identifier: MIT */
/*
 * What the samples of one node say, for the monitor: how fast it goes, and where its lag is going.
 * Pure.
 */
#ifndef TREND_H
#define TREND_H

#include "monitor.h"

/* Takes in a sample that is not older than the last one; drops those older than the retention, and
 * thins out the older ones so that MONITOR_HISTORY_MAX are always enough. */
void trend_add(struct monitor_node *node, const struct monitor_sample *sample,
	       uint64_t retention_ns);

/* Sets the node's rate. */
void trend_measure(struct monitor_node *node);

/* Sets what is predicted of the node. */
void trend_predict(struct monitor_node *node);

#endif
