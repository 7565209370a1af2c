/* SPDX-License-Identifier: MIT */
/*
 * The set as two tables, one row per series of a channel or of a follower. From them come the
 * definitions, the room they take and the handles.
 *
 * The series of one name are admitted together or not at all, with the mutex held over all of them:
 * no other name can take a place that one of them needs, and no reader sees only some. They are
 * tried from the last row on, so that it is a counter that decides. The lags have a label more,
 * whose value has to be kept: the overflow series of a metric has the overflow label in all of its
 * labels. So the two lags of RING_OVERFLOW_LABEL are named series, admitted before all others.
 *
 * When the heap runs full in the middle of a name, what was admitted of it stays empty for ever.
 */
#include "ring/replication.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "definition.h"
#include "error.h"
#include "export.h"
#include "geometry.h"
#include "owner.h"
#include "registry.h"

#define ROWS_MAX 9u

struct row {
	const char *name; /* without the prefix; rows of one metric stand together */
	const char *unit;
	const char *help;
	const char *role; /* the second label's value; NULL: there is one label */
	enum ring_kind kind;
	size_t at; /* of the key among the handles */
};

struct table {
	const char *label;
	bool has_prefix;
	unsigned count;
	const struct row *rows; /* ROWS_MAX at most */
};

#define LAG(member, as)                                                                            \
	.name = "replication_lag_seconds", .unit = "seconds",                                      \
	.help = "Replica's tail_seq lag behind leader, per role.", .role = as, .kind = RING_GAUGE, \
	.at = offsetof(struct ring_replication_channel, member.key)
#define COUNTER(member) \
	.kind = RING_COUNTER, .at = offsetof(struct ring_replication_channel, member.key)
#define GAUGE(member) \
	.kind = RING_GAUGE, .at = offsetof(struct ring_replication_follower, member.key)

static const struct row channel_rows[] = {
	{LAG(leader_lag, "leader")},
	{LAG(replica_lag, "replica")},
	{COUNTER(sync_bytes), .name = "replication_sync_bytes_total", .unit = "bytes",
	 .help = "Cumulative bytes shipped via SYNC_RESPONSE."},
	{COUNTER(leader_changes), .name = "leader_changes_total",
	 .help = "Number of leader elections completed."},
	{COUNTER(under_capacity), .name = "replication_under_capacity_total",
	 .help = "Times the channel hit UnderCapacity policy."},
	{COUNTER(skip_ahead), .name = "replication_skip_ahead_total",
	 .help = "Times a replica skipped instead of replaying a large gap."},
	{COUNTER(election_thrash), .name = "replication_election_thrash_total",
	 .help = "Elections triggered within 30 s of the previous one (saturation indicator)."},
	{COUNTER(witness_withdrawals), .name = "replication_witness_withdrawals_total",
	 .help = "Times a peer replica issued a witness Mesh::withdraw_chain for a deposed "
		 "leader's tag."},
	{COUNTER(announce_divergence), .name = "replication_announce_divergence_total",
	 .help = "Times a coordinator transitioned to Idle but its mesh-side withdraw_chain call "
		 "failed; non-zero values mean the mesh may still advertise this node as a chain "
		 "holder."},
};

static const struct row follower_rows[] = {
	{GAUGE(shipped), .name = RING_REPLICATION_SHIPPED,
	 .help = "Sequence number up to which the leader has shipped to this follower."},
	{GAUGE(applied), .name = RING_REPLICATION_APPLIED,
	 .help = "Sequence number up to which this follower has applied what was shipped."},
	{GAUGE(recorded_lag), .name = RING_REPLICATION_RECORDED_LAG, .unit = "seconds",
	 .help = "Lag of this follower as its data plane knows it."},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct table channels = {"channel", true, COUNT(channel_rows), channel_rows};
static const struct table followers = {"follower", false, COUNT(follower_rows), follower_rows};

static void name_row(const struct table *table, const struct row *row, const char *prefix,
		     char name[RING_METRIC_NAME_MAX + 1])
{
	snprintf(name, RING_METRIC_NAME_MAX + 1, "%s%s", table->has_prefix ? prefix : "",
		 row->name);
}

/* A row's metric, whose name is written to `name`. */
static struct ring_metric_def define_row(const struct table *table, const struct row *row,
					 const char *prefix, unsigned names_max,
					 char name[RING_METRIC_NAME_MAX + 1])
{
	const unsigned budget = names_max ? names_max : RING_SERIES_BUDGET;

	name_row(table, row, prefix, name);
	return (struct ring_metric_def){
		.name = name,
		.help = row->help,
		.unit = row->unit,
		.kind = row->kind,
		.merge = row->kind == RING_GAUGE ? RING_LAST : RING_SUM,
		.label_keys = {table->label, row->role ? "role" : NULL},
		/* Two lags for each name, and for the overflow label. */
		.series_max = row->role ? 2 * (budget + 1) : budget,
	};
}

/* Whether the row's metric is that of the row before. */
static bool repeats(const struct table *table, unsigned i)
{
	return i > 0 && strcmp(table->rows[i].name, table->rows[i - 1].name) == 0;
}

static struct ring_replication_options options_of(const struct ring_replication_options *given)
{
	struct ring_replication_options options = {0};

	if (given)
		options = *given;
	if (!options.prefix)
		options.prefix = RING_REPLICATION_PREFIX;
	return options;
}

static unsigned declare_table(struct ring_replication_schema *schema, unsigned count,
			      const struct table *table, const char *prefix, unsigned names_max)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (repeats(table, i))
			continue;
		schema->metrics[count] = define_row(table, &table->rows[i], prefix, names_max,
						    schema->names[count]);
		count++;
	}
	return count;
}

