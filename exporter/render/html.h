/* SPDX-License-Identifier: MIT */
/*
 * What pages for people have in common. Every one is appended to a text, and what is foreign in it
 * has to be escaped with text_html. They have no script, and their style from one sheet. Pure.
 */
#ifndef HTML_H
#define HTML_H

#include "base/text.h"

/* An unknown number's cell. */
#define HTML_UNKNOWN "<td class=\"number\">&ndash;</td>"

/* The style sheet, which pages refer to as style.css beside themselves. */
extern const char html_css[];

/* Up to the first heading, which is the title. */
void html_begin(struct text *text, const char *title);
void html_end(struct text *text);

/* What the headings of a table's columns are, up to NULL. */
void html_table(struct text *text, const char *const headings[]);
void html_table_end(struct text *text);

void html_count(struct text *text, uint64_t count);

/* A foreign name. Letters written from right to left turn nothing else around. */
void html_name(struct text *text, const char *name);

#endif
