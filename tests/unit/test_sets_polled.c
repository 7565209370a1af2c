/* SPDX-License-Identifier: MIT */
/*
 * Sets that are polled, through a poller: a source that observes what a test has told it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <ring/set/conflicts.h>
#include <ring/set/dispatch.h>
#include <ring/set/lsm.h>
#include <ring/set/queues.h>
#include <ring/set/raft.h>

#include "shown.h"
#include "workspace.h"

#define TOO_HIGH 1000 /* no label has so many values */
#define HOUR_MS  3600000u

struct plane;
typedef void observe_call(struct ring_poll *poll, const struct plane *plane);

struct plane {
	struct ring_segment *segment;
	struct ring_poller *poller;
	struct ring_set set;
	enum ring_answer answer;
	observe_call *observe;
	const void *told; /* for it */
};

static enum ring_answer answer(struct ring_poll *poll, void *context)
{
	const struct plane *plane = context;

	if (plane->observe)
		plane->observe(poll, plane);
	return plane->answer;
}

static void plane_open(struct plane *plane, const char *dir, const struct ring_set_spec *spec)
{
	const struct ring_source source = {
		.name = "source", .poll = answer, .context = plane, .interval_ms = HOUR_MS};
	struct ring_set_schema schema;

	*plane = (struct plane){.answer = RING_ANSWER_NONE};
	ring_set_declare(&schema, spec, NULL);
	plane->segment = workspace_segment(&(struct ring_options){
		.name = "plane",
		.dir = dir,
		.core_count = 1,
		.metrics = schema.metrics,
		.metric_count = schema.metric_count,
	});
	if (ring_set_define(&plane->set, plane->segment, spec, NULL) != 0)
		fail_msg("%s", ring_error());
	assert_int_equal(ring_poller_start(&plane->poller, plane->segment, 0), 0);
	assert_int_equal(ring_poller_add(plane->poller, &source), 0);
}

static void plane_close(struct plane *plane)
{
	assert_int_equal(ring_poller_stop(plane->poller), 0);
	ring_segment_close(plane->segment);
}

static void poll(struct plane *plane, enum ring_answer how, observe_call *observe, const void *told)
{
	plane->answer = how;
	plane->observe = observe;
	plane->told = told;
	assert_int_equal(ring_poller_poll(plane->poller, "source"), 0);
}

static void observe_group(struct ring_poll *poll, const struct plane *plane)
{
	assert_int_equal(ring_raft_observe(poll, &plane->set, "1", plane->told), 0);
}

static void X13_a_raft_group_is_shown_with_its_state_and_indices(void **state)
{
	const struct ring_raft_status status = {
		.state = RING_RAFT_LEADER,
		.term = 3,
		.commit_index = 40,
		.applied_index = 39,
		.last_log_index = 41,
		.last_snapshot_index = 20,
		.fsm_pending = 1,
		.peers = 2,
		.members = 3,
		.last_contact_seconds = -1,
		.leader_changes = 2,
		.proposals_failed = 7,
	};
	struct plane plane;

	plane_open(&plane, *state, &ring_raft);
	poll(&plane, RING_ANSWER_ALL, observe_group, &status);
	SHOWS(plane.segment, "elastickv_raft_local_state{group=\"1\"} leader",
	      "elastickv_raft_term{group=\"1\"} 3", "elastickv_raft_commit_index{group=\"1\"} 40",
	      "elastickv_raft_applied_index{group=\"1\"} 39",
	      "elastickv_raft_last_log_index{group=\"1\"} 41",
	      "elastickv_raft_last_snapshot_index{group=\"1\"} 20",
	      "elastickv_raft_fsm_pending{group=\"1\"} 1",
	      "elastickv_raft_num_peers{group=\"1\"} 2", "elastickv_raft_members{group=\"1\"} 3",
	      "elastickv_raft_last_contact_seconds{group=\"1\"} -1",
	      "elastickv_raft_leader_changes_seen_total{group=\"1\"} 2",
	      "elastickv_raft_proposals_failed_total{group=\"1\"} 7");
	plane_close(&plane);
}

