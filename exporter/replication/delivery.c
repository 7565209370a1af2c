/* SPDX-License-Identifier: MIT */
/* Rounds of batches; see delivery.h. */
#include <string.h>

#include "delivery.h"

#define CURSOR_BYTES_MAX (1u << 20)

void delivery_init(struct delivery *delivery, uint64_t resend_ns)
{
	*delivery = (struct delivery){.resend_ns = resend_ns};
	text_init(&delivery->round.after, CURSOR_BYTES_MAX);
}

void delivery_release(struct delivery *delivery)
{
	text_release(&delivery->round.after);
}

static void pause_delivery(struct delivery *delivery, uint64_t now_ns)
{
	const uint64_t twice_ns = 2 * delivery->pause_ns;

	delivery->pause_ns = twice_ns < DELIVERY_PAUSE_NS_MIN   ? DELIVERY_PAUSE_NS_MIN
			     : twice_ns > DELIVERY_PAUSE_NS_MAX ? DELIVERY_PAUSE_NS_MAX
								: twice_ns;
	delivery->paused_until_ns = now_ns + delivery->pause_ns;
}

/* Returns false when there is no reason for one. */
static bool open_round(struct delivery *delivery, uint64_t version, uint64_t now_ns)
{
	const struct text after = delivery->round.after;
	const bool is_full = now_ns >= delivery->full_ns;

	if (!is_full && version == delivery->version)
		return false;
	delivery->round = (typeof(delivery->round)){
		.is_open = true, .is_full = is_full, .version = version, .after = after};
	text_clear(&delivery->round.after);
	if (is_full)
		delivery->full_ns = now_ns + delivery->resend_ns;
	return true;
}

static void close_round(struct delivery *delivery)
{
	delivery->round.is_open = false;
	if (delivery->round.has_failed) {
		delivery->full_ns = 0;
		return;
	}
	delivery->version = delivery->round.version;
	delivery->pause_ns = 0;
	if (delivery->round.is_full)
		delivery->state = delivery->round.was_refused ? DELIVERY_REFUSING : DELIVERY_TAKING;
}

/* The alerts of one node that this round is about. */
static void add_node(struct delivery *delivery, const struct monitor_node *node,
		     const struct alert_terms *terms, struct text *batch)
{
	for (int i = SEVERITY_NORMAL + 1; i < SEVERITY_COUNT; i++) {
		const struct monitor_alert *alert = &node->alerts[i];
		if (alert->raised_ns == 0 ||
		    (!delivery->round.is_full && alert->version <= delivery->version))
			continue;
		if (delivery->alert_count++ > 0)
			text_string(batch, ",");
		alert_json(batch, node, (enum severity)i, terms);
	}
}

static void fill_batch(struct delivery *delivery, const struct monitor *monitor,
		       const struct alert_terms *terms, struct text *batch)
{
	struct text *after = &delivery->round.after;
	const char *name = after->bytes > 0 ? after->data : NULL;

	for (unsigned i = 0; i < DELIVERY_LOOK; i++) {
		const struct monitor_node *node = monitor_next(monitor, name);
		delivery->round.is_through = node == NULL;
		if (!node || delivery->alert_count + SEVERITY_COUNT - 1 > DELIVERY_BATCH)
			break;
		add_node(delivery, node, terms, batch);
		name = node->name;
	}
	if (!name || name == after->data)
		return;
	text_clear(after);
	text_append(after, name, strlen(name) + 1);
	if (after->error) { /* for want of memory: what comes after is left to the next round */
		delivery->round.is_through = delivery->round.has_failed = true;
		pause_delivery(delivery, terms->now_ns);
	}
}

enum delivery_step delivery_step(struct delivery *delivery, const struct monitor *monitor,
				 const struct alert_terms *terms, struct text *batch)
{
	if (terms->now_ns < delivery->paused_until_ns)
		return DELIVERY_IDLE;
	if (!delivery->round.is_open &&
	    !open_round(delivery, monitor_version(monitor), terms->now_ns))
		return DELIVERY_IDLE;
	delivery->alert_count = 0;
	text_clear(batch);
	text_string(batch, "[");
	fill_batch(delivery, monitor, terms, batch);
	text_string(batch, "]");
	const bool is_empty_round = delivery->round.is_through && delivery->round.is_full &&
				    !delivery->round.has_sent;
	if (delivery->alert_count > 0 || is_empty_round) {
		delivery->round.has_sent = true;
		return DELIVERY_SENDS;
	}
	if (!delivery->round.is_through)
		return DELIVERY_LOOKS;
	close_round(delivery);
	return DELIVERY_IDLE;
}

void delivery_answer(struct delivery *delivery, enum delivery_state answer, uint64_t now_ns)
{
	if (answer == DELIVERY_FAILING) {
		delivery->round.has_failed = true;
		delivery->state = DELIVERY_FAILING;
		pause_delivery(delivery, now_ns);
	} else if (answer == DELIVERY_REFUSING) {
		delivery->round.was_refused = true;
		if (delivery->state != DELIVERY_FAILING)
			delivery->state = DELIVERY_REFUSING;
	}
	if (delivery->round.is_through)
		close_round(delivery);
}
