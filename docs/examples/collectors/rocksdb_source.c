/* SPDX-License-Identifier: MIT */
/*
 * RocksDB's C interface gives tickers only as text, all of them at once, a line each:
 *
 *   rocksdb.block.cache.miss COUNT : 12
 *
 * Tickers count from 0 with each opening, as these options are made anew for it.
 */
#include "rocksdb_source.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define STORE_BUDGET RING_POLL_SOURCES_MAX
#define LEVELS       7 /* RocksDB's default */
#define MICROSECONDS 1e6
#define STALLED      "rocksdb_stalled_seconds"
#define LEVEL_FILES  "rocksdb_level_files"

struct row {
	const char *key, *metric, *unit, *help;
};

static const struct row tickers[] = {
	{"rocksdb.number.keys.written", "rocksdb_keys_written_total", NULL, "Keys written."},
	{"rocksdb.number.keys.read", "rocksdb_keys_read_total", NULL, "Keys asked for."},
	{"rocksdb.bytes.written", "rocksdb_written_bytes_total", "bytes",
	 "Keys and values written."},
	{"rocksdb.bytes.read", "rocksdb_read_bytes_total", "bytes", "Values found."},
	{"rocksdb.wal.bytes", "rocksdb_log_written_bytes_total", "bytes", "Written to the log."},
	{"rocksdb.wal.synced", "rocksdb_log_syncs_total", NULL, "Times the log was made durable."},
	{"rocksdb.memtable.hit", "rocksdb_memtable_hits_total", NULL,
	 "Reads that memory answered."},
	{"rocksdb.memtable.miss", "rocksdb_memtable_misses_total", NULL, "Reads that it did not."},
	{"rocksdb.block.cache.hit", "rocksdb_cache_hits_total", NULL, "Blocks found in the cache."},
	{"rocksdb.block.cache.miss", "rocksdb_cache_misses_total", NULL, "Blocks not found in it."},
	{"rocksdb.bloom.filter.useful", "rocksdb_filtered_reads_total", NULL,
	 "Reads of a file that its filter has spared."},
	{"rocksdb.flush.write.bytes", "rocksdb_flush_written_bytes_total", "bytes",
	 "Written to files from memory."},
	{"rocksdb.compact.read.bytes", "rocksdb_compaction_read_bytes_total", "bytes",
	 "Read to be compacted."},
	{"rocksdb.compact.write.bytes", "rocksdb_compaction_written_bytes_total", "bytes",
	 "Written compacted."},
};

static const struct row properties[] = {
	{"rocksdb.estimate-num-keys", "rocksdb_keys", NULL,
	 "Keys there are, as RocksDB estimates."},
	{"rocksdb.cur-size-all-mem-tables", "rocksdb_memtable_bytes", "bytes",
	 "What waits in memory to be written to files."},
	{"rocksdb.block-cache-usage", "rocksdb_cache_bytes", "bytes", "What the cache holds."},
	{"rocksdb.block-cache-capacity", "rocksdb_cache_limit_bytes", "bytes", "What it may hold."},
	{"rocksdb.live-sst-files-size", "rocksdb_files_bytes", "bytes", "Files in use."},
	{"rocksdb.estimate-pending-compaction-bytes", "rocksdb_compaction_debt_bytes", "bytes",
	 "What compaction has yet to rewrite."},
	{"rocksdb.num-running-compactions", "rocksdb_compactions", NULL, "Compactions that run."},
	{"rocksdb.num-running-flushes", "rocksdb_flushes", NULL, "Flushes that run."},
	{"rocksdb.is-write-stopped", "rocksdb_write_stopped", NULL, "1 while nothing is written."},
	{"rocksdb.background-errors", "rocksdb_background_errors", NULL,
	 "Errors in the background since it was opened."},
};

static const struct ring_metric_def others[] = {
	{.name = STALLED,
	 .help = "Time that writes have waited since it was opened.",
	 .unit = "seconds",
	 .kind = RING_GAUGE,
	 .label_keys = {"store"},
	 .series_max = STORE_BUDGET},
	{.name = LEVEL_FILES,
	 .help = "Files of the level.",
	 .kind = RING_GAUGE,
	 .label_keys = {"store", "level"},
	 .series_max = STORE_BUDGET * LEVELS},
};

static_assert(COUNT(tickers) + COUNT(properties) + COUNT(others) <= ROCKSDB_METRICS, "room");

static size_t declare(struct ring_metric_def *metrics, const struct row *rows, size_t count,
		      enum ring_kind kind)
{
	for (size_t i = 0; i < count; i++)
		metrics[i] = (struct ring_metric_def){
			.name = rows[i].metric,
			.help = rows[i].help,
			.unit = rows[i].unit,
			.kind = kind,
			.label_keys = {"store"},
			.series_max = STORE_BUDGET,
		};
	return count;
}

