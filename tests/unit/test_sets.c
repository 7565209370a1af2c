/* SPDX-License-Identifier: MIT */
/*
 * Sets whose data plane records itself: under which names and labels it arrives, what becomes of a
 * label value that there is not, where a budget ends.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "all_sets.h"
#include "owner.h"
#include "shown.h"
#include "workspace.h"

#define TOO_HIGH 1000 /* no label has so many values */

struct plane {
	struct ring_segment *segment;
	struct ring_writer *writer;
	struct ring_set set;
};

static struct plane plane_open(const char *dir, const struct ring_set_spec *spec,
			       const struct ring_set_options *options)
{
	struct ring_set_schema schema;
	struct plane plane;

	ring_set_declare(&schema, spec, options);
	plane.segment = workspace_segment(&(struct ring_options){
		.name = "plane",
		.dir = dir,
		.core_count = 1,
		.cool_down_ms = 1,
		.metrics = schema.metrics,
		.metric_count = schema.metric_count,
	});
	if (ring_set_define(&plane.set, plane.segment, spec, options) != 0)
		fail_msg("%s", ring_error());
	plane.writer = ring_writer_claim(plane.segment, 0);
	return plane;
}

/* How many samples the plane's core has ever published. */
static uint64_t written(const struct plane *plane)
{
	struct ring_reader *reader = workspace_reader(plane->segment);
	struct ring_account account;

	assert_int_equal(ring_reader_account(reader, 0, &account), RING_SOUND);
	ring_reader_close(reader);
	return account.written;
}

static void X13_requests_are_shown_by_operation_and_outcome(void **state)
{
	struct plane plane = plane_open(*state, &ring_requests, NULL);
	const struct ring_request_operation get = ring_request_operation_resolve(&plane.set,
										 "GetItem");
	const struct ring_request_report report = {RING_REQUEST_USER_ERROR, 500000000, 100, 2000};

	ring_request_begin(plane.writer, &get);
	ring_request_begin(plane.writer, &get);
	ring_request_end(plane.writer, &get, &report);
	SHOWS(plane.segment, "elastickv_dynamodb_inflight_requests{operation=\"GetItem\"} 1",
	      "elastickv_dynamodb_requests_total{operation=\"GetItem\",outcome=\"user_error\"} 1",
	      "elastickv_dynamodb_requests_total{operation=\"GetItem\",outcome=\"success\"} 0",
	      "elastickv_dynamodb_request_duration_seconds{operation=\"GetItem\","
	      "outcome=\"user_error\"} 1/0.5",
	      "elastickv_dynamodb_request_size_bytes{operation=\"GetItem\"} 1/100",
	      "elastickv_dynamodb_response_size_bytes{operation=\"GetItem\","
	      "outcome=\"user_error\"} 1/2000");
	ring_segment_close(plane.segment);
}

static void X13_tables_are_shown_with_their_items_and_errors(void **state)
{
	struct plane plane = plane_open(*state, &ring_requests, NULL);
	const struct ring_request_table orders = ring_request_table_resolve(&plane.set, "Scan",
									    "orders");

	ring_request_touch(plane.writer, &orders, RING_REQUEST_SUCCESS);
	ring_request_touch(plane.writer, &orders, RING_REQUEST_USER_ERROR);
	ring_request_touch(plane.writer, &orders, RING_REQUEST_SYSTEM_ERROR);
	ring_request_touch(plane.writer, &orders, RING_REQUEST_SYSTEM_ERROR);
	ring_request_touch(plane.writer, &orders, RING_REQUEST_CONDITION_FAILED);
	ring_request_returned(plane.writer, &orders, 3);
	ring_request_scanned(plane.writer, &orders, 40);
	ring_request_written(plane.writer, &orders, 5);
#define OF_ORDERS "{operation=\"Scan\",table=\"orders\"} "
	SHOWS(plane.segment,
	      "elastickv_dynamodb_table_requests_total{operation=\"Scan\",table=\"orders\","
	      "outcome=\"system_error\"} 2",
	      "elastickv_dynamodb_returned_items_total" OF_ORDERS "3",
	      "elastickv_dynamodb_scanned_items_total" OF_ORDERS "40",
	      "elastickv_dynamodb_written_items_total" OF_ORDERS "5",
	      "elastickv_dynamodb_user_errors_total" OF_ORDERS "1",
	      "elastickv_dynamodb_system_errors_total" OF_ORDERS "2",
	      "elastickv_dynamodb_conditional_check_failed_total" OF_ORDERS "1");
	ring_segment_close(plane.segment);
}

