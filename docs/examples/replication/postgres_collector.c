/* SPDX-License-Identifier: MIT */
/*
 * How far PostgreSQL's standbys are, asked of their primary: positions in the write-ahead log, in
 * bytes. A follower is an application_name, which is the standby's cluster_name unless its
 * primary_conninfo says otherwise; standbys that share one count as the one furthest behind.
 *
 *   postgres_collector --connect "host=db1 user=monitor" --prefix orders/
 *
 * The role needs pg_monitor. A password comes the way it does for psql: PGPASSWORD, ~/.pgpass.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

#include "collector.h"

#define TEXT_OF(number)  TEXT_OF_(number)
#define TEXT_OF_(number) #number

static const char usage[] =
	"usage: postgres_collector [option...]\n"
	"  --connect CONNINFO  the primary, as for psql (default: PGHOST and the like)\n"
	"  --segment NAME      name of the telemetry segment (default: postgresql)\n"
	"  --dir DIR           directory of the segment\n"
	"  --prefix TEXT       before the names of the followers\n"
	"  --interval-ms N     time between two questions (default: 1000)\n"
	"  --help\n";

/* The standbys' positions are read before the primary's, which so is never behind. Those without
 * one are no standbys but base backups; without a state, the role may not see more. */
static const char question[] =
	"SELECT application_name, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0'),"
	" pg_wal_lsn_diff(replay_lsn, '0/0'), (extract(epoch FROM replay_lag) * 1e9)::bigint"
	" FROM (SELECT application_name, min(replay_lsn) AS replay_lsn,"
	" max(replay_lag) AS replay_lag FROM pg_stat_replication"
	" WHERE replay_lsn IS NOT NULL OR state IS NULL GROUP BY application_name) AS standby";

enum { NAME, SHIPPED, APPLIED, LAG_NS };

struct postgres {
	PGconn *connection; /* NULL: there is none */
};

static int fail(char reason[REASON_BYTES], const char *text)
{
	snprintf(reason, REASON_BYTES, "%.*s", (int)strcspn(text, "\n"), text);
	return -1;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until PQgetResult would not; libpq's own wait has no end. */
static int await_result(PGconn *connection, int64_t deadline_ms, char reason[REASON_BYTES])
{
	while (PQisBusy(connection)) {
		struct pollfd input = {.fd = PQsocket(connection), .events = POLLIN};
		const int64_t left_ms = deadline_ms - now_ms();

		if (left_ms <= 0)
			return fail(reason, "no answer within " TEXT_OF(SOURCE_TIMEOUT_S) " s");
		if (poll(&input, 1, (int)left_ms) < 0 && errno != EINTR)
			return fail(reason, strerror(errno));
		if (!PQconsumeInput(connection))
			return fail(reason, PQerrorMessage(connection));
	}
	return 0;
}

static int report(const PGresult *result, struct collector *collector, char reason[REASON_BYTES])
{
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return fail(reason, PQresultErrorMessage(result));
	for (int row = 0; row < PQntuples(result); row++) {
		const uint64_t lag_ns = PQgetisnull(result, row, LAG_NS)
						? COLLECTOR_LAG_NONE
						: strtoull(PQgetvalue(result, row, LAG_NS), NULL,
							   10);

		if (PQgetisnull(result, row, APPLIED))
			return fail(reason, "the role may not see standbys: it needs pg_monitor");
		collector_follower(collector, PQgetvalue(result, row, NAME),
				   strtoull(PQgetvalue(result, row, SHIPPED), NULL, 10),
				   strtoull(PQgetvalue(result, row, APPLIED), NULL, 10), lag_ns);
	}
	return 0;
}

static int exchange(PGconn *connection, struct collector *collector, char reason[REASON_BYTES])
{
	const int64_t deadline_ms = now_ms() + SOURCE_TIMEOUT_S * 1000;

	if (!PQsendQuery(connection, question))
		return fail(reason, PQerrorMessage(connection));
	if (await_result(connection, deadline_ms, reason) != 0)
		return -1;
	PGresult *result = PQgetResult(connection);
	int rc = report(result, collector, reason);
	PQclear(result);
	/* That was all; the connection is free again when libpq has seen so. */
	if (rc == 0)
		rc = await_result(connection, deadline_ms, reason);
	if (rc == 0)
		PQclear(PQgetResult(connection));
	return rc;
}

static void postgres_close(void *state)
{
	struct postgres *postgres = state;

	PQfinish(postgres->connection);
	postgres->connection = NULL;
}

static int postgres_ask(void *state, const char *target, struct collector *collector,
			char reason[REASON_BYTES])
{
	/* What comes before dbname is a default, that CONNINFO may override. */
	const char *const keywords[] = {"connect_timeout", "fallback_application_name", "dbname",
					NULL};
	const char *const values[] = {TEXT_OF(SOURCE_TIMEOUT_S), "postgres_collector", target,
				      NULL};
	struct postgres *postgres = state;
	int rc = 0;

	if (!postgres->connection) {
		postgres->connection = PQconnectdbParams(keywords, values, 1);
		if (PQstatus(postgres->connection) != CONNECTION_OK)
			rc = fail(reason, PQerrorMessage(postgres->connection));
	}
	if (rc == 0)
		rc = exchange(postgres->connection, collector, reason);
	if (rc != 0)
		postgres_close(postgres);
	return rc;
}

int main(int argc, char **argv)
{
	struct postgres postgres = {.connection = NULL};
	const struct source source = {
		.program = "postgres_collector",
		.usage = usage,
		.name = "postgresql",
		.target = "",
		.ask = postgres_ask,
		.close = postgres_close,
		.state = &postgres,
	};

	return collector_main(&source, argc, argv);
}
