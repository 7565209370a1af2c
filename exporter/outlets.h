/* SPDX-License-Identifier: MIT */
/*
 * What the exporter sends by itself: alerts to Alertmanagers, and the page as a file. Each has a
 * thread of its own.
 */
#ifndef OUTLETS_H
#define OUTLETS_H

#include "config.h"
#include "replication/watch.h"
#include "textfile.h"

/* NULL: there is none. */
struct outlets {
	struct notify *notify;
	struct textfile *textfile;
};

/* Alertmanagers must answer, unless the configuration has it otherwise or is only checked; the file
 * is then left alone. Returns 0, or a negative errno after a line on stderr; a close is due either
 * way. */
int outlets_open(struct outlets *outlets, const struct config *config, struct watch *watch);
void outlets_close(struct outlets *outlets);

/* Returns 0, or a negative errno after a line on stderr; after a start there must be a stop. */
int outlets_start(const struct outlets *outlets, const struct config *config);
void outlets_stop(const struct outlets *outlets);

#endif
