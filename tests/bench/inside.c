/* SPDX-License-Identifier: MIT */
/*
 * What a record costs inside of something else: between real work of about 25 ns, and beside walks
 * through memory that has to share the caches with the ring. The same is timed with and without
 * one record in it; the difference is the cost.
 */
#include <stdlib.h>

#include "contest.h"
#include "recording.h"
#include "subject.h"
#include "work.h"

#define COUNT 4096u /* operations of a stretch, which is run twice and timed once: caches */
#define FEW   1024u /* slots of which caches notice less */
#define LINE  64u
#define GROUP 8u /* lines that are walked between two records */

struct task {
	struct subject *subject; /* NULL: does not record */
	void **at;               /* in a cycle through all lines of the working set */
	struct work work;
};

struct task_setup {
	unsigned slot_count; /* of the ring; 0: does not record */
	void *lines;         /* of the working set, the same for both; NULL: arithmetic instead */
};

/* Lines that lead to each other in one cycle, in a random order, so that no prefetcher knows the
 * next one. */
static void *make_cycle(size_t line_count)
{
	char *lines = aligned_alloc(4096, line_count * LINE);
	size_t *order = calloc(line_count, sizeof *order);
	uint64_t state = 88172645463325252u;

	for (size_t i = 0; lines && order && i < line_count; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		const size_t other = state % (i + 1);
		order[i] = order[other];
		order[other] = i;
	}
	for (size_t i = 0; lines && order && i < line_count; i++) {
		void **line = (void **)(void *)(lines + order[i] * LINE);
		*line = lines + order[(i + 1) % line_count] * LINE;
	}
	if (!order) {
		free(lines);
		lines = NULL;
	}
	free(order);
	return lines;
}

static void close_task(void *state)
{
	struct task *task = state;

	if (task->subject)
		subject_close(task->subject);
	free(task);
}

static void *open_task(const void *argument)
{
	const struct task_setup *setup = argument;
	struct task *task = calloc(1, sizeof *task);

	if (!task) {
		bench_fail("no memory");
		return NULL;
	}
	task->at = setup->lines;
	if (setup->slot_count > 0)
		task->subject = subject_open(RING_COUNTER, setup->slot_count);
	if (setup->slot_count > 0 && !task->subject) {
		close_task(task);
		return NULL;
	}
	return task;
}

static inline void walk(struct task *task)
{
	for (unsigned i = 0; i < GROUP; i++)
		task->at = *task->at;
}

static inline void compute_alone(struct task *task, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		work_do(&task->work);
		BENCH_USE(task);
	}
}

static inline void compute_and_record(struct task *task, uint64_t count)
{
	struct ring_writer *writer = task->subject->writer;

	for (uint64_t i = 0; i < count; i++) {
		work_do(&task->work);
		ring_counter_add(writer, task->subject->counters[i % SUBJECT_SERIES], 1);
		BENCH_USE(task);
	}
}

static inline void walk_alone(struct task *task, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		walk(task);
		BENCH_USE(task);
	}
}

static inline void walk_and_record(struct task *task, uint64_t count)
{
	struct ring_writer *writer = task->subject->writer;

	for (uint64_t i = 0; i < count; i++) {
		walk(task);
		ring_counter_add(writer, task->subject->counters[i % SUBJECT_SERIES], 1);
		BENCH_USE(task);
	}
}

/* The stretch before the timed one: what the checks left in the caches is gone then. */
static bool warm_walk_alone(void *task)
{
	walk_alone(task, COUNT);
	return true;
}

static bool warm_walk_and_record(void *task)
{
	walk_and_record(task, COUNT);
	return true;
}

static bool check(void *state, uint64_t count)
{
	struct task *task = state;

	return subject_check(task->subject, count);
}

/* The larger ring holds both stretches; the smaller one keeps the last of them. */
static bool check_walk(void *task, uint64_t count)
{
	return check(task, 2 * count);
}

static bool check_lossy_walk(void *state, uint64_t count)
{
	struct task *task = state;

	return subject_check_lossy(task->subject, 2 * count);
}

CONTEST_LOOPS(compute_alone_loop, compute_alone);
CONTEST_LOOPS(compute_and_record_loop, compute_and_record);
CONTEST_LOOPS(walk_alone_loop, walk_alone);
CONTEST_LOOPS(walk_and_record_loop, walk_and_record);

static const struct contender compute_contenders[] = {
	{
		.who = "without",
		.setup = &(const struct task_setup){.slot_count = 0},
		.open = open_task,
		.close = close_task,
		.loops = CONTEST_PLACED(compute_alone_loop),
	},
	{
		.who = "with a record",
		.setup = &(const struct task_setup){.slot_count = SUBJECT_SLOTS},
		.open = open_task,
		.check = check,
		.close = close_task,
		.loops = CONTEST_PLACED(compute_and_record_loop),
	},
};

static void run(const char *name, const struct contender *const *contenders,
		const struct bench_options *options)
{
	const struct contest contest = {.name = name, .count = COUNT, .contenders = contenders};

	contest_run(&contest, options);
}

static void run_walk(const char *name, size_t bytes, const struct bench_options *options)
{
	void *lines = make_cycle(bytes / LINE);
	const struct task_setup alone = {.lines = lines};
	const struct task_setup recording = {.lines = lines, .slot_count = SUBJECT_SLOTS};
	const struct task_setup recording_few = {.lines = lines, .slot_count = FEW};
	const struct contender all[] = {
		{
			.who = "without",
			.setup = &alone,
			.open = open_task,
			.prepare = warm_walk_alone,
			.close = close_task,
			.loops = CONTEST_PLACED(walk_alone_loop),
		},
		{
			.who = "with a record",
			.setup = &recording,
			.open = open_task,
			.prepare = warm_walk_and_record,
			.check = check_walk,
			.close = close_task,
			.loops = CONTEST_PLACED(walk_and_record_loop),
		},
		{
			.who = "with a record, ring of 1 Ki slots",
			.setup = &recording_few,
			.open = open_task,
			.prepare = warm_walk_and_record,
			.check = check_lossy_walk,
			.close = close_task,
			.loops = CONTEST_PLACED(walk_and_record_loop),
		},
	};
	const struct contender *const contenders[] = {&all[0], &all[1], &all[2], &contest_end};

	if (lines)
		run(name, contenders, options);
	else
		bench_fail("%s: no memory for the working set", name);
	free(lines);
}

int main(int argc, char **argv)
{
	const struct bench_options options = bench_begin("inside", argc, argv);

	run("arithmetic",
	    (const struct contender *const[]){&compute_contenders[0], &compute_contenders[1],
					      &contest_end},
	    &options);
	run_walk("walk 32 KiB", 32u << 10, &options);
	run_walk("walk 512 KiB", 512u << 10, &options);
	run_walk("walk 4 MiB", 4u << 20, &options);
	return bench_end();
}
