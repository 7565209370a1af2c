/* SPDX-License-Identifier: MIT */
/*
 * A RocksDB store of this process that is polled: its tickers as counters, its properties as
 * gauges, all with the label `store`. It may be closed and opened again while it is polled: its
 * gauges are gone as long as it is closed, its counters go on.
 *
 * One thread opens, uses and closes a store; the poller asks it at any time.
 */
#ifndef ROCKSDB_SOURCE_H
#define ROCKSDB_SOURCE_H

#include <pthread.h>
#include <stdbool.h>

#include <rocksdb/c.h>

#include "program.h"

#define ROCKSDB_METRICS 32u

/* The caller gives `name`; all else is rocksdb_source's own, and at first zero. */
struct rocksdb_source {
	const char *name;
	struct voice voice;
	pthread_mutex_t lock;
	rocksdb_options_t *options; /* they have the statistics, which survive the store */
	rocksdb_t *store;           /* NULL: closed */
	bool opened;                /* since it was polled last: its counters began at 0 */
};

/* Fills in the definitions, to be declared; returns how many there are. */
size_t rocksdb_source_declare(struct ring_metric_def metrics[ROCKSDB_METRICS]);

/* Has the store polled, which is closed yet. */
void rocksdb_source_add(struct rocksdb_source *source, struct program *program);

/* Opens the store in that folder, with options that are the source's from here on; sets
 * enable_statistics in them. Returns the store, or NULL with `error`, for rocksdb_free. */
rocksdb_t *rocksdb_source_open(struct rocksdb_source *source, rocksdb_options_t *options,
			       const char *folder, char **error);

/* Closes it, and has it polled once more: so nothing that it has counted is lost. */
void rocksdb_source_close(struct rocksdb_source *source, struct program *program);

#endif
