/* SPDX-License-Identifier: MIT */
/*
 * Ready-made sets of metrics: what all headers in ring/set/ are made of. A set is declared once, in
 * its header, as lists of metrics and of label values. From these come its types, its definitions
 * and its part of docs/metric-sets.md. A data plane includes the sets that it uses.
 *
 * A bundle is what a set has under the same labels, as a struct with a member for each metric:
 * handles to record with, resolved once by the values of those labels; or, in what is polled, the
 * values themselves, observed as a whole. The last label of a metric may be closed: its values are
 * an enum, and the member an array. The first of the enum is what counts for a value that is none.
 *
 * All calls are for any thread at any time; ring_set_observe for a source, while it is polled. With
 * a set that is NULL or all zeros they do nothing, and handles are zero handles.
 */
#ifndef RING_SET_H
#define RING_SET_H

#include "poll.h"
#include "segment.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_SET_PREFIX     "elastickv_" /* what most sets have in front of their names */
#define RING_SET_PREFIX_MAX 100u         /* bytes */
#define RING_SET_BUDGET     512u         /* names of a bundle in most sets, */
#define RING_SET_OVERFLOW   "_other"     /* and the label of those past it */

/* Limits of what a header declares. */
#define RING_SET_LABELS_MAX  4u  /* of a bundle */
#define RING_SET_BUNDLES_MAX 4u  /* of a set */
#define RING_SET_METRICS_MAX 16u /* of a set */
#define RING_SET_SERIES_MAX  64u /* of a bundle under one name */

struct ring_set_label {
	const char *key;
	const char *const *values; /* up to a NULL; the first is the default */
};

/* How a polled bundle has a gauge's value. */
enum ring_set_value {
	RING_SET_DOUBLE,
	RING_SET_DEPTH, /* int64_t, 0 if it is below */
	RING_SET_KNOWN, /* int64_t, and not known unless it is above 0: stays as it was */
};

struct ring_set_metric {
	const char *name; /* without the prefix */
	const char *unit; /* or NULL */
	const char *help;
	const struct ring_set_label *closed; /* or NULL */
	size_t at;                           /* of the member in its bundle */
	enum ring_kind kind;
	enum ring_merge merge;
	enum ring_set_value value;
	const double *bounds;
	unsigned bound_count;
	const char *const *states;
};

struct ring_set_bundle {
	const struct ring_set_metric *metrics;
	unsigned metric_count;
	unsigned bytes;                              /* of the struct */
	const char *labels[RING_SET_LABELS_MAX + 1]; /* up to the first NULL */
	unsigned budget;                             /* names: combinations of values of these */
	const char *overflow_label;
	int is_bare; /* its metrics have no prefix */
};

struct ring_set_spec {
	const char *prefix;
	const struct ring_set_bundle *bundles[RING_SET_BUNDLES_MAX + 1]; /* up to the first NULL */
};

struct ring_set_options {
	const char *prefix;                     /* "" for none; NULL: the set's own */
	unsigned budgets[RING_SET_BUNDLES_MAX]; /* by bundle, in the set's order; 0: its own */
};

/* A set in a segment; see ring_set_define. */
struct ring_set {
	struct ring_segment *segment;
	char prefix[RING_SET_PREFIX_MAX + 1];
};

/* A set's metrics, to be declared: as ring_options.metrics, or among them. */
struct ring_set_schema {
	struct ring_metric_def metrics[RING_SET_METRICS_MAX];
	unsigned metric_count;
	char names[RING_SET_METRICS_MAX][RING_METRIC_NAME_MAX + 1];
};

/* Fills the schema, which must stay where it is until the segment is created; options may be NULL.
 * With a prefix that is too long it stays empty. Only what is declared can have another budget
 * after a restart. */
void ring_set_declare(struct ring_set_schema *schema, const struct ring_set_spec *spec,
		      const struct ring_set_options *options);

