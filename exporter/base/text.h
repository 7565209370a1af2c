/* SPDX-License-Identifier: MIT */
/*
 * A growing buffer for text, and the spellings that the pages and the log need: numbers, times,
 * escapes, UTF-8. An append that fails for want of memory or past the limit makes
 * the whole text bad; callers append without looking and ask once, at the end.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdint.h>

#define TEXT_SPARE 64u /* bytes after every room that may be written and do not count */

struct text {
	char *data;
	size_t bytes;
	size_t capacity;
	size_t bytes_max;
	int error; /* negative errno of the first append that failed */
};

void text_init(struct text *text, size_t bytes_max);
/* Empty, and good again, without memory. */
void text_release(struct text *text);

/* Empty and good again, in the memory that it has. */
void text_clear(struct text *text);

/* Room for more, to be written in place and then added to text->bytes; and TEXT_SPARE behind it.
 * NULL when the text is bad. */
char *text_room(struct text *text, size_t bytes);

void text_append(struct text *text, const char *data, size_t bytes);
void text_string(struct text *text, const char *string);
void text_u64(struct text *text, uint64_t value);

/* As number_double has it. */
void text_double(struct text *text, double value);

/* An upper bound as OpenMetrics and Go spell it, `1.0` and not `1`, `1e+06` and not `1000000.0`, so
 * that a bucket has the same name in every format and for every version of Prometheus. */
void text_bound(struct text *text, double bound);

/* Foreign bytes made valid: each byte that is not UTF-8, and each NUL, becomes U+FFFD. */
void text_utf8(struct text *text, const char *data, size_t bytes);

/* Valid text with the text format's escapes: backslash and line feed, and, in a label value,
 * the double quote. Every other byte stands for itself, a carriage return too. */
void text_label_value(struct text *text, const char *value, size_t bytes);
void text_help(struct text *text, const char *help, size_t bytes);

/* Foreign bytes inside the double quotes of JSON, which are logfmt's as well. */
void text_quoted(struct text *text, const char *data, size_t bytes);

/* Foreign bytes between HTML's tags, or in an attribute's quotes. What HTML has no way to write,
 * most control characters, becomes U+FFFD. */
void text_html(struct text *text, const char *data, size_t bytes);

/* Bytes as a part of a URL: all but letters, digits and -._~ as %XX. */
void text_percent(struct text *text, const char *data, size_t bytes);

/* Nanoseconds since 1970 as RFC 3339 has it, in UTC and milliseconds: 2024-02-29T23:59:59.999Z */
void text_time(struct text *text, uint64_t wall_ns);

#endif
