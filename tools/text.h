/* SPDX-License-Identifier: MIT */
/*
 * Foreign text and numbers as characters. Names, label values and help come from
 * other processes; on a terminal they must not be able to do anything but appear.
 */
#ifndef TEXT_H
#define TEXT_H

#include <ring/read.h>
#include <stdio.h>

#define TEXT_DOUBLE_BYTES 32

struct ring_text text_of(const char *string);

int text_equal(struct ring_text text, const char *string);

/* Takes the next character off a text that is not empty. A byte that belongs to no UTF-8
 * character comes as U+FFFD, as it does on /metrics. */
struct ring_text text_take(struct ring_text *text);

/* Most bytes that `bytes` of text can become by that. */
#define TEXT_TAKEN_MAX(bytes) ((size_t)(bytes)*3)

/* Writes `text` with the characters escaped that would act instead of appearing: control
 * characters, and those that turn or hide the text around them, as \n, \r, \t, \xNN. */
void text_print(FILE *out, struct ring_text text);

/* The same between double quotes, with `"` and `\` escaped too. */
void text_print_quoted(FILE *out, struct ring_text text);

/* The shortest decimal that reads back as the same double; NaN, +Inf, -Inf. */
const char *text_double(double value, char buffer[TEXT_DOUBLE_BYTES]);

#endif
