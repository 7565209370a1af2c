/* SPDX-License-Identifier: MIT */
/*
 * What the collectors share. A collector asks a database, again and again, how far each of its
 * replicas is, and records that with <ring/set/replication.h>: here is the loop, what is recorded
 * and when it is taken back; postgres_collector.c and redis_collector.c know how to ask.
 *
 * One thread. A round ends within a few times SOURCE_TIMEOUT_S even when the database hangs.
 */
#ifndef COLLECTOR_H
#define COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <ring/layout.h>

#define SOURCE_TIMEOUT_S   2 /* for a connection, and for an answer */
#define REASON_BYTES       256
#define FOLLOWER_NAME_MAX  RING_LABEL_VALUE_MAX /* bytes; a longer name is left out */
#define FOLLOWERS_MAX      256u                 /* at a time; more are left out */
#define COLLECTOR_LAG_NONE UINT64_MAX

struct collector;

/* One database; `state` is its own. */
struct source {
	const char *program;
	const char *usage;
	const char *name;   /* of the segment, where --segment is not given */
	const char *target; /* where --connect is not given */

	/* Reports every follower with collector_follower. Returns 0, or -1 with the reason, one
	 * line, in `reason`; then it is to connect anew when it is called next. */
	int (*ask)(void *state, const char *target, struct collector *collector,
		   char reason[REASON_BYTES]);
	void (*close)(void *state);
	void *state;
};

/* How far a follower is at this moment: sequence numbers count bytes. `lag_ns` is what the
 * database itself has measured, or COLLECTOR_LAG_NONE. */
void collector_follower(struct collector *collector, const char *name, uint64_t shipped,
			uint64_t applied, uint64_t lag_ns);

/* Does it all, until SIGTERM or SIGINT; returns the exit status. */
int collector_main(const struct source *source, int argc, char **argv);

#endif