static void X13_commands_are_shown_by_name_and_unsupported_ones_by_a_bounded_one(void **state)
{
	struct plane plane = plane_open(*state, &ring_commands, NULL);
	const struct ring_command get = ring_command_resolve(&plane.set, "GET");
	char name[100];

	ring_command_end(plane.writer, &get, RING_COMMAND_SUCCESS, 1000000);
	ring_command_end(plane.writer, &get, RING_COMMAND_ERROR, 2000000);
	for (unsigned i = 0; i < 40; i++) {
		const int bytes = snprintf(name, sizeof name, " object%u\r\n", i);
		ring_command_unsupported(plane.writer, &plane.set, name, (size_t)bytes);
	}
	SHOWS(plane.segment,
	      "elastickv_redis_requests_total{command=\"GET\",outcome=\"success\"} 1",
	      "elastickv_redis_requests_total{command=\"GET\",outcome=\"error\"} 1",
	      "elastickv_redis_request_duration_seconds{command=\"GET\",outcome=\"error\"} 1/0.002",
	      "elastickv_redis_errors_total{command=\"GET\"} 1",
	      "elastickv_redis_unsupported_commands_total{command=\"OBJECT0\"} 1",
	      "elastickv_redis_unsupported_commands_total{command=\"other\"} 8");
	assert_int_equal(shown_count(plane.segment, "elastickv_redis_unsupported_commands_total"),
			 RING_COMMAND_NAMES_MAX + 1);
	ring_segment_close(plane.segment);
}

static void X13_scripts_are_shown_part_by_part_and_their_calls_by_path(void **state)
{
	struct plane plane = plane_open(*state, &ring_scripts, NULL);
	const struct ring_script script = ring_script_resolve(&plane.set);
	const struct ring_script_command hget = ring_script_command_resolve(&plane.set, "hget");
	const struct ring_script_report report = {RING_SCRIPT_SUCCESS, 4000000000, 3000000000,
						  2000000000,          7,          1};

	ring_script_end(plane.writer, &script, &report);
	ring_script_call(plane.writer, &hget, RING_SCRIPT_HIT);
	ring_script_call(plane.writer, &hget, RING_SCRIPT_SKIP_CACHED_TYPE);
	ring_script_call(plane.writer, &hget, RING_SCRIPT_FALLBACK_TRUNCATED);
	SHOWS(plane.segment, "elastickv_lua_exec_duration_seconds{outcome=\"success\"} 1/4",
	      "elastickv_lua_redis_call_duration_seconds{outcome=\"success\"} 1/3",
	      "elastickv_lua_commit_duration_seconds{outcome=\"success\"} 1/2",
	      "elastickv_lua_redis_calls{outcome=\"success\"} 1/7",
	      "elastickv_lua_redis_calls{outcome=\"error\"} 0/0",
	      "elastickv_lua_conflict_retries 1/1",
	      "elastickv_lua_cmd_fastpath_total{cmd=\"hget\",outcome=\"hit\"} 1",
	      "elastickv_lua_cmd_fastpath_total{cmd=\"hget\",outcome=\"skip_cached_type\"} 1",
	      "elastickv_lua_cmd_fastpath_total{cmd=\"hget\",outcome=\"fallback_truncated\"} 1");
	ring_segment_close(plane.segment);
}

static void X13_lease_reads_are_hits_or_misses(void **state)
{
	struct plane plane = plane_open(*state, &ring_leases, NULL);
	const struct ring_lease lease = ring_lease_resolve(&plane.set);

	ring_lease_read(plane.writer, &lease, RING_LEASE_HIT);
	ring_lease_read(plane.writer, &lease, RING_LEASE_HIT);
	ring_lease_read(plane.writer, &lease, RING_LEASE_MISS);
	SHOWS(plane.segment, "elastickv_lease_read_total{outcome=\"hit\"} 2",
	      "elastickv_lease_read_total{outcome=\"miss\"} 1");
	ring_segment_close(plane.segment);
}

