/* SPDX-License-Identifier: MIT */
/*
 * What of several things a client would rather have, by what it says in Accept or Accept-Encoding
 * (RFC 9110, 12.5). For each offer the most specific range counts. With equal weights the offer
 * that is named more exactly wins, and then the first. Ranges that make no sense are passed over,
 * and who wants none of the offers gets the first: better than no answer. Pure.
 */
#ifndef ACCEPT_H
#define ACCEPT_H

#define ACCEPT_OFFERS_MAX     4u
#define ACCEPT_PARAMETERS_MAX 2u

/* A media type or a content coding. A range that has one of its parameters must have the same
 * value; all others do not count. */
struct accept_offer {
	const char *name; /* "text/html", "gzip" */
	struct {
		const char *name, *value; /* NULL: no more */
	} parameters[ACCEPT_PARAMETERS_MAX];
};

struct accept {
	const struct accept_offer *offers;
	unsigned offer_count;
	struct {
		unsigned exactness; /* of the range that counts; 0: there was none */
		unsigned weight;    /* in thousandths */
	} said[ACCEPT_OFFERS_MAX];
};

/* The offers stay the caller's. Nothing has been said yet. */
void accept_init(struct accept *accept, const struct accept_offer *offers, unsigned offer_count);

/* The value of one field; a request may have several. */
void accept_field(struct accept *accept, const char *value);

/* The index of the offer. */
unsigned accept_best(const struct accept *accept);

#endif
