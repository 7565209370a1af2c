/* SPDX-License-Identifier: MIT */
/* Whom the monitor watches; see followers.h. */
#include <errno.h>
#include <search.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <ring/set/replication.h>

#include "aggregate/own.h"
#include "base/text.h"
#include "followers.h"

/* Two groups: of each follower, by its member, and of all together. */
#define FOLLOWERS_METRICS(X)                                                                      \
	X(LAG_SEQNO, GAUGE, "replication_lag_seqno", "follower", NULL,                            \
	  "Leader's shipped minus follower's applied sequence number.")                           \
	X(LAG_SECONDS, GAUGE, "replication_follower_lag_seconds", "follower", NULL,               \
	  "Age of the first entry that the follower lacks, or what the producer recorded.")       \
	X(SEVERITY, GAUGE, "replication_follower_severity", "follower", "severity",               \
	  "Severity of the follower's lag: 1 for the one that it has, 0 for the others.")         \
	X(RATE, GAUGE, "replication_follower_rate", "follower", NULL,                             \
	  "Entries per second that the follower has applied lately.")                             \
	X(PREDICTED, GAUGE, "replication_follower_predicted_lag_seconds", "follower", NULL,       \
	  "Lag in a minute if it goes on as lately.")                                             \
	X(UNTIL_CRITICAL, GAUGE, "replication_follower_until_critical_seconds", "follower", NULL, \
	  "Time until the lag is critical if it goes on as lately; 0 if it is.")                  \
	X(FOLLOWERS, GAUGE, "replication_followers", "severity", NULL,                            \
	  "Followers monitored, by the severity of their lag.")                                   \
	X(LAG_MEAN, GAUGE, "replication_lag_mean_seconds", NULL, NULL,                            \
	  "Mean of all followers' lags.")                                                         \
	X(LAG_MAX, GAUGE, "replication_lag_max_seconds", NULL, NULL,                              \
	  "Largest of all followers' lags.")                                                      \
	X(ALERTS, COUNTER, "replication_alerts_total", NULL, NULL, "Alerts raised.")              \
	X(SUPPRESSED, COUNTER, "replication_alerts_suppressed_total", NULL, NULL,                 \
	  "Changes of severity that fell into a cooldown.")                                       \
	X(IGNORED, COUNTER, "replication_records_ignored_total", "reason", NULL,                  \
	  "Records of sequence numbers and lags that were not taken.")

enum metric { FOLLOWERS_METRICS(OWN_METRIC_ID) METRIC_COUNT };

#define ALL_FIRST FOLLOWERS

static const struct own_metric metrics[METRIC_COUNT] = {FOLLOWERS_METRICS(OWN_METRIC_ROW)};

/* A follower's series, in the order in which they are added; the severities stand together. */
enum follower_series {
	SERIES_LAG_SEQNO,
	SERIES_LAG_SECONDS,
	SERIES_RATE,
	SERIES_PREDICTED,
	SERIES_UNTIL_CRITICAL,
	SERIES_SEVERITY,
};

/* The same for all together. */
enum all_series {
	SERIES_FOLLOWERS,
	SERIES_LAG_MEAN = SERIES_FOLLOWERS + SEVERITY_COUNT,
	SERIES_LAG_MAX,
	SERIES_ALERTS,
	SERIES_SUPPRESSED,
	SERIES_STALE,
	SERIES_REFUSED,
};

#define FOLLOWER_ALIGNMENT ((size_t)128) /* two lines, which the processor fetches together */

struct follower {
	struct lag lag;
	struct followers *followers;
	LIST_ENTRY(follower) of_turn;
	uint32_t feed_counts[LAG_KIND_COUNT];
	struct aggregate_member *member;       /* NULL: not shown yet */
	const void *recorders[LAG_KIND_COUNT]; /* of the values; NULL: nobody stands behind it */
	bool monitored;
	char name[]; /* valid UTF-8 */
};

/* The tree holds names; each stands in its follower. */
static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct follower *follower_of(const void *node)
{
	char *name = *(char *const *)node;

	return (struct follower *)(void *)(name - offsetof(struct follower, name));
}

static void free_node(void *name)
{
	free(follower_of(&name));
}

