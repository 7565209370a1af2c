/* SPDX-License-Identifier: MIT */
/* Recording where every sample is checked; see subject.h. */
#include "subject.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 512u

const double subject_bounds[SUBJECT_BOUNDS] = {0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64};

const double subject_values[SUBJECT_VALUES] = {0, 0.125, 0.1875, 0.375, 0.5, 0.75, 1.5, 2,
					       3, 6,     12,     20,    24,  48,   80,  96};
uint8_t subject_choice[SUBJECT_PERIOD];

static void choose_values(void)
{
	uint32_t state = 1;

	for (unsigned i = 0; i < SUBJECT_PERIOD; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		subject_choice[i] = (uint8_t)(state % SUBJECT_VALUES);
	}
}

static const char *const metric_names[] = {
	[RING_COUNTER] = "bench_events_total",
	[RING_GAUGE] = "bench_level",
	[RING_HISTOGRAM] = "bench_size",
};

static struct ring_segment *make_segment(unsigned core_count, unsigned slot_count)
{
	const struct ring_metric_def metrics[] = {
		{.name = metric_names[RING_COUNTER],
		 .help = "Events.",
		 .kind = RING_COUNTER,
		 .label_keys = {"number"},
		 .series_max = SUBJECT_SERIES},
		{.name = metric_names[RING_GAUGE],
		 .help = "A level.",
		 .kind = RING_GAUGE,
		 .label_keys = {"number"},
		 .series_max = SUBJECT_SERIES},
		{.name = metric_names[RING_HISTOGRAM],
		 .help = "Sizes.",
		 .kind = RING_HISTOGRAM,
		 .label_keys = {"number"},
		 .bounds = subject_bounds,
		 .bound_count = SUBJECT_BOUNDS,
		 .series_max = SUBJECT_SERIES},
	};
	char dir[] = "/dev/shm/ring-bench-XXXXXX";
	struct ring_segment *segment;

	if (!mkdtemp(dir)) {
		bench_fail("%s: cannot be made", dir);
		return NULL;
	}
	if (ring_segment_create(&segment, &(struct ring_options){.name = "bench",
								 .dir = dir,
								 .core_count = core_count,
								 .slot_count = slot_count,
								 .metrics = metrics,
								 .metric_count = 3}) != 0) {
		bench_fail("%s", ring_error());
		ring_segment_close(segment);
		rmdir(dir);
		return NULL;
	}
	return segment;
}

/* What is mapped and open stays, and nothing is left behind. */
static void unlink_segment(const struct ring_segment *segment)
{
	char path[RING_PATH_BYTES];

	snprintf(path, sizeof path, "%s", ring_segment_path(segment));
	unlink(path);
	*strrchr(path, '/') = 0;
	rmdir(path);
}

static void resolve(struct subject *subject, unsigned i)
{
	char number[12];
	const char *const labels[] = {number, NULL};

	snprintf(number, sizeof number, "%u", i);
	if (subject->kind == RING_COUNTER)
		subject->counters[i] = ring_counter_resolve(subject->segment,
							    metric_names[RING_COUNTER], labels);
	else if (subject->kind == RING_GAUGE)
		subject->gauges[i] = ring_gauge_resolve(subject->segment, metric_names[RING_GAUGE],
							labels);
	else
		subject->histograms[i] = ring_histogram_resolve(
			subject->segment, metric_names[RING_HISTOGRAM], labels);
}

static void record(struct subject *subject, unsigned i)
{
	if (subject->kind == RING_COUNTER)
		ring_counter_add(subject->writer, subject->counters[i], 1);
	else if (subject->kind == RING_GAUGE)
		ring_gauge_set(subject->writer, subject->gauges[i], (double)i);
	else
		ring_histogram_observe(subject->writer, subject->histograms[i], subject_value(i));
}

/* One record of each series, whose keys the reader then knows. */
static bool learn_keys(struct subject *subject)
{
	size_t count;

	for (unsigned i = 0; i < SUBJECT_SERIES; i++) {
		resolve(subject, i);
		record(subject, i);
	}
	if (ring_reader_refresh(subject->reader) != RING_SOUND ||
	    ring_reader_drain(subject->reader, subject->core, subject->samples, BATCH, &count) !=
		    RING_SOUND ||
	    count != SUBJECT_SERIES)
		return bench_fail("the first samples did not come through");
	for (unsigned i = 0; i < SUBJECT_SERIES; i++) {
		subject->keys[i] = subject->samples[i].key;
		if (ring_reader_series_of(subject->reader, &subject->samples[i]) < 0)
			return bench_fail("a sample of an unknown series");
	}
	subject->written = SUBJECT_SERIES;
	subject->checked = SUBJECT_SERIES;
	subject->next = SUBJECT_SERIES;
	return true;
}

/* One ring of a segment that still has its name. */
static struct subject *open_ring(struct ring_segment *segment, enum ring_kind kind, unsigned core)
{
	struct subject *subject = calloc(1, sizeof *subject);

