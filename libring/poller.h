/* SPDX-License-Identifier: MIT */
/*
 * The inside of a poller, shared by the files that take down what a source says (poll.c), record it
 * (poll_record.c), say how the sources do (poll_report.c) and decide who does what when (poller.c).
 *
 *   struct ring_poll, with its readings   its source's thread while the function runs, else the
 *                                         poller's thread
 *   struct ring_recorder, with what is    the poller's thread
 *   the recorder's in every reading
 */
#ifndef RING_INTERNAL_POLLER_H
#define RING_INTERNAL_POLLER_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "registry.h"
#include "ring/poll.h"

struct ring_segment;

/* A series as a source gives it, and what is known of it. */
struct reading {
	struct ring_poll *poll;
	struct reading *next; /* in its bucket */
	uint64_t hash;
	enum ring_kind kind;
	bool is_new;     /* no answer with it was recorded yet */
	uint64_t answer; /* number of the last one that gave it */
	uint64_t given;  /* by that one: a total, the bits of a double or the place of a state */
	struct reading *next_given;

	uint64_t held; /* recorded last: a total, or the bits of a double */

	/* From here on the recorder's, at any time. */
	uint64_t claimed; /* of a counter's tally: what it has come to by this reading */
	struct ring_resolved handle;
	uint64_t changes; /* of series in the segment, as of when it was resolved last */
	TAILQ_ENTRY(reading) of_age;
	LIST_ENTRY(reading) of_sharing;

	uint32_t name_bytes;
	char name[]; /* of the metric, then the label values, each with its terminator */
};

TAILQ_HEAD(reading_queue, reading);
LIST_HEAD(reading_list, reading);

/* What one source says. The gate is open while its function runs and somebody waits for that. */
struct ring_poll {
	struct ring_registry *registry;
	unsigned life; /* ring_poll_life() when it was made */
	bool outlives;

	pthread_mutex_t gate;
	bool is_open;
	bool has_restarted; /* since the last answer that was recorded */
	uint64_t answer;    /* number of the one in the making, or of the last one */
	uint64_t refused;   /* values since the last report */

	struct reading **buckets;
	size_t bucket_mask;
	size_t count;
	struct reading *given; /* in this answer, in order */
	struct reading **given_end;

	struct reading_queue states; /* gauges and state sets, those given last at the end */
	struct reading_queue shared; /* counters past a budget, likewise */
	size_t shared_count;
	bool has_answered;
};

/* Tells a process from its children: another number after a fork. 0 when memory is short. */
unsigned ring_poll_life(void);

/* Returns 0 or -ENOMEM. */
int ring_poll_open(struct ring_poll *poll, struct ring_registry *registry, bool outlives);

/* Frees the readings; the gate stays, and shut. */
void ring_poll_clear(struct ring_poll *poll);
void ring_poll_close(struct ring_poll *poll);

/* The gate: an answer begins, and nothing more is taken. */
void ring_poll_begin(struct ring_poll *poll);
void ring_poll_end(struct ring_poll *poll);

/* Throws away what was given in this answer. */
void ring_poll_undo(struct ring_poll *poll);

/* Says of a gauge that it stays as it was recorded last, also if this is all there is. Nothing, if
 * it never was or has been given in this answer. Returns as ring_poll_gauge. */
int ring_poll_keep(struct ring_poll *poll, const char *metric, const char *const *label_values);

/* The source's counters are at 0. */
void ring_poll_reset(struct ring_poll *poll);

/* Takes a reading out of the table, and frees it; it is in no list any more. */
void ring_poll_drop(struct ring_poll *poll, struct reading *reading);

/* A reading as the registry is asked for it. */
struct ring_named {
	struct ring_wanted wanted;
	const char *label_values[RING_LABELS_MAX + 1];
};
void ring_reading_name(const struct reading *reading, struct ring_named *named);

/* What is known of the series that starts at a cell. */
struct place {
	struct reading_list
		sharing;     /* gauges whose overflow series it is, the last given in front */
	uint64_t key;        /* of that series */
	uint64_t found;      /* of a counter, by other cores before the recorder was opened */
	uint64_t claimed;    /* of a counter, by all readings together */
	uint32_t next_stale; /* cell of the next that has to be set anew; 0: this has not */
};

/* Records into the poller's ring. */
struct ring_recorder {
	struct ring_segment *segment;
	struct ring_writer *writer;
	struct place *places; /* by cell */
	uint32_t first_stale;
	uint64_t changes; /* of series in the segment, as of the beginning of this record */
};

/* Claims a ring for the calling thread. Returns 0 or a negative errno. */
int ring_recorder_open(struct ring_recorder *recorder, struct ring_segment *segment, unsigned core);
void ring_recorder_close(struct ring_recorder *recorder);

/* Records an answer, which is not RING_ANSWER_NONE. */
void ring_recorder_take(struct ring_recorder *recorder, struct ring_poll *poll, bool is_all);

/* Forgets all that a source has given, and clears its readings. */
void ring_recorder_leave(struct ring_recorder *recorder, struct ring_poll *poll);

/* The poller's own metrics, of one source. */
struct ring_poll_report {
	const char *source;
	enum ring_answer answer;
	uint64_t duration_ns;
	uint64_t refused;
};

int ring_report_define(struct ring_segment *segment);
void ring_report_poll(struct ring_recorder *recorder, const struct ring_poll_report *report);
void ring_report_overdue(struct ring_recorder *recorder, const char *source, uint64_t duration_ns);
void ring_report_leave(struct ring_recorder *recorder, const char *source);

#endif
