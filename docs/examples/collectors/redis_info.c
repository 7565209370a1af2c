/* SPDX-License-Identifier: MIT */
/*
 * A line of INFO is `field:value`, and a value may be `key=value,key=value`. Fields that are not
 * known here are passed over, as are keys: each version of Redis has more of them. What is known
 * and not as it should be makes the whole answer worthless.
 *
 * Commands are named by what modules the server has loaded, so there is a budget: what is past it
 * shares a series per server, `_other`.
 */
#include "redis_info.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "number.h"

#define COUNT(array)   (sizeof(array) / sizeof(array)[0])
#define COMMAND_BUDGET 512u
#define MICROSECONDS   1e6

/* Of the server: one number in a line of its own. */
static const struct field {
	const char *key, *metric, *unit, *help;
	enum ring_kind kind;
} fields[] = {
	{"uptime_in_seconds", "redis_uptime_seconds", "seconds", "Time since its start.",
	 RING_GAUGE},
	{"connected_clients", "redis_clients", NULL, "Connections, without replicas'.", RING_GAUGE},
	{"blocked_clients", "redis_clients_blocked", NULL, "Those that wait in a call.",
	 RING_GAUGE},
	{"maxclients", "redis_clients_limit", NULL, "How many there may be.", RING_GAUGE},
	{"used_memory", "redis_memory_used_bytes", "bytes", "Memory allocated.", RING_GAUGE},
	{"used_memory_rss", "redis_memory_resident_bytes", "bytes", "Memory resident.", RING_GAUGE},
	{"used_memory_peak", "redis_memory_peak_bytes", "bytes", "The most allocated.", RING_GAUGE},
	{"maxmemory", "redis_memory_limit_bytes", "bytes", "The most allowed; 0: any.", RING_GAUGE},
	{"connected_slaves", "redis_replicas", NULL, "Replicas connected.", RING_GAUGE},
	{"master_repl_offset", "redis_replication_offset_bytes", "bytes",
	 "Position in the replication stream.", RING_GAUGE},
	{"rdb_changes_since_last_save", "redis_changes_unsaved", NULL,
	 "Changes since the last dump.", RING_GAUGE},
	{"total_connections_received", "redis_connections_total", NULL, "Connections accepted.",
	 RING_COUNTER},
	{"rejected_connections", "redis_connections_rejected_total", NULL,
	 "Connections refused, as there were too many.", RING_COUNTER},
	{"total_commands_processed", "redis_commands_total", NULL, "Commands executed.",
	 RING_COUNTER},
	{"total_error_replies", "redis_error_replies_total", NULL, "Answers that were an error.",
	 RING_COUNTER},
	{"total_net_input_bytes", "redis_received_bytes_total", "bytes", "Bytes from clients.",
	 RING_COUNTER},
	{"total_net_output_bytes", "redis_sent_bytes_total", "bytes", "Bytes to clients.",
	 RING_COUNTER},
	{"keyspace_hits", "redis_lookups_hit_total", NULL, "Keys looked up and found.",
	 RING_COUNTER},
	{"keyspace_misses", "redis_lookups_missed_total", NULL, "Keys looked up and not found.",
	 RING_COUNTER},
	{"expired_keys", "redis_keys_expired_total", NULL, "Keys whose time was over.",
	 RING_COUNTER},
	{"evicted_keys", "redis_keys_evicted_total", NULL, "Keys that had to make room.",
	 RING_COUNTER},
};

static const char *const roles[] = {"unknown", "master", "slave", NULL};

#define OF_COMMANDS                                                        \
	.label_keys = {"command", "server"}, .series_max = COMMAND_BUDGET, \
	.overflow_label = "_other", .kept_labels = 1, .overflow_max = RING_POLL_SOURCES_MAX

static const struct ring_metric_def others[] = {
	{.name = "redis_role",
	 .help = "What it is in replication.",
	 .kind = RING_STATESET,
	 .merge = RING_LAST,
	 .label_keys = {"server"},
	 .states = roles},
	{.name = "redis_keys",
	 .help = "Keys in the database.",
	 .kind = RING_GAUGE,
	 .label_keys = {"db", "server"}},
	{.name = "redis_keys_expiring",
	 .help = "Those of them that have an end.",
	 .kind = RING_GAUGE,
	 .label_keys = {"db", "server"}},
	{.name = "redis_command_calls_total",
	 .help = "Times the command was executed.",
	 .kind = RING_COUNTER,
	 OF_COMMANDS},
	{.name = "redis_command_rejected_total",
	 .help = "Times it was refused before that, as for wrong arguments.",
	 .kind = RING_COUNTER,
	 OF_COMMANDS},
	{.name = "redis_command_failed_total",
	 .help = "Times it ended with an error.",
	 .kind = RING_COUNTER,
	 OF_COMMANDS},
	{.name = "redis_command_busy_seconds",
	 .help = "Time spent in it since the server's start.",
	 .unit = "seconds",
	 .kind = RING_GAUGE,
	 OF_COMMANDS},
	{.name = "redis_command_latency_seconds",
	 .help = "What so many percent of its executions took at most.",
	 .unit = "seconds",
	 .kind = RING_GAUGE,
	 .merge = RING_MAX,
	 .label_keys = {"command", "percentile", "server"},
	 .series_max = 3 * COMMAND_BUDGET,
	 .overflow_label = "_other",
	 .kept_labels = 2,
	 .overflow_max = 3 * RING_POLL_SOURCES_MAX},
};

