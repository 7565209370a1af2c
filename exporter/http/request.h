/* SPDX-License-Identifier: MIT */
/*
 * What a request says besides its method and path. What it refers to stands as long as the
 * request.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>

#include "render/filter.h"
#include "render/format.h"

/* Of bodies that mean nothing, which are read and ignored. */
#define REQUEST_BODY_BYTES_MAX 4096u
#define REQUEST_FIELDS_MAX     64u

/* Why a request is refused before its body comes, and with which status; 0: it is not. */
struct request_refusal {
	unsigned status;
	const char *reason;
};

/* As the library has it: its target is decoded and without the query. */
struct request_line {
	const char *method, *target, *version;
};

/* The library takes almost anything for a header. This holds it against RFC 9112, lest another
 * program on the way reads one request as two, and against the limits above. */
struct request_refusal request_head_refusal(struct MHD_Connection *connection,
					    const struct request_line *line, size_t body_bytes_max);

/* Whether what a request line has in the middle, raw, is the target of any request. */
bool request_target_is_sound(const char *target);

/* The path in a decoded target, which may be an absolute URL. */
const char *request_path(const char *target);

/* The Host field, "" if there is none. */
const char *request_host(struct MHD_Connection *connection);

/* The Authorization field; NULL: there is none. */
const char *request_authorization(struct MHD_Connection *connection);

/* What the client prefers: the format of metrics, JSON to HTML, gzip to nothing. */
enum format request_format(struct MHD_Connection *connection);
bool request_prefers_json(struct MHD_Connection *connection);
bool request_prefers_gzip(struct MHD_Connection *connection);

/* Whether a browser sends it on behalf of another site's page. */
bool request_is_foreign(struct MHD_Connection *connection);

/* What the query wants of the metrics; `filter` has no bytes if that is all of them. Else the
 * reason why it cannot be told. */
struct request_refusal request_filter(struct MHD_Connection *connection, struct filter *filter);

/* The query's follower, decoded; NULL: it names none. Of what cannot be a name, "". */
const char *request_follower(struct MHD_Connection *connection);

/* Whether the query says anything else. */
bool request_says_more(struct MHD_Connection *connection);

#endif
