/* SPDX-License-Identifier: MIT */
/*
 * All ready-made sets of metrics, by the names of their headers.
 */
#ifndef RING_TEST_ALL_SETS_H
#define RING_TEST_ALL_SETS_H

#include <ring/set/commands.h>
#include <ring/set/conflicts.h>
#include <ring/set/dispatch.h>
#include <ring/set/leases.h>
#include <ring/set/lsm.h>
#include <ring/set/queues.h>
#include <ring/set/raft.h>
#include <ring/set/replication.h>
#include <ring/set/requests.h>
#include <ring/set/scripts.h>

static const struct {
	const char *name;
	const struct ring_set_spec *spec;
} all_sets[] = {
	{"commands", &ring_commands}, {"conflicts", &ring_conflicts},
	{"dispatch", &ring_dispatch}, {"leases", &ring_leases},
	{"lsm", &ring_lsm},           {"queues", &ring_queues},
	{"raft", &ring_raft},         {"replication", &ring_replication},
	{"requests", &ring_requests}, {"scripts", &ring_scripts},
};

#define ALL_SETS (sizeof all_sets / sizeof all_sets[0])

#endif
