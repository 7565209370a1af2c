/* SPDX-License-Identifier: MIT */
/* A header of an HTTP answer, and what it says. */
#ifndef HTTP_HEADER_H
#define HTTP_HEADER_H

/* A list of them ends with a name of NULL. */
struct http_header {
	const char *name;
	const char *value;
};

#endif
