/* SPDX-License-Identifier: MIT */
/*
 * Sequence numbers over time; see lag.h.
 *
 * Each step says up to which entry all was shipped, and when. What the follower has applied goes,
 * but for the newest step: it is what a follower that has been restored, and goes back, lacks.
 */
#include <string.h>

#include <ring/ring.h>

#include "lag.h"

static bool is_sound(enum lag_kind kind, uint64_t bits)
{
	const double value = bits != RING_GAUGE_UNSET ? ring_double_of(bits) : 0;

	return value >= 0 && value <= (double)LAG_SEQNO_MAX &&
	       (kind == LAG_RECORDED || value == (double)(uint64_t)value);
}

/* Drops the steps whose neighbours are close enough without them. */
static void thin_steps(struct lag *lag)
{
	struct lag_step *steps = lag->steps;
	const uint32_t newest = lag->step_count - 1;
	const uint64_t part_ns = (steps[newest].time_ns - steps[0].time_ns) / LAG_PARTS;
	uint32_t kept = 1;

	for (uint32_t i = 1; i <= newest; i++)
		if (i == newest || steps[i + 1].time_ns - steps[kept - 1].time_ns > part_ns)
			steps[kept++] = steps[i];
	lag->step_count = kept;
}

static void add_step(struct lag *lag, uint64_t seqno, uint64_t time_ns)
{
	struct lag_step *newest = lag->step_count > 0 ? &lag->steps[lag->step_count - 1] : NULL;

	if (newest && seqno == newest->seqno)
		return;
	if (newest && seqno < newest->seqno) {
		lag->step_count = 0;
	} else if (newest && time_ns < newest->time_ns + LAG_STEP_NS) {
		newest->seqno = seqno;
		return;
	}
	if (lag->step_count == LAG_STEPS_MAX)
		thin_steps(lag);
	lag->steps[lag->step_count++] = (struct lag_step){seqno, time_ns};
}

static void drop_applied_steps(struct lag *lag)
{
	const uint64_t applied = lag_seqno(lag, LAG_APPLIED);
	uint32_t first = 0;

	while (first + 1 < lag->step_count && lag->steps[first].seqno <= applied)
		first++;
	if (first == 0)
		return;
	lag->step_count -= first;
	memmove(lag->steps, lag->steps + first, lag->step_count * sizeof lag->steps[0]);
}

/* Of one time the highest sequence number is the newest. */
static bool is_stale(const struct lag *lag, enum lag_kind kind, uint64_t bits, uint64_t time_ns)
{
	const struct lag_record *record = &lag->records[kind];

	if (time_ns != record->time_ns || kind == LAG_RECORDED)
		return time_ns < record->time_ns;
	return bits != RING_GAUGE_UNSET && lag->known[kind] && ring_double_of(bits) < record->value;
}

/* `step_ns` is when the entries were shipped, if this is of the leader. */
static void take(struct lag *lag, enum lag_kind kind, uint64_t bits, uint64_t time_ns,
		 uint64_t step_ns)
{
	const bool known = bits != RING_GAUGE_UNSET;
	const double value = known ? ring_double_of(bits) : 0;

	lag->records[kind] = (struct lag_record){value, time_ns};
	lag->known[kind] = known;
	if (kind == LAG_SHIPPED && !known)
		lag->step_count = 0;
	else if (kind == LAG_SHIPPED)
		add_step(lag, (uint64_t)value, step_ns);
	drop_applied_steps(lag);
}

/* A record without a time is as good as now: its writer has not called ring_tick. */
static uint64_t past_of(uint64_t time_ns, uint64_t now_ns)
{
	return time_ns != 0 && time_ns < now_ns ? time_ns : now_ns;
}

bool lag_observe(struct lag *lag, enum lag_kind kind, uint64_t bits, uint64_t time_ns,
		 uint64_t now_ns)
{
	const uint64_t time_past_ns = past_of(time_ns, now_ns);

	if (!is_sound(kind, bits)) {
		lag->refused_count++;
		bits = RING_GAUGE_UNSET;
	}
	if (is_stale(lag, kind, bits, time_past_ns)) {
		if (!(lag->recalled & 1u << kind))
			lag->stale_count++;
		return false;
	}
	lag->recalled &= (uint8_t) ~(1u << kind);
	take(lag, kind, bits, time_past_ns, time_past_ns);
	return true;
}

bool lag_recall(struct lag *lag, enum lag_kind kind, uint64_t bits, uint64_t time_ns,
		uint64_t now_ns)
{
	const struct lag_record *record = &lag->records[kind];
	const uint64_t time_past_ns = past_of(time_ns, now_ns);
	const bool is_same_time = time_past_ns == record->time_ns;

	if (!is_sound(kind, bits))
		bits = RING_GAUGE_UNSET;
	if (is_same_time && lag->known[kind] && bits == ring_bits_of(record->value))
		return true;
	if (is_stale(lag, kind, bits, time_past_ns))
		return false;
	lag->recalled |= (uint8_t)(1u << kind);
	take(lag, kind, bits, time_past_ns, is_same_time ? now_ns : time_past_ns);
	return true;
}

void lag_forget(struct lag *lag, enum lag_kind kind)
{
	lag->records[kind] = (struct lag_record){.time_ns = 0};
	lag->known[kind] = false;
	if (kind == LAG_SHIPPED)
		lag->step_count = 0;
}

bool lag_entries(const struct lag *lag, int64_t *entries)
{
	if (!lag->known[LAG_SHIPPED])
		return false;
	*entries = (int64_t)lag_seqno(lag, LAG_SHIPPED) - (int64_t)lag_seqno(lag, LAG_APPLIED);
	return true;
}

/* The age that the first entry missed had then. */
static double age_at(const struct lag *lag, uint64_t then_ns)
{
	const struct lag_step *first = &lag->steps[0];

	if (!lag->known[LAG_SHIPPED] || first->seqno <= lag_seqno(lag, LAG_APPLIED) ||
	    first->time_ns >= then_ns)
		return 0;
	return (double)(then_ns - first->time_ns) / 1e9;
}

bool lag_seconds(const struct lag *lag, uint64_t now_ns, double *seconds)
{
	const struct lag_record *recorded = &lag->records[LAG_RECORDED];
	double age = age_at(lag, now_ns);

	if (!lag->known[LAG_RECORDED] && !lag->known[LAG_SHIPPED])
		return false;
	if (lag->known[LAG_RECORDED]) {
		if (now_ns < recorded->time_ns + LAG_BELIEVED_NS)
			age = age_at(lag, lag->records[LAG_APPLIED].time_ns);
		if (recorded->value > age)
			age = recorded->value;
	}
	*seconds = age;
	return true;
}
