/* SPDX-License-Identifier: MIT */
/*
 * What the exporter can still do once it has started: the one list of what it needs. Who adds
 * something that opens files or connections later adds a line here.
 */
#ifndef CONFINE_H
#define CONFINE_H

#include "config.h"

/* When all is open and before there are threads. `access` may be NULL; `dir` is the segments'. */
void confine(const struct config *config, const struct access *access, const char *dir);

#endif
