/* SPDX-License-Identifier: MIT */
/*
 * Groups of nodes that agree by Raft, as this node sees them: polled. A source observes each of its
 * groups and the members of each, and answers RING_ANSWER_ALL, so that whoever has left is no
 * longer shown; or RING_ANSWER_NONE while it cannot tell.
 */
#ifndef RING_SET_RAFT_H
#define RING_SET_RAFT_H

#include "../set.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_RAFT_STATES(VALUE)                 \
	VALUE(RING_RAFT_UNKNOWN, "unknown")     \
	VALUE(RING_RAFT_FOLLOWER, "follower")   \
	VALUE(RING_RAFT_CANDIDATE, "candidate") \
	VALUE(RING_RAFT_LEADER, "leader")       \
	VALUE(RING_RAFT_SHUTDOWN, "shutdown")

RING_SET_LABEL(ring_raft_state, "state", RING_RAFT_STATES);

#define RING_RAFT_SUFFRAGES(VALUE)      \
	VALUE(RING_RAFT_OTHER, "other") \
	VALUE(RING_RAFT_VOTER, "voter") \
	VALUE(RING_RAFT_LEARNER, "learner")

RING_SET_LABEL(ring_raft_suffrage, "suffrage", RING_RAFT_SUFFRAGES);

#define RING_RAFT_GROUP(ONE, EACH, OF)                                                 \
	ONE(OF, STATES(ring_raft_state), state, "raft_local_state", NULL,              \
	    "What this node is in the group.")                                         \
	ONE(OF, LAST, term, "raft_term", NULL, "Term that this node is in.")           \
	ONE(OF, LAST, commit_index, "raft_commit_index", NULL,                         \
	    "Index up to which the log is committed.")                                 \
	ONE(OF, LAST, applied_index, "raft_applied_index", NULL,                       \
	    "Index up to which the log is applied.")                                   \
	ONE(OF, LAST, last_log_index, "raft_last_log_index", NULL,                     \
	    "Index of the log's last entry.")                                          \
	ONE(OF, LAST, last_snapshot_index, "raft_last_snapshot_index", NULL,           \
	    "Index of the newest snapshot.")                                           \
	ONE(OF, LAST, fsm_pending, "raft_fsm_pending", NULL,                           \
	    "Commands that wait for the state machine.")                               \
	ONE(OF, LAST, peers, "raft_num_peers", NULL, "Voters other than this node.")   \
	ONE(OF, LAST, members, "raft_members", NULL, "Members in the configuration.")  \
	ONE(OF, SECONDS, last_contact_seconds, "raft_last_contact_seconds", "seconds", \
	    "Time since the leader was heard of; -1: never.")                          \
	ONE(OF, COUNTER, leader_changes, "raft_leader_changes_seen_total", NULL,       \
	    "Changes of the leader that this node has seen.")                          \
	ONE(OF, COUNTER, proposals_failed, "raft_proposals_failed_total", NULL,        \
	    "Proposals that failed before they were applied.")

#define RING_RAFT_LEADERSHIP(ONE, EACH, OF) \
	ONE(OF, LAST, is, "raft_leader_identity", NULL, "1 for the leader that this node knows of.")

#define RING_RAFT_MEMBERSHIP(ONE, EACH, OF) \
	ONE(OF, LAST, is, "raft_member_present", NULL, "1 for each member in the configuration.")

#define RING_RAFT_LEADING(ONE, EACH, OF)                 \
	ONE(OF, LAST, is, "raft_member_is_leader", NULL, \
	    "1 for the member that leads, 0 for the others.")

RING_SET_POLLED(ring_raft_status, RING_RAFT_GROUP);
RING_SET_POLLED(ring_raft_leadership, RING_RAFT_LEADERSHIP);
RING_SET_POLLED(ring_raft_membership, RING_RAFT_MEMBERSHIP);
RING_SET_POLLED(ring_raft_leading, RING_RAFT_LEADING);

static const struct ring_set_bundle ring_raft_status_bundle = {
	RING_SET_METRICS(ring_raft_status), {"group"}, RING_SET_BUDGET, RING_SET_OVERFLOW, 0};
static const struct ring_set_bundle ring_raft_leadership_bundle = {
	RING_SET_METRICS(ring_raft_leadership),
	{"group", "leader_id", "leader_address"},
	RING_SET_BUDGET,
	RING_SET_OVERFLOW,
	0};
static const struct ring_set_bundle ring_raft_membership_bundle = {
	RING_SET_METRICS(ring_raft_membership),
	{"group", "member_id", "member_address", "suffrage"},
	RING_SET_BUDGET,
	RING_SET_OVERFLOW,
	0};
static const struct ring_set_bundle ring_raft_leading_bundle = {
	RING_SET_METRICS(ring_raft_leading),
	{"group", "member_id", "member_address"},
	RING_SET_BUDGET,
	RING_SET_OVERFLOW,
	0};
static const struct ring_set_spec ring_raft = {
	RING_SET_PREFIX,
	{&ring_raft_status_bundle, &ring_raft_leadership_bundle, &ring_raft_membership_bundle,
	 &ring_raft_leading_bundle}};

static inline int ring_raft_observe(struct ring_poll *poll, const struct ring_set *set,
				    const char *group, const struct ring_raft_status *status)
{
	const char *const labels[] = {group, NULL};

	return ring_set_observe(poll, set, &ring_raft_status_bundle, labels, status);
}

/* The leader, as far as there is one. */
static inline int ring_raft_observe_leader(struct ring_poll *poll, const struct ring_set *set,
					   const char *group, const char *id, const char *address)
{
	const char *const labels[] = {group, id, address, NULL};
	const struct ring_raft_leadership one = {1};

	return ring_set_observe(poll, set, &ring_raft_leadership_bundle, labels, &one);
}

struct ring_raft_member {
	const char *id;
	const char *address;
	enum ring_raft_suffrage suffrage;
	int is_leader;
};

/* Each member, of each group. */
static inline int ring_raft_observe_member(struct ring_poll *poll, const struct ring_set *set,
					   const char *group, const struct ring_raft_member *member)
{
	const char *const suffrage =
		ring_raft_suffrage_values[ring_raft_suffrage_known(member->suffrage)];
	const char *const labels[] = {group, member->id, member->address, suffrage, NULL};
	const char *const names[] = {group, member->id, member->address, NULL};
	const struct ring_raft_membership one = {1};
	const struct ring_raft_leading leads = {member->is_leader != 0};
	const int error = ring_set_observe(poll, set, &ring_raft_membership_bundle, labels, &one);
	const int other = ring_set_observe(poll, set, &ring_raft_leading_bundle, names, &leads);

	return error != 0 ? error : other;
}

#ifdef __cplusplus
}
#endif

#endif
