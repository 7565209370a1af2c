/* SPDX-License-Identifier: MIT */
/*
 * A poller with one source, which says what it is told to: by hand, as its interval is an hour.
 */
#ifndef RING_TEST_POLLED_H
#define RING_TEST_POLLED_H

#include <ring/poll.h>

#include "workspace.h"

#define HOUR_MS      3600000u
#define POLLED_TOLD  8u
#define COOL_DOWN_MS 20u

/* Metrics with the label `queue`, two series each, and one without labels. */
enum {
	SENT,  /* queue_sent_total */
	DEPTH, /* queue_messages, which are added up */
	LAST,  /* queue_last */
	LEAST, /* queue_least */
	MOST,  /* queue_most */
	MODE,  /* queue_mode: idle, ready (the default) or busy */
	PLAIN, /* sessions */
	POLLED_METRICS
};
extern const struct ring_metric_def polled_metrics[POLLED_METRICS];

/* One call of a source. */
struct told {
	unsigned metric;
	const char *label; /* NULL: none */
	enum { TOTAL, VALUE, BACKLOG, STATE, NAMED } call;
	double value;
	uint64_t total;
	int64_t backlog;
	const char *state;
};

static inline struct told sent(const char *queue, uint64_t total)
{
	return (struct told){.metric = SENT, .label = queue, .call = TOTAL, .total = total};
}

static inline struct told gauge(unsigned metric, const char *queue, double value)
{
	return (struct told){.metric = metric, .label = queue, .call = VALUE, .value = value};
}

static inline struct told depth(const char *queue, double value)
{
	return gauge(DEPTH, queue, value);
}

struct polled {
	struct ring_options options;
	struct ring_segment *segment;
	struct ring_poller *poller;
	struct ring_reader *reader;
	/* Of the source: */
	enum ring_answer answer;
	int has_restarted;
	unsigned told_count;
	struct told told[POLLED_TOLD];
	int results[POLLED_TOLD];
};

/* Opens the segment `name`, on its first core a poller, and a reader; no source yet. */
void polled_open(struct polled *polled, const char *dir, const char *name);
void polled_close(struct polled *polled);

/* Adds the source, which is then asked at once. */
void polled_add(struct polled *polled, const char *source, int outlives);

/* Has the source say this. */
void polled_tell(struct polled *polled, enum ring_answer answer, const struct told *told,
		 unsigned count);

/* Has it say this now, as the source "source", which is added at the first time. */
#define POLL(polled, answer, ...)                                       \
	polled_poll(polled, answer, (const struct told[]){__VA_ARGS__}, \
		    sizeof(const struct told[]){__VA_ARGS__} / sizeof(struct told))
void polled_poll(struct polled *polled, enum ring_answer answer, const struct told *told,
		 unsigned count);

/* The total of a queue, or UINT64_MAX if there is none. */
uint64_t polled_total(struct polled *polled, const char *queue);

/* A gauge's value; NAN if it has none. */
double polled_value(struct polled *polled, unsigned metric, const char *queue);

/* A value of the poller's own of the source "source". */
double polled_own(struct polled *polled, const char *metric);

/* Waits until places that were given up may be another's. */
void polled_cool_down(void);

#endif