static void X12_a_raft_state_that_there_is_not_is_unknown(void **state)
{
	const struct ring_raft_status status = {.state = (enum ring_raft_state)TOO_HIGH};
	struct plane plane;

	plane_open(&plane, *state, &ring_raft);
	poll(&plane, RING_ANSWER_ALL, observe_group, &status);
	SHOWS(plane.segment, "elastickv_raft_local_state{group=\"1\"} unknown");
	plane_close(&plane);
}

static void observe_members(struct ring_poll *poll, const struct plane *plane)
{
	const struct ring_raft_member *member = plane->told;

	for (; member->id; member++) {
		assert_int_equal(ring_raft_observe_member(poll, &plane->set, "1", member), 0);
		if (member->is_leader)
			assert_int_equal(ring_raft_observe_leader(poll, &plane->set, "1",
								  member->id, member->address),
					 0);
	}
}

static void X9_members_that_have_left_are_no_longer_shown(void **state)
{
	const struct ring_raft_member before[] = {{"a", "a:1", RING_RAFT_VOTER, 1},
						  {"b", "b:1", RING_RAFT_LEARNER, 0},
						  {NULL, NULL, RING_RAFT_OTHER, 0}};
	const struct ring_raft_member after[] = {{"b", "b:1", (enum ring_raft_suffrage)TOO_HIGH, 1},
						 {NULL, NULL, RING_RAFT_OTHER, 0}};
	struct plane plane;

#define MEMBER(id)  "{group=\"1\",member_id=\"" id "\",member_address=\"" id ":1\""
#define PRESENT(id) "elastickv_raft_member_present" MEMBER(id)
#define LEADS(id)   "elastickv_raft_member_is_leader" MEMBER(id)
#define LEADER(id)                                                                             \
	"elastickv_raft_leader_identity{group=\"1\",leader_id=\"" id "\",leader_address=\"" id \
	":1\"} 1"
	plane_open(&plane, *state, &ring_raft);
	poll(&plane, RING_ANSWER_ALL, observe_members, before);
	SHOWS(plane.segment, PRESENT("a") ",suffrage=\"voter\"} 1",
	      PRESENT("b") ",suffrage=\"learner\"} 1", LEADS("a") "} 1", LEADS("b") "} 0",
	      LEADER("a"));
	poll(&plane, RING_ANSWER_ALL, observe_members, after);
	SHOWS(plane.segment, PRESENT("b") ",suffrage=\"other\"} 1", LEADS("b") "} 1", LEADER("b"));
	SHOWS_NONE(plane.segment, PRESENT("a") ",suffrage=\"voter\"} 1",
		   PRESENT("b") ",suffrage=\"learner\"} 1", LEADS("a") "} 1", LEADER("a"));
	plane_close(&plane);
}

struct stores {
	struct ring_lsm_store store;
	struct ring_lsm_cache cache;
	enum ring_lsm_sync_mode mode;
};

static void observe_stores(struct ring_poll *poll, const struct plane *plane)
{
	const struct stores *stores = plane->told;

	assert_int_equal(ring_lsm_observe(poll, &plane->set, "1", &stores->store), 0);
	assert_int_equal(ring_lsm_observe_cache(poll, &plane->set, &stores->cache), 0);
	assert_int_equal(ring_lsm_observe_mode(poll, &plane->set, stores->mode), 0);
}

#define CAPACITY "elastickv_pebble_block_cache_capacity_bytes"

