/* SPDX-License-Identifier: MIT */
/*
 * What Linux counts of its network devices and of the packets that each CPU takes in: net/dev and
 * net/softnet_stat under /proc, of the network namespace that this program is in.
 *
 * A device whose name another one takes over goes on where its totals grow beyond it, as do those
 * of a device that is made again: nothing goes back, and nothing is counted twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "program.h"

#define COUNT(array)  (sizeof(array) / sizeof(array)[0])
#define DEVICE_BUDGET 512u
#define CPUS_MAX      RING_CORES_MAX
#define SOFTNET_MIN   9u /* columns of the oldest kernels */
#define SOFTNET_MAX   64u

static const char usage[] =
	"usage: poll_kernel [option...] [FOLDER]\n"
	"  FOLDER             where net/dev and net/softnet_stat are (default: /proc)\n"
	"  --segment NAME     name of the telemetry segment (default: kernel)\n"
	"  --dir DIR          directory of the segment\n"
	"  --interval-ms N    time between two polls (default: 5000)\n"
	"  --help\n";

#define DEVICE_COUNTER(name_, unit_, help_)                                                    \
	{                                                                                      \
		.name = "kernel_network_" name_, .unit = (unit_), .help = (help_),             \
		.kind = RING_COUNTER, .label_keys = {"device", "direction"},                   \
		.series_max = 2 * DEVICE_BUDGET, .overflow_label = "_other", .kept_labels = 1, \
		.overflow_max = 2,                                                             \
	}
#define CPU_METRIC(kind_, name_, help_)                                            \
	{                                                                          \
		.name = "kernel_softnet_" name_, .help = (help_), .kind = (kind_), \
		.label_keys = {"cpu"}, .series_max = CPUS_MAX,                     \
	}

static const struct ring_metric_def metrics[] = {
	DEVICE_COUNTER("bytes_total", "bytes", "Bytes of the packets."),
	DEVICE_COUNTER("packets_total", NULL, "Packets."),
	DEVICE_COUNTER("errors_total", NULL, "Packets with an error of any kind."),
	DEVICE_COUNTER("drops_total", NULL, "Packets dropped, for want of room above all."),
	DEVICE_COUNTER("fifo_errors_total", NULL, "Overruns of the device's own queue."),
	DEVICE_COUNTER("frame_errors_total", NULL, "Packets of a wrong length, form or checksum."),
	DEVICE_COUNTER("compressed_packets_total", NULL, "Packets that were compressed."),
	DEVICE_COUNTER("multicast_packets_total", NULL, "Packets to more than one receiver."),
	DEVICE_COUNTER("collisions_total", NULL, "Collisions on the medium."),
	DEVICE_COUNTER("carrier_errors_total", NULL, "Losses of the carrier, and the like."),
	CPU_METRIC(RING_COUNTER, "packets_total", "Packets that the CPU has taken in."),
	CPU_METRIC(RING_COUNTER, "drops_total", "Packets for which its backlog had no room."),
	CPU_METRIC(RING_COUNTER, "squeezes_total", "Times it stopped with packets left to take."),
	CPU_METRIC(RING_COUNTER, "steered_total", "Times another CPU woke it for packets."),
	CPU_METRIC(RING_COUNTER, "flow_limited_total", "Packets dropped as of too large a flow."),
	CPU_METRIC(RING_GAUGE, "backlog_packets", "Packets that wait in its backlog."),
};

/* The columns of net/dev. */
static const char dev_heading[] =
	" face |bytes    packets errs drop fifo frame compressed multicast"
	"|bytes    packets errs drop fifo colls carrier compressed\n";
#define NETWORK(name) "kernel_network_" name "_total"
#define DEV_RECEIVE   8u /* columns of what is received; the others are of what is sent */
static const char *const dev_columns[] = {
	NETWORK("bytes"),
	NETWORK("packets"),
	NETWORK("errors"),
	NETWORK("drops"),
	NETWORK("fifo_errors"),
	NETWORK("frame_errors"),
	NETWORK("compressed_packets"),
	NETWORK("multicast_packets"),
	NETWORK("bytes"),
	NETWORK("packets"),
	NETWORK("errors"),
	NETWORK("drops"),
	NETWORK("fifo_errors"),
	NETWORK("collisions"),
	NETWORK("carrier_errors"),
	NETWORK("compressed_packets"),
};

