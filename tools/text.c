/* SPDX-License-Identifier: MIT */
/* Foreign text made harmless, and doubles in their shortest form. */
#include "text.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct ring_text text_of(const char *string)
{
	return (struct ring_text){string, (uint32_t)strlen(string)};
}

int text_equal(struct ring_text text, const char *string)
{
	return text.bytes == strlen(string) && memcmp(text.data, string, text.bytes) == 0;
}

/* Decodes as Unicode wants it: no overlong form, no surrogate, nothing past U+10FFFF. */
static uint32_t decode(struct ring_text text, uint32_t *code_point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *data = (const unsigned char *)text.data;

	if (text.bytes == 0)
		return 0;
	const uint32_t bytes = data[0] < 0x80               ? 1
			       : (data[0] & 0xe0u) == 0xc0u ? 2
			       : (data[0] & 0xf0u) == 0xe0u ? 3
			       : (data[0] & 0xf8u) == 0xf0u ? 4
							    : 0;
	if (bytes == 0 || bytes > text.bytes)
		return 0;
	*code_point = bytes == 1 ? data[0] : data[0] & (0xffu >> (bytes + 1));
	for (uint32_t i = 1; i < bytes; i++) {
		if ((data[i] & 0xc0u) != 0x80u)
			return 0;
		*code_point = *code_point << 6 | (data[i] & 0x3fu);
	}
	if (*code_point < least[bytes] || *code_point > 0x10ffff ||
	    (*code_point >= 0xd800 && *code_point <= 0xdfff))
		return 0;
	return bytes;
}

struct ring_text text_take(struct ring_text *text)
{
	uint32_t code_point;
	const uint32_t bytes = decode(*text, &code_point);
	const struct ring_text character = bytes ? (struct ring_text){text->data, bytes}
						 : text_of("\xef\xbf\xbd");

	text->data += bytes ? bytes : 1;
	text->bytes -= bytes ? bytes : 1;
	return character;
}

/* Characters that act instead of appearing: C0, DEL, C1, line and paragraph separators, and
 * the marks that reorder or hide the text around them. */
static bool acts(uint32_t code_point)
{
	return code_point < 0x20 || (code_point >= 0x7f && code_point <= 0x9f) ||
	       (code_point >= 0x200b && code_point <= 0x200f) ||
	       (code_point >= 0x2028 && code_point <= 0x202e) ||
	       (code_point >= 0x2060 && code_point <= 0x206f) || code_point == 0xfeff;
}

static void print_escaped(FILE *out, struct ring_text character)
{
	static const char named[][2] = {{'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};

	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
		if (character.data[0] == named[i][0]) {
			fprintf(out, "\\%c", named[i][1]);
			return;
		}
	}
	for (uint32_t i = 0; i < character.bytes; i++)
		fprintf(out, "\\x%02x", (unsigned char)character.data[i]);
}

static void print(FILE *out, struct ring_text text, const char *escape)
{
	while (text.bytes != 0) {
		const struct ring_text character = text_take(&text);
		uint32_t code_point = 0;

		decode(character, &code_point);
		if (acts(code_point)) {
			print_escaped(out, character);
			continue;
		}
		if (strchr(escape, character.data[0]))
			fputc('\\', out);
		fwrite(character.data, 1, character.bytes, out);
	}
}

void text_print(FILE *out, struct ring_text text)
{
	print(out, text, "");
}

void text_print_quoted(FILE *out, struct ring_text text)
{
	fputc('"', out);
	print(out, text, "\"\\");
	fputc('"', out);
}

const char *text_double(double value, char buffer[TEXT_DOUBLE_BYTES])
{
	if (isnan(value))
		return "NaN";
	if (isinf(value))
		return value > 0 ? "+Inf" : "-Inf";
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buffer, TEXT_DOUBLE_BYTES, "%.*g", digits, value);
		if (strtod(buffer, NULL) == value)
			break;
	}
	return buffer;
}
