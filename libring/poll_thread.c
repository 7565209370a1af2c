/* SPDX-License-Identifier: MIT */
/*
 * Who does what when. One thread schedules and records; each source has a thread that does nothing
 * but call its function, and that may take for ever. Whoever calls from outside leaves a wish with
 * a source and waits, for a time, until the poller's thread has seen to it. One mutex is held
 * around all of it, but not while a source's function runs.
 *
 *                asked for, or due           has returned
 *       RESTING ───────────────────▶ ASKED ───────────────▶ ANSWERED
 *          ▲                           │                        │ recorded
 *          └───────────────────────────│────────────────────────┘
 *                                      ▼ removed, and it takes too long
 *                                    given up: its thread has it to itself, and frees it
 *
 * What is due is a matter of a grid: a multiple of the interval after the source was added. If a
 * poll lasts beyond the next times they are left out.
 */
#include "poll_thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "ring/segment.h"

int ring_poll_thread(pthread_t *thread, void *(*run)(void *), void *argument)
{
	const int own[] = {SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
	sigset_t blocked, before;

	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		sigdelset(&blocked, own[i]);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	const int error = pthread_create(thread, NULL, run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

bool ring_poll_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t deadline_ns)
{
	const struct timespec deadline = {(time_t)(deadline_ns / 1000000000u),
					  (long)(deadline_ns % 1000000000u)};

	if (deadline_ns == RING_POLL_NEVER)
		return pthread_cond_wait(condition, mutex) == 0;
	return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &deadline) != ETIMEDOUT;
}

void ring_poller_free(struct ring_poller *poller)
{
	pthread_cond_destroy(&poller->done);
	pthread_cond_destroy(&poller->work);
	pthread_mutex_destroy(&poller->mutex);
	free(poller);
}

void ring_source_free(struct source *source)
{
	ring_poll_close(&source->poll);
	pthread_cond_destroy(&source->wake);
	free(source);
}

/* The end of a thread whose source was given up: lets go of the mutex. */
static void come_back(struct source *source)
{
	struct ring_poller *poller = source->poller;

	const bool is_last = --poller->left_count == 0 && poller->is_stopped;
	pthread_mutex_unlock(&poller->mutex);
	ring_source_free(source);
	if (is_last)
		ring_poller_free(poller);
}

/* With the mutex held, which it is not while the function runs. */
static void call(struct source *source)
{
	struct ring_poller *poller = source->poller;

	pthread_mutex_unlock(&poller->mutex);
	const enum ring_answer answer = source->def.poll(&source->poll, source->def.context);
	ring_poll_end(&source->poll);
	const uint64_t returned_ns = ring_clock_ns(CLOCK_MONOTONIC);
	pthread_mutex_lock(&poller->mutex);
	source->answer = answer;
	source->returned_ns = returned_ns;
	source->stage = ANSWERED;
	poller->has_work = true;
	pthread_cond_signal(&poller->work);
}

void *ring_source_run(void *argument)
{
	struct source *source = argument;
	struct ring_poller *poller = source->poller;
	char name[16];

	snprintf(name, sizeof name, "poll %.10s", source->name);
	pthread_setname_np(pthread_self(), name);
	pthread_mutex_lock(&poller->mutex);
	while (!source->is_ending && !source->is_given_up)
		if (source->stage == ASKED)
			call(source);
		else
			pthread_cond_wait(&source->wake, &poller->mutex);
	if (source->is_given_up)
		come_back(source);
	else
		pthread_mutex_unlock(&poller->mutex);
	return NULL;
}

static void ask(struct source *source, uint64_t now)
{
	source->stage = ASKED;
	source->begun = source->wish_count;
	source->asked_ns = now;
	source->overdue_ns = now + source->interval_ns;
	ring_poll_begin(&source->poll);
	pthread_cond_signal(&source->wake);
}

/* Records what has been answered. */
static void settle(struct ring_poller *poller, struct source *source)
{
	struct ring_poll_report report = {
		.source = source->name,
		.answer = source->answer,
		.duration_ns = source->returned_ns - source->asked_ns,
	};

	source->stage = RESTING;
	if (report.answer != RING_ANSWER_SOME && report.answer != RING_ANSWER_ALL) {
		report.answer = RING_ANSWER_NONE;
		ring_poll_undo(&source->poll);
	} else {
		ring_recorder_take(&poller->recorder, &source->poll,
				   report.answer == RING_ANSWER_ALL);
	}
	report.refused = source->poll.refused;
	source->poll.refused = 0;
	ring_report_poll(&poller->recorder, &report);
	source->fulfilled = source->begun;
	if (source->due_ns <= source->returned_ns) {
		const uint64_t late_ns = source->returned_ns - source->due_ns;
		source->due_ns += (late_ns / source->interval_ns + 1) * source->interval_ns;
	}
	pthread_cond_broadcast(&poller->done);
}

/* Ends a source's thread, or lets it go if its function still runs. */
static void part(struct ring_poller *poller, struct source *source)
{
	if (source->stage == ASKED) {
		ring_poll_end(&source->poll);
		source->is_given_up = true;
		poller->left_count++;
		pthread_detach(source->thread);
		return;
	}
	source->is_ending = true;
	pthread_cond_signal(&source->wake);
	pthread_mutex_unlock(&poller->mutex);
	pthread_join(source->thread, NULL);
	pthread_mutex_lock(&poller->mutex);
}

/* Takes a source away. */
static void leave(struct ring_poller *poller, struct source *source)
{
	if (source->def.poll)
		part(poller, source);
	ring_recorder_leave(&poller->recorder, &source->poll);
	ring_report_leave(&poller->recorder, source->name);
	if (source->result)
		*source->result = source->is_given_up ? -EBUSY : 0;
	pthread_cond_broadcast(&poller->done);
	if (!source->is_given_up)
		ring_source_free(source);
}

/* Does what there is to do for a source. Returns when there will be more; 0: it is gone. */
static uint64_t attend(struct ring_poller *poller, struct source *source, uint64_t now)
{
	if (source->stage == ANSWERED)
		settle(poller, source);
	if (source->leave_ns != 0 && (source->stage == RESTING || source->leave_ns <= now)) {
		leave(poller, source);
		return 0;
	}
	if (!source->def.poll)
		return RING_POLL_NEVER;
	if (source->stage == RESTING &&
	    (source->wish_count > source->fulfilled || source->due_ns <= now))
		ask(source, now);
	if (source->stage == RESTING)
		return source->due_ns;
	if (source->overdue_ns <= now) {
		ring_report_overdue(&poller->recorder, source->name, now - source->asked_ns);
		source->overdue_ns = now + source->interval_ns;
	}
	return source->leave_ns != 0 && source->leave_ns < source->overdue_ns ? source->leave_ns
									      : source->overdue_ns;
}

/* Does all that there is to do. Returns when there will be more. */
static uint64_t attend_all(struct ring_poller *poller)
{
	const uint64_t now = ring_clock_ns(CLOCK_MONOTONIC);
	uint64_t next = RING_POLL_NEVER;

	for (unsigned i = 0; i < poller->source_count;) {
		const uint64_t at = attend(poller, poller->sources[i], now);
		if (at == 0)
			poller->sources[i] = poller->sources[--poller->source_count];
		else
			i++;
		if (at != 0 && at < next)
			next = at;
	}
	return next;
}

static void attend_until_end(struct ring_poller *poller)
{
	for (;;) {
		poller->has_work = false;
		const uint64_t next = attend_all(poller);
		if (poller->is_ending && poller->source_count == 0)
			return;
		while (!poller->has_work && ring_poll_wait(&poller->work, &poller->mutex, next))
			;
	}
}

void *ring_poller_run(void *argument)
{
	struct ring_poller *poller = argument;

	pthread_setname_np(pthread_self(), "poll");
	pthread_mutex_lock(&poller->mutex);
	poller->result = ring_recorder_open(&poller->recorder, poller->segment, poller->core);
	if (poller->result != 0)
		snprintf(poller->reason, sizeof poller->reason, "%s", ring_error());
	pthread_cond_broadcast(&poller->done);
	if (poller->result == 0) {
		attend_until_end(poller);
		ring_recorder_close(&poller->recorder);
	}
	pthread_mutex_unlock(&poller->mutex);
	return NULL;
}
