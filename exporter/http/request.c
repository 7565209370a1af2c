/* SPDX-License-Identifier: MIT */
/* Headers and queries; see request.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "accept.h"
#include "request.h"

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static bool is_letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* A token, as methods and names of fields are. */
static bool is_token(const char *word)
{
	const char *c = word;

	while (is_letter_or_digit(*c) || (*c && strchr("!#$%&'*+-.^_`|~", *c)))
		c++;
	return c > word && *c == '\0';
}

static bool has_controls(const char *value)
{
	for (; *value; value++)
		if (((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f)
			return true;
	return false;
}

/* A host with or without a port; nothing that another reader might take for more than that. */
static bool is_authority(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (!is_letter_or_digit(text[i]) && !strchr("-._~!$&'()*+,;=:[]", text[i]))
			return false;
	return true;
}

/* What stands before the path of an absolute URL, in bytes; 0: it is none. */
static size_t scheme_bytes(const char *target)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (strncasecmp(target, schemes[i], strlen(schemes[i])) == 0)
			return strlen(schemes[i]);
	return 0;
}

static bool is_hex(char c)
{
	return is_letter_or_digit(c) && (c | ' ') <= 'f';
}

/* Characters of a URL, with escapes that are whole and stand for no end of a string. */
static bool is_escaped(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text >= 0x7f || *text == '#')
			return false;
		if (*text != '%')
			continue;
		if (!is_hex(text[1]) || !is_hex(text[2]) || (text[1] == '0' && text[2] == '0'))
			return false;
	}
	return true;
}

bool request_target_is_sound(const char *target)
{
	const char *host = target + scheme_bytes(target);
	const size_t host_bytes = strcspn(host, "/?");

	if (host > target)
		return host_bytes > 0 && is_authority(host, host_bytes) && is_escaped(target);
	return *target == '/' ? is_escaped(target) : is_authority(target, strlen(target));
}

const char *request_path(const char *target)
{
	const char *host = target + scheme_bytes(target);

	if (host == target)
		return target;
	host += strcspn(host, "/");
	return *host ? host : "/";
}

/* What the fields of a header are like, one by one. */
struct fields {
	unsigned count, host_count, length_count, authorization_count;
	bool is_malformed, has_encoding;
};

static enum MHD_Result look(void *argument, enum MHD_ValueKind kind, const char *name,
			    const char *value)
{
	struct fields *fields = argument;
	const char *text = value ? value : "";

	(void)kind;
	fields->count++;
	fields->is_malformed |= !is_token(name) || has_controls(text);
	fields->has_encoding |= strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
	fields->length_count += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
	fields->authorization_count += strcasecmp(name, MHD_HTTP_HEADER_AUTHORIZATION) == 0;
	if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0) {
		fields->host_count++;
		fields->is_malformed |= !is_authority(text, strlen(text));
	}
	return MHD_YES;
}

/* Whether the target has the form that the method goes with. */
static bool fits(const struct request_line *line)
{
	if (strcmp(line->method, MHD_HTTP_METHOD_CONNECT) == 0)
		return true;
	if (strcmp(line->method, MHD_HTTP_METHOD_OPTIONS) == 0 && strcmp(line->target, "*") == 0)
		return true;
	return *line->target == '/' || scheme_bytes(line->target) > 0;
}

struct request_refusal request_head_refusal(struct MHD_Connection *connection,
					    const struct request_line *line, size_t body_bytes_max)
{
	const char *bytes = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
	const bool needs_host = strcmp(line->version, MHD_HTTP_VERSION_1_0) != 0;
	struct fields fields = {.count = 0};

	MHD_get_connection_values(connection, MHD_HEADER_KIND, look, &fields);
	if (fields.is_malformed || !is_token(line->method) || !fits(line))
		return (struct request_refusal){MHD_HTTP_BAD_REQUEST, "malformed header"};
	if (fields.host_count > 1 || (fields.host_count == 0 && needs_host))
		return (struct request_refusal){MHD_HTTP_BAD_REQUEST, "needs one host"};
	if (fields.authorization_count > 1)
		return (struct request_refusal){MHD_HTTP_BAD_REQUEST, "has two authorizations"};
	if (fields.length_count + fields.has_encoding > 1)
		return (struct request_refusal){MHD_HTTP_BAD_REQUEST, "has two lengths"};
	if (fields.count > REQUEST_FIELDS_MAX)
		return (struct request_refusal){MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE,
						"too many fields"};
	if (fields.has_encoding)
		return (struct request_refusal){MHD_HTTP_LENGTH_REQUIRED, "body of unknown length"};
	if (bytes && strtoull(bytes, NULL, 10) > body_bytes_max)
		return (struct request_refusal){MHD_HTTP_CONTENT_TOO_LARGE, "body too long"};
	return (struct request_refusal){0, NULL};
}

