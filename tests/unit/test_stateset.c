/* SPDX-License-Identifier: MIT */
/*
 * State sets from their definition to what a reader finds: one state of the list, at any time.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "workspace.h"

#define CORE_COUNT 2u
#define SETS       200000u

enum { IDLE, READY, BUSY, STATE_COUNT };

static const char *const states[] = {"idle", "ready", "busy", NULL};

static const struct ring_metric_def mode = {
	.name = "test_mode",
	.help = "What it does.",
	.kind = RING_STATESET,
	.merge = RING_LAST,
	.label_keys = {"disk"},
	.states = states,
	.state_default = READY,
};

struct bench {
	struct ring_options options;
	struct ring_segment *segment;
	struct ring_writer *writers[CORE_COUNT];
	struct ring_reader *reader;
	struct ring_state mode;
};

static struct bench bench_open(const char *dir, const struct ring_metric_def *def)
{
	struct bench bench = {.options = workspace_options(dir, "bench")};

	bench.options.metrics = def;
	bench.options.metric_count = 1;
	bench.segment = workspace_segment(&bench.options);
	for (unsigned core = 0; core < CORE_COUNT; core++)
		bench.writers[core] = ring_writer_claim(bench.segment, core);
	bench.mode = ring_state_resolve(bench.segment, def->name, RING_LABELS("a"));
	bench.reader = workspace_reader(bench.segment);
	assert_int_not_equal(bench.mode.key, 0);
	return bench;
}

static void bench_close(struct bench *bench)
{
	ring_reader_close(bench->reader);
	ring_segment_close(bench->segment);
}

/* Which state all cores together are in. */
static uint32_t state_of(struct ring_reader *reader, const char *disk)
{
	const uint64_t cell = workspace_value(reader, mode.name, disk, 0);

	return ring_state_of(ring_reader_metric(reader, 0), cell);
}

static void X12_one_state_holds_and_until_one_is_set_the_default(void **state)
{
	struct bench bench = bench_open(*state, &mode);

	assert_int_equal(state_of(bench.reader, "a"), READY);
	for (unsigned i = 0; i < STATE_COUNT; i++) {
		ring_state_set(bench.writers[0], bench.mode, i);
		assert_int_equal(state_of(bench.reader, "a"), i);
	}
	bench_close(&bench);
}

static void X12_number_of_no_state_sets_the_default(void **state)
{
	const uint64_t unknown[] = {STATE_COUNT, 4294967295, 4294967296, UINT64_MAX, (uint64_t)-1};
	struct bench bench = bench_open(*state, &mode);

	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
		ring_state_set(bench.writers[0], bench.mode, BUSY);
		assert_int_equal(state_of(bench.reader, "a"), BUSY);
		ring_state_set(bench.writers[0], bench.mode, unknown[i]);
		/* In the cell, too. */
		assert_true(ring_double_of(workspace_value(bench.reader, mode.name, "a", 0)) ==
			    READY);
	}
	bench_close(&bench);
}

static void state_is_a_sample_too(void **state)
{
	struct bench bench = bench_open(*state, &mode);
	struct ring_sample sample;
	size_t count;

	ring_tick_at(bench.writers[0], 77);
	ring_state_set(bench.writers[0], bench.mode, BUSY);
	assert_int_equal(ring_reader_drain(bench.reader, 0, &sample, 1, &count), RING_SOUND);
	assert_int_equal(count, 1);
	assert_int_equal(sample.timestamp_ns, 77);
	assert_int_equal(ring_state_of(ring_reader_metric(bench.reader, 0), sample.value), BUSY);
	assert_int_equal(ring_reader_series_of(bench.reader, &sample), 0);
	bench_close(&bench);
}

static void of_several_cores_the_rule_says_whose_state_holds(void **state)
{
	static const unsigned held[] = {[RING_LAST] = READY, [RING_MIN] = IDLE, [RING_MAX] = BUSY};
	const unsigned set[] = {BUSY, READY, IDLE}; /* READY last, and not in that order */
	const uint64_t times[] = {1, 3, 2};

	for (enum ring_merge merge = RING_LAST; merge <= RING_MAX; merge++) {
		struct ring_metric_def def = mode;
		def.merge = merge;
		struct ring_options options = workspace_options(*state, "cores");
		options.core_count = 4; /* the last one says nothing */
		options.metrics = &def;
		options.metric_count = 1;
		struct ring_segment *segment = workspace_segment(&options);
		struct ring_reader *reader = workspace_reader(segment);
		const struct ring_state handle = ring_state_resolve(segment, def.name,
								    RING_LABELS("a"));
		for (unsigned core = 0; core < 3; core++) {
			struct ring_writer *writer = ring_writer_claim(segment, core);
			ring_tick_at(writer, times[core]);
			ring_state_set(writer, handle, set[core]);
		}
		assert_int_equal(state_of(reader, "a"), held[merge]);
		ring_reader_close(reader);
		ring_segment_close(segment);
	}
}

