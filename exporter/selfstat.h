/* SPDX-License-Identifier: MIT */
/*
 * What the exporter says about segments and about itself, as metrics like any other: one table
 * declares them, an aggregate of their own holds them, and the same code prints them.
 */
#ifndef SELFSTAT_H
#define SELFSTAT_H

#include "drain/attach.h"
#include "http/traffic.h"
#include "reload.h"
#include "replication/notify.h"
#include "textfile.h"

struct selfstat_options {
	const struct notify *notify;       /* whose figures to show; NULL: there are none */
	const struct reload *reload;       /* the same */
	const struct traffic *traffic;     /* the same */
	const struct textfile *textfile;   /* the same */
	const struct shape_labels *labels; /* of every series; NULL: none */
	uint64_t wall_ns;                  /* since 1970, when they start */
	bool exporter_metrics;             /* about this process */
};

struct selfstat {
	struct aggregate *aggregate;
	struct aggregate_member *directory; /* what is about all segments together */
	uint32_t sandbox_series;            /* of `exporter`, the first of one for each layer */
	struct aggregate_member *exporter;  /* what is about this process; NULL: not wanted */
	struct aggregate_member *alertmanagers;
	struct selfstat_options options;
	uint64_t drained_ns; /* when all rings were read, since the epoch */
};

/* What the drain thread knows of its own work. */
struct selfstat_work {
	uint64_t pass_count;
	uint64_t busy_ns;
	uint64_t drained_ns; /* the wall clock's */
};

/* Whether one of the metrics has that label. */
bool selfstat_uses_label(struct ring_text key);

/* Makes them, and keeps their names from the metrics in `data`. Returns 0 or -ENOMEM. */
int selfstat_create(struct selfstat *selfstat, struct aggregate *data,
		    const struct selfstat_options *options);
void selfstat_destroy(struct selfstat *selfstat);

/* Brings the figures of all sources up to date. Returns 0 or -ENOMEM. */
int selfstat_update(struct selfstat *selfstat, const struct attach *attach);

/* The same, now and then, for the time and the figures about the process. */
void selfstat_update_exporter(struct selfstat *selfstat, const struct selfstat_work *work);

#endif