int followers_create(struct followers *followers, const struct monitor_config *config,
		     struct aggregate *aggregate, struct aggregate *data)
{
	*followers = (struct followers){
		.watch = {.monitor = monitor_create(config), .mutex = PTHREAD_MUTEX_INITIALIZER},
		.aggregate = aggregate,
	};
	for (unsigned i = 0; i < FOLLOWERS_TURNS; i++)
		LIST_INIT(&followers->turns[i]);
	if (!followers->watch.monitor)
		return -ENOMEM;
	const int error = own_reserve(data, metrics, METRIC_COUNT);
	if (error)
		followers_destroy(followers);
	return error;
}

void followers_destroy(struct followers *followers)
{
	tdestroy(followers->by_name, free_node);
	followers->by_name = NULL;
	monitor_destroy(followers->watch.monitor);
	followers->watch.monitor = NULL;
}

bool followers_use_label(struct ring_text key)
{
	return own_uses_label(metrics, METRIC_COUNT, key);
}

/* Joining and leaving */

bool followers_want(const struct ring_metric_info *metric, enum lag_kind *kind)
{
	static const char *const names[LAG_KIND_COUNT] = {
		[LAG_SHIPPED] = RING_REPLICATION_SHIPPED,
		[LAG_APPLIED] = RING_REPLICATION_APPLIED,
		[LAG_RECORDED] = RING_REPLICATION_RECORDED_LAG,
	};

	static const char key[] = "follower";

	if (metric->kind != RING_GAUGE || metric->label_count != 1 ||
	    metric->label_keys[0].bytes != sizeof key - 1 ||
	    memcmp(metric->label_keys[0].data, key, sizeof key - 1) != 0)
		return false;
	for (*kind = 0; *kind < LAG_KIND_COUNT; (*kind)++)
		if (metric->name.bytes == strlen(names[*kind]) &&
		    memcmp(metric->name.data, names[*kind], metric->name.bytes) == 0)
			return true;
	return false;
}

static struct follower *follower_add(struct followers *followers, const char *name, size_t bytes)
{
	const size_t size = (sizeof(struct follower) + bytes + FOLLOWER_ALIGNMENT) &
			    ~(FOLLOWER_ALIGNMENT - 1);
	struct follower *follower = aligned_alloc(FOLLOWER_ALIGNMENT, size);

	if (!follower)
		return NULL;
	memset(follower, 0, size);
	memcpy(follower->name, name, bytes);
	if (!tsearch(follower->name, &followers->by_name, compare_names)) {
		free(follower);
		return NULL;
	}
	follower->followers = followers;
	LIST_INSERT_HEAD(&followers->turns[followers->turn_next], follower, of_turn);
	followers->turn_next = (followers->turn_next + 1) % FOLLOWERS_TURNS;
	followers->count++;
	return follower;
}

static struct follower *follower_get(struct followers *followers, const char *name, size_t bytes)
{
	void *node;

	/* Longer names, which only invalid bytes can become, would not be told apart as labels. */
	if (bytes == 0 || bytes > RING_LABEL_VALUE_MAX)
		return NULL;
	node = tfind(name, &followers->by_name, compare_names);
	if (node)
		return follower_of(node);
	return followers->count < MONITOR_NODES_MAX ? follower_add(followers, name, bytes) : NULL;
}

struct followers_feed followers_join(struct followers *followers, enum lag_kind kind,
				     struct ring_text labels)
{
	struct followers_feed feed = {.kind = kind};
	struct ring_text value;
	struct text name;

	text_init(&name, 4 * RING_LABEL_VALUE_MAX);
	if (ring_label_next(&labels, &value))
		text_utf8(&name, value.data, value.bytes);
	text_append(&name, "", 1);
	if (!name.error)
		feed.follower = follower_get(followers, name.data, name.bytes - 1);
	text_release(&name);
	if (feed.follower)
		feed.follower->feed_counts[kind]++;
	else
		followers->refused_count++;
	return feed;
}

void followers_leave(struct followers_feed feed, const void *recorder)
{
	struct follower *follower = feed.follower;

	if (!follower)
		return;
	follower->feed_counts[feed.kind]--;
	/* Forgotten at the follower's next turn, unless somebody stands behind it until then: a
	 * segment may leave only to join again. */
	if (follower->recorders[feed.kind] == recorder)
		follower->recorders[feed.kind] = NULL;
}

