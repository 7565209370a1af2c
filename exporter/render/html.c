/* SPDX-License-Identifier: MIT */
/* Parts of pages for people; see html.h. */
#include <string.h>

#include "html.h"

const char html_css[] = "body { font-family: sans-serif; margin: 1em 2em }\n"
			"table { border-collapse: collapse }\n"
			"th, td { border: 1px solid #bbb; padding: .2em .6em; text-align: left }\n"
			"td { overflow-wrap: anywhere }\n"
			".number { text-align: right; white-space: nowrap }\n"
			".warning, .dead { background: #fff3c4 }\n"
			".critical, .stalled, .quarantined { background: #ffd5d0 }\n"
			"form { display: inline }\n";

void html_begin(struct text *text, const char *title)
{
	text_string(text,
		    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
	text_string(text, title);
	text_string(text,
		    "</title><link rel=\"stylesheet\" href=\"style.css\"></head>\n<body><h1>");
	text_string(text, title);
	text_string(text, "</h1>\n");
}

void html_end(struct text *text)
{
	text_string(text, "</body></html>\n");
}

void html_table(struct text *text, const char *const headings[])
{
	text_string(text, "<table><thead><tr>");
	for (; *headings; headings++) {
		text_string(text, "<th>");
		text_string(text, *headings);
		text_string(text, "</th>");
	}
	text_string(text, "</tr></thead><tbody>\n");
}

void html_table_end(struct text *text)
{
	text_string(text, "</tbody></table>\n");
}

void html_count(struct text *text, uint64_t count)
{
	text_string(text, "<td class=\"number\">");
	text_u64(text, count);
	text_string(text, "</td>");
}

void html_name(struct text *text, const char *name)
{
	text_string(text, "<bdi>");
	text_html(text, name, strlen(name));
	text_string(text, "</bdi>");
}
