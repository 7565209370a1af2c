/* SPDX-License-Identifier: MIT */
/*
 * What a source has said, recorded. A series is resolved at first sight. A counter keeps it then.
 * That of a gauge or state set changes hands when it is forgotten, by this poller or by others: as
 * soon as any has in this segment, handles are resolved again before they are used.
 *
 * An overflow series of gauges has one value for all the names that share it. So it is set last,
 * when it is known who does, from what each of them was given last. Such a series is "stale" until
 * then. With each answer its names ask for a place of their own again.
 *
 * Counters that outlive this process were perhaps recorded by an earlier one. What a tally holds
 * beyond the claims of those that are observed, and beyond what others record from now on, is from
 * then, and the next one at first sight is taken to be a part of it. Past a budget that is so for a
 * source's first answer; what it names later is new.
 */
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "owner.h"
#include "poller.h"
#include "ring/record.h"

#define DEPARTED_MAX 65536u     /* counters past a budget that are remembered though not given */
#define LAST_STALE   UINT32_MAX /* ends the list of places; no cell has this number */

static uint64_t tally_of(const struct ring_recorder *recorder, uint32_t core, uint32_t cell)
{
	/* relaxed: a total of its own. */
	return ring_load_relaxed(ring_tallies_of(&recorder->segment->map, core) + cell);
}

/* Keeps what the other cores' tallies are now. */
static void find_tallies(struct ring_recorder *recorder)
{
	const struct ring_header *shape = &recorder->segment->map.shape;

	for (uint32_t core = 0; core < shape->core_count; core++)
		for (uint32_t cell = 0; cell < shape->cell_capacity; cell++)
			if (core != recorder->writer->core)
				recorder->places[cell].found += tally_of(recorder, core, cell);
}

int ring_recorder_open(struct ring_recorder *recorder, struct ring_segment *segment, unsigned core)
{
	*recorder = (struct ring_recorder){
		.segment = segment,
		.first_stale = LAST_STALE,
		.places = calloc(segment->map.shape.cell_capacity, sizeof *recorder->places),
	};
	if (!recorder->places)
		return ring_fail(ENOMEM, "%s: out of memory", segment->map.shape.name);
	const int error = ring_claim(segment, core, &recorder->writer);
	if (error)
		free(recorder->places);
	else
		find_tallies(recorder);
	return error;
}

void ring_recorder_close(struct ring_recorder *recorder)
{
	ring_writer_release(recorder->writer);
	free(recorder->places);
}

static void begin(struct ring_recorder *recorder)
{
	const struct ring_header *live = recorder->segment->map.live;

	/* relaxed: what changes hands from now on cools down for longer than this takes. */
	recorder->changes = ring_load_relaxed(&live->series_changes);
	ring_tick(recorder->writer);
	ring_burst_begin(recorder->writer);
}

static void set(struct ring_recorder *recorder, uint64_t key, uint64_t bits)
{
	const struct ring_gauge gauge = {key};

	ring_gauge_set(recorder->writer, gauge, ring_double_of(bits));
}

static void add(struct ring_recorder *recorder, const struct reading *reading, uint64_t delta)
{
	const struct ring_counter counter = {reading->handle.key};

	if (delta > 0)
		ring_counter_add(recorder->writer, counter, delta);
}

static uint32_t cell_of(const struct ring_recorder *recorder, uint64_t key)
{
	return recorder->segment->map.shape.cell_capacity + (uint32_t)key;
}

static void make_stale(struct ring_recorder *recorder, uint32_t cell)
{
	struct place *place = &recorder->places[cell];

	if (place->next_stale != 0)
		return;
	place->next_stale = recorder->first_stale;
	recorder->first_stale = cell;
}

static void share(struct ring_recorder *recorder, struct reading *reading)
{
	const uint32_t cell = cell_of(recorder, reading->handle.key);

	LIST_INSERT_HEAD(&recorder->places[cell].sharing, reading, of_sharing);
	recorder->places[cell].key = reading->handle.key;
	make_stale(recorder, cell);
}

static void stop_sharing(struct ring_recorder *recorder, struct reading *reading)
{
	LIST_REMOVE(reading, of_sharing);
	make_stale(recorder, cell_of(recorder, reading->handle.key));
}

