/* SPDX-License-Identifier: MIT */
/*
 * What a request says besides its method and path. What it refers to stands as long as the
 * request.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>

#include "format.h"

/* Bodies mean nothing here; they are read and ignored up to this. */
#define REQUEST_BODY_BYTES_MAX 4096u

/* Instead of a body that is too long, or does not say how long it is, the status to refuse it
 * with; else 0. */
unsigned request_body_refusal(struct MHD_Connection *connection);

/* What the client prefers: the format of metrics, JSON to HTML, gzip to nothing. */
enum format request_format(struct MHD_Connection *connection);
bool request_prefers_json(struct MHD_Connection *connection);
bool request_prefers_gzip(struct MHD_Connection *connection);

/* Whether a browser sends it on behalf of another site's page. */
bool request_is_foreign(struct MHD_Connection *connection);

/* The query's follower, decoded; NULL: it names none. Of what cannot be a name, "". */
const char *request_follower(struct MHD_Connection *connection);

#endif
