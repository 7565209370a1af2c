/* SPDX-License-Identifier: MIT */
/*
 * Message queues: how deep they are, polled, and what is done in their partitions, recorded. The
 * node that knows the depths observes every queue and answers RING_ANSWER_ALL; so a queue that is
 * deleted is forgotten, and so are all of them when another node takes over.
 */
#ifndef RING_SET_QUEUES_H
#define RING_SET_QUEUES_H

#include "../set.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_QUEUE_STATES(VALUE)                     \
	VALUE(RING_QUEUE_VISIBLE, "visible")         \
	VALUE(RING_QUEUE_NOT_VISIBLE, "not_visible") \
	VALUE(RING_QUEUE_DELAYED, "delayed")

RING_SET_LABEL(ring_queue_state, "state", RING_QUEUE_STATES);

#define RING_QUEUE_ACTIONS(VALUE)            \
	VALUE(RING_QUEUE_OTHER, "other")     \
	VALUE(RING_QUEUE_SEND, "send")       \
	VALUE(RING_QUEUE_RECEIVE, "receive") \
	VALUE(RING_QUEUE_DELETE, "delete")

RING_SET_LABEL(ring_queue_action, "action", RING_QUEUE_ACTIONS);

#define RING_QUEUE_DEPTH(ONE, EACH, OF)                                       \
	EACH(OF, SUM, messages, ring_queue_state, "sqs_queue_messages", NULL, \
	     "Messages in the queue: to be had, handed out, or not yet due.")

#define RING_QUEUE_PARTITION(ONE, EACH, OF)                                                  \
	EACH(OF, COUNTER, messages, ring_queue_action, "sqs_partition_messages_total", NULL, \
	     "What was done with messages of the partition.")

RING_SET_POLLED(ring_queue_depth, RING_QUEUE_DEPTH);
RING_SET_RECORDED(ring_queue_partition, RING_QUEUE_PARTITION);

static const struct ring_set_bundle ring_queue_depth_bundle = {
	RING_SET_METRICS(ring_queue_depth), {"queue"}, RING_SET_BUDGET, RING_SET_OVERFLOW, 0};
static const struct ring_set_bundle ring_queue_partition_bundle = {
	RING_SET_METRICS(ring_queue_partition),
	{"queue", "partition"},
	RING_SET_BUDGET,
	RING_SET_OVERFLOW,
	0};
static const struct ring_set_spec ring_queues = {
	RING_SET_PREFIX, {&ring_queue_depth_bundle, &ring_queue_partition_bundle}};

/* Messages in a state; below 0 they are 0. */
static inline void ring_queue_count(struct ring_queue_depth *depth, enum ring_queue_state state,
				    int64_t messages)
{
	depth->messages[ring_queue_state_known(state)] = messages;
}

static inline int ring_queue_observe(struct ring_poll *poll, const struct ring_set *set,
				     const char *queue, const struct ring_queue_depth *depth)
{
	const char *const labels[] = {queue, NULL};

	return ring_set_observe(poll, set, &ring_queue_depth_bundle, labels, depth);
}

static inline struct ring_queue_partition ring_queue_partition_resolve(const struct ring_set *set,
								       const char *queue,
								       uint32_t partition)
{
	struct ring_queue_partition handles;
	char digits[11];
	char *first = digits + sizeof digits - 1;
	const char *labels[] = {queue, NULL, NULL};

	*first = 0;
	do
		*--first = (char)('0' + partition % 10);
	while ((partition /= 10) > 0);
	labels[1] = first;
	ring_set_resolve(set, &ring_queue_partition_bundle, labels, &handles);
	return handles;
}

static inline void ring_queue_act(struct ring_writer *writer,
				  const struct ring_queue_partition *partition,
				  enum ring_queue_action action)
{
	ring_counter_add(writer, partition->messages[ring_queue_action_known(action)], 1);
}

#ifdef __cplusplus
}
#endif

#endif
