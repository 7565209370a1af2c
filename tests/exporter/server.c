/* SPDX-License-Identifier: MIT */
/* The library without a thread; see server.h. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "server.h"

/* As in serve.c: a header, then a body or not, then the rest. */
static enum MHD_Result handle(void *argument, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_bytes, void **request)
{
	struct server *server = argument;
	const bool is_first = *request == NULL, is_body = *upload_bytes > 0;

	(void)upload;
	*request = server;
	*upload_bytes = 0;
	if (is_first) {
		const struct request_line line = {method, url, version};
		const struct request_refusal refusal = request_head_refusal(connection, &line,
									    REQUEST_BODY_BYTES_MAX);
		return refusal.status ? answer_refusal(connection, &refusal) : MHD_YES;
	}
	if (is_body)
		return MHD_YES;
	return answer_request(&server->answers, connection, method, url, server->now);
}

void server_start(struct server *server, const struct answer_options *options)
{
	answers_init(&server->answers, options);
	server->daemon = MHD_start_daemon(MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, handle, server,
					  MHD_OPTION_END);
	assert_non_null(server->daemon);
}

void server_stop(struct server *server)
{
	MHD_stop_daemon(server->daemon);
	answers_release(&server->answers);
	assert_int_equal(server->answers.held_bytes, 0);
}

int server_connect(struct server *server, const char *request)
{
	const struct sockaddr address = {.sa_family = AF_UNIX};
	const size_t bytes = strlen(request);
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(MHD_add_connection(server->daemon, ends[0], &address, sizeof address),
			 MHD_YES);
	assert_int_equal(write(ends[1], request, bytes), bytes);
	return ends[1];
}

char *server_ask(struct server *server, const char *request)
{
	const int client = server_connect(server, request);
	size_t bytes = 0, room = 1u << 16;
	char *answer = malloc(room);

	for (;;) {
		MHD_run(server->daemon);
		const ssize_t got = recv(client, answer + bytes, room - bytes - 1, MSG_DONTWAIT);
		if (got == 0)
			break;
		bytes += got > 0 ? (size_t)got : 0;
		if (room - bytes == 1)
			answer = realloc(answer, room *= 2);
	}
	answer[bytes] = '\0';
	close(client);
	return answer;
}
