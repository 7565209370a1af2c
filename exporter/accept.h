/* SPDX-License-Identifier: MIT */
/*
 * Whether a client prefers HTML or JSON, by what it says in Accept (RFC 9110, 12.5.1). For each
 * form the most specific range counts; parameters besides the weight do not. With equal weights
 * the form that is named more exactly wins, and then HTML. Ranges that make no sense are passed
 * over. Pure.
 */
#ifndef ACCEPT_H
#define ACCEPT_H

#include <stdbool.h>

enum accept_form { ACCEPT_HTML, ACCEPT_JSON, ACCEPT_FORM_COUNT };

/* All zero at first: nothing was said. */
struct accept {
	struct {
		unsigned exactness; /* of the range that counts; 0: there was none */
		unsigned weight;    /* in thousandths */
	} forms[ACCEPT_FORM_COUNT];
};

/* The value of one field; a request may have several. */
void accept_field(struct accept *accept, const char *value);

bool accept_prefers_json(const struct accept *accept);

#endif
