/* SPDX-License-Identifier: MIT */
/*
 * How far Redis' replicas are, asked of their master: offsets in the replication stream, in bytes.
 * A follower is a replica's ip:port, or what it announces as such. Replicas acknowledge once a
 * second, and that is as exact as it gets; what Redis calls `lag` is the age of the last
 * acknowledgement, which says nothing of the data, and is not used.
 *
 *   REDISCLI_AUTH=secret redis_collector --connect 192.0.2.1:6379 --prefix cache/
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "collector.h"

static const char usage[] =
	"usage: redis_collector [option...]\n"
	"  --connect HOST:PORT  the master (default: 127.0.0.1:6379)\n"
	"  --segment NAME       name of the telemetry segment (default: redis)\n"
	"  --dir DIR            directory of the segment\n"
	"  --prefix TEXT        before the names of the followers\n"
	"  --interval-ms N      time between two questions (default: 1000)\n"
	"  --help\n"
	"The password, if there is one, is in the environment: REDISCLI_AUTH.\n";

struct redis {
	redisContext *context; /* NULL: there is none */
};

static int fail(char reason[REASON_BYTES], const char *text)
{
	snprintf(reason, REASON_BYTES, "%.*s", (int)strcspn(text, "\r\n"), text);
	return -1;
}

/* One line on one replica; other lines are no matter. */
static int report_line(const char *line, uint64_t shipped, struct collector *collector,
		       char reason[REASON_BYTES])
{
	char ip[256], name[sizeof ip + sizeof "[]:4294967295"]; /* Redis has none longer */
	uint64_t applied;
	unsigned port;

	if (strncmp(line, "slave", 5) != 0 || !isdigit((unsigned char)line[5]))
		return 0;
	if (sscanf(line, "slave%*u:ip=%255[^,],port=%u,state=%*[^,],offset=%" SCNu64, ip, &port,
		   &applied) != 3)
		return fail(reason, line);
	snprintf(name, sizeof name, strchr(ip, ':') ? "[%s]:%u" : "%s:%u", ip, port);
	collector_follower(collector, name, shipped, applied, COLLECTOR_LAG_NONE);
	return 0;
}

/* Redis answers one client at a time, so what stands in one answer is of one instant. */
static int report(const char *info, struct collector *collector, char reason[REASON_BYTES])
{
	static const char key[] = "\nmaster_repl_offset:";
	const char *offset = strstr(info, key);
	int rc = 0;

	if (!offset)
		return fail(reason, "INFO replication: no master_repl_offset");
	const uint64_t shipped = strtoull(offset + sizeof key - 1, NULL, 10);
	for (const char *line = info; line && rc == 0; line = strchr(line, '\n')) {
		line += *line == '\n';
		rc = report_line(line, shipped, collector, reason);
	}
	return rc;
}

/* What a command answers, which freeReplyObject frees; NULL with the reason. */
static redisReply *answer(redisContext *context, char reason[REASON_BYTES], const char *command,
			  const char *argument)
{
	redisReply *reply = redisCommand(context, "%s %s", command, argument);

	if (!reply)
		fail(reason, context->err == REDIS_ERR_IO && errno == EAGAIN ? "no answer in time"
									     : context->errstr);
	else if (reply->type == REDIS_REPLY_ERROR)
		fail(reason, reply->str);
	else
		return reply;
	freeReplyObject(reply);
	return NULL;
}

static redisContext *connect_to(const char *target, char reason[REASON_BYTES])
{
	const struct timeval timeout = {.tv_sec = SOURCE_TIMEOUT_S};
	const char *colon = strrchr(target, ':');
	char host[NI_MAXHOST];

	if (!colon) {
		fail(reason, "--connect: not HOST:PORT");
		return NULL;
	}
	const bool bracketed = target[0] == '[' && colon[-1] == ']';
	snprintf(host, sizeof host, "%.*s", (int)(colon - target) - 2 * bracketed,
		 target + bracketed);
	redisContext *context = redisConnectWithTimeout(host, atoi(colon + 1), timeout);
	if (!context || context->err) {
		fail(reason, context ? context->errstr : strerror(ENOMEM));
		redisFree(context);
		return NULL;
	}
	redisSetTimeout(context, timeout);
	return context;
}

static int authenticate(redisContext *context, char reason[REASON_BYTES])
{
	const char *password = getenv("REDISCLI_AUTH");

	if (!password)
		return 0;
	redisReply *reply = answer(context, reason, "AUTH", password);
	if (!reply)
		return -1;
	freeReplyObject(reply);
	return 0;
}

static int exchange(redisContext *context, struct collector *collector, char reason[REASON_BYTES])
{
	redisReply *reply = answer(context, reason, "INFO", "replication");

	if (!reply)
		return -1;
	const int rc = reply->str ? report(reply->str, collector, reason)
				  : fail(reason, "INFO replication: not text");
	freeReplyObject(reply);
	return rc;
}

static void redis_close(void *state)
{
	struct redis *redis = state;

	if (redis->context)
		redisFree(redis->context);
	redis->context = NULL;
}

static int redis_ask(void *state, const char *target, struct collector *collector,
		     char reason[REASON_BYTES])
{
	struct redis *redis = state;
	int rc = 0;

	if (!redis->context) {
		redis->context = connect_to(target, reason);
		if (!redis->context)
			return -1;
		rc = authenticate(redis->context, reason);
	}
	if (rc == 0)
		rc = exchange(redis->context, collector, reason);
	if (rc != 0)
		redis_close(redis);
	return rc;
}

int main(int argc, char **argv)
{
	struct redis redis = {.context = NULL};
	const struct source source = {
		.program = "redis_collector",
		.usage = usage,
		.name = "redis",
		.target = "127.0.0.1:6379",
		.ask = redis_ask,
		.close = redis_close,
		.state = &redis,
	};

	return collector_main(&source, argc, argv);
}
