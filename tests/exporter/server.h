/* SPDX-License-Identifier: MIT */
/*
 * Answers behind the real library, which runs in the test's own thread; its clients are the other
 * ends of socket pairs.
 */
#ifndef SERVER_H
#define SERVER_H

#include "http/answer.h"

struct server {
	struct MHD_Daemon *daemon;
	struct answers answers;
	struct status_time now; /* as the answers see it */
};

void server_start(struct server *server, const struct answer_options *options);
/* Demands that no page is held any more. */
void server_stop(struct server *server);

/* A new client's end, with the request sent. */
int server_connect(struct server *server, const char *request);

/* The whole answer to a request, which the caller frees. It must make the connection close. */
char *server_ask(struct server *server, const char *request);

#endif
