/* SPDX-License-Identifier: MIT */
/*
 * Taking samples out of the rings. A sample says which series has changed and when; the tallies
 * say exactly how much. So after draining a ring the tallies of the series that it touched are
 * read, and after a loss those of all series: counts stay exact whatever the ring has lost.
 *
 * The drain thread's own. A pass is bounded: one ring's worth of samples per ring.
 */
#ifndef DRAIN_H
#define DRAIN_H

#include "source.h"

#define DRAIN_INTERVAL_NS_MIN UINT64_C(100000) /* polls cost the writer something below 10 us */
#define DRAIN_INTERVAL_NS_MAX UINT64_C(100000000)

/* Drains every ring of the source, `elapsed_ns` after the last time, and lowers `*fill_ns` to
 * the time in which its fastest ring fills a quarter. Returns 0 or the reason to quarantine. */
int drain_source(struct source *source, uint64_t elapsed_ns, uint64_t *fill_ns);

/* Drains what is left behind a writer that has ended, and reads all tallies. */
int drain_source_end(struct source *source);

/* Takes in what cannot be learned from samples: the owner's end, new tables, and tallies that run
 * ahead of a burst not yet published. Returns 0 or a reason. */
int drain_look_after(struct source *source);

/* How long until the next pass: a quarter of the fastest ring, and no sudden long pauses. Pure. */
uint64_t drain_interval_ns(uint64_t previous_ns, uint64_t fill_ns);

#endif
