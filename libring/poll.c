/* SPDX-License-Identifier: MIT */
/*
 * What a source says, taken down in a table of its own: a value for each series, found by the
 * metric's name and the label values. What has been given before is known to be sound, so that
 * only a new name is judged, and nothing else is allocated.
 *
 * The gate is a mutex that nobody waits for long. It is there for a function that its poller has
 * given up on: what it still says must not reach a segment that may be closed by then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "export.h"
#include "hash.h"
#include "poller.h"

#define BUCKETS_MIN 64u

/* 0: a fork would not be noticed. Changed by its handler alone, when the child has no second
 * thread. */
static unsigned life;

static void after_fork_in_child(void)
{
	life++;
}

static void setup(void)
{
	life = pthread_atfork(NULL, NULL, after_fork_in_child) == 0;
}

unsigned ring_poll_life(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, setup);
	return life;
}

int ring_poll_open(struct ring_poll *poll, struct ring_registry *registry, bool outlives)
{
	*poll = (struct ring_poll){
		.registry = registry,
		.life = ring_poll_life(),
		.outlives = outlives,
		.buckets = calloc(BUCKETS_MIN, sizeof *poll->buckets),
		.bucket_mask = BUCKETS_MIN - 1,
	};
	if (!poll->buckets)
		return -ENOMEM;
	pthread_mutex_init(&poll->gate, NULL);
	TAILQ_INIT(&poll->states);
	TAILQ_INIT(&poll->shared);
	return 0;
}

void ring_poll_clear(struct ring_poll *poll)
{
	for (size_t i = 0; poll->buckets && i <= poll->bucket_mask; i++)
		while (poll->buckets[i]) {
			struct reading *reading = poll->buckets[i];
			poll->buckets[i] = reading->next;
			free(reading);
		}
	free(poll->buckets);
	poll->buckets = NULL;
}

void ring_poll_close(struct ring_poll *poll)
{
	ring_poll_clear(poll);
	pthread_mutex_destroy(&poll->gate);
}

void ring_poll_begin(struct ring_poll *poll)
{
	pthread_mutex_lock(&poll->gate);
	poll->is_open = true;
	poll->answer++;
	poll->given = NULL;
	poll->given_end = &poll->given;
	pthread_mutex_unlock(&poll->gate);
}

void ring_poll_end(struct ring_poll *poll)
{
	pthread_mutex_lock(&poll->gate);
	poll->is_open = false;
	pthread_mutex_unlock(&poll->gate);
}

void ring_poll_undo(struct ring_poll *poll)
{
	for (struct reading *reading = poll->given, *next; reading; reading = next) {
		next = reading->next_given;
		if (reading->is_new)
			ring_poll_drop(poll, reading);
	}
}

void ring_poll_reset(struct ring_poll *poll)
{
	for (size_t i = 0; i <= poll->bucket_mask; i++)
		for (struct reading *reading = poll->buckets[i]; reading; reading = reading->next)
			if (reading->kind == RING_COUNTER)
				reading->held = 0;
}

void ring_poll_drop(struct ring_poll *poll, struct reading *reading)
{
	struct reading **link = &poll->buckets[reading->hash & poll->bucket_mask];

	while (*link != reading)
		link = &(*link)->next;
	*link = reading->next;
	poll->count--;
	free(reading);
}

void ring_reading_name(const struct reading *reading, struct ring_named *named)
{
	const char *const end = reading->name + reading->name_bytes;
	const char *text = reading->name;
	unsigned count = 0;

	while ((text += strlen(text) + 1) < end)
		named->label_values[count++] = text;
	named->label_values[count] = NULL;
	named->wanted = (struct ring_wanted){reading->name, reading->kind, named->label_values};
}

static uint64_t hash_wanted(const struct ring_wanted *wanted)
{
	uint64_t hash = ring_hash(RING_HASH_START, wanted->metric, strlen(wanted->metric) + 1);

	for (const char *const *value = wanted->label_values; value && *value; value++)
		hash = ring_hash(hash, *value, strlen(*value) + 1);
	return hash;
}

/* Whether the text at `*at` is that string; moves behind it. */
static bool passes(const char **at, const char *end, const char *string)
{
	const size_t bytes = strlen(string) + 1;

	if ((size_t)(end - *at) < bytes || memcmp(*at, string, bytes) != 0)
		return false;
	*at += bytes;
	return true;
}

static bool is_named(const struct reading *reading, const struct ring_wanted *wanted)
{
	const char *const end = reading->name + reading->name_bytes;
	const char *at = reading->name;

	if (!passes(&at, end, wanted->metric))
		return false;
	for (const char *const *value = wanted->label_values; value && *value; value++)
		if (!passes(&at, end, *value))
			return false;
	return at == end;
}

static struct reading *find(const struct ring_poll *poll, const struct ring_wanted *wanted,
			    uint64_t hash)
{
	struct reading *reading = poll->buckets[hash & poll->bucket_mask];

	while (reading && (reading->hash != hash || !is_named(reading, wanted)))
		reading = reading->next;
	return reading;
}