const char *request_host(struct MHD_Connection *connection)
{
	const char *host = header(connection, MHD_HTTP_HEADER_HOST);

	return host ? host : "";
}

const char *request_authorization(struct MHD_Connection *connection)
{
	return header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
}

/* What a field says of some offers. */
struct choice {
	const char *field;
	struct accept accept;
};

static enum MHD_Result weigh(void *argument, enum MHD_ValueKind kind, const char *name,
			     const char *value)
{
	struct choice *choice = argument;

	(void)kind;
	if (value && strcasecmp(name, choice->field) == 0)
		accept_field(&choice->accept, value);
	return MHD_YES;
}

static unsigned choose(struct MHD_Connection *connection, const char *field,
		       const struct accept_offer *offers, unsigned offer_count)
{
	struct choice choice = {.field = field};

	accept_init(&choice.accept, offers, offer_count);
	MHD_get_connection_values(connection, MHD_HEADER_KIND, weigh, &choice);
	return accept_best(&choice.accept);
}

enum format request_format(struct MHD_Connection *connection)
{
	static const struct accept_offer offers[FORMAT_COUNT] = {
		[FORMAT_TEXT] = {"text/plain", {{"version", "0.0.4"}}},
		[FORMAT_OPENMETRICS] = {"application/openmetrics-text", {{"version", "1.0.0"}}},
		[FORMAT_PROTOBUF] = {"application/vnd.google.protobuf",
				     {{"proto", "io.prometheus.client.MetricFamily"},
				      {"encoding", "delimited"}}},
	};

	return choose(connection, MHD_HTTP_HEADER_ACCEPT, offers, FORMAT_COUNT);
}

bool request_prefers_json(struct MHD_Connection *connection)
{
	static const struct accept_offer offers[] = {{.name = "text/html"},
						     {.name = "application/json"}};

	return choose(connection, MHD_HTTP_HEADER_ACCEPT, offers, 2) == 1;
}

bool request_prefers_gzip(struct MHD_Connection *connection)
{
	/* The third is an old name of the second (RFC 9110, 8.4.1.3). */
	static const struct accept_offer offers[] = {
		{.name = "identity"}, {.name = "gzip"}, {.name = "x-gzip"}};

	return choose(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING, offers, 3) != 0;
}

bool request_is_foreign(struct MHD_Connection *connection)
{
	const char *site = header(connection, "Sec-Fetch-Site");
	const char *origin = header(connection, MHD_HTTP_HEADER_ORIGIN);
	const char *host = header(connection, MHD_HTTP_HEADER_HOST);

	/* "none" is what the user types or has bookmarked. "same-site" is not good enough: it is
	 * also said of another port of this machine. */
	if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
		return true;
	if (!origin)
		return false;
	const char *authority = strstr(origin, "://");
	return !authority || !host || strcasecmp(authority + strlen("://"), host) != 0;
}

/* A filter that the query is read into. */
struct filtering {
	struct filter *filter;
	enum filter_fault fault;
};

static enum MHD_Result add_to_filter(void *argument, enum MHD_ValueKind kind, const char *name,
				     const char *value)
{
	struct filtering *filtering = argument;

	(void)kind;
	filtering->fault = filter_add(filtering->filter, name, value ? value : "");
	return filtering->fault == FILTER_FINE ? MHD_YES : MHD_NO;
}

struct request_refusal request_filter(struct MHD_Connection *connection, struct filter *filter)
{
	static const struct request_refusal refusals[] = {
		[FILTER_FINE] = {0, NULL},
		[FILTER_TOO_LONG] = {MHD_HTTP_URI_TOO_LONG, "filters too long"},
		[FILTER_NO_PART] = {MHD_HTTP_BAD_REQUEST, "parts are " FILTER_PARTS},
		[FILTER_CONTRADICTORY] = {MHD_HTTP_BAD_REQUEST, "either collect[] or exclude[]"},
	};
	struct filtering filtering = {filter, FILTER_FINE};

	filter->bytes = 0;
	filter->word_count = 0;
	filter->collected = filter->excluded = 0;
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_to_filter, &filtering);
	return refusals[filtering.fault];
}

const char *request_follower(struct MHD_Connection *connection)
{
	const char *name = NULL;
	size_t bytes = 0;

	if (MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, "follower",
					  strlen("follower"), &name, &bytes) != MHD_YES)
		return NULL;
	return name && strlen(name) == bytes ? name : "";
}

bool request_says_more(struct MHD_Connection *connection)
{
	const int count = MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, NULL, NULL);

	return count > (request_follower(connection) != NULL);
}