RING_EXPORT void ring_replication_declare(struct ring_replication_schema *schema,
					  const struct ring_replication_options *given)
{
	const struct ring_replication_options options = options_of(given);
	const unsigned count = declare_table(schema, 0, &channels, options.prefix,
					     options.channels_max);

	declare_table(schema, count, &followers, options.prefix, options.followers_max);
}

RING_EXPORT unsigned ring_replication_series(const struct ring_replication_options *options)
{
	struct ring_replication_schema schema;
	struct ring_demand sum = {0, 0, 0};

	ring_replication_declare(&schema, options);
	for (unsigned i = 0; i < RING_REPLICATION_METRICS; i++) {
		const struct ring_demand one = ring_definition_demand(&schema.metrics[i]);
		sum.series += one.series;
		sum.cells += one.cells;
		sum.heap_bytes += one.heap_bytes;
	}
	return (unsigned)ring_geometry_spare(&sum);
}

/* What a name asks for, in the order in which it is tried. */
struct request {
	struct ring_wanted wanted[ROWS_MAX];
	const char *labels[ROWS_MAX][3];
	char names[ROWS_MAX][RING_METRIC_NAME_MAX + 1];
};

static const struct row *row_tried(const struct table *table, unsigned i)
{
	return &table->rows[table->count - 1 - i];
}

static void request_fill(struct request *request, const struct table *table, const char *prefix,
			 const char *name)
{
	for (unsigned i = 0; i < table->count; i++) {
		const struct row *row = row_tried(table, i);
		name_row(table, row, prefix, request->names[i]);
		request->labels[i][0] = name;
		request->labels[i][1] = row->role;
		request->labels[i][2] = NULL;
		request->wanted[i] = (struct ring_wanted){request->names[i], row->kind,
							  request->labels[i]};
	}
}

/* The series of the overflow label, where there is no place for a name of its own. */
static int resolve_overflow(struct ring_registry *registry, const struct table *table,
			    const char *prefix, struct ring_resolved *resolved)
{
	struct request request;
	int result = 0;

	request_fill(&request, table, prefix, RING_OVERFLOW_LABEL);
	for (unsigned i = 0; i < table->count && result == 0; i++)
		result = ring_registry_resolve(registry, &request.wanted[i], &resolved[i]);
	return result;
}

/* Sets the keys of a name's handles; leaves them as they are where there is none to be had. */
static void resolve(const struct ring_replication *set, const struct table *table, const char *name,
		    void *handles)
{
	struct ring_resolved resolved[ROWS_MAX];
	struct request request;

	if (!set->segment || !set->segment->map.live)
		return;
	struct ring_registry *registry = set->segment->registry;
	request_fill(&request, table, set->prefix, name);
	int result = ring_registry_resolve_together(registry, request.wanted, table->count,
						    resolved);
	if (result == RING_OVERFLOWED)
		result = resolve_overflow(registry, table, set->prefix, resolved);
	if (result != 0) {
		ring_registry_count(registry, &set->segment->map.live->labels_refused);
		return;
	}
	for (unsigned i = 0; i < table->count; i++)
		memcpy((char *)handles + row_tried(table, i)->at, &resolved[i].key,
		       sizeof resolved[i].key);
}

RING_EXPORT struct ring_replication_channel ring_replication_channel_resolve(
	const struct ring_replication *set, const char *channel)
{
	struct ring_replication_channel handles = {0};

	resolve(set, &channels, channel, &handles);
	return handles;
}

RING_EXPORT struct ring_replication_follower ring_replication_follower_resolve(
	const struct ring_replication *set, const char *follower)
{
	struct ring_replication_follower handles = {0};

	resolve(set, &followers, follower, &handles);
	return handles;
}

/* The lags that are recorded past the budget get their places first. */
static void admit_overflow_lags(const struct ring_replication *set)
{
	char name[RING_METRIC_NAME_MAX + 1];

	for (unsigned i = 0; i < channels.count; i++) {
		const struct row *row = &channels.rows[i];
		if (!row->role)
			continue;
		name_row(&channels, row, set->prefix, name);
		ring_gauge_resolve(set->segment, name, RING_LABELS(RING_OVERFLOW_LABEL, row->role));
	}
}

RING_EXPORT int ring_replication_define(struct ring_replication *set, struct ring_segment *segment,
					const struct ring_replication_options *given)
{
	const struct ring_replication_options options = options_of(given);
	struct ring_replication_schema schema;
	int result = 0;

	*set = (struct ring_replication){0};
	if (strlen(options.prefix) > RING_REPLICATION_PREFIX_MAX)
		return ring_fail(EINVAL, "prefix %s: has more than %u bytes", options.prefix,
				 RING_REPLICATION_PREFIX_MAX);
	ring_replication_declare(&schema, &options);
	for (unsigned i = 0; i < RING_REPLICATION_METRICS && result == 0; i++)
		result = ring_metric_define(segment, &schema.metrics[i]);
	if (result != 0)
		return result;
	strcpy(set->prefix, options.prefix);
	set->segment = segment;
	admit_overflow_lags(set);
	return 0;
}
