/* SPDX-License-Identifier: MIT */
/*
 * A program with two RocksDB stores in it, `orders` and `sessions`, under a small load. `sessions`
 * is closed and opened again and again. At the end it says what it has done itself, as one line of
 * JSON, and that is what the counters say, too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "rocksdb_source.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
/* Stores stay small: values of the same few keys, again and again. Half of what is read is not
 * there. */
#define KEYS         2000u
#define VALUE_BYTES  200u
#define ROUND_MS     10
#define ROUND_WRITES 20u
#define ROUND_READS  40u
#define OPEN_ROUNDS  100u /* of sessions, before it is closed */
#define SHUT_ROUNDS  100u

#define MEMTABLE_BYTES (256u << 10)
#define CACHE_BYTES    (128u << 10)

static const char usage[] =
	"usage: poll_rocksdb [option...] FOLDER\n"
	"  FOLDER             where the stores are to be\n"
	"  --segment NAME     name of the telemetry segment (default: rocksdb)\n"
	"  --dir DIR          directory of the segment\n"
	"  --interval-ms N    time between two polls (default: 5000)\n"
	"  --help\n";

struct work {
	struct rocksdb_source source;
	char folder[RING_PATH_BYTES];
	rocksdb_t *store; /* NULL: closed */
	uint64_t opened, written, read;
};

static void check(const struct program *program, const char *store, char *error)
{
	if (error)
		program_refuse(program, store, error);
}

static void work_open(struct work *work, const struct program *program)
{
	rocksdb_options_t *options = rocksdb_options_create();
	rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
	rocksdb_cache_t *cache = rocksdb_cache_create_lru(CACHE_BYTES);
	char *error = NULL;

	rocksdb_options_set_create_if_missing(options, 1);
	rocksdb_options_set_write_buffer_size(options, MEMTABLE_BYTES);
	rocksdb_block_based_options_set_block_cache(table, cache);
	rocksdb_block_based_options_set_filter_policy(table, /* takes it */
						      rocksdb_filterpolicy_create_bloom(10));
	rocksdb_options_set_block_based_table_factory(options, table);
	work->store = rocksdb_source_open(&work->source, options, work->folder, &error);
	rocksdb_cache_destroy(cache);
	rocksdb_block_based_options_destroy(table);
	check(program, work->source.name, error);
	work->opened++;
}

static void work_close(struct work *work, struct program *program)
{
	rocksdb_source_close(&work->source, program);
	work->store = NULL;
}

static void work_round(struct work *work, const struct program *program)
{
	rocksdb_writeoptions_t *writing = rocksdb_writeoptions_create();
	rocksdb_readoptions_t *reading = rocksdb_readoptions_create();
	char key[sizeof "4294967295"], value[VALUE_BYTES], *error = NULL;
	size_t bytes;

	memset(value, 'x', sizeof value);
	for (unsigned i = 0; i < ROUND_WRITES && !error; i++, work->written++) {
		const int length = snprintf(key, sizeof key, "%u", (unsigned)rand() % KEYS);
		rocksdb_put(work->store, writing, key, (size_t)length, value, sizeof value, &error);
	}
	for (unsigned i = 0; i < ROUND_READS && !error; i++, work->read++) {
		const int length = snprintf(key, sizeof key, "%u", (unsigned)rand() % (2 * KEYS));
		rocksdb_free(
			rocksdb_get(work->store, reading, key, (size_t)length, &bytes, &error));
	}
	rocksdb_readoptions_destroy(reading);
	rocksdb_writeoptions_destroy(writing);
	check(program, work->source.name, error);
}

static void report(const struct work *works, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%s\"%s\": {\"opened\": %" PRIu64 ", \"written\": %" PRIu64
		       ", \"read\": %" PRIu64 "}",
		       i == 0 ? "{" : ", ", works[i].source.name, works[i].opened, works[i].written,
		       works[i].read);
	puts("}");
}

int main(int argc, char **argv)
{
	static struct work works[] = {{.source.name = "orders"}, {.source.name = "sessions"}};
	struct work *const sessions = &works[1];
	struct ring_metric_def metrics[ROCKSDB_METRICS];
	struct program program = {.name = "poll_rocksdb", .usage = usage, .segment = "rocksdb"};
	const int first = program_options(&program, argc, argv);

	if (argc - first != 1)
		program_refuse(&program, "FOLDER", "one is needed");
	program_open(&program, metrics, rocksdb_source_declare(metrics));
	for (size_t i = 0; i < COUNT(works); i++) {
		snprintf(works[i].folder, sizeof works[i].folder, "%s/%s", argv[first],
			 works[i].source.name);
		rocksdb_source_add(&works[i].source, &program);
		work_open(&works[i], &program);
	}
	for (unsigned round = 1; !program_told_to_end(ROUND_MS); round++) {
		for (size_t i = 0; i < COUNT(works); i++)
			if (works[i].store)
				work_round(&works[i], &program);
		if (round % (OPEN_ROUNDS + SHUT_ROUNDS) == OPEN_ROUNDS)
			work_close(sessions, &program);
		else if (round % (OPEN_ROUNDS + SHUT_ROUNDS) == 0)
			work_open(sessions, &program);
	}
	for (size_t i = 0; i < COUNT(works); i++)
		if (works[i].store)
			work_close(&works[i], &program);
	report(works, COUNT(works));
	return program_close(&program);
}