static_assert(COUNT(fields) + COUNT(others) <= REDIS_METRICS, "all have room");

size_t redis_info_declare(struct ring_metric_def metrics[REDIS_METRICS])
{
	for (size_t i = 0; i < COUNT(fields); i++)
		metrics[i] = (struct ring_metric_def){
			.name = fields[i].metric,
			.help = fields[i].help,
			.unit = fields[i].unit,
			.kind = fields[i].kind,
			.label_keys = {"server"},
			.series_max = RING_POLL_SOURCES_MAX,
		};
	memcpy(metrics + COUNT(fields), others, sizeof others);
	return COUNT(fields) + COUNT(others);
}

/* Takes the next `key=value` off a list, which may be empty. Returns whether there was one; a key
 * without a value has NULL. */
static bool pair_next(char **list, char **key, char **value)
{
	if (!*list || !**list)
		return false;
	*value = strsep(list, ",");
	*key = strsep(value, "=");
	return true;
}

static bool field_give(struct ring_poll *poll, const char *server, const char *key,
		       const char *value)
{
	for (size_t i = 0; i < COUNT(fields); i++) {
		uint64_t total;
		double now;
		if (strcmp(key, fields[i].key) != 0)
			continue;
		if (fields[i].kind == RING_COUNTER && number_whole(value, 10, &total))
			ring_poll_counter(poll, fields[i].metric, RING_LABELS(server), total);
		else if (fields[i].kind == RING_GAUGE && number_decimal(value, &now))
			ring_poll_gauge(poll, fields[i].metric, RING_LABELS(server), now);
		else
			return false;
	}
	return true;
}

static bool database_give(struct ring_poll *poll, const char *server, const char *db, char *list)
{
	char *key, *value;
	double keys;

	while (pair_next(&list, &key, &value)) {
		const bool all = strcmp(key, "keys") == 0, expiring = strcmp(key, "expires") == 0;
		if (!all && !expiring)
			continue;
		if (!value || !number_decimal(value, &keys))
			return false;
		ring_poll_gauge(poll, all ? "redis_keys" : "redis_keys_expiring",
				RING_LABELS(db, server), keys);
	}
	return true;
}

static bool command_give(struct ring_poll *poll, const char *server, const char *command,
			 char *list)
{
	static const char *const metrics[][2] = {
		{"calls", "redis_command_calls_total"},
		{"rejected_calls", "redis_command_rejected_total"},
		{"failed_calls", "redis_command_failed_total"},
	};
	char *key, *value;
	uint64_t total;

	while (pair_next(&list, &key, &value)) {
		const bool busy = strcmp(key, "usec") == 0;
		const char *metric = NULL;
		for (size_t i = 0; i < COUNT(metrics); i++)
			if (strcmp(key, metrics[i][0]) == 0)
				metric = metrics[i][1];
		if (!metric && !busy)
			continue;
		if (!value || !number_whole(value, 10, &total))
			return false;
		if (metric)
			ring_poll_counter(poll, metric, RING_LABELS(command, server), total);
		else
			ring_poll_gauge(poll, "redis_command_busy_seconds",
					RING_LABELS(command, server), (double)total / MICROSECONDS);
	}
	return true;
}

static bool latency_give(struct ring_poll *poll, const char *server, const char *command,
			 char *list)
{
	char *key, *value;
	double latency, percentile;

	while (pair_next(&list, &key, &value)) {
		if (key[0] != 'p' || !number_decimal(key + 1, &percentile) || !value ||
		    !number_decimal(value, &latency))
			return false;
		ring_poll_gauge(poll, "redis_command_latency_seconds",
				RING_LABELS(command, key + 1, server), latency / MICROSECONDS);
	}
	return true;
}

/* What comes behind the prefix, or NULL. */
static const char *after(const char *key, const char *prefix)
{
	const size_t bytes = strlen(prefix);

	return strncmp(key, prefix, bytes) == 0 ? key + bytes : NULL;
}

static bool line_give(struct ring_poll *poll, const char *server, const char *key, char *value,
		      char run_id[REDIS_RUN_ID_BYTES])
{
	const char *name;

	if (strcmp(key, "run_id") == 0)
		return snprintf(run_id, REDIS_RUN_ID_BYTES, "%s", value) < REDIS_RUN_ID_BYTES;
	if (strcmp(key, "role") == 0)
		return ring_poll_mode(poll, "redis_role", RING_LABELS(server), value) == 0;
	if ((name = after(key, "cmdstat_")))
		return command_give(poll, server, name, value);
	if ((name = after(key, "latency_percentiles_usec_")))
		return latency_give(poll, server, name, value);
	if ((name = after(key, "db")) && isdigit((unsigned char)name[0]))
		return database_give(poll, server, name, value);
	return field_give(poll, server, key, value);
}

bool redis_info_give(struct ring_poll *poll, const char *server, char **text,
		     char run_id[REDIS_RUN_ID_BYTES])
{
	char *line;

	while ((line = strsep(text, "\r\n"))) {
		char *value = line;
		if (line[0] == '\0' || line[0] == '#')
			continue;
		const char *key = strsep(&value, ":");
		if (!value || !line_give(poll, server, key, value, run_id)) {
			*text = line;
			return false;
		}
	}
	return true;
}