/* Gives up a gauge or state set. */
static void leave(struct ring_recorder *recorder, struct reading *reading)
{
	struct ring_named named;

	ring_reading_name(reading, &named);
	/* If it is not there, somebody else has given it up. */
	ring_registry_forget(reading->poll->registry, &named.wanted);
	if (reading->handle.is_overflow)
		stop_sharing(recorder, reading);
	TAILQ_REMOVE(&reading->poll->states, reading, of_age);
	ring_poll_drop(reading->poll, reading);
}

/* Whether the handle still is that of the reading's series, and there can be no better one. */
static bool is_current(const struct ring_recorder *recorder, const struct reading *reading)
{
	if (reading->handle.key == 0 || reading->kind == RING_COUNTER)
		return reading->handle.key != 0;
	return !reading->handle.is_overflow && reading->changes == recorder->changes;
}

/* Asks the registry for the reading's series. Returns 0 or a negative errno. */
static int resolve(struct ring_recorder *recorder, struct reading *reading)
{
	struct ring_poll *poll = reading->poll;
	struct ring_named named;

	if (reading->handle.is_overflow)
		stop_sharing(recorder, reading);
	reading->handle = (struct ring_resolved){.key = 0};
	ring_reading_name(reading, &named);
	const int error = ring_registry_resolve(poll->registry, &named.wanted, &reading->handle);
	if (error)
		return error;
	reading->changes = recorder->changes;
	if (!reading->handle.is_overflow)
		return 0;
	if (reading->kind != RING_COUNTER) {
		share(recorder, reading);
	} else {
		TAILQ_INSERT_TAIL(&poll->shared, reading, of_age);
		poll->shared_count++;
	}
	return 0;
}

/* How much of a counter's tally nobody has claimed, without what others than this poller have
 * recorded since it was started. */
static uint64_t unclaimed(const struct ring_recorder *recorder, uint32_t cell)
{
	const struct place *place = &recorder->places[cell];
	const uint64_t tally = place->found + tally_of(recorder, recorder->writer->core, cell);

	return tally > place->claimed ? tally - place->claimed : 0;
}

static void claim(struct ring_recorder *recorder, struct reading *reading, uint64_t n)
{
	reading->claimed += n;
	recorder->places[cell_of(recorder, reading->handle.key)].claimed += n;
}

static void unclaim(struct ring_recorder *recorder, const struct reading *reading)
{
	recorder->places[cell_of(recorder, reading->handle.key)].claimed -= reading->claimed;
}

/* At first sight of what was perhaps recorded in an earlier life. */
static void catch_up(struct ring_recorder *recorder, struct reading *reading)
{
	const uint64_t known = unclaimed(recorder, cell_of(recorder, reading->handle.key));

	add(recorder, reading, reading->given > known ? reading->given - known : 0);
	claim(recorder, reading, reading->given);
}

static void take_total(struct ring_recorder *recorder, struct reading *reading, bool is_first)
{
	const struct ring_poll *poll = reading->poll;
	const uint64_t grown = reading->given > reading->held ? reading->given - reading->held : 0;
	const bool is_new = poll->has_restarted ||
			    (reading->handle.is_overflow && poll->has_answered);

	if (poll->outlives && is_first && !is_new) {
		catch_up(recorder, reading);
	} else {
		add(recorder, reading, grown);
		claim(recorder, reading, grown);
	}
	reading->held = reading->given;
}

static void take_state(struct ring_recorder *recorder, struct reading *reading)
{
	const struct ring_resolved *of = &reading->handle;

	reading->held = reading->given;
	if (reading->kind == RING_STATESET)
		reading->held = ring_bits_of((double)(reading->given < of->bound_count
							      ? reading->given
							      : of->state_default));
	if (!of->is_overflow)
		set(recorder, of->key, reading->held);
}

/* Moves a reading that was given behind those that were not. */
static void refresh(struct reading_queue *queue, struct reading *reading)
{
	TAILQ_REMOVE(queue, reading, of_age);
	TAILQ_INSERT_TAIL(queue, reading, of_age);
}

