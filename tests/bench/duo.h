/* SPDX-License-Identifier: MIT */
/*
 * Two cores: the program's own thread, which writes, and one that polls for it on the core beside.
 * The poller never sleeps, so that a gap is as long as it says and both cores stay awake; while it
 * is idle it touches nothing that the writer touches.
 */
#ifndef DUO_H
#define DUO_H

#include "bench.h"

#define DUO_SPIN UINT64_C(0)
#define DUO_ONCE (UINT64_C(1) << 60) /* one poll, and no other for years */
#define DUO_IDLE UINT64_MAX

/* One poll; `argument` as given to duo_start. */
typedef void duo_pass(void *argument);

struct duo;

/* The poller is idle at first. NULL after bench_fail. */
struct duo *duo_start(const struct bench_options *options);
void duo_stop(struct duo *duo);

/* From now on it polls, `gap_ns` after each poll, or is idle. Returns when it has taken this in:
 * behind the last poll of before, and not before the first one of now. */
void duo_poll(struct duo *duo, uint64_t gap_ns, duo_pass *pass, void *argument);

/* How many polls there have been in all. */
uint64_t duo_pass_count(const struct duo *duo);

/* The two cores of a virtual machine are not always equally far apart: the host moves them. Beyond
 * this, both wait for each other's lines rather than for anything that is asked here. */
#define DUO_NEAR_NS 100.0

/* What it takes now to see a word that the other core has stored, one way. If that is too far, it
 * sleeps and looks again, up to ten seconds in all of its calls, and not with --brief; then it is
 * as it is. */
double duo_latency_ns(struct duo *duo);

#endif
