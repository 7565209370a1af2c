/* SPDX-License-Identifier: MIT */
/*
 * One line per event on stderr, as logfmt or JSON. Any thread; lines do not mix. Where stderr is
 * systemd's journal, a line begins with its priority (sd-daemon(3)), which the journal takes off.
 *
 * Lines of one kind are limited, see log_limit.h, and the next one says how many were suppressed.
 * Of debugging lines there may be ten times as many.
 */
#ifndef LOG_H
#define LOG_H

#include <stdint.h>

#define LOG_PROGRAM         "ring-exporter"
#define LOG_LINE_BYTES_MAX  8192u
#define LOG_VALUE_BYTES_MAX 4096u /* the rest is cut off; all of a path */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVEL_COUNT };

extern const char *const log_level_words[LOG_LEVEL_COUNT];

enum log_format { LOG_LOGFMT, LOG_JSON };

/* Before other threads start. */
void log_init(enum log_level level, enum log_format format);

/* Any thread: from the next line on. */
void log_set_level(enum log_level level);

/* What keeps the program from doing as asked: `program: object: reason`, one line whatever the
 * object is made of. */
void log_failure(const char *object, const char *reason);

/* The event in words, which say its kind and must stay, then pairs of key and value, then NULL.
 * Values may be foreign bytes, and as long as they like. */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* How many lines have been suppressed so far. */
uint64_t log_suppressed_count(void);

#endif
