/* SPDX-License-Identifier: MIT */
/*
 * Metrics and series of a segment: defining them and resolving handles, off the
 * hot path. Any thread of the owning process may call these at any time and
 * concurrently. Finding a known counter or histogram takes no lock; all else takes
 * the segment's mutex.
 *
 * Names are judged here, by the rules of Prometheus' own linter (promlint, as in
 * `promtool check metrics` 2.42), so that a bad one shows up where it is written
 * and not at the first scrape. Names that begin with `ring_` or `process_` are the
 * exporter's own. Text over a limit of layout.h is refused, never cut.
 */
#ifndef RING_METRIC_H
#define RING_METRIC_H

#include "record.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ring_segment;

#define RING_SERIES_BUDGET  1024u          /* series_max where a definition says 0 */
#define RING_OVERFLOW_LABEL "__overflow__" /* overflow_label where it says NULL */

/* A state set is shown as a series for each of its states, the state being the value of a label
 * that is called like the metric: 1 for the one that holds, 0 for the others. So no other label may
 * be called that, and the name must do for a label. It has no unit. Of several cores and processes
 * the last state set holds, or the first or last in the list: RING_LAST, RING_MIN, RING_MAX. */
struct ring_metric_def {
	const char *name; /* `_total` at the end of counters, and only there */
	const char *help; /* required; 1 to RING_HELP_MAX bytes of UTF-8 */
	const char *unit; /* base unit, and then the end of the name before `_total`; or NULL */
	enum ring_kind kind;
	enum ring_merge merge; /* RING_SUM but for gauges, and for state sets any other */
	const char *label_keys[RING_LABELS_MAX]; /* up to the first NULL */
	const double *bounds;                    /* histogram: ascending, finite upper bounds */
	unsigned bound_count;                    /* histogram: 1 to RING_BOUNDS_MAX; else 0 */
	unsigned series_max;                     /* budget, with labels; 0: RING_SERIES_BUDGET */
	const char *overflow_label; /* value of the labels past the budget; NULL: see above */
	/* The last labels may keep their values past the budget, so many of them. They have few: in
	 * all together `overflow_max` combinations, 1 to RING_OVERFLOW_MAX, for each of which there
	 * is an overflow series; what would be one more has the overflow label there, too. */
	unsigned kept_labels;      /* less than there are labels */
	unsigned overflow_max;     /* 0: 1 */
	const char *const *states; /* state set: 1 to RING_STATES_MAX names, and NULL; else NULL */
	unsigned state_default;    /* which of them holds until one is set, or for an unknown one */
};

/* Makes the metric known. Its whole budget is reserved at once, so that resolving never
 * fails for want of room. Idempotent for an equal definition.
 * Returns 0; -EINVAL for a definition that breaks a rule; -EEXIST when the name is
 * already defined otherwise; -ENOSPC when the budget does not fit what
 * ring_options.series_spare and metrics_spare left. ring_error() has the reason in words. */
int ring_metric_define(struct ring_segment *segment, const struct ring_metric_def *def);

/* Resolve one series, by a value for each of the metric's label keys, NULL at the end
 * (NULL itself for a metric without labels). Asking twice gives the same series. Past
 * the budget, or when the heap for label values is full, every new name gets an overflow
 * series of the metric. Of a counter or histogram it has that for good; of a gauge or state set,
 * asking again gives it a place of its own as soon as there is one. Return a zero handle, with
 * ring_error() saying why, for an unknown metric, one of another kind, a wrong number of values, or
 * a value of more than RING_LABEL_VALUE_MAX bytes. */
struct ring_counter ring_counter_resolve(struct ring_segment *segment, const char *metric,
					 const char *const *label_values);
struct ring_gauge ring_gauge_resolve(struct ring_segment *segment, const char *metric,
				     const char *const *label_values);
struct ring_histogram ring_histogram_resolve(struct ring_segment *segment, const char *metric,
					     const char *const *label_values);
struct ring_state ring_state_resolve(struct ring_segment *segment, const char *metric,
				     const char *const *label_values);

/* Gives up a series of a gauge or state set: readers no longer show it. Nobody may record with its
 * handles any more; whoever still does in the next ring_options.cool_down_ms, does so in vain.
 * After that its place may be another series'; the same name gets it back before. One that shares
 * an overflow series leaves it, and the last one takes it along.
 * Returns 0; -ENOENT if the metric has no such series; -EINVAL for a metric of another kind, whose
 * totals stay for ever, or a wrong number of values. ring_error() has the reason in words. */
int ring_series_forget(struct ring_segment *segment, const char *metric,
		       const char *const *label_values);

#ifndef __cplusplus
/* Label values in place: ring_counter_resolve(s, "rx_total", RING_LABELS("eth0")). C++ has no
 * such literals; there, const char *values[] = {"eth0", nullptr}. */
#define RING_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})
#endif

#ifdef __cplusplus
}
#endif

#endif
