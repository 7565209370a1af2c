/* SPDX-License-Identifier: MIT */
/*
 * Polled sources, for what cannot record inline: an engine's statistics, a kernel file, a library.
 * A source is a function that says how things stand. A poller calls it on an interval and records
 * what it says into a ring of its own, so that no data-plane core has to.
 *
 *   gauges, state sets   take the value given
 *   counters             advance by how much the total given has grown, and never go back; a total
 *                        that is lower than before means that the source has restarted
 *
 * Nothing of an answer is recorded before the function has returned: half an answer is none. Each
 * source has a thread of its own, and a thread of the poller's alone records; so a source that
 * hangs or is slow is reported and harms no other.
 *
 * A poller takes one of the segment's cores, whose number is one more than the data plane's own,
 * and a ring_writer of its process. All calls are for any thread but those of the sources
 * themselves, which call the ring_poll_ functions. With a segment that is a no-op, with NULL for a
 * poller, a source or a poll, and in the child after a fork they do nothing and return 0.
 *
 * The series of a gauge or state set is one source's, and nobody else's: it goes when that forgets
 * it. docs/polling.md says what becomes of answers, and shows a source.
 */
#ifndef RING_POLL_H
#define RING_POLL_H

#include "metric.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_POLL_INTERVAL_MS 5000u
#define RING_POLL_WAIT_MAX_MS 5000u /* calls wait for a source for an interval, but not longer */
#define RING_POLL_PATIENCE_MS 1000u /* nor shorter, for it to return for the last time */
#define RING_POLL_NAME_MAX    63u   /* bytes of a source's name */
#define RING_POLL_SOURCES_MAX 64u

struct ring_poller;
struct ring_poll; /* an answer in the making */

enum ring_answer {
	RING_ANSWER_NONE, /* no answer this time: everything stays as it was */
	RING_ANSWER_SOME, /* what was given has changed; the rest stays */
	RING_ANSWER_ALL,  /* this is all there is: gauges and state sets that were given before, and
			   * not now, are forgotten (ring_series_forget); counters stay */
};

struct ring_source {
	const char *name; /* 1 to RING_POLL_NAME_MAX bytes of UTF-8; one in its poller */
	enum ring_answer (*poll)(struct ring_poll *poll, void *context); /* NULL: never asked */
	void *context;
	unsigned interval_ms; /* from one poll to the next; 0: RING_POLL_INTERVAL_MS */
	/* Whether its counters go on when this process ends, as those of a server or of the kernel
	 * do, but not those of a library. At first sight a counter then only catches up with the
	 * source: what was counted in an earlier life of this process, or before the source was
	 * removed and added again, is not counted twice. Else it counts whole. */
	int outlives;
};

/* What a poller says of its sources, each with the label `source`: */
#define RING_POLLER_METRICS 5u
#define RING_POLLER_SERIES  512u /* of ring_options.series_spare at most, if not declared */
/*   poller_polls_total{answer}              polls that ended; answer: "none", "some", "all"
 *   poller_poll_duration_seconds            how long the last one took, or takes by now
 *   poller_overdue                          1 while one takes longer than the interval, else 0
 *   poller_last_answer_timestamp_seconds    when there was an answer last, since unix epoch
 *   poller_values_refused_total             values that could not be taken; see ring_poll_counter
 *
 * Fills in the definitions, to be declared: among ring_options.metrics. */
void ring_poller_declare(struct ring_metric_def metrics[RING_POLLER_METRICS]);

/* Makes a poller that records as `core` (or RING_CORE_ANY), and defines its metrics if they are not
 * declared. Always gives a handle. Returns 0; or a negative errno with the reason in ring_error(),
 * and then the handle is a no-op: -EBUSY the ring has a writer, -ENOENT no ring is free, -EEXIST a
 * metric is defined otherwise, -ENOSPC no room to define in, -ENOMEM. */
int ring_poller_start(struct ring_poller **poller, struct ring_segment *segment, unsigned core);

/* Adds a source, which is copied, and polls it at once: when this returns 0, its first answer is
 * recorded. -ETIMEDOUT if that took longer than the interval, or RING_POLL_WAIT_MAX_MS: it goes on
 * being polled. -EINVAL,
 * -EEXIST for the name, -ENOSPC past RING_POLL_SOURCES_MAX, -ENOMEM: it was not added. */
int ring_poller_add(struct ring_poller *poller, const struct ring_source *source);

/* Polls the source of that name once more, now, whatever its interval. Returns 0 when the answer is
 * recorded, as which RING_ANSWER_NONE counts; -ENOENT; -ETIMEDOUT as above. */
int ring_poller_poll(struct ring_poller *poller, const char *name);

/* Takes the source away, with all its gauges and state sets. Returns 0 when its function will not
 * be called any more and is not running; -ENOENT; -EBUSY if it still was after an interval, but
 * RING_POLL_PATIENCE_MS at least and RING_POLL_WAIT_MAX_MS at most: then its context must stay for
 * ever, and what it answers is not recorded. */
int ring_poller_remove(struct ring_poller *poller, const char *name);

/* Removes all sources and ends the poller; before ring_segment_close, and as the last call. Returns
 * 0; -EBUSY as above, for any source that it ever had. */
int ring_poller_stop(struct ring_poller *poller);

/* What a source says, by metric and label values as in ring_counter_resolve. Given twice in one
 * answer, the later one holds. Names past a metric's budget share its overflow series: a counter's
 * then has the sum of what they grew by, a gauge's what they amount to by the metric's merge rule.
 * Return 0; or, for a value that cannot be taken and is counted as refused, a negative errno with
 * the reason in ring_error(): -ENOENT unknown metric, -EINVAL another kind, a wrong number of label
 * values or one that is too long, -ENOMEM. */
int ring_poll_counter(struct ring_poll *poll, const char *metric, const char *const *label_values,
		      uint64_t total);
int ring_poll_gauge(struct ring_poll *poll, const char *metric, const char *const *label_values,
		    double value);

/* A depth, a length, a backlog: below 0 it is 0. */
int ring_poll_depth(struct ring_poll *poll, const char *metric, const char *const *label_values,
		    int64_t depth);

/* The state that holds, by its place in the list or by name; the default for any other. */
int ring_poll_state(struct ring_poll *poll, const char *metric, const char *const *label_values,
		    uint64_t state);
int ring_poll_mode(struct ring_poll *poll, const char *metric, const char *const *label_values,
		   const char *state);

/* The source's counters, all of them, began anew at 0 since the last answer: totals count whole in
 * this answer, or in the next if this is none. For who knows; without it a restart counts nothing,
 * as a total that is lower for any other reason would else be counted twice. */
void ring_poll_restarted(struct ring_poll *poll);

#ifdef __cplusplus
}
#endif

#endif
