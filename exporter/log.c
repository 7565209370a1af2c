/* SPDX-License-Identifier: MIT */
/* Log lines; see log.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "text.h"

const char *const log_level_words[LOG_LEVEL_COUNT] = {"debug", "info", "warn", "error"};

static enum log_level log_level = LOG_INFO;
static enum log_format log_format = LOG_LOGFMT;

void log_init(enum log_level level, enum log_format format)
{
	log_level = level;
	log_format = format;
}

static void log_pair(struct text *line, const char *key, const char *value)
{
	const char *separator = log_format == LOG_JSON ? "," : " ";

	if (line->bytes > 0)
		text_string(line, separator);
	if (log_format == LOG_JSON) {
		text_string(line, line->bytes == 0 ? "{\"" : "\"");
		text_string(line, key);
		text_string(line, "\":");
	} else {
		text_string(line, key);
		text_string(line, "=");
	}
	text_string(line, "\"");
	text_quoted(line, value, strlen(value));
	text_string(line, "\"");
}

static void log_time(struct text *line)
{
	char date[32], stamp[48];
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(stamp, sizeof stamp, "%s.%03ldZ", date, now.tv_nsec / 1000000);
	log_pair(line, "ts", stamp);
}

void log_event(enum log_level level, const char *event, ...)
{
	struct text line;
	va_list pairs;

	if (level < log_level)
		return;
	text_init(&line, LOG_LINE_BYTES_MAX);
	log_time(&line);
	log_pair(&line, "level", log_level_words[level]);
	log_pair(&line, "msg", event);
	va_start(pairs, event);
	for (const char *key; (key = va_arg(pairs, const char *)) != NULL;)
		log_pair(&line, key, va_arg(pairs, const char *));
	va_end(pairs);
	text_string(&line, log_format == LOG_JSON ? "}\n" : "\n");
	/* One write, so that lines of two threads do not mix. Nowhere to report a failure. */
	if (!line.error)
		(void)!write(STDERR_FILENO, line.data, line.bytes);
	text_release(&line);
}

void log_failure(const char *object, const char *reason)
{
	char line[LOG_LINE_BYTES_MAX];

	snprintf(line, sizeof line, CONFIG_PROGRAM ": %s: %s", object, reason);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	fprintf(stderr, "%s\n", line);
}