/* What the set takes of ring_options.series_spare if it is not declared; options may be NULL. Of
 * metrics_spare it takes RING_SET_METRICS_MAX at most. */
unsigned ring_set_series(const struct ring_set_spec *spec, const struct ring_set_options *options);

/* Defines the set's metrics, declared with the same options or not; these may be NULL. Returns as
 * ring_metric_define does, and if that is not 0 the set is all zeros; -EINVAL also for a prefix
 * that is too long. */
int ring_set_define(struct ring_set *set, struct ring_segment *segment,
		    const struct ring_set_spec *spec, const struct ring_set_options *options);

/* Fills a bundle's handles for these values of its labels, up to a NULL. Its counters and
 * histograms are all its own or, past the budget, all the overflow's, which keeps closed labels; a
 * gauge is its own as soon as there is a place. Asking twice gives the same series. Zero handles
 * for a value of more than RING_LABEL_VALUE_MAX bytes, with the reason in ring_error(). */
void ring_set_resolve(const struct ring_set *set, const struct ring_set_bundle *bundle,
		      const char *const *label_values, void *handles);

/* Gives up the gauges under that name, as ring_series_forget does; its handles are not to be used
 * any more. Returns 0, or -ENOENT if it has none. */
int ring_set_forget(const struct ring_set *set, const struct ring_set_bundle *bundle,
		    const char *const *label_values);

/* Says all of a polled bundle's values under that name. Returns 0 or, for values that were refused,
 * a negative errno as ring_poll_counter does. */
int ring_set_observe(struct ring_poll *poll, const struct ring_set *set,
		     const struct ring_set_bundle *bundle, const char *const *label_values,
		     const void *values);

#define RING_SET_WORD_BYTES 65u /* of a label made by ring_set_word, with its terminator */

/* Makes a label of a name that somebody else has chosen: without blanks around it, in upper case if
 * it is ASCII, cut off between characters, "unknown" if empty, "invalid_utf8" if it is that. */
void ring_set_word(const char *name, size_t bytes, char word[RING_SET_WORD_BYTES]);

/*
 * For the headers of sets.
 *
 * Values of a closed label: LIST(VALUE) has a VALUE(enumerator, "text") for each. Makes the enum,
 * and `name`_known, which takes what is none of it for the first.
 */
#define RING_SET_ENUMERATOR(enumerator, text) enumerator,
#define RING_SET_TEXT(enumerator, text)       text,
#define RING_SET_ONE_MORE(enumerator, text)   +1

