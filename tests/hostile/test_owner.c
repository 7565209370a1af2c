/* SPDX-License-Identifier: MIT */
/*
 * Files whose bytes others change while their owner lives. Where things are the owner knows by
 * itself: it records, resolves, forks and closes as if nothing had happened, and once the bytes
 * are back every reader finds what was recorded.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fields.h"
#include "workspace.h"

#define LIES 5

struct owner {
	struct ring_segment *segment;
	struct ring_writer *writer; /* of core 0, claimed before the file was changed */
	struct ring_counter counter;
	struct ring_histogram histogram;
	struct ring_reader *reader;
	char path[RING_PATH_BYTES];
	int fd; /* others' */
};

/* One number of the file. */
struct place {
	const char *name;
	off_t offset;
	size_t bytes;
};

static struct owner owner_open(void **state)
{
	struct ring_options options = workspace_options(*state, "owner");
	struct owner owner;

	options.series_spare = 1;
	options.metrics_spare = 1;
	/* Not what another owner has left, which would be carried on. */
	unlinkat(AT_FDCWD, strcat(strcpy(owner.path, options.dir), "/owner"), 0);
	owner.segment = workspace_segment(&options);
	owner.writer = ring_writer_claim(owner.segment, 0);
	owner.counter = workspace_packets(owner.segment, "early");
	owner.histogram = ring_histogram_resolve(owner.segment, "test_latency_seconds",
						 RING_LABELS("early"));
	owner.reader = workspace_reader(owner.segment);
	owner.fd = open(owner.path, O_RDWR | O_CLOEXEC);
	assert_true(owner.fd >= 0);
	return owner;
}

static uint64_t read_number(const struct owner *owner, const struct place *place)
{
	uint8_t bytes[8];

	assert_int_equal(pread(owner->fd, bytes, place->bytes, place->offset), place->bytes);
	return field_get(bytes, place->bytes);
}

static void write_number(const struct owner *owner, const struct place *place, uint64_t number)
{
	uint8_t bytes[8];

	field_set(bytes, place->bytes, number);
	assert_int_equal(pwrite(owner->fd, bytes, place->bytes, place->offset), place->bytes);
}

/* Whether this process maps any of the file. */
static bool maps_file(const char *path)
{
	char line[RING_PATH_BYTES + 128];
	FILE *maps = fopen("/proc/self/maps", "re");
	bool found = false;

	while (fgets(line, sizeof line, maps))
		found = found || strstr(line, path);
	fclose(maps);
	return found;
}

/* Returns what the child does wrong. */
static int live_as_the_child(const struct owner *owner)
{
	ring_counter_add(owner->writer, owner->counter, 100);
	ring_burst_end(owner->writer);
	if (maps_file(owner->path))
		return 1;
	ring_segment_close(owner->segment);
	return 0;
}

/* With a claim from before the file was changed and one from after. */
static void record(const struct owner *owner)
{
	struct ring_writer *writer = ring_writer_claim(owner->segment, 1);
	const struct ring_counter counter = workspace_packets(owner->segment, "late");
	const struct ring_histogram histogram = ring_histogram_resolve(
		owner->segment, "test_latency_seconds", RING_LABELS("late"));
	struct ring_account account;

	ring_burst_begin(owner->writer);
	ring_counter_add(owner->writer, owner->counter, 1);
	ring_histogram_observe(owner->writer, owner->histogram, 0.01);
	ring_burst_begin(writer);
	ring_counter_add(writer, counter, 2);
	ring_histogram_observe(writer, histogram, 1);
	ring_counter_add(writer, counter, 2);
	/* Of two, the first burst is full. */
	assert_int_equal(ring_reader_account(owner->reader, 1, &account), RING_SOUND);
	assert_int_equal(account.written, 2);
	assert_false(ring_writer_is_live(ring_writer_claim(owner->segment, 2)));
}

static void define_and_resolve(const struct owner *owner)
{
	static const struct ring_metric_def late = {
		.name = "test_late_total", .help = "Late.", .kind = RING_COUNTER};

	assert_int_equal(ring_metric_define(owner->segment, &late), 0);
	ring_counter_add(owner->writer, ring_counter_resolve(owner->segment, late.name, NULL), 3);
	assert_int_not_equal(ring_gauge_resolve(owner->segment, "test_depth", NULL).key, 0);
}

