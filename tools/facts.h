/* SPDX-License-Identifier: MIT */
/*
 * One segment in full, as a document: the facts of its header, the account of every
 * ring, and every series merged over the cores as its metric says.
 */
#ifndef FACTS_H
#define FACTS_H

#include <jansson.h>
#include <ring/read.h>
#include <stdbool.h>

/* Fills the object `document`; with `per_core` each series also has every core's part.
 * Returns a verdict. */
enum ring_verdict facts_collect(json_t *document, struct ring_reader *reader, bool per_core);

#endif
