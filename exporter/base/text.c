/* SPDX-License-Identifier: MIT */
/* Text that grows; see text.h. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "text.h"

#define TEXT_BYTES_FIRST 4096u
#define BOUND_DIGITS_MAX 6u             /* before the point, without an exponent; as in Go */
#define REPLACEMENT      "\xef\xbf\xbd" /* U+FFFD */

void text_init(struct text *text, size_t bytes_max)
{
	*text = (struct text){.bytes_max = bytes_max};
}

void text_release(struct text *text)
{
	free(text->data);
	text_init(text, text->bytes_max);
}

void text_clear(struct text *text)
{
	text->bytes = 0;
	text->error = 0;
}

char *text_room(struct text *text, size_t bytes)
{
	const size_t wanted = text->bytes + bytes + TEXT_SPARE;
	const size_t twice = text->capacity ? 2 * text->capacity : TEXT_BYTES_FIRST;

	if (text->error)
		return NULL;
	if (bytes > text->bytes_max - text->bytes) {
		text->error = -EFBIG;
		return NULL;
	}
	if (wanted > text->capacity) {
		const size_t capacity = wanted > twice ? wanted : twice;
		char *data = realloc(text->data, capacity);
		if (!data) {
			text->error = -ENOMEM;
			return NULL;
		}
		text->data = data;
		text->capacity = capacity;
	}
	return text->data + text->bytes;
}

void text_append(struct text *text, const char *data, size_t bytes)
{
	char *to = bytes > 0 ? text_room(text, bytes) : NULL;

	if (!to)
		return;
	memcpy(to, data, bytes);
	text->bytes += bytes;
}

void text_string(struct text *text, const char *string)
{
	text_append(text, string, strlen(string));
}

void text_u64(struct text *text, uint64_t value)
{
	char number[NUMBER_ROOM];

	text_append(text, number, (size_t)(number_u64(number, value) - number));
}

void text_double(struct text *text, double value)
{
	char number[NUMBER_ROOM];

	text_append(text, number, (size_t)(number_double(number, value) - number));
}

void text_bound(struct text *text, double bound)
{
	char number[NUMBER_ROOM], exponent[8] = "";
	char *end = number_double(number, bound), *const first = number + (*number == '-');

	*end = '\0';
	const size_t whole = strspn(first, "0123456789"); /* digits before the point */
	if (whole > BOUND_DIGITS_MAX && !strchr(first, 'e')) {
		end += first[whole] != '.'; /* the point goes after the first digit */
		memmove(first + 2, first + 1, whole - 1);
		first[1] = '.';
		while (end[-1] == '0')
			end--;
		end -= end[-1] == '.';
		snprintf(exponent, sizeof exponent, "e+%02u", (unsigned)whole - 1);
	} else if (isfinite(bound) && !strpbrk(first, ".e")) {
		end = stpcpy(end, ".0");
	}
	text_append(text, number, (size_t)(end - number));
	text_string(text, exponent);
}

/* Bytes of the well-formed sequence that starts here (Unicode, table 3-7); 0 if none does. */
static size_t utf8_sequence(const uint8_t *s, size_t bytes)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t length;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (length > bytes)
		return 0;
	/* The second byte rules out overlong forms, surrogates and what is past U+10FFFF. */
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

void text_utf8(struct text *text, const char *data, size_t bytes)
{
	size_t sound = 0; /* bytes seen and found valid, not yet appended */

	while (sound < bytes) {
		const size_t length = utf8_sequence((const uint8_t *)data + sound, bytes - sound);
		if (length > 0 && data[sound] != '\0') {
			sound += length;
			continue;
		}
		text_append(text, data, sound);
		text_string(text, REPLACEMENT);
		data += sound + 1;
		bytes -= sound + 1;
		sound = 0;
	}
	text_append(text, data, sound);
}

static void text_escaped(struct text *text, const char *data, size_t bytes, char quote)
{
	size_t plain = 0;

	for (size_t i = 0; i < bytes; i++) {
		if (data[i] != '\\' && data[i] != '\n' && data[i] != quote)
			continue;
		text_append(text, data + plain, i - plain);
		text_string(text, data[i] == '\n' ? "\\n" : data[i] == '\\' ? "\\\\" : "\\\"");
		plain = i + 1;
	}
	text_append(text, data + plain, bytes - plain);
}

void text_label_value(struct text *text, const char *value, size_t bytes)
{
	text_escaped(text, value, bytes, '"');
}

void text_help(struct text *text, const char *help, size_t bytes)
{
	text_escaped(text, help, bytes, '\\');
}

void text_quoted(struct text *text, const char *data, size_t bytes)
{
	char code[8];
	size_t plain = 0;

	for (size_t i = 0; i < bytes; i++) {
		const uint8_t byte = (uint8_t)data[i];
		if (byte >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\')
			continue;
		text_utf8(text, data + plain, i - plain);
		snprintf(code, sizeof code, byte == '"' || byte == '\\' ? "\\%c" : "\\u%04x", byte);
		text_string(text, code);
		plain = i + 1;
	}
	text_utf8(text, data + plain, bytes - plain);
}

/* What stands in HTML for a byte that cannot stand for itself; else NULL. */
static const char *html_entity(uint8_t byte)
{
	switch (byte) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	}
	return (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7f ? REPLACEMENT : NULL;
}

void text_html(struct text *text, const char *data, size_t bytes)
{
	size_t plain = 0;

	for (size_t i = 0; i < bytes; i++) {
		const char *entity = html_entity((uint8_t)data[i]);
		if (!entity)
			continue;
		text_utf8(text, data + plain, i - plain);
		text_string(text, entity);
		plain = i + 1;
	}
	text_utf8(text, data + plain, bytes - plain);
}

void text_percent(struct text *text, const char *data, size_t bytes)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	char code[4];

	for (size_t i = 0; i < bytes; i++) {
		if (memchr(plain, data[i], sizeof plain - 1)) {
			text_append(text, data + i, 1);
			continue;
		}
		snprintf(code, sizeof code, "%%%02X", (uint8_t)data[i]);
		text_append(text, code, 3);
	}
}

void text_time(struct text *text, uint64_t wall_ns)
{
	const uint64_t ms = wall_ns / 1000000;
	const unsigned in_day = (unsigned)(ms % 86400000);
	/* Years that begin in March have their odd day at the end; 400 of them have 146097 days,
	 * and an era of so many began on 0000-03-01, 719468 days before 1970. */
	const unsigned days = (unsigned)(ms / 86400000) + 719468;
	const unsigned era = days / 146097, of_era = days % 146097;
	const unsigned years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const unsigned of_year = of_era - (365 * years + years / 4 - years / 100);
	const unsigned march = (5 * of_year + 2) / 153; /* months since March */
	const unsigned day = of_year - (153 * march + 2) / 5 + 1;
	const unsigned month = march < 10 ? march + 3 : march - 9;
	char time[64];

	snprintf(time, sizeof time, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		 era * 400 + years + (month <= 2), month, day, in_day / 3600000,
		 in_day / 60000 % 60, in_day / 1000 % 60, in_day % 1000);
	text_string(text, time);
}
