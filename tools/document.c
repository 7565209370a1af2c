/* SPDX-License-Identifier: MIT */
/* JSON values from foreign data, and their two printed forms. */
#include "document.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "tool.h"

json_t *document_text(struct ring_text text)
{
	char *clean = tool_alloc(1, TEXT_TAKEN_MAX(text.bytes));
	size_t bytes = 0;

	while (text.bytes != 0) {
		const struct ring_text character = text_take(&text);
		memcpy(clean + bytes, character.data, character.bytes);
		bytes += character.bytes;
	}
	json_t *string = json_stringn(clean, bytes);
	free(clean);
	return string;
}

json_t *document_total(uint64_t total)
{
	char digits[24];

	if (total <= INT64_MAX)
		return json_integer((json_int_t)total);
	snprintf(digits, sizeof digits, "%" PRIu64, total);
	return json_string(digits);
}

json_t *document_double(double value)
{
	char buffer[TEXT_DOUBLE_BYTES];

	return isfinite(value) ? json_real(value) : json_string(text_double(value, buffer));
}

struct ring_text document_string(const json_t *string)
{
	return (struct ring_text){json_string_value(string), (uint32_t)json_string_length(string)};
}

static void print_json(json_t *value, size_t flags)
{
	json_dumpf(value, stdout, flags);
	putchar('\n');
	json_decref(value);
}

void document_print_json(json_t *value)
{
	print_json(value, JSON_INDENT(2));
}

void document_print_line(json_t *value)
{
	print_json(value, JSON_COMPACT);
}

void document_print_scalar(FILE *out, const json_t *scalar)
{
	char buffer[TEXT_DOUBLE_BYTES];

	switch (json_typeof(scalar)) {
	case JSON_STRING:
		text_print(out, document_string(scalar));
		break;
	case JSON_INTEGER:
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(scalar));
		break;
	case JSON_REAL:
		fputs(text_double(json_real_value(scalar), buffer), out);
		break;
	case JSON_TRUE:
		fputs("yes", out);
		break;
	case JSON_FALSE:
		fputs("no", out);
		break;
	default:
		fputc('-', out);
	}
}

static char *cell_of(const json_t *scalar)
{
	char *cell;
	size_t bytes;
	FILE *out = tool_open_text(&cell, &bytes);

	document_print_scalar(out, scalar);
	fclose(out);
	return cell;
}

/* Characters, not bytes: what follows the first byte of a UTF-8 character takes no place. */
static int width_of(const char *cell)
{
	int width = 0;

	for (; *cell; cell++)
		width += (*cell & 0xc0) != 0x80;
	return width;
}

struct column {
	const char *name;
	int width;
	bool is_number;
};

static struct column *columns_of(const json_t *rows, size_t *count)
{
	json_t *first = json_array_get(rows, 0), *row, *value;
	struct column *columns = tool_alloc(json_object_size(first), sizeof *columns);
	const char *name;
	size_t i;

	*count = 0;
	json_object_foreach (first, name, value)
		columns[(*count)++] = (struct column){name, width_of(name), false};
	json_array_foreach (rows, i, row) {
		for (size_t c = 0; c < *count; c++) {
			value = json_object_get(row, columns[c].name);
			char *cell = cell_of(value);
			if (width_of(cell) > columns[c].width)
				columns[c].width = width_of(cell);
			columns[c].is_number |= json_is_number(value);
			free(cell);
		}
	}
	return columns;
}

static void print_cell(FILE *out, const struct column *column, const char *cell, bool is_last)
{
	const int blanks = column->width - width_of(cell);

	if (column->is_number)
		fprintf(out, "%*s%s", blanks, "", cell);
	else
		fprintf(out, "%s%*s", cell, is_last ? 0 : blanks, "");
	fputs(is_last ? "\n" : "  ", out);
}

void document_print_table(FILE *out, const json_t *rows)
{
	size_t count, i;
	json_t *row;

	if (json_array_size(rows) == 0)
		return;
	struct column *columns = columns_of(rows, &count);
	for (size_t c = 0; c < count; c++)
		print_cell(out, &columns[c], columns[c].name, c + 1 == count);
	json_array_foreach (rows, i, row) {
		for (size_t c = 0; c < count; c++) {
			char *cell = cell_of(json_object_get(row, columns[c].name));
			print_cell(out, &columns[c], cell, c + 1 == count);
			free(cell);
		}
	}
	free(columns);
}
