/* SPDX-License-Identifier: MIT */
/* Content negotiation; see accept.h. */
#include <string.h>
#include <strings.h>

#include "accept.h"

#define EXACTNESS_COUNT 3u
#define WEIGHT_ONE      1000u

struct token {
	const char *start, *end;
};

/* Ranges that a form is in, the least exact first. */
static const char *const ranges[ACCEPT_FORM_COUNT][EXACTNESS_COUNT] = {
	[ACCEPT_HTML] = {"*/*", "text/*", "text/html"},
	[ACCEPT_JSON] = {"*/*", "application/*", "application/json"},
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

/* The weight among a range's parameters; without one it is 1. */
static bool parameters_parse(const char *from, const char **next, unsigned *weight)
{
	bool is_sound = true;

	*weight = WEIGHT_ONE;
	for (*next = from; **next == ';';) {
		const struct token name = take(*next + 1, "=;,", next);
		if (**next != '=')
			continue;
		const struct token value = take(*next + 1, ";,", next);
		if (token_is(name, "q"))
			is_sound &= weight_parse(value, weight);
	}
	return is_sound;
}

static void weigh(struct accept *accept, struct token range, unsigned weight)
{
	for (unsigned form = 0; form < ACCEPT_FORM_COUNT; form++) {
		for (unsigned i = 0; i < EXACTNESS_COUNT; i++) {
			const unsigned before = accept->forms[form].exactness;
			if (!token_is(range, ranges[form][i]) || i + 1 < before)
				continue;
			if (i + 1 > before || weight > accept->forms[form].weight)
				accept->forms[form].weight = weight;
			accept->forms[form].exactness = i + 1;
		}
	}
}

void accept_field(struct accept *accept, const char *value)
{
	unsigned weight;

	for (const char *next = value;; next++) {
		const struct token range = take(next, ";,", &next);
		if (parameters_parse(next, &next, &weight))
			weigh(accept, range, weight);
		if (!*next)
			return;
	}
}

bool accept_prefers_json(const struct accept *accept)
{
	const unsigned html = accept->forms[ACCEPT_HTML].weight;
	const unsigned json = accept->forms[ACCEPT_JSON].weight;

	if (html != json)
		return json > html;
	return json > 0 &&
	       accept->forms[ACCEPT_JSON].exactness > accept->forms[ACCEPT_HTML].exactness;
}
