/* SPDX-License-Identifier: MIT */
/*
 * Another configuration for an exporter that runs. The file is read again, under the same command
 * line, and what it has become is taken as a whole or not at all; tokens and the web configuration
 * are looked at, too. What an option changes is told to whom it concerns: the log, the monitor,
 * the limits. A file that differs in an option that nobody can change needs a restart.
 *
 * The HTTP thread's own, which reads the other files as well and has to answer who asked for it.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include "config.h"
#include "http/peers.h"
#include "replication/watch.h"

struct reload {
	const struct config *config; /* what holds now */
	struct config *own;          /* the same, or NULL: it is the first one */
	struct access *access;
	struct watch *watch;
	struct peers *peers;
	char fault[CONFIG_FAULT_BYTES];
	bool successful;
	uint64_t success_wall_ns;
};

/* With the configuration that the exporter starts with; `access` is NULL if there is none. What it
 * is given stays the caller's. */
void reload_init(struct reload *reload, const struct config *config, struct access *access,
		 struct watch *watch);
void reload_release(struct reload *reload);

/* Before the first run: whose limits these are. */
void reload_limits_of(struct reload *reload, struct peers *peers);

/* Returns NULL, or why all stays as it was, which stands until the next time. */
const char *reload_run(struct reload *reload);

struct reload_figures {
	bool successful;        /* the last one; the start is the first */
	double success_seconds; /* of the last one that was, since the epoch */
	unsigned refused_count; /* of tokens and web configuration: files not taken as they are now
				 */
};

/* Any thread. */
struct reload_figures reload_read(const struct reload *reload);

#endif
