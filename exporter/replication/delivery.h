/* SPDX-License-Identifier: MIT */
/*
 * What one Alertmanager has got, what it gets next, and when.
 *
 * There is no queue. A *round* goes through the monitor by name and sends what has changed since
 * the last one that nothing was missing from; a full round, which comes with each resend delay,
 * sends everything, and one batch without alerts when there is nothing, to see that the
 * Alertmanager is there. A batch that fails is not repeated: the round goes on with the next one
 * after a pause, so that no batch stands in the way of others, and a full round follows it at
 * once. Pauses double from failure to failure until a round is without one.
 *
 * Pure; one thread at a time. The monitor may change between two steps.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "alert_json.h"

#define DELIVERY_BATCH        64u   /* alerts in one */
#define DELIVERY_LOOK         1024u /* nodes that one step looks at */
#define DELIVERY_PAUSE_NS_MIN UINT64_C(1000000000)
#define DELIVERY_PAUSE_NS_MAX (60 * DELIVERY_PAUSE_NS_MIN)

/* How the Alertmanager does. It gets worse with an answer, and better with a full round. */
enum delivery_state {
	DELIVERY_UNTRIED,
	DELIVERY_TAKING,
	DELIVERY_REFUSING, /* some alerts, which it calls invalid; it has taken the others */
	DELIVERY_FAILING,
};

struct delivery {
	enum delivery_state state;
	uint64_t resend_ns;
	uint64_t version; /* of the monitor, all of which it has got */
	uint64_t full_ns; /* when the next full round is due */
	uint64_t paused_until_ns;
	uint64_t pause_ns;    /* the last one */
	unsigned alert_count; /* in the batch */
	struct {
		bool is_open, is_full;
		bool is_through; /* it has seen all nodes */
		bool has_sent;   /* or tried to */
		bool was_refused, has_failed;
		uint64_t version;  /* of the monitor when it began */
		struct text after; /* name of the node up to which it has come, with its end */
	} round;
};

void delivery_init(struct delivery *delivery, uint64_t resend_ns);
void delivery_release(struct delivery *delivery);

enum delivery_step {
	DELIVERY_IDLE,  /* nothing to do at present */
	DELIVERY_LOOKS, /* not done with looking for alerts: to be called again */
	DELIVERY_SENDS, /* the batch is to be sent: delivery_answer comes next */
};

/* One step of a round, which may begin with it. Writes the batch as JSON. */
enum delivery_step delivery_step(struct delivery *delivery, const struct monitor *monitor,
				 const struct alert_terms *terms, struct text *batch);

/* What has become of the batch: taken, refused or failed, as the state that this stands for. */
void delivery_answer(struct delivery *delivery, enum delivery_state answer, uint64_t now_ns);

#endif
