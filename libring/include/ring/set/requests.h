/* SPDX-License-Identifier: MIT */
/*
 * Requests and their responses, by operation and, where they touch tables, by table. For who serves
 * requests: ring_request_begin when one comes in, ring_request_end when it has been answered, and
 * ring_request_touch for each table.
 */
#ifndef RING_SET_REQUESTS_H
#define RING_SET_REQUESTS_H

#include "../set.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_REQUEST_OUTCOMES(VALUE)                     \
	VALUE(RING_REQUEST_OTHER, "other")               \
	VALUE(RING_REQUEST_SUCCESS, "success")           \
	VALUE(RING_REQUEST_USER_ERROR, "user_error")     \
	VALUE(RING_REQUEST_SYSTEM_ERROR, "system_error") \
	VALUE(RING_REQUEST_CONDITION_FAILED, "conditional_check_failed")

RING_SET_LABEL(ring_request_outcome, "outcome", RING_REQUEST_OUTCOMES);

static const double ring_request_seconds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
					      0.1,   0.25,   0.5,   1,    2,     5};
static const double ring_request_bytes[] = {128,   512,    1024,   4096,   16384,
					    65536, 262144, 524288, 1048576};

#define RING_REQUEST_OPERATION(ONE, EACH, OF)                                                \
	ONE(OF, SUM, in_flight, "dynamodb_inflight_requests", NULL,                          \
	    "Requests that have come in and are not answered yet.")                          \
	EACH(OF, COUNTER, requests, ring_request_outcome, "dynamodb_requests_total", NULL,   \
	     "Requests that were answered.")                                                 \
	EACH(OF, HISTOGRAM(ring_request_seconds), duration, ring_request_outcome,            \
	     "dynamodb_request_duration_seconds", "seconds",                                 \
	     "Time from a request's arrival to its answer.")                                 \
	ONE(OF, HISTOGRAM(ring_request_bytes), size, "dynamodb_request_size_bytes", "bytes", \
	    "Size of a request.")                                                            \
	EACH(OF, HISTOGRAM(ring_request_bytes), response_size, ring_request_outcome,         \
	     "dynamodb_response_size_bytes", "bytes", "Size of a response.")

#define RING_REQUEST_TABLE(ONE, EACH, OF)                                                        \
	EACH(OF, COUNTER, requests, ring_request_outcome, "dynamodb_table_requests_total", NULL, \
	     "Requests that touched the table.")                                                 \
	ONE(OF, COUNTER, returned, "dynamodb_returned_items_total", NULL,                        \
	    "Items of the table that were returned.")                                            \
	ONE(OF, COUNTER, scanned, "dynamodb_scanned_items_total", NULL,                          \
	    "Items of the table that were looked at.")                                           \
	ONE(OF, COUNTER, written, "dynamodb_written_items_total", NULL,                          \
	    "Items of the table that were written or deleted.")                                  \
	ONE(OF, COUNTER, user_errors, "dynamodb_user_errors_total", NULL,                        \
	    "Requests on the table that failed through the client's fault.")                     \
	ONE(OF, COUNTER, system_errors, "dynamodb_system_errors_total", NULL,                    \
	    "Requests on the table that failed through the server's fault.")                     \
	ONE(OF, COUNTER, conditions_failed, "dynamodb_conditional_check_failed_total", NULL,     \
	    "Requests on the table whose condition did not hold.")

RING_SET_RECORDED(ring_request_operation, RING_REQUEST_OPERATION);
RING_SET_RECORDED(ring_request_table, RING_REQUEST_TABLE);

static const struct ring_set_bundle ring_request_operation_bundle = {
	RING_SET_METRICS(ring_request_operation),
	{"operation"},
	RING_SET_BUDGET,
	RING_SET_OVERFLOW,
	0};
static const struct ring_set_bundle ring_request_table_bundle = {
	RING_SET_METRICS(ring_request_table),
	{"operation", "table"},
	RING_SET_BUDGET,
	RING_SET_OVERFLOW,
	0};
static const struct ring_set_spec ring_requests = {
	RING_SET_PREFIX, {&ring_request_operation_bundle, &ring_request_table_bundle}};

static inline struct ring_request_operation ring_request_operation_resolve(
	const struct ring_set *set, const char *operation)
{
	const char *const labels[] = {operation, NULL};
	struct ring_request_operation handles;

	ring_set_resolve(set, &ring_request_operation_bundle, labels, &handles);
	return handles;
}

/* Gives up what is in flight; the totals stay. */
static inline int ring_request_operation_forget(const struct ring_set *set, const char *operation)
{
	const char *const labels[] = {operation, NULL};

	return ring_set_forget(set, &ring_request_operation_bundle, labels);
}

static inline struct ring_request_table ring_request_table_resolve(const struct ring_set *set,
								   const char *operation,
								   const char *table)
{
	const char *const labels[] = {operation, table, NULL};
	struct ring_request_table handles;

	ring_set_resolve(set, &ring_request_table_bundle, labels, &handles);
	return handles;
}

static inline void ring_request_begin(struct ring_writer *writer,
				      const struct ring_request_operation *operation)
{
	ring_gauge_add(writer, operation->in_flight, 1);
}

/* How a request went that was answered. */
struct ring_request_report {
	enum ring_request_outcome outcome;
	uint64_t duration_ns;
	uint64_t request_bytes;
	uint64_t response_bytes;
};

/* Of a request that was begun with these handles, on whatever core. */
static inline void ring_request_end(struct ring_writer *writer,
				    const struct ring_request_operation *operation,
				    const struct ring_request_report *report)
{
	const unsigned outcome = ring_request_outcome_known(report->outcome);

	ring_gauge_add(writer, operation->in_flight, -1);
	ring_counter_add(writer, operation->requests[outcome], 1);
	ring_histogram_observe(writer, operation->duration[outcome],
			       (double)report->duration_ns / 1e9);
	ring_histogram_observe(writer, operation->size, (double)report->request_bytes);
	ring_histogram_observe(writer, operation->response_size[outcome],
			       (double)report->response_bytes);
}

/* One more request on the table, and the kind of error that it was. */
static inline void ring_request_touch(struct ring_writer *writer,
				      const struct ring_request_table *table,
				      enum ring_request_outcome outcome)
{
	ring_counter_add(writer, table->requests[ring_request_outcome_known(outcome)], 1);
	if (outcome == RING_REQUEST_USER_ERROR)
		ring_counter_add(writer, table->user_errors, 1);
	else if (outcome == RING_REQUEST_SYSTEM_ERROR)
		ring_counter_add(writer, table->system_errors, 1);
	else if (outcome == RING_REQUEST_CONDITION_FAILED)
		ring_counter_add(writer, table->conditions_failed, 1);
}

/* How many items of the table it was about. */
static inline void ring_request_returned(struct ring_writer *writer,
					 const struct ring_request_table *table, uint64_t items)
{
	ring_counter_add(writer, table->returned, items);
}

static inline void ring_request_scanned(struct ring_writer *writer,
					const struct ring_request_table *table, uint64_t items)
{
	ring_counter_add(writer, table->scanned, items);
}

static inline void ring_request_written(struct ring_writer *writer,
					const struct ring_request_table *table, uint64_t items)
{
	ring_counter_add(writer, table->written, items);
}

#ifdef __cplusplus
}
#endif

#endif
