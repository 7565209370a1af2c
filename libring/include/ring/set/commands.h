/* SPDX-License-Identifier: MIT */
/*
 * Commands of a protocol that has them by name. For who serves them: ring_command_end for each one
 * that is known, by handles that were resolved before; ring_command_unsupported for the name of one
 * that is not, beside ring_command_end for the command that the data plane calls "unknown".
 */
#ifndef RING_SET_COMMANDS_H
#define RING_SET_COMMANDS_H

#include "../set.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_COMMAND_NAMES_MAX 32u /* of commands that are not supported */

#define RING_COMMAND_OUTCOMES(VALUE)       \
	VALUE(RING_COMMAND_ERROR, "error") \
	VALUE(RING_COMMAND_SUCCESS, "success")

RING_SET_LABEL(ring_command_outcome, "outcome", RING_COMMAND_OUTCOMES);

static const double ring_command_seconds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
					      0.5,   1,      2,     5,    10,    30,   60};

#define RING_COMMAND(ONE, EACH, OF)                                                     \
	EACH(OF, COUNTER, requests, ring_command_outcome, "redis_requests_total", NULL, \
	     "Commands that were answered.")                                            \
	EACH(OF, HISTOGRAM(ring_command_seconds), duration, ring_command_outcome,       \
	     "redis_request_duration_seconds", "seconds",                               \
	     "Time from a command's arrival to its answer.")                            \
	ONE(OF, COUNTER, errors, "redis_errors_total", NULL,                            \
	    "Commands that were answered with an error.")

#define RING_COMMAND_UNSUPPORTED(ONE, EACH, OF)                              \
	ONE(OF, COUNTER, requests, "redis_unsupported_commands_total", NULL, \
	    "Commands that were refused because there are none of that name.")

RING_SET_RECORDED(ring_command, RING_COMMAND);
RING_SET_RECORDED(ring_command_refusal, RING_COMMAND_UNSUPPORTED);

static const struct ring_set_bundle ring_command_bundle = {
	RING_SET_METRICS(ring_command), {"command"}, RING_SET_BUDGET, RING_SET_OVERFLOW, 0};
static const struct ring_set_bundle ring_command_refusal_bundle = {
	RING_SET_METRICS(ring_command_refusal), {"command"}, RING_COMMAND_NAMES_MAX, "other", 0};
static const struct ring_set_spec ring_commands = {
	RING_SET_PREFIX, {&ring_command_bundle, &ring_command_refusal_bundle}};

static inline struct ring_command ring_command_resolve(const struct ring_set *set,
						       const char *command)
{
	const char *const labels[] = {command, NULL};
	struct ring_command handles;

	ring_set_resolve(set, &ring_command_bundle, labels, &handles);
	return handles;
}

static inline void ring_command_end(struct ring_writer *writer, const struct ring_command *command,
				    enum ring_command_outcome outcome, uint64_t duration_ns)
{
	const unsigned known = ring_command_outcome_known(outcome);

	ring_counter_add(writer, command->requests[known], 1);
	ring_histogram_observe(writer, command->duration[known], (double)duration_ns / 1e9);
	if (known == RING_COMMAND_ERROR)
		ring_counter_add(writer, command->errors, 1);
}

/* The name as the client sent it, made a label by ring_set_word. Resolves it: without a lock
 * once it is one of the first RING_COMMAND_NAMES_MAX, else under the segment's mutex. */
static inline void ring_command_unsupported(struct ring_writer *writer, const struct ring_set *set,
					    const char *name, size_t bytes)
{
	char word[RING_SET_WORD_BYTES];
	const char *const labels[] = {word, NULL};
	struct ring_command_refusal handles;

	ring_set_word(name, bytes, word);
	ring_set_resolve(set, &ring_command_refusal_bundle, labels, &handles);
	ring_counter_add(writer, handles.requests, 1);
}

#ifdef __cplusplus
}
#endif

#endif