static void X13_a_store_is_shown_with_cache_and_sync_mode(void **state)
{
	struct stores stores = {
		.store = {.l0_sublevels = 4,
			  .l0_files = 9,
			  .compaction_debt_bytes = 1 << 20,
			  .compactions_running = 2,
			  .compactions = 30,
			  .memtables = 3,
			  .memtable_bytes = 4096,
			  .memtable_zombies = -1},
		.cache = {.size_bytes = 100, .capacity_bytes = 1000, .hits = 90, .misses = 10},
		.mode = RING_LSM_NOSYNC,
	};
	struct plane plane;

	plane_open(&plane, *state, &ring_lsm);
	poll(&plane, RING_ANSWER_SOME, observe_stores, &stores);
	SHOWS(plane.segment, "elastickv_pebble_l0_sublevels{group=\"1\"} 4",
	      "elastickv_pebble_l0_num_files{group=\"1\"} 9",
	      "elastickv_pebble_compact_estimated_debt_bytes{group=\"1\"} 1048576",
	      "elastickv_pebble_compact_in_progress{group=\"1\"} 2",
	      "elastickv_pebble_compact_count_total{group=\"1\"} 30",
	      "elastickv_pebble_memtables{group=\"1\"} 3",
	      "elastickv_pebble_memtable_size_bytes{group=\"1\"} 4096",
	      "elastickv_pebble_memtable_zombies{group=\"1\"} 0",
	      "elastickv_pebble_block_cache_size_bytes 100", CAPACITY " 1000",
	      "elastickv_pebble_block_cache_hits_total 90",
	      "elastickv_pebble_block_cache_misses_total 10",
	      "elastickv_fsm_apply_sync_mode nosync");
	/* Opened again: counts from 0, has not been told its capacity, nor a mode that there is. */
	stores.store.compactions = 5;
	stores.cache.capacity_bytes = 0;
	stores.mode = (enum ring_lsm_sync_mode)TOO_HIGH;
	poll(&plane, RING_ANSWER_SOME, observe_stores, &stores);
	SHOWS(plane.segment, "elastickv_pebble_compact_count_total{group=\"1\"} 30",
	      CAPACITY " 1000", "elastickv_fsm_apply_sync_mode sync");
	stores.store.compactions = 7;
	poll(&plane, RING_ANSWER_SOME, observe_stores, &stores);
	SHOWS(plane.segment, "elastickv_pebble_compact_count_total{group=\"1\"} 32");
	plane_close(&plane);
}

static void X9_a_capacity_that_is_not_known_stays_in_whatever_answer(void **state)
{
	struct stores stores = {.mode = RING_LSM_SYNC};
	struct plane plane;

	plane_open(&plane, *state, &ring_lsm);
	stores.cache.capacity_bytes = 0;
	poll(&plane, RING_ANSWER_ALL, observe_stores, &stores);
	assert_int_equal(shown_count(plane.segment, CAPACITY), 0);
	stores.cache.capacity_bytes = 1000;
	poll(&plane, RING_ANSWER_ALL, observe_stores, &stores);
	stores.cache.capacity_bytes = 2000;
	poll(&plane, RING_ANSWER_NONE, observe_stores, &stores);
	stores.cache.capacity_bytes = 0;
	for (unsigned i = 0; i < 2; i++) {
		poll(&plane, RING_ANSWER_ALL, observe_stores, &stores);
		SHOWS(plane.segment, CAPACITY " 1000");
	}
	poll(&plane, RING_ANSWER_ALL, NULL, NULL);
	assert_int_equal(shown_count(plane.segment, CAPACITY), 0);
	plane_close(&plane);
}

/* Two caches in one answer, of which the second one does not know. */
static void observe_caches(struct ring_poll *poll, const struct plane *plane)
{
	const struct ring_lsm_cache unknown = {.size_bytes = 1};

	assert_int_equal(ring_lsm_observe_cache(poll, &plane->set, plane->told), 0);
	assert_int_equal(ring_lsm_observe_cache(poll, &plane->set, &unknown), 0);
}

static void X8_a_capacity_that_is_not_known_takes_none_back(void **state)
{
	struct plane plane;

	plane_open(&plane, *state, &ring_lsm);
	for (int64_t bytes = 1000; bytes <= 2000; bytes += 1000) {
		const struct ring_lsm_cache cache = {.capacity_bytes = bytes};
		poll(&plane, RING_ANSWER_ALL, observe_caches, &cache);
		SHOWS(plane.segment, bytes == 1000 ? CAPACITY " 1000" : CAPACITY " 2000");
	}
	plane_close(&plane);
}

static void observe_queues(struct ring_poll *poll, const struct plane *plane)
{
	const unsigned *count = plane->told;
	char name[16];

	for (unsigned i = 0; i < *count; i++) {
		struct ring_queue_depth depth = {.messages = {0}};
		ring_queue_count(&depth, (enum ring_queue_state)TOO_HIGH, 2);
		ring_queue_count(&depth, RING_QUEUE_NOT_VISIBLE, 1);
		ring_queue_count(&depth, RING_QUEUE_DELAYED, -5);
		snprintf(name, sizeof name, "q%u", i);
		assert_int_equal(ring_queue_observe(poll, &plane->set, name, &depth), 0);
	}
}

