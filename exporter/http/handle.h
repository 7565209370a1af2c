/* SPDX-License-Identifier: MIT */
/*
 * A request from its header to its answer, as libmicrohttpd calls for it: held against HTTP and the
 * limits, judged, and suspended for as long as that takes. The HTTP thread's own; `serve` is a
 * struct serve.
 */
#ifndef HANDLE_H
#define HANDLE_H

#include <microhttpd.h>
#include <stdbool.h>

struct peer *handle_peer(struct MHD_Connection *connection);

/* Whether the peer of this connection has been shut down. */
bool handle_is_gone(void *connection);

/* The library has read a request line, and forgets what it looked like. */
void *handle_target(void *nothing, const char *target, struct MHD_Connection *connection);

/* Called when the header is there, then for each part of a body, at last when all is, and then
 * again for a request that had to wait. */
enum MHD_Result handle_request(void *serve, struct MHD_Connection *connection, const char *url,
			       const char *method, const char *version, const char *upload,
			       size_t *upload_bytes, void **request);

/* The request is over, answered or not. */
void handle_end(void *serve, struct MHD_Connection *connection, void **request,
		enum MHD_RequestTerminationCode how);

#endif
