/* SPDX-License-Identifier: MIT */
/*
 * The part of docs/metric-sets.md that tells a set's metrics, from what its header declares.
 *
 * usage: metric_sets SET
 */
#include <stdio.h>
#include <string.h>

#include <ring/set/commands.h>
#include <ring/set/conflicts.h>
#include <ring/set/dispatch.h>
#include <ring/set/leases.h>
#include <ring/set/lsm.h>
#include <ring/set/queues.h>
#include <ring/set/raft.h>
#include <ring/set/replication.h>
#include <ring/set/requests.h>
#include <ring/set/scripts.h>

static const struct {
	const char *name;
	const struct ring_set_spec *spec;
} sets[] = {
	{"commands", &ring_commands}, {"conflicts", &ring_conflicts},
	{"dispatch", &ring_dispatch}, {"leases", &ring_leases},
	{"lsm", &ring_lsm},           {"queues", &ring_queues},
	{"raft", &ring_raft},         {"replication", &ring_replication},
	{"requests", &ring_requests}, {"scripts", &ring_scripts},
};

static void print_list(const char *const *values, const char *mark)
{
	for (unsigned i = 0; values[i]; i++)
		printf("%s%s%s%s", i > 0 ? ", " : "", mark, values[i], mark);
}

static void print_kind(const struct ring_set_metric *metric)
{
	switch (metric->kind) {
	case RING_COUNTER:
		printf("counter");
		break;
	case RING_GAUGE:
		printf("gauge, %s", metric->merge == RING_SUM ? "sum" : "newest");
		break;
	case RING_STATESET:
		printf("state set: ");
		print_list(metric->states, "`");
		break;
	case RING_HISTOGRAM:
		printf("histogram:");
		for (unsigned i = 0; i < metric->bound_count; i++)
			printf(" %.7g", metric->bounds[i]);
		break;
	}
}

static void print_metric(const struct ring_set_bundle *bundle, const struct ring_set_metric *metric)
{
	printf("| `%s", metric->name);
	if (metric->closed)
		printf("{%s}", metric->closed->key);
	printf("` | ");
	print_kind(metric);
	printf(" | %s%s |\n", metric->help, bundle->is_bare ? " No prefix." : "");
}

/* Each closed label once. */
static void print_labels(const struct ring_set_bundle *bundle)
{
	for (unsigned i = 0; i < bundle->metric_count; i++) {
		const struct ring_set_label *label = bundle->metrics[i].closed;
		unsigned first = 0;
		while (bundle->metrics[first].closed != label)
			first++;
		if (!label || first < i)
			continue;
		printf("\n`%s` is one of ", label->key);
		print_list(label->values, "`");
		printf(".\n");
	}
}

static void print_bundle(const struct ring_set_bundle *bundle)
{
	if (bundle->labels[0]) {
		printf("\nBy ");
		print_list(bundle->labels, "`");
		printf("; %u names, then `%s`:\n", bundle->budget, bundle->overflow_label);
	} else {
		printf("\nOnce:\n");
	}
	printf("\n| metric | kind | |\n| --- | --- | --- |\n");
	for (unsigned i = 0; i < bundle->metric_count; i++)
		print_metric(bundle, &bundle->metrics[i]);
	print_labels(bundle);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof sets / sizeof sets[0]; i++) {
		if (strcmp(sets[i].name, argv[1]) != 0)
			continue;
		for (unsigned b = 0; sets[i].spec->bundles[b]; b++)
			print_bundle(sets[i].spec->bundles[b]);
		return 0;
	}
	fprintf(stderr, "metric_sets: %s: no such set\n", argc == 2 ? argv[1] : "SET");
	return 2;
}