static void X13_actions_are_shown_by_queue_and_partition(void **state)
{
	struct plane plane = plane_open(*state, &ring_queues, NULL);
	const struct ring_queue_partition first = ring_queue_partition_resolve(&plane.set, "q", 0);
	const struct ring_queue_partition last = ring_queue_partition_resolve(&plane.set, "q",
									      UINT32_MAX);

	ring_queue_act(plane.writer, &first, RING_QUEUE_SEND);
	ring_queue_act(plane.writer, &last, RING_QUEUE_DELETE);
#define PARTITION "elastickv_sqs_partition_messages_total{queue=\"q\",partition="
	SHOWS(plane.segment, PARTITION "\"0\",action=\"send\"} 1",
	      PARTITION "\"0\",action=\"receive\"} 0",
	      PARTITION "\"4294967295\",action=\"delete\"} 1");
	ring_segment_close(plane.segment);
}

static void X7_a_value_that_there_is_not_counts_as_the_label_s_first(void **state)
{
	const struct ring_request_report report = {(enum ring_request_outcome)TOO_HIGH, 1, 1, 1};
	struct plane plane = plane_open(*state, &ring_requests, NULL);
	struct ring_set set;

	const struct ring_request_operation op = ring_request_operation_resolve(&plane.set, "op");
	ring_request_end(plane.writer, &op, &report);
	const struct ring_request_table table = ring_request_table_resolve(&plane.set, "op", "t");
	ring_request_touch(plane.writer, &table, report.outcome);
	SHOWS(plane.segment,
	      "elastickv_dynamodb_requests_total{operation=\"op\",outcome=\"other\"} 1",
	      "elastickv_dynamodb_table_requests_total{operation=\"op\",table=\"t\","
	      "outcome=\"other\"} 1",
	      "elastickv_dynamodb_request_duration_seconds{operation=\"op\",outcome=\"other\"} "
	      "1/1e-09");
	assert_int_equal(ring_set_define(&set, plane.segment, &ring_queues, NULL), 0);
	const struct ring_queue_partition queue = ring_queue_partition_resolve(&set, "q", 1);
	ring_queue_act(plane.writer, &queue, (enum ring_queue_action)TOO_HIGH);
	SHOWS(plane.segment, "elastickv_sqs_partition_messages_total{queue=\"q\",partition=\"1\","
			     "action=\"other\"} 1");
	assert_int_equal(ring_set_define(&set, plane.segment, &ring_leases, NULL), 0);
	const struct ring_lease lease = ring_lease_resolve(&set);
	ring_lease_read(plane.writer, &lease, (enum ring_lease_outcome)TOO_HIGH);
	SHOWS(plane.segment, "elastickv_lease_read_total{outcome=\"miss\"} 1");
	ring_segment_close(plane.segment);
}

static void X7_outcomes_of_scripts_and_commands_have_a_default_too(void **state)
{
	struct plane plane = plane_open(*state, &ring_scripts, NULL);
	const struct ring_script_command hget = ring_script_command_resolve(&plane.set, "hget");
	const struct ring_script script = ring_script_resolve(&plane.set);
	const struct ring_script_report run = {(enum ring_script_outcome)TOO_HIGH, 1, 1, 1, 2, 1};
	struct ring_set set;

	ring_script_end(plane.writer, &script, &run);
	ring_script_call(plane.writer, &hget, (enum ring_script_path)TOO_HIGH);
	SHOWS(plane.segment, "elastickv_lua_redis_calls{outcome=\"error\"} 1/2",
	      "elastickv_lua_cmd_fastpath_total{cmd=\"hget\",outcome=\"fallback_other\"} 1");
	assert_int_equal(ring_set_define(&set, plane.segment, &ring_commands,
					 &(struct ring_set_options){.budgets = {2, 2}}),
			 0);
	const struct ring_command get = ring_command_resolve(&set, "GET");
	ring_command_end(plane.writer, &get, (enum ring_command_outcome)TOO_HIGH, 0);
	SHOWS(plane.segment, "elastickv_redis_requests_total{command=\"GET\",outcome=\"error\"} 1",
	      "elastickv_redis_errors_total{command=\"GET\"} 1");
	ring_segment_close(plane.segment);
}

