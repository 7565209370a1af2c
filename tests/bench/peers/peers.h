/* SPDX-License-Identifier: MIT */
/*
 * What a user might pick instead, each in a file of its own. Those whose package was missing at
 * build time are not linked, and their address is then NULL, which a contest leaves out.
 */
#ifndef PEERS_H
#define PEERS_H

#include "contest.h"

#define PEER extern const struct contender __attribute__((weak))

/* prometheus-cpp: an increment, a set, an observation, with 64 held handles in turn. */
PEER prometheus_counter;
PEER prometheus_gauge;
PEER prometheus_histogram; /* with subject.h's bounds and values */

/* prometheus-cpp: text of families collected before; open is given a const struct pages. */
PEER prometheus_text;

/* Concurrency Kit: an object of 24 bytes into a ring of one producer and one consumer; built on
 * the stack, as whoever has something new to say must, or the same one every time. */
PEER ck_stack;
PEER ck_constant;

/* DPDK: the same into an rte_ring of one producer. */
PEER rte_ring;

/* Performance Co-Pilot: mmv_inc on 64 bound values in turn. */
PEER pcp_counter;

/* LTTng-UST: a tracepoint with a session that overwrites. */
PEER lttng_tracepoint;

#undef PEER

#endif
