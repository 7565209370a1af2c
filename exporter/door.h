/* SPDX-License-Identifier: MIT */
/*
 * Where requests come in, and which of them: listening sockets, those that the service manager has
 * opened too, and who may ask.
 */
#ifndef DOOR_H
#define DOOR_H

#include "config.h"
#include "http/activation.h"
#include "http/listen.h"
#include "http/pprof.h"

/* All zero, but for what activation_read has found. */
struct door {
	struct activation activation;
	struct listen_set listeners;
	struct access *access;
	struct pprof *pprof; /* NULL: no profiles */
};

/* Or, if the configuration is only checked, sees whether it could be opened. Returns 0, or a
 * negative errno after a line on stderr; a close is due either way. */
int door_open(struct door *door, const struct config *config);
void door_close(struct door *door);

#endif
