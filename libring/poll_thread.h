/* SPDX-License-Identifier: MIT */
/*
 * A poller and its sources, shared by the calls from outside (poller.c) and the threads that see to
 * them (poll_thread.c).
 */
#ifndef RING_INTERNAL_POLL_THREAD_H
#define RING_INTERNAL_POLL_THREAD_H

#include "clock.h"
#include "poller.h"

#define RING_POLL_PENDING 1 /* a result, as long as there is none */
#define RING_POLL_NEVER   UINT64_MAX

enum ring_poll_stage { RESTING, ASKED, ANSWERED };

struct source {
	struct ring_poller *poller;
	struct ring_source def; /* whose name is the next */
	char name[RING_POLL_NAME_MAX + 1];
	uint64_t id; /* no two of a poller have the same, ever */
	uint64_t interval_ns;
	struct ring_poll poll;
	pthread_t thread;

	enum ring_poll_stage stage;
	pthread_cond_t wake; /* the thread: asked, or ending */
	bool is_ending;
	bool is_given_up;

	uint64_t wish_count; /* for a poll that begins after the wish */
	uint64_t begun;      /* wishes that the poll in hand fulfils */
	uint64_t fulfilled;
	uint64_t due_ns;
	uint64_t asked_ns;
	uint64_t returned_ns;
	uint64_t overdue_ns; /* when to say that it is, or still is */
	enum ring_answer answer;

	uint64_t leave_ns; /* when at the latest; 0: it stays */
	int *result;       /* of that */
};

struct ring_poller {
	struct ring_segment *segment; /* NULL: a no-op */
	unsigned life;
	unsigned core;
	pthread_t thread;
	struct ring_recorder recorder; /* that thread's */

	pthread_mutex_t mutex; /* of the rest, and of what is in sources */
	pthread_cond_t work;   /* something to do for the thread */
	pthread_cond_t done;   /* something to see for callers */
	bool has_work;
	bool is_ending;
	int result; /* of starting */
	char reason[256];
	unsigned left_count; /* threads of sources that were given up and have not returned */
	bool is_stopped;     /* then the last of these frees it */
	uint64_t id_last;
	unsigned source_count;
	struct source *sources[RING_POLL_SOURCES_MAX];
};

/* Starts a thread for which signals are others' business, but for those that it brings on itself.
 * Returns 0 or an errno. */
int ring_poll_thread(pthread_t *thread, void *(*run)(void *), void *argument);

/* What it does: for a poller, for a source. */
void *ring_poller_run(void *poller);
void *ring_source_run(void *source);

/* Waits, with the mutex held. Returns false when the time, on CLOCK_MONOTONIC, has come. */
bool ring_poll_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t deadline_ns);

void ring_poller_free(struct ring_poller *poller);
void ring_source_free(struct source *source);

#endif