static void X6_zero_handles_and_noop_writers_set_nothing(void **state)
{
	struct bench bench = bench_open(*state, &mode);
	struct ring_writer *refused = ring_writer_claim(bench.segment, 0);
	struct ring_account account;

	ring_state_set(bench.writers[0], (struct ring_state){.key = 0}, BUSY);
	ring_state_set(bench.writers[0],
		       ring_state_resolve(bench.segment, "test_mode", RING_LABELS("a", "b")), BUSY);
	assert_int_equal(ring_state_resolve(bench.segment, "test_none", NULL).key, 0);
	assert_int_equal(ring_gauge_resolve(bench.segment, "test_mode", RING_LABELS("a")).key, 0);
	assert_non_null(strstr(ring_error(), "another kind"));
	ring_state_set(refused, bench.mode, BUSY);
	assert_int_equal(ring_reader_account(bench.reader, 0, &account), RING_SOUND);
	assert_int_equal(account.written, 0);
	assert_int_equal(state_of(bench.reader, "a"), READY);
	bench_close(&bench);
}

static void reader_has_the_states_by_name(void **state)
{
	struct bench bench = bench_open(*state, &mode);
	const struct ring_metric_info *info = ring_reader_metric(bench.reader, 0);
	struct ring_text names = info->states, name;

	assert_true(ring_reader_header(bench.reader)->features_required & RING_FEATURE_STATESET);
	assert_int_equal(info->kind, RING_STATESET);
	assert_int_equal(info->state_count, STATE_COUNT);
	assert_int_equal(info->state_default, READY);
	assert_int_equal(info->bound_count, 0);
	for (unsigned i = 0; i < STATE_COUNT; i++) {
		assert_int_equal(ring_label_next(&names, &name), 1);
		assert_int_equal(name.bytes, strlen(states[i]));
		assert_memory_equal(name.data, states[i], name.bytes);
	}
	assert_int_equal(ring_label_next(&names, &name), 0);
	bench_close(&bench);
}

static void state_of_a_process_ends_with_it(void **state)
{
	struct bench bench = bench_open(*state, &mode);
	struct ring_metric_def other = mode;

	ring_state_set(bench.writers[0], bench.mode, BUSY);
	ring_segment_close(bench.segment);
	assert_int_equal(state_of(bench.reader, "a"), BUSY); /* a post-mortem still sees it */
	bench.segment = workspace_segment(&bench.options);
	assert_true(
		ring_reader_is_current(bench.reader, AT_FDCWD, ring_segment_path(bench.segment)));
	assert_int_equal(state_of(bench.reader, "a"), READY);
	ring_segment_close(bench.segment);

	other.state_default = IDLE; /* another schema, so another file */
	bench.options.metrics = &other;
	bench.segment = workspace_segment(&bench.options);
	assert_false(
		ring_reader_is_current(bench.reader, AT_FDCWD, ring_segment_path(bench.segment)));
	bench_close(&bench);
}