void followers_orphan(struct followers_feed feed, const void *recorder)
{
	struct follower *follower = feed.follower;

	if (!follower || feed.kind != LAG_RECORDED || follower->recorders[feed.kind] != recorder)
		return;
	lag_forget(&follower->lag, LAG_RECORDED);
	follower->recorders[feed.kind] = NULL;
}

void followers_observe(const struct followers *followers, struct followers_feed feed,
		       const void *recorder, uint64_t bits, uint64_t time_ns)
{
	if (feed.follower &&
	    lag_observe(&feed.follower->lag, feed.kind, bits, time_ns, followers->now_ns))
		feed.follower->recorders[feed.kind] = recorder;
}

void followers_recall(const struct followers *followers, struct followers_feed feed,
		      const void *recorder, uint64_t bits, uint64_t time_ns)
{
	if (feed.follower &&
	    lag_recall(&feed.follower->lag, feed.kind, bits, time_ns, followers->now_ns))
		feed.follower->recorders[feed.kind] = recorder;
}

/* Showing */

static int follower_show(struct follower *follower)
{
	static const enum metric of_series[SERIES_SEVERITY] = {
		[SERIES_LAG_SEQNO] = LAG_SEQNO,
		[SERIES_LAG_SECONDS] = LAG_SECONDS,
		[SERIES_RATE] = RATE,
		[SERIES_PREDICTED] = PREDICTED,
		[SERIES_UNTIL_CRITICAL] = UNTIL_CRITICAL,
	};
	int error = own_join(follower->followers->aggregate, &follower->member, metrics, ALL_FIRST);

	for (unsigned i = 0; i < SERIES_SEVERITY && error == 0; i++)
		error = own_add_series(follower->member, of_series[i], follower->name, NULL);
	for (unsigned i = 0; i < SEVERITY_COUNT && error == 0; i++)
		error = own_add_series(follower->member, SEVERITY, follower->name,
				       severity_words[i]);
	if (error)
		own_leave(&follower->member);
	return error;
}

static void show_if(struct aggregate_member *member, uint32_t series, bool known, double value)
{
	if (known)
		own_set_gauge(member, series, value);
	else
		own_unset_gauge(member, series);
}

/* What the monitor makes of the lag. */
static void show_node(struct aggregate_member *member, const struct monitor_node *node)
{
	show_if(member, SERIES_RATE, node->rate_known, node->rate);
	show_if(member, SERIES_PREDICTED, node->prediction_known, node->predicted_seconds);
	show_if(member, SERIES_UNTIL_CRITICAL, node->critical_known, node->until_critical_seconds);
	for (unsigned i = 0; i < SEVERITY_COUNT; i++)
		own_set_gauge(member, SERIES_SEVERITY + i, node->severity == i);
}

/* One sample for the monitor. Returns 0 or -ENOMEM. */
static int follower_sample(struct follower *follower, uint64_t now_ns)
{
	struct monitor *monitor = follower->followers->watch.monitor;
	const struct lag *lag = &follower->lag;
	const struct monitor_node *node;
	int64_t entries = 0;
	double seconds = 0;
	const bool entries_known = lag_entries(lag, &entries);
	const bool seconds_known = lag_seconds(lag, now_ns, &seconds);

	if (!entries_known && !seconds_known) {
		if (follower->monitored)
			monitor_unregister(monitor, follower->name, now_ns);
		follower->monitored = false;
		own_leave(&follower->member);
		return 0;
	}
	int error = follower->monitored ? 0 : monitor_register(monitor, follower->name);
	if (error == 0 && !follower->member)
		error = follower_show(follower);
	if (error == -ENOSPC) {
		follower->followers->refused_count++;
		return 0;
	}
	if (error)
		return error;
	follower->monitored = true;
	monitor_update(monitor, follower->name, lag_seqno(lag, LAG_SHIPPED),
		       lag_seqno(lag, LAG_APPLIED), seconds, now_ns);
	node = monitor_find(monitor, follower->name);
	show_if(follower->member, SERIES_LAG_SEQNO, entries_known, (double)entries);
	show_if(follower->member, SERIES_LAG_SECONDS, seconds_known, seconds);
	show_node(follower->member, node);
	return 0;
}