/* Everything that an owner does; its end is the segment's. */
static void live_on(const struct owner *owner)
{
	int status;

	record(owner);
	define_and_resolve(owner);
	ring_reader_close(owner->reader);
	const pid_t child = fork();
	if (child == 0)
		_exit(live_as_the_child(owner));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	ring_segment_close(owner->segment);
	assert_false(maps_file(owner->path));
}

static void assert_all_is_there(const char *path)
{
	struct ring_reader *reader = NULL;
	struct ring_sample samples[8];
	size_t count;

	assert_int_equal(ring_reader_open(&reader, AT_FDCWD, path), RING_SOUND);
	assert_int_equal(workspace_value(reader, "test_packets_total", "early", 0), 1);
	assert_int_equal(workspace_value(reader, "test_packets_total", "late", 0), 4);
	assert_int_equal(workspace_value(reader, "test_late_total", "", 0), 3);
	assert_int_equal(workspace_value(reader, "test_latency_seconds", "early", 2), 1);
	assert_int_equal(workspace_value(reader, "test_latency_seconds", "late", 4), 1);
	/* Nobody has set it, on any core. */
	assert_int_equal(workspace_value(reader, "test_depth", "", 0), RING_GAUGE_UNSET);
	for (uint32_t core = 0; core < 2; core++) {
		assert_int_equal(ring_reader_drain(reader, core, samples, 8, &count), RING_SOUND);
		assert_int_equal(count, 3);
		for (size_t i = 0; i < count; i++)
			assert_in_range(ring_reader_series_of(reader, &samples[i]), 0, INT32_MAX);
	}
	ring_reader_close(reader);
}

/* Another number there, for as long as the owner lives. */
static void mislead(void **state, const struct place *place, unsigned lie)
{
	const struct owner owner = owner_open(state);
	const uint64_t truth = read_number(&owner, place);
	const uint64_t lies[LIES] = {0, 1, truth + 1, truth * 2, UINT64_MAX};

	printf("# %s: %llu instead of %llu\n", place->name, (unsigned long long)lies[lie],
	       (unsigned long long)truth);
	write_number(&owner, place, lies[lie]);
	live_on(&owner);
	write_number(&owner, place, truth);
	close(owner.fd);
	assert_all_is_there(owner.path);
}

/* Every number of a struct that stands at `offset`, up to byte `end` of it. */
static void mislead_about(void **state, enum part part, uint64_t offset, size_t end)
{
	const struct fields *fields = &fields_of[part];

	for (size_t i = 0; i < fields->count && fields->list[i].offset < end; i++) {
		const struct field *field = &fields->list[i];
		const struct place place = {field->name, (off_t)(offset + field->offset),
					    field->unit};
		for (unsigned lie = 0; lie < LIES; lie++)
			mislead(state, &place, lie);
	}
}

static struct ring_header header_of(void **state)
{
	const struct owner owner = owner_open(state);
	struct ring_header header;

	assert_int_equal(pread(owner.fd, &header, sizeof header, 0), sizeof header);
	close(owner.fd);
	ring_reader_close(owner.reader);
	ring_segment_close(owner.segment);
	return header;
}

static void header_changed_by_others_misleads_no_owner(void **state)
{
	mislead_about(state, PART_HEADER, 0, offsetof(struct ring_header, metric_count));
}

static void metrics_changed_by_others_mislead_no_owner(void **state)
{
	const struct ring_header header = header_of(state);

	for (unsigned i = 0; i < WORKSPACE_METRICS; i++)
		mislead_about(state, PART_METRIC,
			      header.metrics_offset + i * sizeof(struct ring_metric_entry),
			      sizeof(struct ring_metric_entry));
}

static void series_changed_by_others_mislead_no_owner(void **state)
{
	const struct ring_header header = header_of(state);

	for (unsigned i = 0; i < 2; i++)
		mislead_about(state, PART_SERIES,
			      header.series_offset + i * sizeof(struct ring_series_entry),
			      sizeof(struct ring_series_entry));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(header_changed_by_others_misleads_no_owner),
		TEST(metrics_changed_by_others_mislead_no_owner),
		TEST(series_changed_by_others_mislead_no_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