size_t rocksdb_source_declare(struct ring_metric_def metrics[ROCKSDB_METRICS])
{
	size_t count = declare(metrics, tickers, COUNT(tickers), RING_COUNTER);

	count += declare(metrics + count, properties, COUNT(properties), RING_GAUGE);
	memcpy(metrics + count, others, sizeof others);
	return count + COUNT(others);
}

/* The ticker's total in that text. */
static bool ticker(const char *text, const char *key, uint64_t *total)
{
	static const char between[] = " COUNT : ";
	const size_t bytes = strlen(key);
	char digits[sizeof "18446744073709551615"];

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, bytes) != 0 ||
		    strncmp(line + bytes, between, sizeof between - 1) != 0)
			continue;
		const char *value = line + bytes + sizeof between - 1;
		const int length = snprintf(digits, sizeof digits, "%.*s",
					    (int)strcspn(value, "\n"), value);
		return (size_t)length < sizeof digits && number_whole(digits, 10, total);
	}
	return false;
}

static const char *give_tickers(struct rocksdb_source *source, struct ring_poll *poll)
{
	char *text = rocksdb_options_statistics_get_string(source->options);
	const char *fault = text ? NULL : "no statistics";
	uint64_t total;

	for (size_t i = 0; i < COUNT(tickers) && !fault; i++)
		if (ticker(text, tickers[i].key, &total))
			ring_poll_counter(poll, tickers[i].metric, RING_LABELS(source->name),
					  total);
		else
			fault = tickers[i].key;
	if (!fault && source->store) {
		if (ticker(text, "rocksdb.stall.micros", &total))
			ring_poll_gauge(poll, STALLED, RING_LABELS(source->name),
					(double)total / MICROSECONDS);
		else
			fault = "rocksdb.stall.micros";
	}
	rocksdb_free(text);
	return fault;
}

static const char *give_properties(struct rocksdb_source *source, struct ring_poll *poll)
{
	char key[64], level[sizeof "0"];
	uint64_t value;

	for (size_t i = 0; i < COUNT(properties); i++) {
		if (rocksdb_property_int(source->store, properties[i].key, &value) != 0)
			return properties[i].key;
		ring_poll_gauge(poll, properties[i].metric, RING_LABELS(source->name),
				(double)value);
	}
	for (unsigned i = 0; i < LEVELS; i++) {
		snprintf(level, sizeof level, "%u", i);
		snprintf(key, sizeof key, "rocksdb.num-files-at-level%u", i);
		char *text = rocksdb_property_value(source->store, key);
		const bool fine = text && number_whole(text, 10, &value);
		rocksdb_free(text);
		if (!fine)
			return "rocksdb.num-files-at-level";
		ring_poll_gauge(poll, LEVEL_FILES, RING_LABELS(source->name, level), (double)value);
	}
	return NULL;
}

/* That there is nothing is an answer too: its gauges go. */
static enum ring_answer source_poll(struct ring_poll *poll, void *context)
{
	struct rocksdb_source *source = context;
	const char *fault = NULL;

	pthread_mutex_lock(&source->lock);
	if (source->options)
		fault = give_tickers(source, poll);
	if (source->store && !fault)
		fault = give_properties(source, poll);
	if (source->opened && !fault) {
		ring_poll_restarted(poll);
		source->opened = false;
	}
	pthread_mutex_unlock(&source->lock);
	return voice_answer(&source->voice, RING_ANSWER_ALL, fault);
}

void rocksdb_source_add(struct rocksdb_source *source, struct program *program)
{
	source->voice = (struct voice){program->name, source->name, false};
	pthread_mutex_init(&source->lock, NULL);
	program_poll(
		program,
		(struct ring_source){.name = source->name, .poll = source_poll, .context = source});
}

rocksdb_t *rocksdb_source_open(struct rocksdb_source *source, rocksdb_options_t *options,
			       const char *folder, char **error)
{
	rocksdb_options_enable_statistics(options);
	rocksdb_t *store = rocksdb_open(options, folder, error);
	if (!store) {
		rocksdb_options_destroy(options);
		return NULL;
	}
	pthread_mutex_lock(&source->lock);
	source->options = options;
	source->store = store;
	source->opened = true;
	pthread_mutex_unlock(&source->lock);
	return store;
}

void rocksdb_source_close(struct rocksdb_source *source, struct program *program)
{
	pthread_mutex_lock(&source->lock);
	rocksdb_close(source->store);
	source->store = NULL;
	pthread_mutex_unlock(&source->lock);

	if (ring_poller_poll(program->poller, source->name) != 0)
		fprintf(stderr, "%s: %s: closed, and not polled in time\n", program->name,
			source->name);

	pthread_mutex_lock(&source->lock);
	rocksdb_options_destroy(source->options);
	source->options = NULL;
	pthread_mutex_unlock(&source->lock);
}
