/* SPDX-License-Identifier: MIT */
/*
 * Redis' own statistics, by one INFO per poll: clients, memory, keys, replication, and what each
 * command costs. A server that does not answer leaves everything as it was; the poller's own
 * metrics say that it is so. With its next answer the connection is a new one.
 *
 *   REDISCLI_AUTH=secret poll_redis cache=192.0.2.1:6379 queue=/run/redis/redis.sock
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "number.h"
#include "program.h"
#include "redis_info.h"

#define TIMEOUT_S 2 /* for a connection, and for each piece of an answer */

static const char usage[] =
	"usage: poll_redis [option...] NAME=SERVER...\n"
	"  NAME=SERVER        how it is called, and HOST:PORT or the path of its socket\n"
	"  --segment NAME     name of the telemetry segment (default: redis)\n"
	"  --dir DIR          directory of the segment\n"
	"  --interval-ms N    time between two polls (default: 5000)\n"
	"  --help\n"
	"The password, if there is one, is in the environment: REDISCLI_AUTH.\n";

struct server {
	struct voice voice;
	char *name, *target;
	redisContext *context; /* NULL: there is none */
	char run_id[REDIS_RUN_ID_BYTES];
};

static redisContext *connect_to(const char *target)
{
	const struct timeval timeout = {.tv_sec = TIMEOUT_S};
	const char *colon = strrchr(target, ':');
	char host[NI_MAXHOST];
	uint64_t port;

	if (target[0] == '/')
		return redisConnectUnixWithTimeout(target, timeout);
	if (!colon || colon == target || !number_whole(colon + 1, 10, &port) || port > UINT16_MAX)
		return NULL;
	const bool bracketed = target[0] == '[' && colon[-1] == ']';
	snprintf(host, sizeof host, "%.*s", (int)(colon - target) - 2 * bracketed,
		 target + bracketed);
	return redisConnectWithTimeout(host, (int)port, timeout);
}

/* Asks; the answer is for freeReplyObject. NULL with the reason if there is none. */
static redisReply *ask(redisContext *context, char reason[REASON_BYTES], const char *command,
		       const char *argument)
{
	redisReply *reply = redisCommand(context, "%s %s", command, argument);

	if (!reply)
		snprintf(reason, REASON_BYTES, "%s",
			 context->err == REDIS_ERR_IO && errno == EAGAIN ? "no answer in time"
									 : context->errstr);
	else if (reply->type == REDIS_REPLY_ERROR)
		snprintf(reason, REASON_BYTES, "%s", reply->str);
	else
		return reply;
	freeReplyObject(reply);
	return NULL;
}

static bool server_connect(struct server *server, char reason[REASON_BYTES])
{
	const char *password = getenv("REDISCLI_AUTH");

	server->context = connect_to(server->target);
	if (!server->context || server->context->err) {
		snprintf(reason, REASON_BYTES, "%s",
			 server->context ? server->context->errstr : "not HOST:PORT, nor a path");
		return false;
	}
	redisSetTimeout(server->context, (struct timeval){.tv_sec = TIMEOUT_S});
	redisReply *reply = password ? ask(server->context, reason, "AUTH", password) : NULL;
	freeReplyObject(reply);
	return !password || reply;
}

/* Counters begin anew with another life of the server; of the first one that is seen here, the
 * poller knows what it has counted. */
static bool server_give(struct server *server, struct ring_poll *poll, redisReply *reply,
			char reason[REASON_BYTES])
{
	char run_id[REDIS_RUN_ID_BYTES] = "", *text = reply->str;

	if (!text || strlen(text) != reply->len) {
		snprintf(reason, REASON_BYTES, "INFO: not text");
		return false;
	}
	if (!redis_info_give(poll, server->name, &text, run_id) || !run_id[0]) {
		snprintf(reason, REASON_BYTES, "INFO: %s: not understood",
			 text ? text : "no run_id");
		return false;
	}
	if (server->run_id[0] && strcmp(server->run_id, run_id) != 0)
		ring_poll_restarted(poll);
	memcpy(server->run_id, run_id, sizeof run_id);
	return true;
}

static bool server_answers(struct server *server, struct ring_poll *poll, char reason[REASON_BYTES])
{
	if (!server->context && !server_connect(server, reason))
		return false;
	redisReply *reply = ask(server->context, reason, "INFO", "all");
	const bool fine = reply && server_give(server, poll, reply, reason);
	freeReplyObject(reply);
	return fine;
}

static void server_disconnect(struct server *server)
{
	if (server->context)
		redisFree(server->context);
	server->context = NULL;
}

static enum ring_answer server_poll(struct ring_poll *poll, void *context)
{
	struct server *server = context;
	char reason[REASON_BYTES];
	const bool fine = server_answers(server, poll, reason);

	if (!fine)
		server_disconnect(server);
	return voice_answer(&server->voice, RING_ANSWER_ALL, fine ? NULL : reason);
}

int main(int argc, char **argv)
{
	static struct server servers[RING_POLL_SOURCES_MAX];
	struct ring_metric_def metrics[REDIS_METRICS];
	struct program program = {.name = "poll_redis", .usage = usage, .segment = "redis"};
	const int first = program_options(&program, argc, argv);

	if (first == argc || argc - first > (int)RING_POLL_SOURCES_MAX)
		program_refuse(&program, "NAME=SERVER", "from 1 to 64 of them are needed");
	program_open(&program, metrics, redis_info_declare(metrics));
	for (int i = first; i < argc; i++) {
		struct server *server = &servers[i - first];
		server->target = argv[i];
		server->name = strsep(&server->target, "=");
		if (!server->target)
			program_refuse(&program, argv[i], "not NAME=SERVER");
		server->voice = (struct voice){program.name, server->name, false};
		program_poll(&program, (struct ring_source){.name = server->name,
							    .poll = server_poll,
							    .context = server,
							    .outlives = 1});
	}
	while (!program_told_to_end(-1))
		continue;
	return program_close(&program);
}
