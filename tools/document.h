/* SPDX-License-Identifier: MIT */
/*
 * What a command has found out, built once as a JSON value and printed either as
 * JSON or for people, so that both always say the same.
 *
 * JSON has no place for some of our values. In foreign text a byte that belongs to no
 * UTF-8 character becomes U+FFFD, as on /metrics. A double that is no number is the
 * string "NaN", "+Inf" or "-Inf". A total above 2^63 - 1, the largest integer that
 * jansson knows, is a string of its decimal digits: exact, where a double is not.
 */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include <jansson.h>
#include <ring/read.h>
#include <stdio.h>

#define DOCUMENT_VERSION 1 /* of the JSON that ringstat and ringload print */

json_t *document_text(struct ring_text text);
json_t *document_total(uint64_t total);
json_t *document_double(double value);

/* What a JSON string holds, as text to print. */
struct ring_text document_string(const json_t *string);

/* Prints the value as JSON, on several lines or on one. Takes the reference. */
void document_print_json(json_t *value);
void document_print_line(json_t *value);

/* Prints a scalar for people; null is "-". */
void document_print_scalar(FILE *out, const json_t *scalar);

/* Prints an array of objects as a table: a column per key of the first, numbers to the right. */
void document_print_table(FILE *out, const json_t *rows);

#endif