static void definition_is_idempotent_and_other_states_are_another(void **state)
{
	static const char *const fewer[] = {"idle", "ready", NULL};
	static const char *const turned[] = {"ready", "idle", "busy", NULL};
	const struct ring_options options = workspace_options(*state, "late");
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_metric_def def = mode;

	/* Not declared at creation. */
	assert_int_equal(ring_metric_define(segment, &def), 0);
	def.states = (const char *const[]){"idle", "ready", "busy", NULL};
	assert_int_equal(ring_metric_define(segment, &def), 0);
	def.state_default = IDLE;
	assert_int_equal(ring_metric_define(segment, &def), -EEXIST);
	def = mode;
	def.states = fewer;
	assert_int_equal(ring_metric_define(segment, &def), -EEXIST);
	def.states = turned;
	assert_int_equal(ring_metric_define(segment, &def), -EEXIST);
	struct ring_reader *reader = workspace_reader(segment);
	assert_int_equal(ring_reader_metric_count(reader), WORKSPACE_METRICS + 1);
	assert_int_not_equal(ring_state_resolve(segment, "test_mode", RING_LABELS("a")).key, 0);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static void as_many_states_as_there_may_be(void **state)
{
	char names[RING_STATES_MAX + 1][RING_LABEL_VALUE_MAX + 1];
	const char *list[RING_STATES_MAX + 2] = {NULL};
	struct ring_metric_def def = mode;

	for (unsigned i = 0; i <= RING_STATES_MAX; i++) {
		snprintf(names[i], sizeof names[i], "%0*u", (int)RING_LABEL_VALUE_MAX, i);
		list[i] = names[i];
	}
	def.states = list;
	const struct ring_options options = workspace_options(*state, "many");
	struct ring_segment *segment = workspace_segment(&options);
	assert_int_equal(ring_metric_define(segment, &def), -EINVAL);
	assert_non_null(strstr(ring_error(), "at most 64 states"));
	list[RING_STATES_MAX] = NULL;
	def.state_default = RING_STATES_MAX - 1;
	ring_segment_close(segment);

	struct bench bench = bench_open(*state, &def);
	assert_int_equal(state_of(bench.reader, "a"), RING_STATES_MAX - 1);
	ring_state_set(bench.writers[0], bench.mode, RING_STATES_MAX - 2);
	assert_int_equal(state_of(bench.reader, "a"), RING_STATES_MAX - 2);
	bench_close(&bench);
}

#define LIST(...)                       \
	.states = (const char *const[]) \
	{                               \
		__VA_ARGS__, NULL       \
	}
#define STATESET(text, ...) \
	.name = text, .help = "Help.", .kind = RING_STATESET, .merge = RING_LAST, __VA_ARGS__

static const struct {
	struct ring_metric_def def;
	const char *reason;
} refusals[] = {
	{{STATESET("test_mode", .states = NULL)}, "have states"},
	{{STATESET("test_mode", .states = (const char *const[]){NULL})}, "have states"},
	{{.name = "test_x", .help = "Help.", .kind = RING_GAUGE, LIST("on")}, "nothing else has"},
	{{STATESET("test_mode", LIST("on", "off", "on"))}, "one name"},
	{{STATESET("test_mode", LIST("on", ""))}, "has a name"},
	{{STATESET("test_mode", LIST("\xff"))}, "not UTF-8"},
	{{STATESET("test_mode", LIST("on", "off"), .state_default = 2)}, "one of the states"},
	{{.name = "test_x", .help = "Help.", .kind = RING_GAUGE, .state_default = 1},
	 "one of the states"},
	{{.name = "test_x", .help = "Help.", .kind = RING_STATESET, LIST("on")}, "added up"},
	{{STATESET("test_seconds", LIST("on")), .unit = "seconds"}, "no unit"},
	{{STATESET("test_mode", LIST("on")), .label_keys = {"a", "test_mode"}}, "for the states"},
	{{STATESET("le", LIST("on"))}, "\"le\""},
	{{STATESET("__mode", LIST("on"))}, "'__'"},
	{{STATESET("test_total", LIST("on"))}, "should not have"},
	{{STATESET("a234567890123456789012345678901234567890123456789012345678901234567890123456789"
		   "0123456789012345678901",
		   LIST("on"))},
	 "at most 100 bytes"},
	{{STATESET("test_mode", LIST("on")), .bound_count = 1}, "upper bounds"},
};

static void bad_state_set_is_refused_with_its_reason(void **state)
{
	const struct ring_options options = workspace_options(*state, "refused");
	struct ring_segment *segment = workspace_segment(&options);

	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		if (ring_metric_define(segment, &refusals[i].def) != -EINVAL)
			fail_msg("not refused: %s", refusals[i].reason);
		if (!strstr(ring_error(), refusals[i].reason))
			fail_msg("%s: %s", refusals[i].reason, ring_error());
	}
	ring_segment_close(segment);
}

/* A thread that sets only the first state and the last, so that the default would be a tear. */
static void *set_back_and_forth(void *argument)
{
	const struct bench *bench = argument;

	for (unsigned i = 0; i < SETS; i++)
		ring_state_set(bench->writers[0], bench->mode, i % 2 ? IDLE : BUSY);
	return NULL;
}

static void X12_reader_sees_a_state_that_was_set_while_it_changes(void **state)
{
	struct bench bench = bench_open(*state, &mode);
	unsigned seen[STATE_COUNT] = {0};
	struct ring_account account;
	pthread_t thread;

	ring_state_set(bench.writers[0], bench.mode, IDLE);
	assert_int_equal(pthread_create(&thread, NULL, set_back_and_forth, &bench), 0);
	do {
		seen[state_of(bench.reader, "a")]++;
		assert_int_equal(ring_reader_account(bench.reader, 0, &account), RING_SOUND);
	} while (account.written < SETS + 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	printf("# idle %u, busy %u times\n", seen[IDLE], seen[BUSY]);
	assert_int_equal(seen[READY], 0);
	assert_int_equal(state_of(bench.reader, "a"), IDLE);
	bench_close(&bench);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(X12_one_state_holds_and_until_one_is_set_the_default),
		TEST(X12_number_of_no_state_sets_the_default),
		TEST(state_is_a_sample_too),
		TEST(of_several_cores_the_rule_says_whose_state_holds),
		TEST(X6_zero_handles_and_noop_writers_set_nothing),
		TEST(reader_has_the_states_by_name),
		TEST(state_of_a_process_ends_with_it),
		TEST(definition_is_idempotent_and_other_states_are_another),
		TEST(as_many_states_as_there_may_be),
		TEST(bad_state_set_is_refused_with_its_reason),
		TEST(X12_reader_sees_a_state_that_was_set_while_it_changes),
	};

	return cmocka_run_group_tests_name("stateset", tests, NULL, NULL);
}