/* Those of net/softnet_stat; what is not named has been 0 for ages. */
enum { BACKLOG = 11, CPU = 12 };
static const char *const softnet_counters[BACKLOG] = {
	[0] = "kernel_softnet_packets_total",       [1] = "kernel_softnet_drops_total",
	[2] = "kernel_softnet_squeezes_total",      [9] = "kernel_softnet_steered_total",
	[10] = "kernel_softnet_flow_limited_total",
};

/* A file of lines, each of which `give` hands to the poll; false for a line that is not of the form
 * it knows. */
struct table {
	struct voice voice;
	char path[RING_PATH_BYTES];
	bool (*give)(struct ring_poll *poll, char *line, unsigned line_index);
};

static bool dev_give(struct ring_poll *poll, char *line, unsigned line_index)
{
	if (line_index == 0)
		return true;
	if (line_index == 1)
		return strcmp(line, dev_heading) == 0;
	const char *device = strtok_r(line, " :", &line);
	for (size_t i = 0; i < COUNT(dev_columns); i++) {
		const char *text = strtok_r(line, " :\n", &line);
		uint64_t total;
		if (!text || !number_whole(text, 10, &total))
			return false;
		ring_poll_counter(poll, dev_columns[i],
				  RING_LABELS(device, i < DEV_RECEIVE ? "receive" : "transmit"),
				  total);
	}
	return !strtok_r(line, " \n", &line);
}

/* The kernel's counters have 32 bits here and begin anew at 0 again and again; these go on. */
static uint64_t softnet_total(uint64_t cpu, unsigned column, uint32_t seen)
{
	static uint64_t totals[CPUS_MAX][BACKLOG];
	uint64_t *total = &totals[cpu][column];

	return *total += (uint32_t)(seen - (uint32_t)*total);
}

static bool softnet_give(struct ring_poll *poll, char *line, unsigned line_index)
{
	uint64_t columns[SOFTNET_MAX], cpu = line_index;
	unsigned count = 0;
	char *text, label[sizeof "1023"];

	for (; (text = strtok_r(line, " \n", &line)); count++)
		if (count == SOFTNET_MAX || !number_whole(text, 16, &columns[count]) ||
		    columns[count] > UINT32_MAX)
			return false;
	/* Without its number, a CPU is told by its place, as if all of them were online. */
	if (count > CPU)
		cpu = columns[CPU];
	if (count < SOFTNET_MIN || cpu >= CPUS_MAX)
		return false;
	snprintf(label, sizeof label, "%u", (unsigned)cpu);
	for (unsigned i = 0; i < BACKLOG && i < count; i++)
		if (softnet_counters[i])
			ring_poll_counter(poll, softnet_counters[i], RING_LABELS(label),
					  softnet_total(cpu, i, (uint32_t)columns[i]));
	if (count > BACKLOG)
		ring_poll_depth(poll, "kernel_softnet_backlog_packets", RING_LABELS(label),
				(int32_t)columns[BACKLOG]);
	return true;
}

static enum ring_answer table_poll(struct ring_poll *poll, void *context)
{
	struct table *table = context;
	FILE *file = fopen(table->path, "re");
	char *line = NULL;
	size_t bytes = 0;
	bool fine = true;
	unsigned line_count = 0;
	const char *reason = NULL;

	if (!file)
		return voice_answer(&table->voice, RING_ANSWER_ALL, strerror(errno));
	while (fine && getline(&line, &bytes, file) > 0)
		fine = table->give(poll, line, line_count++);
	if (!fine || line_count == 0)
		reason = "not in a format that is known here";
	if (ferror(file)) /* then there is more than what was read */
		reason = strerror(errno);
	free(line);
	fclose(file);
	return voice_answer(&table->voice, RING_ANSWER_ALL, reason);
}

int main(int argc, char **argv)
{
	static struct table tables[] = {{.give = dev_give}, {.give = softnet_give}};
	static const char *const names[] = {"net/dev", "net/softnet_stat"};
	struct program program = {.name = "poll_kernel", .usage = usage, .segment = "kernel"};
	const int first = program_options(&program, argc, argv);

	if (argc - first > 1)
		program_refuse(&program, argv[first + 1], "unexpected argument");
	program_open(&program, metrics, COUNT(metrics));
	for (size_t i = 0; i < COUNT(tables); i++) {
		snprintf(tables[i].path, sizeof tables[i].path, "%s/%s",
			 first < argc ? argv[first] : "/proc", names[i]);
		tables[i].voice = (struct voice){program.name, names[i], false};
		program_poll(&program, (struct ring_source){.name = names[i],
							    .poll = table_poll,
							    .context = &tables[i],
							    .outlives = 1});
	}
	while (!program_told_to_end(-1))
		continue;
	return program_close(&program);
}
