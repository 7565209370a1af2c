/* SPDX-License-Identifier: MIT */
/*
 * Performance Co-Pilot's memory mapped values: counters of one metric with 64 instances, each
 * bound to its value once. Its file goes into a directory of our own instead of the agent's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pcp/pmapi.h>

#include <pcp/mmv_stats.h>

#include "peers.h"

#define COUNTERS 64u
#define METRIC   "events"

struct values {
	void *map;
	pmAtomValue *counters[COUNTERS];
	uint64_t times; /* that each was incremented */
	char dir[32];
};

static mmv_instances_t instances[COUNTERS];

static mmv_metric_t metrics[] = {{
	.name = METRIC,
	.item = 1,
	.type = MMV_TYPE_U64,
	.semantics = MMV_SEM_COUNTER,
	.dimension = MMV_UNITS(0, 0, 1, 0, 0, PM_COUNT_ONE),
	.indom = 1,
}};

static mmv_indom_t indoms[] = {{.serial = 1, .count = COUNTERS, .instances = instances}};

/* The library keeps to $PCP_TMP_DIR/mmv. */
static bool make_dir(struct values *values)
{
	char mmv[64];

	strcpy(values->dir, "/dev/shm/ring-bench-XXXXXX");
	if (!mkdtemp(values->dir))
		return false;
	snprintf(mmv, sizeof mmv, "%s/mmv", values->dir);
	return mkdir(mmv, 0700) == 0 && setenv("PCP_TMP_DIR", values->dir, 1) == 0;
}

static void remove_dir(const struct values *values)
{
	char path[64];

	snprintf(path, sizeof path, "%s/mmv/bench", values->dir);
	unlink(path);
	snprintf(path, sizeof path, "%s/mmv", values->dir);
	rmdir(path);
	rmdir(values->dir);
}

static void *open_values(const void *setup)
{
	struct values *values = calloc(1, sizeof *values);

	(void)setup;
	for (unsigned i = 0; i < COUNTERS; i++) {
		instances[i].internal = (int)i;
		snprintf(instances[i].external, sizeof instances[i].external, "%u", i);
	}
	if (values && make_dir(values))
		values->map = mmv_stats_init("bench", 1, 0, metrics, 1, indoms, 1);
	if (!values || !values->map) {
		bench_fail("pcp: the values cannot be mapped");
		return NULL;
	}
	for (unsigned i = 0; i < COUNTERS; i++)
		values->counters[i] = mmv_lookup_value_desc(values->map, METRIC,
							    instances[i].external);
	return values;
}

static void close_values(void *state)
{
	struct values *values = state;

	mmv_stats_stop("bench", values->map);
	remove_dir(values);
	free(values);
}

static void increment(void *state, uint64_t count)
{
	struct values *values = state;

	for (uint64_t i = 0; i < count; i++)
		mmv_inc(values->map, values->counters[i % COUNTERS]);
}

static bool check(void *state, uint64_t count)
{
	struct values *values = state;

	values->times += count / COUNTERS;
	for (unsigned i = 0; i < COUNTERS; i++)
		if (values->counters[i]->ull != values->times)
			return bench_fail("pcp: a counter is wrong");
	return true;
}

/* A call into a library: one place in memory says enough. */
const struct contender pcp_counter = {
	.who = "pcp",
	.open = open_values,
	.check = check,
	.close = close_values,
	.loops = {increment},
};