	if (!subject)
		return NULL;
	choose_values();
	subject->kind = kind;
	subject->segment = segment;
	subject->core = core;
	subject->samples = calloc(BATCH, sizeof *subject->samples);
	if (subject->samples &&
	    ring_reader_open(&subject->reader, AT_FDCWD, ring_segment_path(segment)) == 0) {
		subject->writer = ring_writer_claim(segment, core);
		subject->now_ns = ring_tick(subject->writer);
		if (learn_keys(subject))
			return subject;
	}
	subject_close(subject);
	bench_fail("there is no ring to measure");
	return NULL;
}

struct subject *subject_open(enum ring_kind kind, unsigned slot_count)
{
	struct ring_segment *segment = make_segment(1, slot_count);

	if (!segment)
		return NULL;
	struct subject *subject = open_ring(segment, kind, 0);
	unlink_segment(segment);
	if (subject)
		subject->owns_segment = true;
	else
		ring_segment_close(segment);
	return subject;
}

bool subject_open_many(struct subject **subjects, unsigned count)
{
	struct ring_segment *segment = make_segment(count, SUBJECT_SLOTS);
	unsigned opened = 0;

	if (!segment)
		return false;
	for (; opened < count; opened++) {
		subjects[opened] = open_ring(segment, RING_COUNTER, opened);
		if (!subjects[opened])
			break;
		ring_writer_release(subjects[opened]->writer);
	}
	unlink_segment(segment);
	if (opened == count) {
		subjects[0]->owns_segment = true;
		return true;
	}
	while (opened > 0)
		subject_close(subjects[--opened]);
	ring_segment_close(segment);
	return false;
}

void subject_claim(struct subject *subject)
{
	subject->writer = ring_writer_claim(subject->segment, subject->core);
	ring_tick_at(subject->writer, subject->now_ns);
}

void subject_close(struct subject *subject)
{
	if (subject->reader)
		ring_reader_close(subject->reader);
	if (subject->owns_segment)
		ring_segment_close(subject->segment);
	free(subject->samples);
	free(subject);
}

/* What sample `number` must hold. */
static uint64_t value_of(const struct subject *subject, uint64_t number)
{
	const uint64_t series = number % SUBJECT_SERIES;

	if (subject->is_bare)
		return number - subject->stretch;
	if (subject->kind == RING_COUNTER)
		return number / SUBJECT_SERIES + 1;
	if (subject->kind == RING_GAUGE)
		return ring_bits_of((double)series);
	/* Behind one of each series, the periods begin. */
	return ring_bits_of(subject_value(number - SUBJECT_SERIES));
}

static bool check_sample(const struct subject *subject, const struct ring_sample *sample,
			 uint64_t number)
{
	if (sample->value == value_of(subject, number) &&
	    sample->key == subject->keys[number % SUBJECT_SERIES] &&
	    sample->timestamp_ns == subject->now_ns)
		return true;
	return bench_fail("sample %llu is wrong: time %llu, value %#llx, key %#llx",
			  (unsigned long long)number, (unsigned long long)sample->timestamp_ns,
			  (unsigned long long)sample->value, (unsigned long long)sample->key);
}

/* All at once and without a branch, so that a poll is as fast as a poll can be that looks at
 * everything. */
static bool counters_are_right(const struct subject *subject, size_t count, uint64_t number)
{
	uint64_t difference = 0;

	for (size_t i = 0; i < count; i++, number++) {
		const struct ring_sample *sample = &subject->samples[i];
		difference |= sample->value ^ (number / SUBJECT_SERIES + 1);
		difference |= sample->key ^ subject->keys[number % SUBJECT_SERIES];
		difference |= sample->timestamp_ns ^ subject->now_ns;
	}
	return difference == 0;
}

/* The number that the sample claims to have. Only tallied counters tell, and only they may drop
 * any. */
static uint64_t number_of(const struct subject *subject, const struct ring_sample *sample)
{
	unsigned series = 0;

	if (subject->kind != RING_COUNTER || subject->is_bare)
		return subject->next;
	while (series < SUBJECT_SERIES - 1 && subject->keys[series] != sample->key)
		series++;
	return (sample->value - 1) * SUBJECT_SERIES + series;
}

/* Drops are between batches, never inside one. */
static bool check_batch(struct subject *subject, size_t count)
{
	uint64_t number = number_of(subject, &subject->samples[0]);

	if ((int64_t)(number - subject->next) < 0)
		return bench_fail("sample %llu came twice", (unsigned long long)number);
	subject->gaps += number - subject->next;
	subject->next = number + count;
	subject->checked += count;
	if (subject->kind == RING_COUNTER && !subject->is_bare &&
	    counters_are_right(subject, count, number))
		return true;
	for (size_t i = 0; i < count; i++)
		if (!check_sample(subject, &subject->samples[i], number++))
			return false;
	return true;
}

