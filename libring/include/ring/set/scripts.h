/* SPDX-License-Identifier: MIT */
/*
 * Where the time of a script goes: into its interpreter, the calls that it makes, its commit; and
 * which of the commands that it calls took the fast path, and why not. For who runs scripts:
 * ring_script_end once for each, ring_script_call for each read that it makes.
 */
#ifndef RING_SET_SCRIPTS_H
#define RING_SET_SCRIPTS_H

#include "../set.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_SCRIPT_OUTCOMES(VALUE)       \
	VALUE(RING_SCRIPT_ERROR, "error") \
	VALUE(RING_SCRIPT_SUCCESS, "success")

RING_SET_LABEL(ring_script_outcome, "outcome", RING_SCRIPT_OUTCOMES);

#define RING_SCRIPT_PATHS(VALUE)                                        \
	VALUE(RING_SCRIPT_FALLBACK_OTHER, "fallback_other")             \
	VALUE(RING_SCRIPT_HIT, "hit")                                   \
	VALUE(RING_SCRIPT_SKIP_LOADED, "skip_loaded")                   \
	VALUE(RING_SCRIPT_SKIP_CACHED_TYPE, "skip_cached_type")         \
	VALUE(RING_SCRIPT_FALLBACK_INELIGIBLE, "fallback_ineligible")   \
	VALUE(RING_SCRIPT_FALLBACK_MISSING_KEY, "fallback_missing_key") \
	VALUE(RING_SCRIPT_FALLBACK_WRONG_TYPE, "fallback_wrong_type")   \
	VALUE(RING_SCRIPT_FALLBACK_TRUNCATED, "fallback_truncated")     \
	VALUE(RING_SCRIPT_FALLBACK_LARGE_OFFSET, "fallback_large_offset")

RING_SET_LABEL(ring_script_path, "outcome", RING_SCRIPT_PATHS);

static const double ring_script_seconds[] = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1,
					     0.25,  0.5,   1,    2,     5,    10};
static const double ring_script_calls[] = {0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};
static const double ring_script_retries[] = {0, 1, 2, 3, 5, 10, 20, 50};

#define RING_SCRIPT(ONE, EACH, OF)                                                            \
	EACH(OF, HISTOGRAM(ring_script_seconds), execution, ring_script_outcome,              \
	     "lua_exec_duration_seconds", "seconds",                                          \
	     "Time in the interpreter, all attempts and the calls made from it included.")    \
	EACH(OF, HISTOGRAM(ring_script_seconds), calling, ring_script_outcome,                \
	     "lua_redis_call_duration_seconds", "seconds",                                    \
	     "Time in the commands that a script calls, all attempts together.")              \
	EACH(OF, HISTOGRAM(ring_script_calls), calls, ring_script_outcome, "lua_redis_calls", \
	     NULL, "Commands that a script calls, all attempts together.")                    \
	EACH(OF, HISTOGRAM(ring_script_seconds), commit, ring_script_outcome,                 \
	     "lua_commit_duration_seconds", "seconds",                                        \
	     "Time in which what a script has written is committed, all attempts together.")  \
	ONE(OF, HISTOGRAM(ring_script_retries), retries, "lua_conflict_retries", NULL,        \
	    "Attempts after the first one that conflicts have cost a script.")

#define RING_SCRIPT_COMMAND(ONE, EACH, OF)                                         \
	EACH(OF, COUNTER, calls, ring_script_path, "lua_cmd_fastpath_total", NULL, \
	     "Calls from scripts by the path they took: the fast one, past it, or back from it.")

RING_SET_RECORDED(ring_script, RING_SCRIPT);
RING_SET_RECORDED(ring_script_command, RING_SCRIPT_COMMAND);

static const struct ring_set_bundle ring_script_bundle = {
	RING_SET_METRICS(ring_script), {NULL}, 0, RING_SET_OVERFLOW, 0};
static const struct ring_set_bundle ring_script_command_bundle = {
	RING_SET_METRICS(ring_script_command), {"cmd"}, RING_SET_BUDGET, RING_SET_OVERFLOW, 0};
static const struct ring_set_spec ring_scripts = {
	RING_SET_PREFIX, {&ring_script_bundle, &ring_script_command_bundle}};

static inline struct ring_script ring_script_resolve(const struct ring_set *set)
{
	const char *const labels[] = {NULL};
	struct ring_script handles;

	ring_set_resolve(set, &ring_script_bundle, labels, &handles);
	return handles;
}

static inline struct ring_script_command ring_script_command_resolve(const struct ring_set *set,
								     const char *command)
{
	const char *const labels[] = {command, NULL};
	struct ring_script_command handles;

	ring_set_resolve(set, &ring_script_command_bundle, labels, &handles);
	return handles;
}

/* How a script went, with all its attempts. */
struct ring_script_report {
	enum ring_script_outcome outcome;
	uint64_t execution_ns; /* with the next one; what is left is the interpreter's own */
	uint64_t calling_ns;
	uint64_t commit_ns;
	uint64_t calls;
	uint64_t retries; /* 0: the first attempt did it */
};

static inline void ring_script_end(struct ring_writer *writer, const struct ring_script *script,
				   const struct ring_script_report *report)
{
	const unsigned outcome = ring_script_outcome_known(report->outcome);

	ring_histogram_observe(writer, script->execution[outcome],
			       (double)report->execution_ns / 1e9);
	ring_histogram_observe(writer, script->calling[outcome], (double)report->calling_ns / 1e9);
	ring_histogram_observe(writer, script->calls[outcome], (double)report->calls);
	ring_histogram_observe(writer, script->commit[outcome], (double)report->commit_ns / 1e9);
	ring_histogram_observe(writer, script->retries, (double)report->retries);
}

static inline void ring_script_call(struct ring_writer *writer,
				    const struct ring_script_command *command,
				    enum ring_script_path path)
{
	ring_counter_add(writer, command->calls[ring_script_path_known(path)], 1);
}

#ifdef __cplusplus
}
#endif

#endif