static void follower_remove(struct follower *follower, uint64_t now_ns)
{
	struct followers *followers = follower->followers;

	if (follower->monitored)
		monitor_unregister(followers->watch.monitor, follower->name, now_ns);
	own_leave(&follower->member);
	tdelete(follower->name, &followers->by_name, compare_names);
	LIST_REMOVE(follower, of_turn);
	followers->count--;
	free(follower);
}

/* Forgets what nobody records any more. Returns whether anybody records anything. */
static bool follower_is_fed(struct follower *follower)
{
	uint32_t feed_count = 0;

	for (enum lag_kind kind = 0; kind < LAG_KIND_COUNT; kind++) {
		feed_count += follower->feed_counts[kind];
		if (!follower->recorders[kind])
			lag_forget(&follower->lag, kind);
	}
	return feed_count > 0;
}

/* A follower's turn. Returns 0 or -ENOMEM. */
static int follower_tick(struct follower *follower, uint64_t now_ns)
{
	struct followers *followers = follower->followers;

	followers->stale_count += follower->lag.stale_count;
	followers->refused_count += follower->lag.refused_count;
	follower->lag.stale_count = 0;
	follower->lag.refused_count = 0;
	if (follower_is_fed(follower))
		return follower_sample(follower, now_ns);
	follower_remove(follower, now_ns);
	return 0;
}

static int show_all(struct followers *followers)
{
	int error = own_join(followers->aggregate, &followers->all, &metrics[ALL_FIRST],
			     METRIC_COUNT - ALL_FIRST);
	struct aggregate_member *all = followers->all;

	for (unsigned i = 0; i < SEVERITY_COUNT && error == 0; i++)
		error = own_add_series(all, FOLLOWERS - ALL_FIRST, severity_words[i], NULL);
	for (enum metric id = LAG_MEAN; id < IGNORED && error == 0; id++)
		error = own_add_series(all, id - ALL_FIRST, NULL, NULL);
	if (error == 0)
		error = own_add_series(all, IGNORED - ALL_FIRST, "stale", NULL);
	if (error == 0)
		error = own_add_series(all, IGNORED - ALL_FIRST, "refused", NULL);
	if (error)
		own_leave(&followers->all);
	return error;
}

static void update_all(const struct followers *followers)
{
	struct aggregate_member *all = followers->all;
	struct monitor_statistics statistics;

	monitor_statistics(followers->watch.monitor, &statistics);
	for (unsigned i = 0; i < SEVERITY_COUNT; i++)
		own_set_gauge(all, SERIES_FOLLOWERS + i, (double)statistics.nodes_by_severity[i]);
	show_if(all, SERIES_LAG_MEAN, statistics.nodes > 0, statistics.lag_mean_seconds);
	show_if(all, SERIES_LAG_MAX, statistics.nodes > 0, statistics.lag_max_seconds);
	own_set_counter(all, SERIES_ALERTS, statistics.alerts);
	own_set_counter(all, SERIES_SUPPRESSED, statistics.suppressed);
	own_set_counter(all, SERIES_STALE, followers->stale_count);
	own_set_counter(all, SERIES_REFUSED, followers->refused_count + statistics.ignored);
}

static int tick(struct followers *followers, uint64_t now_ns)
{
	struct follower *follower, *next;
	int error = followers->count > 0 && !followers->all ? show_all(followers) : 0;

	for (follower = LIST_FIRST(&followers->turns[followers->turn]); follower && error == 0;
	     follower = next) {
		next = LIST_NEXT(follower, of_turn);
		error = follower_tick(follower, now_ns);
	}
	followers->turn = (followers->turn + 1) % FOLLOWERS_TURNS;
	if (followers->turn == 0)
		monitor_trim(followers->watch.monitor, now_ns);
	if (followers->all)
		update_all(followers);
	return error;
}

int followers_tick(struct followers *followers, uint64_t now_ns)
{
	if (pthread_mutex_trylock(&followers->watch.mutex) != 0)
		return 0;
	const int error = tick(followers, now_ns);
	followers->watch.sequence++;
	pthread_mutex_unlock(&followers->watch.mutex);
	return error;
}
