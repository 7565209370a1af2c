/* SPDX-License-Identifier: MIT */
/* Headers and queries; see request.h. */
#include <stdlib.h>
#include <string.h>

#include "accept.h"
#include "request.h"

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

unsigned request_body_refusal(struct MHD_Connection *connection)
{
	const char *bytes = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING))
		return MHD_HTTP_LENGTH_REQUIRED;
	if (bytes && strtoull(bytes, NULL, 10) > REQUEST_BODY_BYTES_MAX)
		return MHD_HTTP_CONTENT_TOO_LARGE;
	return 0;
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

const char *request_follower(struct MHD_Connection *connection)
{
	const char *name = NULL;
	size_t bytes = 0;

	if (MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, "follower",
					  strlen("follower"), &name, &bytes) != MHD_YES)
		return NULL;
	return name && strlen(name) == bytes ? name : "";
}
