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

/* The same, but without rings, and of each metric only its total: all series merged into one.
 * Gauges and states of different series have none and are left out. */
enum ring_verdict facts_totals(json_t *document, struct ring_reader *reader);

#endif