/* Every call of the sets that are recorded. */
static void record_all(struct ring_writer *writer, const struct ring_set *set)
{
	const struct ring_request_operation operation = ring_request_operation_resolve(set, "x");
	const struct ring_request_table table = ring_request_table_resolve(set, "x", "x");
	const struct ring_request_report request = {RING_REQUEST_SUCCESS, 1, 1, 1};
	const struct ring_command command = ring_command_resolve(set, "x");
	const struct ring_script script = ring_script_resolve(set);
	const struct ring_script_report run = {RING_SCRIPT_SUCCESS, 1, 1, 1, 1, 1};
	const struct ring_script_command call = ring_script_command_resolve(set, "x");
	const struct ring_lease lease = ring_lease_resolve(set);
	const struct ring_queue_partition partition = ring_queue_partition_resolve(set, "x", 1);

	ring_request_begin(writer, &operation);
	ring_request_end(writer, &operation, &request);
	ring_request_touch(writer, &table, RING_REQUEST_USER_ERROR);
	ring_request_returned(writer, &table, 1);
	ring_request_scanned(writer, &table, 1);
	ring_request_written(writer, &table, 1);
	ring_command_end(writer, &command, RING_COMMAND_ERROR, 1);
	ring_command_unsupported(writer, set, "x", 1);
	ring_script_end(writer, &script, &run);
	ring_script_call(writer, &call, RING_SCRIPT_HIT);
	ring_lease_read(writer, &lease, RING_LEASE_HIT);
	ring_queue_act(writer, &partition, RING_QUEUE_SEND);
	assert_int_equal(ring_request_operation_forget(set, "x"), 0);
}

static void X6_without_a_set_every_call_records_nothing(void **state)
{
	struct plane plane = plane_open(*state, &ring_raft, NULL);
	const struct ring_set none = {.segment = NULL};
	struct ring_segment *noop;
	struct ring_set set;

	record_all(plane.writer, &none);
	record_all(plane.writer, NULL);
	assert_int_equal(written(&plane), 0);
	/* Owned already, hence a no-op. */
	assert_int_equal(ring_segment_create(&noop, &(struct ring_options){.name = "plane",
									   .dir = *state,
									   .core_count = 1}),
			 -EBUSY);
	assert_int_equal(ring_set_define(&set, noop, &ring_requests, NULL), 0);
	record_all(ring_writer_claim(noop, 0), &set);
	ring_segment_close(noop);
	ring_segment_close(plane.segment);
}

static void X6_what_cannot_be_resolved_records_nothing_and_says_why(void **state)
{
	struct plane plane = plane_open(*state, &ring_requests, NULL);
	char longer[RING_LABEL_VALUE_MAX + 2];

	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = 0;
	const struct ring_request_operation op = ring_request_operation_resolve(&plane.set, longer);
	assert_non_null(strstr(ring_error(), "at most 255 bytes"));
	ring_request_begin(plane.writer, &op);
	const struct ring_request_table table = ring_request_table_resolve(&plane.set, NULL, "t");
	assert_non_null(strstr(ring_error(), "has 3 labels, not"));
	ring_request_touch(plane.writer, &table, RING_REQUEST_SUCCESS);
	const struct ring_command other_set_s = ring_command_resolve(&plane.set, "GET");
	assert_non_null(strstr(ring_error(), "not defined"));
	ring_command_end(plane.writer, &other_set_s, RING_COMMAND_ERROR, 1);
	assert_int_equal(written(&plane), 0);
	assert_int_equal(plane.segment->map.live->labels_refused.bits, 3);
	ring_segment_close(plane.segment);
}

/* What is on the stack before does not matter. */
static void X6_handles_are_zero_where_there_is_nothing_to_resolve(void **state)
{
	const char *const good[] = {"x", NULL};
	const char *too_many[5000] = {NULL};
	struct plane plane = plane_open(*state, &ring_requests, NULL);
	const struct {
		const struct ring_set *set;
		const char *const *labels;
		int is_zero;
	} cases[] = {{NULL, good, 1},
		     {&(struct ring_set){.segment = NULL}, good, 1},
		     {&plane.set, too_many, 1},
		     {&plane.set, NULL, 1},
		     {&plane.set, good, 0}};
	const struct ring_request_operation zeros = {.in_flight = {0}};
	struct ring_request_operation handles;

	for (size_t i = 0; i < sizeof too_many / sizeof too_many[0] - 1; i++)
		too_many[i] = "x";
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memset(&handles, 0xff, sizeof handles);
		ring_set_resolve(cases[i].set, &ring_request_operation_bundle, cases[i].labels,
				 &handles);
		assert_int_equal(memcmp(&handles, &zeros, sizeof zeros) == 0, cases[i].is_zero);
	}
	ring_segment_close(plane.segment);
}