#define QUEUE(name) "elastickv_sqs_queue_messages{queue=\"" name "\",state="

static void X11_a_queue_is_shown_by_state_and_no_depth_is_below_0(void **state)
{
	struct plane plane;

	plane_open(&plane, *state, &ring_queues);
	poll(&plane, RING_ANSWER_ALL, observe_queues, &(unsigned){1});
	SHOWS(plane.segment, QUEUE("q0") "\"visible\"} 2", QUEUE("q0") "\"not_visible\"} 1",
	      QUEUE("q0") "\"delayed\"} 0");
	plane_close(&plane);
}

static void X10_past_512_queues_depths_add_up_by_state_and_go_with_the_last(void **state)
{
	struct plane plane;

	plane_open(&plane, *state, &ring_queues);
	poll(&plane, RING_ANSWER_ALL, observe_queues, &(unsigned){RING_SET_BUDGET + 10});
	SHOWS(plane.segment, QUEUE("_other") "\"visible\"} 20",
	      QUEUE("_other") "\"not_visible\"} 10", QUEUE("_other") "\"delayed\"} 0",
	      QUEUE("q511") "\"visible\"} 2");
	assert_int_equal(shown_count(plane.segment, "elastickv_sqs_queue_messages"),
			 (RING_SET_BUDGET + 1) * (unsigned)ring_queue_state_count);
	poll(&plane, RING_ANSWER_ALL, observe_queues, &(unsigned){RING_SET_BUDGET});
	SHOWS_NONE(plane.segment, QUEUE("_other") "\"visible\"} 20");
	assert_int_equal(shown_count(plane.segment, "elastickv_sqs_queue_messages"),
			 RING_SET_BUDGET * (unsigned)ring_queue_state_count);
	plane_close(&plane);
}

static void X9_a_node_that_steps_down_has_no_queues_and_one_that_fails_has_them_all(void **state)
{
	struct plane plane;

	plane_open(&plane, *state, &ring_queues);
	poll(&plane, RING_ANSWER_ALL, observe_queues, &(unsigned){3});
	poll(&plane, RING_ANSWER_NONE, observe_queues, &(unsigned){0});
	assert_int_equal(shown_count(plane.segment, "elastickv_sqs_queue_messages"), 9);
	poll(&plane, RING_ANSWER_ALL, observe_queues, &(unsigned){0});
	assert_int_equal(shown_count(plane.segment, "elastickv_sqs_queue_messages"), 0);
	plane_close(&plane);
}

static void observe_conflicts(struct ring_poll *poll, const struct plane *plane)
{
	assert_int_equal(ring_conflict_observe(poll, &plane->set, "1", "txn_lock", plane->told), 0);
}

static void X13_conflicts_are_shown_by_kind_and_key_prefix(void **state)
{
	struct ring_conflict_counts counts = {.conflicts = {0}};
	struct plane plane;

	ring_conflict_count(&counts, RING_CONFLICT_READ, 2);
	ring_conflict_count(&counts, RING_CONFLICT_WRITE, 3);
	ring_conflict_count(&counts, RING_CONFLICT_WRITE, 4);
	ring_conflict_count(&counts, (enum ring_conflict_kind)TOO_HIGH, 1);
	plane_open(&plane, *state, &ring_conflicts);
	poll(&plane, RING_ANSWER_ALL, observe_conflicts, &counts);
#define CONFLICT "elastickv_store_write_conflict_total{group=\"1\",key_prefix=\"txn_lock\",kind="
	SHOWS(plane.segment, CONFLICT "\"read\"} 2", CONFLICT "\"write\"} 7",
	      CONFLICT "\"other\"} 1");
	plane_close(&plane);
}

static void observe_dispatch(struct ring_poll *poll, const struct plane *plane)
{
	assert_int_equal(ring_dispatch_observe(poll, &plane->set, "1", plane->told), 0);
}

