/* SPDX-License-Identifier: MIT */
/*
 * The fuzz target of everything that reads text of others: requests, their fields, configuration.
 * An input's first byte says which reader gets the rest (`readers` below). Built with libFuzzer by
 * `./dev torture`, and without it into the test that replays the corpus.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "access/authorization.h"
#include "access/token.h"
#include "access/web_config.h"
#include "base/log.h"
#include "config.h"
#include "config_file.h"
#include "fuzz_target.h"
#include "http/accept.h"
#include "http/request.h"
#include "members.h"
#include "options.h"
#include "server.h"
#include "watched.h"

#define ROUNDS_MAX   100000u /* of the library, until a connection is closed */
#define ANSWER_BYTES 4096u

static void promise(bool is_kept, const char *what)
{
	if (is_kept)
		return;
	fprintf(stderr, "fuzz_text: broken: %s\n", what);
	abort();
}

/* Something to show, and to filter. */
static void publish_a_page(void)
{
	struct aggregate *data = aggregate_create(), *self = aggregate_create();
	struct aggregate_member *member = members_join(data, "fwd", 1, 0, 1);

	members_add_metric(member, members_metric(RING_COUNTER, 0, "a_total", "x", NULL));
	members_add_metric(member, members_histogram("b", "y"));
	members_add_series(member, 0, "1", NULL);
	members_add_series(member, 1, "2", NULL);
	members_publish(data, self);
	aggregate_destroy(data);
	aggregate_destroy(self);
}

/* One server for all inputs, as for all clients. */
static struct server *the_server(void)
{
	static struct watch watch = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	static struct server server;

	if (server.daemon)
		return &server;
	log_init(LOG_ERROR, LOG_LOGFMT); /* every cleared alert is an event */
	watch.monitor = watched_each();
	server.now = WATCHED_NOW;
	server_start(&server, &(struct answer_options){.telemetry_path = "/metrics",
						       .watch = &watch,
						       .admin_api = true});
	publish_a_page();
	return &server;
}

/* Sends what there is room for, and no more after the last byte, so that the connection ends
 * whatever the request was. Returns how much is left. */
static size_t say(int client, const char *text, size_t bytes)
{
	const ssize_t sent = send(client, text, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	const size_t left = sent >= 0 ? bytes - (size_t)sent : errno == EAGAIN ? bytes : 0;

	if (left == 0)
		shutdown(client, SHUT_WR);
	return left;
}

static void read_request(const char *text, size_t bytes)
{
	static const char version[] = "HTTP/1.1 ";
	struct server *server = the_server();
	const int client = server_connect(server, "");
	char answer[ANSWER_BYTES];
	size_t left = bytes;
	ssize_t got;
	bool is_first = true;

	for (unsigned rounds = 0;; rounds++) {
		promise(rounds < ROUNDS_MAX, "every request comes to an end");
		left = say(client, text + bytes - left, left);
		MHD_run(server->daemon);
		got = recv(client, answer, sizeof answer, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		if (got < 0 || !is_first)
			continue;
		promise((size_t)got > strlen(version) &&
				memcmp(answer, version, strlen(version)) == 0 &&
				strchr("2345", answer[strlen(version)]),
			"an answer has a status");
		is_first = false;
	}
	close(client);
}

static void read_target(const char *text, size_t bytes)
{
	(void)bytes;
	const char *path = request_path(text);

	if (request_target_is_sound(text))
		promise(text[strcspn(text, "# \t\r\n\x7f")] == '\0' &&
				(*path == '/' || *path == '?' || path == text),
			"a sound target has a path");
}

/* Fields of one request, a line each. */
static void read_accept(const char *text, size_t bytes)
{
	static const struct accept_offer offers[] = {
		{"text/plain", {{"version", "0.0.4"}}},
		{"application/openmetrics-text", {{"version", "1.0.0"}}},
		{.name = "gzip"},
	};
	char *fields = strndup(text, bytes), *rest = fields, *field;
	struct accept once, twice;

	accept_init(&once, offers, 3);
	accept_init(&twice, offers, 3);
	while ((field = strsep(&rest, "\n"))) {
		accept_field(&once, field);
		accept_field(&twice, field);
		accept_field(&twice, field);
	}
	promise(accept_best(&once) < 3, "one of the offers is the best");
	promise(accept_best(&once) == accept_best(&twice), "a field said twice is the same");
	free(fields);
}

static void read_authorization(const char *text, size_t bytes)
{
	const struct authorization authorization = authorization_parse(text);
	struct authorization_login login;

	promise(authorization.credential >= text &&
			authorization.credential + authorization.bytes <= text + bytes,
		"the credential is in the field");
	if (!authorization_login(&authorization, &login))
		return;
	promise(!strchr(login.name, ':') &&
			strlen(login.name) + strlen(login.password) + 2 == login.bytes,
		"a login is a name and a password");
	authorization_login_release(&login);
}

static void read_web_config(const char *text, size_t bytes)
{
	struct web_config config;

	if (web_config_read(&config, text, bytes))
		promise(config.user_count <= WEB_CONFIG_USERS_MAX &&
				config.client_name_count <= WEB_CONFIG_NAMES_MAX &&
				config.header_count <= WEB_CONFIG_HEADERS_MAX,
			"a web configuration has its limits");
	else
		promise(*config.walk.reason, "a web configuration is refused for a reason");
	web_config_release(&config);
}

static void read_tokens(const char *text, size_t bytes)
{
	struct token_set tokens;
	const char *fault = token_set_read(&tokens, text, bytes);

	promise(fault ? *fault != '\0' : tokens.count > 0 && tokens.count <= TOKENS_MAX,
		"there are tokens, or it is said why not");
}

static struct config *fresh_config(void)
{
	static struct config config;

	config = (struct config){.monitor = monitor_defaults};
	config.monitor.overrides = config.overrides;
	return &config;
}

static const char *set_option(void *config, const struct config_option *option, const char *value,
			      size_t line)
{
	const char *fault = option->set((char *)config + option->field, value);

	(void)line;
	promise(!fault || *fault, "a value is refused for a reason");
	return fault;
}

static void read_config_file(const char *text, size_t bytes)
{
	struct walk walk;

	if (!config_file_read(&walk, text, bytes, set_option, fresh_config()))
		promise(*walk.reason, "a configuration is refused for a reason");
	walk_release(&walk);
}

/* NAME=VALUE, as on the command line. */
static void read_option(const char *text, size_t bytes)
{
	const size_t name_bytes = strcspn(text, "=");
	const char *value = name_bytes < bytes ? text + name_bytes + 1 : "";

	for (size_t i = 0; i < option_count; i++)
		if (options[i].set && strlen(options[i].name) == name_bytes &&
		    memcmp(options[i].name, text, name_bytes) == 0)
			set_option(fresh_config(), &options[i], options[i].argument ? value : NULL,
				   0);
}

static const struct {
	char first;
	void (*read)(const char *text, size_t bytes);
} readers[] = {
	{'r', read_request},    {'t', read_target}, {'a', read_accept}, {'c', read_authorization},
	{'w', read_web_config}, {'k', read_tokens}, {'o', read_option}, {'y', read_config_file},
};

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes)
{
	if (bytes == 0)
		return 0;
	/* Its own block, so that a byte too far is seen, with the end that strings have. */
	char *text = malloc(bytes);
	memcpy(text, input + 1, bytes - 1);
	text[bytes - 1] = '\0';
	for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
		if (readers[i].first == (char)input[0])
			readers[i].read(text, bytes - 1);
	free(text);
	return 0;
}
