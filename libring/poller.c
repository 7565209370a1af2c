/* SPDX-License-Identifier: MIT */
/*
 * The calls from outside. What they want of a source they leave with it, and wait until the
 * poller's thread has seen to that; poll_thread.c has the rest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "export.h"
#include "names.h"
#include "owner.h"
#include "poll_thread.h"

static struct ring_poller noop_poller;

static bool is_live(const struct ring_poller *poller)
{
	return poller && poller->segment && poller->life == ring_poll_life();
}

static struct ring_poller *make_poller(struct ring_segment *segment, unsigned core)
{
	struct ring_poller *poller = calloc(1, sizeof *poller);

	if (!poller)
		return NULL;
	poller->segment = segment;
	poller->core = core;
	poller->life = ring_poll_life();
	poller->result = RING_POLL_PENDING;
	pthread_mutex_init(&poller->mutex, NULL);
	pthread_cond_init(&poller->work, NULL);
	pthread_cond_init(&poller->done, NULL);
	return poller;
}

/* Starts the poller's thread and waits for what it says of its claim. */
static int launch(struct ring_poller *poller)
{
	const char *name = poller->segment->map.shape.name;
	const int error = poller->life == 0
				  ? ENOMEM
				  : ring_poll_thread(&poller->thread, ring_poller_run, poller);

	if (error)
		return ring_fail(ENOMEM, "%s: cannot start a poller: %s", name, strerror(error));
	pthread_mutex_lock(&poller->mutex);
	while (poller->result == RING_POLL_PENDING)
		pthread_cond_wait(&poller->done, &poller->mutex);
	pthread_mutex_unlock(&poller->mutex);
	if (poller->result == 0)
		return 0;
	pthread_join(poller->thread, NULL);
	return ring_fail(-poller->result, "%s", poller->reason);
}

RING_EXPORT int ring_poller_start(struct ring_poller **started, struct ring_segment *segment,
				  unsigned core)
{
	*started = &noop_poller;
	if (!segment || !ring_segment_is_live(segment))
		return 0;
	int result = ring_report_define(segment);
	if (result != 0)
		return result;
	struct ring_poller *poller = make_poller(segment, core);
	if (!poller)
		return ring_fail(ENOMEM, "%s: out of memory", segment->map.shape.name);
	result = launch(poller);
	if (result == 0)
		*started = poller;
	else
		ring_poller_free(poller);
	return result;
}

/* With the mutex held, as the next ones. NULL: none, or it is being taken away. */
static struct source *find(struct ring_poller *poller, const char *name)
{
	for (unsigned i = 0; i < poller->source_count; i++) {
		struct source *source = poller->sources[i];
		if (source->leave_ns == 0 && strcmp(source->name, name) == 0)
			return source;
	}
	return NULL;
}

static struct source *find_id(struct ring_poller *poller, uint64_t id)
{
	for (unsigned i = 0; i < poller->source_count; i++)
		if (poller->sources[i]->id == id)
			return poller->sources[i];
	return NULL;
}

/* How long a caller waits for the source: for an interval, if that is not too long. */
static unsigned wait_ms(const struct source *source)
{
	const unsigned interval_ms = source->def.interval_ms;

	return interval_ms < RING_POLL_WAIT_MAX_MS ? interval_ms : RING_POLL_WAIT_MAX_MS;
}

static uint64_t deadline_in(unsigned ms)
{
	return ring_clock_ns(CLOCK_MONOTONIC) + ms * UINT64_C(1000000);
}

static void send_away(struct source *source)
{
	const unsigned ms = wait_ms(source);

	source->leave_ns = deadline_in(ms > RING_POLL_PATIENCE_MS ? ms : RING_POLL_PATIENCE_MS);
}

static void set_to_work(struct ring_poller *poller)
{
	poller->has_work = true;
	pthread_cond_signal(&poller->work);
}

/* Has the source polled once more, and waits for that. */
static int wish(struct ring_poller *poller, struct source *source)
{
	const uint64_t id = source->id, number = ++source->wish_count;
	const uint64_t deadline_ns = deadline_in(wait_ms(source));
	bool is_in_time = true;

	set_to_work(poller);
	/* It may be taken away meanwhile. */
	while ((source = find_id(poller, id)) && source->fulfilled < number && is_in_time)
		is_in_time = ring_poll_wait(&poller->done, &poller->mutex, deadline_ns);
	if (!source)
		return ring_fail(ENOENT, "the source was removed");
	if (source->fulfilled < number)
		return ring_fail(ETIMEDOUT, "source %s: no answer within %u ms", source->name,
				 wait_ms(source));
	return 0;
}

