/* SPDX-License-Identifier: MIT */
/*
 * The drain thread: follows the directory, drains all rings on its own clock and publishes
 * snapshots. No scrape ever makes it do anything.
 */
#ifndef COLLECT_H
#define COLLECT_H

#include <pthread.h>

#include "aggregate/snapshot.h"
#include "selfstat.h"

struct collect_options {
	const char *dir;
	size_t followed_max;   /* segments */
	bool exporter_metrics; /* about this process */
	bool native_histograms;
	const struct monitor_config *monitor;
	const struct notify *notify;     /* whose figures to show; may be NULL */
	const struct traffic *traffic;   /* the same */
	const struct reload *reload;     /* the same */
	const struct textfile *textfile; /* the same */
	struct shape shape;
	struct aggregate_limits limits;
};

struct collect {
	struct aggregate *data;
	struct selfstat selfstat;
	struct followers followers;
	struct selfstat_work work;
	struct attach attach;
	uint64_t passed_ns; /* when the last pass was */
	uint64_t ticked_ns; /* the last tick */
	uint64_t tick_count;
	uint64_t interval_ns;
	bool unpublished[SNAPSHOT_PART_COUNT]; /* what has changed since the last snapshot */
	bool starved;                          /* publishing has failed for want of memory */
	int stop_fd;
	pthread_t thread;
};

/* Opens the directory and takes in what is there. Returns 0, or a negative errno after one line on
 * stderr. */
int collect_open(struct collect *collect, const struct collect_options *options);
void collect_close(struct collect *collect);

/* One complete reading of everything, published. Returns 0 or -ENOMEM. */
int collect_once(struct collect *collect);

/* Return 0 or a negative errno; after a start there must be a stop. */
int collect_start(struct collect *collect);
void collect_stop(struct collect *collect);

/* How often the thread has looked after everything and published, ten times a second. Any thread.
 */
uint64_t collect_ticks(const struct collect *collect);

#endif