/* Twice the buckets; where memory is short the chains get longer instead. */
static void grow(struct ring_poll *poll)
{
	const size_t mask = 2 * poll->bucket_mask + 1;
	struct reading **buckets = calloc(mask + 1, sizeof *buckets);

	if (!buckets)
		return;
	for (size_t i = 0; i <= poll->bucket_mask; i++)
		for (struct reading *reading = poll->buckets[i], *next; reading; reading = next) {
			next = reading->next;
			reading->next = buckets[reading->hash & mask];
			buckets[reading->hash & mask] = reading;
		}
	free(poll->buckets);
	poll->buckets = buckets;
	poll->bucket_mask = mask;
}

static struct reading *add(struct ring_poll *poll, const struct ring_wanted *wanted, uint64_t hash)
{
	size_t bytes = strlen(wanted->metric) + 1;

	for (const char *const *value = wanted->label_values; value && *value; value++)
		bytes += strlen(*value) + 1;
	struct reading *reading = calloc(1, sizeof *reading + bytes);
	if (!reading)
		return NULL;
	char *end = stpcpy(reading->name, wanted->metric) + 1;
	for (const char *const *value = wanted->label_values; value && *value; value++)
		end = stpcpy(end, *value) + 1;
	reading->poll = poll;
	reading->is_new = true;
	reading->name_bytes = (uint32_t)bytes;
	reading->hash = hash;
	reading->kind = wanted->kind;
	if (poll->count > poll->bucket_mask)
		grow(poll);
	struct reading **bucket = &poll->buckets[hash & poll->bucket_mask];
	reading->next = *bucket;
	*bucket = reading;
	poll->count++;
	return reading;
}

/* With the gate's mutex held and the gate open. */
static int take(struct ring_poll *poll, const struct ring_wanted *wanted, uint64_t given)
{
	const uint64_t hash = hash_wanted(wanted);
	struct reading *reading = find(poll, wanted, hash);

	if (!reading || reading->kind != wanted->kind) {
		const int error = ring_registry_judge(poll->registry, wanted);
		if (error)
			return error;
		reading = add(poll, wanted, hash);
	}
	if (!reading)
		return ring_fail(ENOMEM, "metric %s: out of memory", wanted->metric);
	if (reading->answer != poll->answer) {
		reading->answer = poll->answer;
		reading->next_given = NULL;
		*poll->given_end = reading;
		poll->given_end = &reading->next_given;
	}
	reading->given = given;
	return 0;
}

/* Lets the function in that is expected, until ring_poll_leave; nobody else. */
static bool enter(struct ring_poll *poll)
{
	if (!poll || poll->life != ring_poll_life())
		return false;
	pthread_mutex_lock(&poll->gate);
	if (poll->is_open)
		return true;
	pthread_mutex_unlock(&poll->gate);
	return false;
}

static int give(struct ring_poll *poll, const char *metric, enum ring_kind kind,
		const char *const *label_values, uint64_t given)
{
	const struct ring_wanted wanted = {metric, kind, label_values};

	if (!enter(poll))
		return 0;
	const int result = take(poll, &wanted, given);
	if (result != 0)
		poll->refused++;
	pthread_mutex_unlock(&poll->gate);
	return result;
}

int ring_poll_keep(struct ring_poll *poll, const char *metric, const char *const *label_values)
{
	const struct ring_wanted wanted = {metric, RING_GAUGE, label_values};
	int result = 0;

	if (!enter(poll))
		return 0;
	const struct reading *reading = find(poll, &wanted, hash_wanted(&wanted));
	if (reading && reading->kind == wanted.kind && reading->answer != poll->answer)
		result = take(poll, &wanted, reading->held);
	pthread_mutex_unlock(&poll->gate);
	return result;
}

RING_EXPORT int ring_poll_counter(struct ring_poll *poll, const char *metric,
				  const char *const *label_values, uint64_t total)
{
	return give(poll, metric, RING_COUNTER, label_values, total);
}

RING_EXPORT int ring_poll_gauge(struct ring_poll *poll, const char *metric,
				const char *const *label_values, double value)
{
	return give(poll, metric, RING_GAUGE, label_values, ring_bits_of(value));
}

RING_EXPORT int ring_poll_depth(struct ring_poll *poll, const char *metric,
				const char *const *label_values, int64_t depth)
{
	return ring_poll_gauge(poll, metric, label_values, depth < 0 ? 0 : (double)depth);
}

RING_EXPORT int ring_poll_state(struct ring_poll *poll, const char *metric,
				const char *const *label_values, uint64_t state)
{
	return give(poll, metric, RING_STATESET, label_values, state);
}

RING_EXPORT int ring_poll_mode(struct ring_poll *poll, const char *metric,
			       const char *const *label_values, const char *state)
{
	uint64_t place = 0;

	if (enter(poll)) {
		place = ring_registry_state(poll->registry, metric, state);
		pthread_mutex_unlock(&poll->gate);
	}
	return ring_poll_state(poll, metric, label_values, place);
}

RING_EXPORT void ring_poll_restarted(struct ring_poll *poll)
{
	if (!enter(poll))
		return;
	poll->has_restarted = true;
	pthread_mutex_unlock(&poll->gate);
}