static void X10_past_512_names_a_bundle_is_the_overflow_s_and_totals_are_kept(void **state)
{
	struct plane plane = plane_open(*state, &ring_queues, NULL);

	for (uint32_t i = 0; i < RING_SET_BUDGET + 100; i++) {
		const struct ring_queue_partition p = ring_queue_partition_resolve(&plane.set, "q",
										   i);
		ring_queue_act(plane.writer, &p, RING_QUEUE_SEND);
		ring_queue_act(plane.writer, &p, RING_QUEUE_DELETE);
		ring_queue_act(plane.writer, &p, RING_QUEUE_DELETE);
	}
#define OVERFLOW "elastickv_sqs_partition_messages_total{queue=\"_other\",partition=\"_other\","
	SHOWS(plane.segment, OVERFLOW "action=\"send\"} 100", OVERFLOW "action=\"delete\"} 200",
	      OVERFLOW "action=\"other\"} 0", PARTITION "\"511\",action=\"delete\"} 2");
	SHOWS_NONE(plane.segment, PARTITION "\"512\",action=\"delete\"} 2");
	assert_int_equal(shown_count(plane.segment, "elastickv_sqs_partition_messages_total"),
			 (RING_SET_BUDGET + 1) * (unsigned)ring_queue_action_count);
	ring_segment_close(plane.segment);
}

static void X10_a_forgotten_gauge_gives_its_place_and_a_counter_keeps_its_own(void **state)
{
	const struct ring_set_options options = {.budgets = {1, 1}};
	struct plane plane = plane_open(*state, &ring_requests, &options);
	const struct ring_request_operation a = ring_request_operation_resolve(&plane.set, "a");
	struct ring_request_operation b = ring_request_operation_resolve(&plane.set, "b");

	ring_request_begin(plane.writer, &a);
	ring_request_begin(plane.writer, &b);
#define IN_FLIGHT "elastickv_dynamodb_inflight_requests{operation="
	SHOWS(plane.segment, IN_FLIGHT "\"a\"} 1", IN_FLIGHT "\"_other\"} 1");
	assert_int_equal(ring_request_operation_forget(&plane.set, "a"), 0);
	assert_int_equal(ring_request_operation_forget(&plane.set, "a"), -ENOENT);
	do /* for the cool-down */
		b = ring_request_operation_resolve(&plane.set, "b");
	while (ring_request_begin(plane.writer, &b),
	       !is_shown(plane.segment, IN_FLIGHT "\"b\"} 1"));
	ring_counter_add(plane.writer, b.requests[RING_REQUEST_SUCCESS], 1);
	SHOWS(plane.segment,
	      "elastickv_dynamodb_requests_total{operation=\"a\",outcome=\"success\"} 0",
	      "elastickv_dynamodb_requests_total{operation=\"_other\",outcome=\"success\"} 1");
	assert_int_equal(shown_count(plane.segment, "elastickv_dynamodb_inflight_requests"), 1);
	ring_segment_close(plane.segment);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(X13_requests_are_shown_by_operation_and_outcome),
		TEST(X13_tables_are_shown_with_their_items_and_errors),
		TEST(X13_commands_are_shown_by_name_and_unsupported_ones_by_a_bounded_one),
		TEST(X13_scripts_are_shown_part_by_part_and_their_calls_by_path),
		TEST(X13_lease_reads_are_hits_or_misses),
		TEST(X13_actions_are_shown_by_queue_and_partition),
		TEST(X7_a_value_that_there_is_not_counts_as_the_label_s_first),
		TEST(X7_outcomes_of_scripts_and_commands_have_a_default_too),
		TEST(X6_without_a_set_every_call_records_nothing),
		TEST(X6_what_cannot_be_resolved_records_nothing_and_says_why),
		TEST(X6_handles_are_zero_where_there_is_nothing_to_resolve),
		TEST(X10_past_512_names_a_bundle_is_the_overflow_s_and_totals_are_kept),
		TEST(X10_a_forgotten_gauge_gives_its_place_and_a_counter_keeps_its_own),
	};

	return cmocka_run_group_tests_name("sets", tests, NULL, NULL);
}