static struct source *make_source(struct ring_poller *poller, const struct ring_source *def)
{
	struct source *source = calloc(1, sizeof *source);

	if (!source)
		return NULL;
	if (ring_poll_open(&source->poll, poller->segment->registry, def->outlives) != 0) {
		free(source);
		return NULL;
	}
	source->poller = poller;
	source->def = *def;
	source->def.name = strcpy(source->name, def->name);
	if (def->interval_ms == 0)
		source->def.interval_ms = RING_POLL_INTERVAL_MS;
	source->interval_ns = source->def.interval_ms * UINT64_C(1000000);
	pthread_cond_init(&source->wake, NULL);
	return source;
}

/* Makes a source one of the poller's. With the mutex held. Returns 0 or a negative errno. */
static int enrol(struct ring_poller *poller, struct source *source)
{
	for (unsigned i = 0; i < poller->source_count; i++)
		if (strcmp(poller->sources[i]->name, source->name) == 0)
			return ring_fail(EEXIST, "source %s: there is one of that name",
					 source->name);
	if (poller->source_count == RING_POLL_SOURCES_MAX)
		return ring_fail(ENOSPC, "source %s: a poller has at most %u", source->name,
				 RING_POLL_SOURCES_MAX);
	if (source->def.poll && ring_poll_thread(&source->thread, ring_source_run, source) != 0)
		return ring_fail(ENOMEM, "source %s: cannot start a thread", source->name);
	source->id = ++poller->id_last;
	source->due_ns = ring_clock_ns(CLOCK_MONOTONIC) + source->interval_ns;
	poller->sources[poller->source_count++] = source;
	return 0;
}

RING_EXPORT int ring_poller_add(struct ring_poller *poller, const struct ring_source *def)
{
	if (!is_live(poller) || !def)
		return 0;
	const size_t bytes = def->name ? strlen(def->name) : 0;
	if (bytes == 0 || bytes > RING_POLL_NAME_MAX || !ring_utf8_ok(def->name, bytes))
		return ring_fail(EINVAL, "a source's name has 1 to %u bytes of UTF-8",
				 RING_POLL_NAME_MAX);
	struct source *source = make_source(poller, def);
	if (!source)
		return ring_fail(ENOMEM, "source %s: out of memory", def->name);
	pthread_mutex_lock(&poller->mutex);
	int result = enrol(poller, source);
	if (result != 0)
		ring_source_free(source);
	else if (def->poll)
		result = wish(poller, source);
	pthread_mutex_unlock(&poller->mutex);
	return result;
}

RING_EXPORT int ring_poller_poll(struct ring_poller *poller, const char *name)
{
	int result = 0;

	if (!is_live(poller) || !name)
		return 0;
	pthread_mutex_lock(&poller->mutex);
	struct source *source = find(poller, name);
	if (!source)
		result = ring_fail(ENOENT, "source %s: there is none", name);
	else if (source->def.poll)
		result = wish(poller, source);
	pthread_mutex_unlock(&poller->mutex);
	return result;
}

RING_EXPORT int ring_poller_remove(struct ring_poller *poller, const char *name)
{
	int result = RING_POLL_PENDING;

	if (!is_live(poller) || !name)
		return 0;
	pthread_mutex_lock(&poller->mutex);
	struct source *source = find(poller, name);
	if (source) {
		send_away(source);
		source->result = &result;
		set_to_work(poller);
	}
	while (source && result == RING_POLL_PENDING)
		pthread_cond_wait(&poller->done, &poller->mutex);
	pthread_mutex_unlock(&poller->mutex);
	if (!source)
		return ring_fail(ENOENT, "source %s: there is none", name);
	return result == 0 ? 0 : ring_fail(-result, "source %s: its function still runs", name);
}

RING_EXPORT int ring_poller_stop(struct ring_poller *poller)
{
	if (!is_live(poller))
		return 0;
	pthread_mutex_lock(&poller->mutex);
	for (unsigned i = 0; i < poller->source_count; i++)
		if (poller->sources[i]->leave_ns == 0)
			send_away(poller->sources[i]);
	poller->is_ending = true;
	set_to_work(poller);
	pthread_mutex_unlock(&poller->mutex);
	pthread_join(poller->thread, NULL);
	pthread_mutex_lock(&poller->mutex);
	const unsigned left_count = poller->left_count;
	poller->is_stopped = true;
	pthread_mutex_unlock(&poller->mutex);
	if (left_count == 0) {
		ring_poller_free(poller);
		return 0;
	}
	return ring_fail(EBUSY, "functions of sources that still run: %u", left_count);
}
