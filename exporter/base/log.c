/* SPDX-License-Identifier: MIT */
/* Log lines; see log.h. */
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "log_limit.h"
#include "text.h"

#define DEBUG_TIMES     10u                         /* as many lines as of others */
#define EVENT_BYTES_MAX (16u * LOG_VALUE_BYTES_MAX) /* two such values with each byte escaped */

const char *const log_level_words[LOG_LEVEL_COUNT] = {"debug", "info", "warn", "error"};

static enum log_level log_level = LOG_INFO;
static enum log_format log_format = LOG_LOGFMT;

/* As syslog(3) numbers them. */
static const char *const priorities[LOG_LEVEL_COUNT] = {"<7>", "<6>", "<4>", "<3>"};
static bool has_priorities;

static struct log_limit limit;
static pthread_mutex_t limit_mutex = PTHREAD_MUTEX_INITIALIZER;

/* Whether stderr is the stream to the journal that the environment names (systemd.exec(5)). */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char device_inode[64];
	struct stat status;

	if (!stream || fstat(STDERR_FILENO, &status) != 0)
		return false;
	snprintf(device_inode, sizeof device_inode, "%ju:%ju", (uintmax_t)status.st_dev,
		 (uintmax_t)status.st_ino);
	return strcmp(stream, device_inode) == 0;
}

void log_init(enum log_level level, enum log_format format)
{
	log_level = level;
	log_format = format;
	has_priorities = is_journal();
}

/* Up to the value; `before` is what comes between the one before and this. */
static void log_key(struct text *line, const char *before, const char *key)
{
	text_string(line, before);
	text_string(line, log_format == LOG_JSON ? "\"" : "");
	text_string(line, key);
	text_string(line, log_format == LOG_JSON ? "\":\"" : "=\"");
}

void log_set_level(enum log_level level)
{
	/* relaxed, here and where it is read: a line more or less is all that comes of it. */
	__atomic_store_n(&log_level, level, __ATOMIC_RELAXED);
}

/* Of a long value the beginning, lest there be no line at all. */
static void log_pair(struct text *line, const char *key, const char *value)
{
	const size_t bytes = strnlen(value, LOG_VALUE_BYTES_MAX);

	log_key(line, log_format == LOG_JSON ? "," : " ", key);
	text_quoted(line, value, bytes);
	text_string(line, value[bytes] ? "...\"" : "\"");
}

static void log_begin(struct text *line, enum log_level level)
{
	if (has_priorities)
		text_string(line, priorities[level]);
	log_key(line, log_format == LOG_JSON ? "{" : "", "ts");
	text_time(line, clock_wall_ns());
	text_string(line, "\"");
	log_pair(line, "level", log_level_words[level]);
}

static bool admit(enum log_level level, const char *event, uint64_t *suppressed)
{
	const unsigned times = level == LOG_DEBUG ? DEBUG_TIMES : 1;

	pthread_mutex_lock(&limit_mutex);
	const bool admitted = log_limit_admit(&limit, event, times, clock_monotonic_ns(),
					      suppressed);
	pthread_mutex_unlock(&limit_mutex);
	return admitted;
}

void log_event(enum log_level level, const char *event, ...)
{
	uint64_t suppressed;
	struct text line;
	char digits[24];
	va_list pairs;

	/* relaxed: see log_set_level. */
	if (level < __atomic_load_n(&log_level, __ATOMIC_RELAXED) ||
	    !admit(level, event, &suppressed))
		return;
	text_init(&line, EVENT_BYTES_MAX);
	log_begin(&line, level);
	log_pair(&line, "msg", event);
	va_start(pairs, event);
	for (const char *key; (key = va_arg(pairs, const char *)) != NULL;)
		log_pair(&line, key, va_arg(pairs, const char *));
	va_end(pairs);
	snprintf(digits, sizeof digits, "%" PRIu64, suppressed);
	if (suppressed > 0)
		log_pair(&line, "suppressed", digits);
	text_string(&line, log_format == LOG_JSON ? "}\n" : "\n");
	/* One write, so that lines of two threads do not mix. Nowhere to report a failure. */
	if (!line.error)
		(void)!write(STDERR_FILENO, line.data, line.bytes);
	text_release(&line);
}

uint64_t log_suppressed_count(void)
{
	pthread_mutex_lock(&limit_mutex);
	const uint64_t count = limit.suppressed;
	pthread_mutex_unlock(&limit_mutex);
	return count;
}

void log_failure(const char *object, const char *reason)
{
	char line[LOG_LINE_BYTES_MAX];

	snprintf(line, sizeof line, LOG_PROGRAM ": %s: %s", object, reason);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	fprintf(stderr, "%s%s\n", has_priorities ? priorities[LOG_ERROR] : "", line);
}