static void take(struct ring_recorder *recorder, struct reading *reading)
{
	struct ring_poll *poll = reading->poll;
	const bool is_first = reading->handle.key == 0;

	if (reading->is_new && reading->kind != RING_COUNTER)
		TAILQ_INSERT_TAIL(&poll->states, reading, of_age);
	reading->is_new = false;
	if (!is_current(recorder, reading) && resolve(recorder, reading) != 0)
		poll->refused++;
	else if (reading->kind == RING_COUNTER)
		take_total(recorder, reading, is_first);
	else
		take_state(recorder, reading);
	if (reading->kind != RING_COUNTER)
		refresh(&poll->states, reading);
	else if (reading->handle.is_overflow)
		refresh(&poll->shared, reading);
}

/* Sets a series to what the names that share it amount to: by the metric's rule, as if each were a
 * core's, and the one given last the newest. */
static void set_shared(struct ring_recorder *recorder, struct place *place)
{
	const struct reading *first = LIST_FIRST(&place->sharing), *reading;
	const struct ring_metric_info rule = {
		.kind = first->kind, .merge = first->handle.merge, .series_cells = 2};
	uint64_t into[2], from[2] = {0, 0};

	ring_cells_clear(&rule, into);
	LIST_FOREACH (reading, &place->sharing, of_sharing) {
		from[0] = reading->held;
		from[1]--;
		ring_cells_merge(&rule, into, from);
	}
	set(recorder, place->key, into[0]);
}

static void settle(struct ring_recorder *recorder, struct place *place)
{
	struct reading *first;

	while ((first = LIST_FIRST(&place->sharing)) && first->changes != recorder->changes)
		/* It stays here, at the front, or has a place of its own now. */
		if (resolve(recorder, first) == 0 && !first->handle.is_overflow)
			set(recorder, first->handle.key, first->held);
	if (first)
		set_shared(recorder, place);
	else
		/* Others may still have names there: another poller, a core of the data plane. */
		set(recorder, place->key, RING_GAUGE_UNSET);
}

static void end(struct ring_recorder *recorder)
{
	while (recorder->first_stale != LAST_STALE) {
		struct place *place = &recorder->places[recorder->first_stale];
		recorder->first_stale = place->next_stale;
		place->next_stale = 0;
		settle(recorder, place);
	}
	ring_burst_end(recorder->writer);
}

static void leave_absent(struct ring_recorder *recorder, struct ring_poll *poll)
{
	struct reading *reading;

	while ((reading = TAILQ_FIRST(&poll->states)) && reading->answer != poll->answer)
		leave(recorder, reading);
}

/* Of the counters past a budget keeps those of this answer, and some more. */
static void drop_departed(struct ring_recorder *recorder, struct ring_poll *poll,
			  size_t given_count)
{
	while (poll->shared_count > given_count + DEPARTED_MAX) {
		struct reading *oldest = TAILQ_FIRST(&poll->shared);
		unclaim(recorder, oldest);
		TAILQ_REMOVE(&poll->shared, oldest, of_age);
		ring_poll_drop(poll, oldest);
		poll->shared_count--;
	}
}

void ring_recorder_take(struct ring_recorder *recorder, struct ring_poll *poll, bool is_all)
{
	size_t shared_count = 0;

	begin(recorder);
	if (poll->has_restarted)
		ring_poll_reset(poll);
	for (struct reading *reading = poll->given; reading; reading = reading->next_given) {
		take(recorder, reading);
		shared_count += reading->kind == RING_COUNTER && reading->handle.is_overflow;
	}
	if (is_all)
		leave_absent(recorder, poll);
	end(recorder);
	drop_departed(recorder, poll, shared_count);
	poll->has_restarted = false;
	poll->has_answered = true;
}

void ring_recorder_leave(struct ring_recorder *recorder, struct ring_poll *poll)
{
	struct reading *reading;

	begin(recorder);
	while ((reading = TAILQ_FIRST(&poll->states)))
		leave(recorder, reading);
	end(recorder);
	for (size_t i = 0; i <= poll->bucket_mask; i++)
		for (reading = poll->buckets[i]; reading; reading = reading->next)
			if (reading->handle.key != 0)
				unclaim(recorder, reading);
	ring_poll_clear(poll);
}