void subject_pass(struct subject *subject)
{
	uint64_t room = ring_reader_header(subject->reader)->slot_count;
	size_t count = BATCH;

	while (!subject->broken && count > 0 && room >= BATCH) {
		if (ring_reader_drain(subject->reader, subject->core, subject->samples, BATCH,
				      &count) != RING_SOUND)
			subject->broken = !bench_fail("the ring cannot be read");
		else if (count > 0)
			subject->broken = !check_batch(subject, count);
		room -= count;
	}
}

static uint64_t bucket_of(double value)
{
	uint64_t bucket = 0;

	while (bucket < SUBJECT_BOUNDS && value > subject_bounds[bucket])
		bucket++;
	return bucket;
}

static void observe(uint64_t *cells, double value, uint64_t times)
{
	cells[0] = ring_bits_of(ring_double_of(cells[0]) + value * (double)times);
	cells[1 + bucket_of(value)] += times;
}

/* The cells of one series after `written` samples, one of each series and then whole periods. */
static void expect_cells(const struct subject *subject, uint64_t series, uint64_t written,
			 uint64_t *cells)
{
	memset(cells, 0, RING_SERIES_CELLS_MAX * sizeof *cells);
	if (subject->kind == RING_COUNTER) {
		cells[0] = subject->is_bare ? 1 : written / SUBJECT_SERIES;
	} else if (subject->kind == RING_GAUGE) {
		cells[0] = ring_bits_of((double)series);
		cells[1] = subject->now_ns;
	} else {
		observe(cells, subject_value(series), 1);
		for (uint64_t i = series; i < SUBJECT_PERIOD; i += SUBJECT_SERIES)
			observe(cells, subject_value(i),
				(written - SUBJECT_SERIES) / SUBJECT_PERIOD);
	}
}

static bool check_tallies(struct subject *subject)
{
	uint64_t cells[RING_SERIES_CELLS_MAX], wanted[RING_SERIES_CELLS_MAX];

	for (uint64_t i = 0; i < SUBJECT_SERIES; i++) {
		const int index = ring_reader_series_at(subject->reader,
							(int32_t)(uint32_t)subject->keys[i]);
		const struct ring_series_info *series = ring_reader_series(subject->reader,
									   (uint32_t)index);
		const struct ring_metric_info *metric = ring_reader_metric(subject->reader,
									   series->metric);
		if (ring_reader_tallies(subject->reader, subject->core, series->cell,
					metric->series_cells, cells) != RING_SOUND)
			return bench_fail("the tallies cannot be read");
		expect_cells(subject, i, subject->written, wanted);
		if (memcmp(cells, wanted, metric->series_cells * sizeof cells[0]) != 0)
			return bench_fail("series %llu: the tallies are wrong",
					  (unsigned long long)i);
	}
	return true;
}

bool subject_check_lossy(struct subject *subject, uint64_t count)
{
	struct ring_account account = {.pending = 1};

	subject->stretch = subject->written;
	subject->written += count;
	while (!subject->broken && account.pending > 0) {
		subject_pass(subject);
		if (ring_reader_account(subject->reader, subject->core, &account) != RING_SOUND)
			return bench_fail("there is no account");
	}
	if (subject->broken)
		return false;
	/* What was dropped last shows in no later sample. */
	subject->gaps += subject->written - subject->next;
	subject->next = subject->written;
	if (account.written != subject->written ||
	    account.drained + account.dropped != account.written ||
	    account.drained != subject->checked || account.dropped != subject->gaps)
		return bench_fail(
			"the account is wrong: %llu recorded, %llu written, %llu drained, "
			"%llu checked, %llu dropped, %llu missing",
			(unsigned long long)subject->written, (unsigned long long)account.written,
			(unsigned long long)account.drained, (unsigned long long)subject->checked,
			(unsigned long long)account.dropped, (unsigned long long)subject->gaps);
	return check_tallies(subject);
}

bool subject_check(struct subject *subject, uint64_t count)
{
	return subject_check_lossy(subject, count) &&
	       (subject->gaps == 0 || bench_fail("samples were dropped"));
}

/* One segment for all contenders of a kind, so that they write to the same memory. */
static struct {
	struct subject *subject;
	unsigned users;
} shared[RING_HISTOGRAM + 1];

void *subject_open_contender(const void *argument)
{
	const enum ring_kind kind = *(const enum ring_kind *)argument;

	if (shared[kind].users == 0)
		shared[kind].subject = subject_open(kind, SUBJECT_SLOTS);
	if (shared[kind].subject)
		shared[kind].users++;
	return shared[kind].subject;
}

bool subject_check_contender(void *subject, uint64_t count)
{
	return subject_check(subject, count);
}

void subject_close_contender(void *state)
{
	struct subject *subject = state;

	if (--shared[subject->kind].users == 0)
		subject_close(subject);
}

void *subject_open_bare(const void *setup)
{
	struct subject *subject = subject_open(RING_COUNTER, SUBJECT_SLOTS);

	(void)setup;
	if (subject)
		subject->is_bare = true;
	return subject;
}

void subject_close_bare(void *subject)
{
	subject_close(subject);
}