static void X13_dispatch_is_shown_with_errors_by_grpc_s_code(void **state)
{
	struct ring_dispatch_counts counts = {.drops = 1, .errors = 6, .step_queue_full = 5};
	struct plane plane;

	ring_dispatch_error(&counts, RING_DISPATCH_UNAVAILABLE, 1);
	ring_dispatch_error(&counts, RING_DISPATCH_UNAVAILABLE, 1);
	ring_dispatch_error(&counts, (enum ring_dispatch_code)16, 3); /* as gRPC numbers it */
	ring_dispatch_error(&counts, (enum ring_dispatch_code)TOO_HIGH, 1);
	plane_open(&plane, *state, &ring_dispatch);
	poll(&plane, RING_ANSWER_ALL, observe_dispatch, &counts);
#define CODE "elastickv_raft_dispatch_errors_by_code_total{group=\"1\",code="
	SHOWS(plane.segment, "elastickv_raft_dispatch_dropped_total{group=\"1\"} 1",
	      "elastickv_raft_dispatch_errors_total{group=\"1\"} 6", CODE "\"Unavailable\"} 2",
	      CODE "\"Unauthenticated\"} 3", CODE "\"other\"} 1",
	      "elastickv_raft_step_queue_full_total{group=\"1\"} 5");
	plane_close(&plane);
}

static void X8_without_a_set_or_a_poll_there_is_nothing_to_observe(void **state)
{
	const struct ring_set none = {.segment = NULL};
	const struct stores stores = {.mode = RING_LSM_SYNC};
	const struct ring_queue_depth depth = {.messages = {1, 1, 1}};
	struct plane plane;

	plane_open(&plane, *state, &ring_lsm);
	plane.set = none;
	poll(&plane, RING_ANSWER_ALL, observe_stores, &stores);
	SHOWS_NONE(plane.segment, "elastickv_fsm_apply_sync_mode sync");
	assert_int_equal(ring_queue_observe(NULL, NULL, "q", &depth), 0);
	assert_int_equal(ring_queue_observe(NULL, &none, "q", &depth), 0);
	plane_close(&plane);
}

static void observe_too_long(struct ring_poll *poll, const struct plane *plane)
{
	const struct ring_raft_member in_both = {plane->told, "a", RING_RAFT_VOTER, 0};
	const struct ring_raft_status status = {.term = 1};

	assert_int_equal(ring_raft_observe(poll, &plane->set, plane->told, &status), -EINVAL);
	assert_int_equal(ring_raft_observe_member(poll, &plane->set, "1", &in_both), -EINVAL);
	assert_non_null(strstr(ring_error(), "at most 255 bytes"));
}

static void X13_a_name_that_is_too_long_is_refused_and_said_to_be(void **state)
{
	char longer[RING_LABEL_VALUE_MAX + 2];
	struct plane plane;

	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = 0;
	plane_open(&plane, *state, &ring_raft);
	poll(&plane, RING_ANSWER_ALL, observe_too_long, longer);
	plane_close(&plane);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(X13_a_raft_group_is_shown_with_its_state_and_indices),
		TEST(X12_a_raft_state_that_there_is_not_is_unknown),
		TEST(X9_members_that_have_left_are_no_longer_shown),
		TEST(X13_a_store_is_shown_with_cache_and_sync_mode),
		TEST(X9_a_capacity_that_is_not_known_stays_in_whatever_answer),
		TEST(X8_a_capacity_that_is_not_known_takes_none_back),
		TEST(X11_a_queue_is_shown_by_state_and_no_depth_is_below_0),
		TEST(X10_past_512_queues_depths_add_up_by_state_and_go_with_the_last),
		TEST(X9_a_node_that_steps_down_has_no_queues_and_one_that_fails_has_them_all),
		TEST(X13_conflicts_are_shown_by_kind_and_key_prefix),
		TEST(X13_dispatch_is_shown_with_errors_by_grpc_s_code),
		TEST(X13_a_name_that_is_too_long_is_refused_and_said_to_be),
		TEST(X8_without_a_set_or_a_poll_there_is_nothing_to_observe),
	};

	return cmocka_run_group_tests_name("sets_polled", tests, NULL, NULL);
}
