/* SPDX-License-Identifier: MIT */
/*
 * Replication, from what segments record to what is shown. A *follower* is known by its name, the
 * value of the label `follower` of the three metrics of <ring/set/replication.h> that go by their
 * names; its leader and itself may record in different segments. The drain feeds each sample of
 * these to the follower's lag; once a second the lag becomes a sample of the monitor and the
 * follower's metrics.
 *
 * All of it is the drain thread's own but for `watch`, which the others share.
 */
#ifndef FOLLOWERS_H
#define FOLLOWERS_H

#include <sys/queue.h>

#include "aggregate/aggregate.h"
#include "lag.h"
#include "watch.h"

#define FOLLOWERS_TURNS 10u /* calls of followers_tick in which each follower has one turn */

struct follower;
LIST_HEAD(follower_list, follower);

/* What a series of a segment records, and about whom. All zeros: no follower. */
struct followers_feed {
	struct follower *follower;
	enum lag_kind kind;
};

struct followers {
	struct watch watch;
	struct aggregate *aggregate;  /* of the exporter's own metrics */
	struct aggregate_member *all; /* what is about all followers; NULL before the first */
	void *by_name;                /* a tsearch tree */
	struct follower_list turns[FOLLOWERS_TURNS];
	unsigned turn;      /* whose it is */
	unsigned turn_next; /* of the next new follower */
	size_t count;
	uint64_t now_ns;                     /* of this pass: nothing was recorded later */
	uint64_t stale_count, refused_count; /* of followers that are gone, and names refused */
};

/* `aggregate` will hold the metrics; their names are kept from `data`. Returns 0 or -ENOMEM. */
int followers_create(struct followers *followers, const struct monitor_config *config,
		     struct aggregate *aggregate, struct aggregate *data);
void followers_destroy(struct followers *followers);

/* Whether one of the followers' metrics has that label. */
bool followers_use_label(struct ring_text key);

/* Whether a metric is one of the three. */
bool followers_want(const struct ring_metric_info *metric, enum lag_kind *kind);

/* Begins to feed the follower of these label values; nobody, if it cannot be monitored, which is
 * counted. What was joined must leave. */
struct followers_feed followers_join(struct followers *followers, enum lag_kind kind,
				     struct ring_text labels);
void followers_leave(struct followers_feed feed, const void *recorder);

/* Begins to get what an observation will need out of memory. */
static inline void followers_prefetch(struct followers_feed feed)
{
	__builtin_prefetch(feed.follower, 1);
	__builtin_prefetch((const char *)feed.follower + RING_LINE, 1);
}

/* Take in a gauge's value and time, as a sample and as a tally has them. Whoever recorded it is
 * known by an address. */
void followers_observe(const struct followers *followers, struct followers_feed feed,
		       const void *recorder, uint64_t bits, uint64_t time_ns);
void followers_recall(const struct followers *followers, struct followers_feed feed,
		      const void *recorder, uint64_t bits, uint64_t time_ns);

/* The recorder has ended: a lag that it recorded itself is forgotten, if no other one is newer. */
void followers_orphan(struct followers_feed feed, const void *recorder);

/* Gives the followers of this turn their sample and their metrics; puts it off if another thread
 * has the monitor. Returns 0 or -ENOMEM. */
int followers_tick(struct followers *followers, uint64_t now_ns);

#endif