#define RING_SET_LABEL(name, key, LIST)                                                     \
	enum name { LIST(RING_SET_ENUMERATOR) };                                            \
	RING_STATIC_ASSERT(sizeof(enum name) == sizeof(unsigned), "set.c reads it as one"); \
	enum { name##_count = 0 LIST(RING_SET_ONE_MORE) };                                  \
	static inline unsigned name##_known(enum name value)                                \
	{                                                                                   \
		return (unsigned)value < (unsigned)name##_count ? (unsigned)value : 0u;     \
	}                                                                                   \
	static const char *const name##_values[] = {LIST(RING_SET_TEXT) NULL};              \
	static const struct ring_set_label name##_label = {key, name##_values}

/*
 * Metrics of a bundle: LIST(ONE, EACH, OF) has for each a
 *	ONE(OF, kind, member, "name", unit, "help") or, with a closed label,
 *	EACH(OF, kind, member, label, "name", unit, "help"), the kind being
 *		COUNTER              total; polled uint64_t
 *		SUM                  gauge, of several cores and processes the sum; polled int64_t,
 *		                     below 0 it is 0
 *		LAST                 gauge, of them the newest; polled as SUM
 *		KNOWN                the same, polled; 0 and below stay as it was
 *		SECONDS              the same, polled as a double
 *		STATES(label)        state set of a closed label's values; polled as its enum
 *		HISTOGRAM(bounds)    with an array of bounds
 * Makes the struct and the table of its metrics.
 */
#define RING_SET_HANDLE_COUNTER           struct ring_counter
#define RING_SET_HANDLE_SUM               struct ring_gauge
#define RING_SET_HANDLE_LAST              struct ring_gauge
#define RING_SET_HANDLE_HISTOGRAM(bounds) struct ring_histogram

#define RING_SET_VALUE_COUNTER       uint64_t
#define RING_SET_VALUE_SUM           int64_t
#define RING_SET_VALUE_LAST          int64_t
#define RING_SET_VALUE_KNOWN         int64_t
#define RING_SET_VALUE_SECONDS       double
#define RING_SET_VALUE_STATES(label) enum label

#define RING_SET_KIND_COUNTER RING_COUNTER, RING_SUM, RING_SET_DOUBLE, NULL, 0, NULL
#define RING_SET_KIND_SUM     RING_GAUGE, RING_SUM, RING_SET_DEPTH, NULL, 0, NULL
#define RING_SET_KIND_LAST    RING_GAUGE, RING_LAST, RING_SET_DEPTH, NULL, 0, NULL
#define RING_SET_KIND_KNOWN   RING_GAUGE, RING_LAST, RING_SET_KNOWN, NULL, 0, NULL
#define RING_SET_KIND_SECONDS RING_GAUGE, RING_LAST, RING_SET_DOUBLE, NULL, 0, NULL
#define RING_SET_KIND_STATES(label) \
	RING_STATESET, RING_LAST, RING_SET_DOUBLE, NULL, 0, label##_values
#define RING_SET_KIND_HISTOGRAM(bounds) \
	RING_HISTOGRAM, RING_SUM, RING_SET_DOUBLE, bounds, sizeof bounds / sizeof bounds[0], NULL

#define RING_SET_HANDLE(of, kind, member, name, unit, help) RING_SET_HANDLE_##kind member;
#define RING_SET_HANDLES(of, kind, member, label, name, unit, help) \
	RING_SET_HANDLE_##kind member[label##_count];
#define RING_SET_VALUE(of, kind, member, name, unit, help) RING_SET_VALUE_##kind member;
#define RING_SET_VALUES(of, kind, member, label, name, unit, help) \
	RING_SET_VALUE_##kind member[label##_count];
#define RING_SET_ROW(of, kind, member, name, unit, help) \
	{name, unit, help, NULL, offsetof(of, member), RING_SET_KIND_##kind},
#define RING_SET_ROWS(of, kind, member, label, name, unit, help) \
	{name, unit, help, &label##_label, offsetof(of, member), RING_SET_KIND_##kind},

#define RING_SET_COUNT_ONE(of, kind, member, name, unit, help)         +1
#define RING_SET_COUNT_EACH(of, kind, member, label, name, unit, help) +label##_count

#define RING_SET_TABLE(name, LIST)                                              \
	RING_STATIC_ASSERT(0 LIST(RING_SET_COUNT_ONE, RING_SET_COUNT_EACH, ) <= \
				   (int)RING_SET_SERIES_MAX,                    \
			   "a bundle has at most 64 series under one name");    \
	static const struct ring_set_metric name##_metrics[] = {                \
		LIST(RING_SET_ROW, RING_SET_ROWS, struct name)}
#define RING_SET_RECORDED(name, LIST)                                \
	struct name {                                                \
		LIST(RING_SET_HANDLE, RING_SET_HANDLES, struct name) \
	};                                                           \
	RING_SET_TABLE(name, LIST)
#define RING_SET_POLLED(name, LIST)                                \
	struct name {                                              \
		LIST(RING_SET_VALUE, RING_SET_VALUES, struct name) \
	};                                                         \
	RING_SET_TABLE(name, LIST)

/* Of a bundle's definition, the beginning. */
#define RING_SET_METRICS(name) \
	name##_metrics, sizeof name##_metrics / sizeof name##_metrics[0], sizeof(struct name)

#ifdef __cplusplus
}
#endif

#endif
