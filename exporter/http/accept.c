/* SPDX-License-Identifier: MIT */
/* Content negotiation; see accept.h. */
#include <assert.h>
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "accept.h"

#define WEIGHT_ONE 1000u

/* How much of an offer's name a range is. */
enum exactness { EXACT_NOT, EXACT_ANY, EXACT_TYPE, EXACT_NAME };

struct token {
	const char *start, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Up to the first of the stops that is not in a quoted string, without blanks around. `next` is
 * where it stopped. */
static struct token take(const char *from, const char *stops, const char **next)
{
	struct token token = {.start = from};
	bool is_quoted = false;

	for (; *from && (is_quoted || !strchr(stops, *from)); from++) {
		if (*from == '"')
			is_quoted = !is_quoted;
		else if (is_quoted && *from == '\\' && from[1])
			from++;
	}
	*next = token.end = from;
	while (token.start < token.end && is_blank(*token.start))
		token.start++;
	while (token.end > token.start && is_blank(token.end[-1]))
		token.end--;
	return token;
}

static bool token_is(struct token token, const char *word)
{
	const size_t bytes = (size_t)(token.end - token.start);

	return strlen(word) == bytes && strncasecmp(token.start, word, bytes) == 0;
}

/* In thousandths. Returns false for what is no weight: 0 to 1, with three decimals at most. */
static bool weight_parse(struct token token, unsigned *weight)
{
	const size_t bytes = (size_t)(token.end - token.start);
	unsigned worth = WEIGHT_ONE;

	*weight = 0;
	if (bytes == 0 || bytes > strlen("0.000"))
		return false;
	for (size_t i = 0; i < bytes; i++) {
		const char c = token.start[i];
		if (i == 1 ? c != '.' : c < '0' || c > '9')
			return false;
		if (i == 1)
			continue;
		*weight += worth * (unsigned)(c - '0');
		worth /= 10;
	}
	return *weight <= WEIGHT_ONE;
}

/* Whether a parameter's value is this word, quoted or not. */
static bool value_is(struct token value, const char *word)
{
	const bool is_quoted = value.end - value.start >= 2 && *value.start == '"';
	const char *at = value.start + is_quoted, *const end = value.end - is_quoted;

	for (; at < end && *word; at++, word++) {
		if (is_quoted && *at == '\\' && at + 1 < end)
			at++;
		if (tolower((unsigned char)*at) != tolower((unsigned char)*word))
			return false;
	}
	return at == end && !*word;
}

/* The next one, if there is a semicolon. Its value is empty if it has none. */
static bool take_parameter(const char **next, struct token *name, struct token *value)
{
	if (**next != ';')
		return false;
	*name = take(*next + 1, "=;,", next);
	*value = (struct token){*next, *next};
	if (**next == '=')
		*value = take(*next + 1, ";,", next);
	return true;
}

/* The weight among a range's parameters; without one it is 1. */
static bool weight_take(const char *from, const char **next, unsigned *weight)
{
	struct token name, value;
	bool is_sound = true;

	*weight = WEIGHT_ONE;
	for (*next = from; take_parameter(next, &name, &value);)
		if (token_is(name, "q"))
			is_sound &= weight_parse(value, weight);
	return is_sound;
}

/* How much of the name the range is: all, the part before the slash, or a wildcard. */
static unsigned name_exactness(const char *name, struct token range)
{
	const char *slash = strchr(name, '/');
	const size_t type_bytes = slash ? (size_t)(slash - name) + 1 : 0;

	if (token_is(range, name))
		return EXACT_NAME;
	if (token_is(range, slash ? "*/*" : "*"))
		return EXACT_ANY;
	if (slash && (size_t)(range.end - range.start) == type_bytes + 1 && range.end[-1] == '*' &&
	    strncasecmp(range.start, name, type_bytes) == 0)
		return EXACT_TYPE;
	return EXACT_NOT;
}

/* Of a range with its parameters. */
static unsigned offer_exactness(const struct accept_offer *offer, struct token range,
				const char *parameters)
{
	unsigned agreed = 0;
	struct token name, value;

	while (take_parameter(&parameters, &name, &value)) {
		for (unsigned i = 0; i < ACCEPT_PARAMETERS_MAX && offer->parameters[i].name; i++) {
			if (!token_is(name, offer->parameters[i].name))
				continue;
			if (!value_is(value, offer->parameters[i].value))
				return EXACT_NOT;
			agreed |= 1u << i;
		}
	}
	/* The name comes first, then how many parameters agree. */
	const unsigned exactness = name_exactness(offer->name, range);
	return exactness == EXACT_NOT ? EXACT_NOT
				      : exactness * (ACCEPT_PARAMETERS_MAX + 1) +
						(unsigned)__builtin_popcount(agreed);
}

static void weigh(struct accept *accept, struct token range, const char *parameters,
		  unsigned weight)
{
	for (unsigned i = 0; i < accept->offer_count; i++) {
		const unsigned before = accept->said[i].exactness;
		const unsigned exactness = offer_exactness(&accept->offers[i], range, parameters);
		if (exactness == EXACT_NOT || exactness < before)
			continue;
		if (exactness > before || weight > accept->said[i].weight)
			accept->said[i].weight = weight;
		accept->said[i].exactness = exactness;
	}
}

void accept_init(struct accept *accept, const struct accept_offer *offers, unsigned offer_count)
{
	assert(offer_count <= ACCEPT_OFFERS_MAX);
	*accept = (struct accept){.offers = offers, .offer_count = offer_count};
}

void accept_field(struct accept *accept, const char *value)
{
	unsigned weight;

	for (const char *next = value;; next++) {
		const struct token range = take(next, ";,", &next);
		const char *parameters = next;
		if (weight_take(parameters, &next, &weight))
			weigh(accept, range, parameters, weight);
		if (!*next)
			return;
	}
}

unsigned accept_best(const struct accept *accept)
{
	unsigned best = 0;

	for (unsigned i = 1; i < accept->offer_count; i++) {
		const unsigned weight = accept->said[i].weight;
		if (weight > accept->said[best].weight ||
		    (weight > 0 && weight == accept->said[best].weight &&
		     accept->said[i].exactness > accept->said[best].exactness))
			best = i;
	}
	return best;
}
