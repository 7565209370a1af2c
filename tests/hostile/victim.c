/* SPDX-License-Identifier: MIT */
#include "victim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ring/segment.h"

static const double bounds[] = {0.001, 0.01, 0.1};
static const char *const states[] = {"warm", "warn", "cold", NULL};

static const struct ring_metric_def metrics[VICTIM_METRICS] = {
	[VICTIM_PACKETS] = {.name = "forward_packets_total",
			    .help = "Packets forwarded.",
			    .kind = RING_COUNTER,
			    .label_keys = {"channel", "direction"},
			    .series_max = 4},
	[VICTIM_BACKLOG] = {.name = "backlog_bytes",
			    .help = "Bytes that wait.",
			    .unit = "bytes",
			    .kind = RING_GAUGE,
			    .merge = RING_MAX,
			    .label_keys = {"channel"},
			    .series_max = 2},
	[VICTIM_SESSIONS] = {.name = "sessions", .help = "Sessions open.", .kind = RING_GAUGE},
	[VICTIM_RESTARTS] = {.name = "restarts_total", .help = "Restarts.", .kind = RING_COUNTER},
	[VICTIM_DURATION] = {.name = "request_duration_seconds",
			     .help = "Time to answer.",
			     .unit = "seconds",
			     .kind = RING_HISTOGRAM,
			     .label_keys = {"channel"},
			     .bounds = bounds,
			     .bound_count = 3,
			     .series_max = 2},
	[VICTIM_MODE] = {.name = "mode",
			 .help = "How it is.",
			 .kind = RING_STATESET,
			 .merge = RING_LAST,
			 .label_keys = {"node"},
			 .states = states,
			 .state_default = 2,
			 .series_max = 2},
};

/* More records than slots, so that the ring has lapped. */
static void record(struct ring_segment *segment, unsigned core)
{
	struct ring_writer *writer = ring_writer_claim(segment, core);
	const struct ring_counter in = ring_counter_resolve(segment, "forward_packets_total",
							    RING_LABELS("dns", "in"));
	const struct ring_counter out = ring_counter_resolve(segment, "forward_packets_total",
							     RING_LABELS("dns", "out"));
	const struct ring_histogram duration = ring_histogram_resolve(
		segment, "request_duration_seconds", RING_LABELS("dns"));
	const struct ring_gauge sessions = ring_gauge_resolve(segment, "sessions", NULL);
	const struct ring_counter restarts = ring_counter_resolve(segment, "restarts_total", NULL);
	const struct ring_state mode = ring_state_resolve(segment, "mode", RING_LABELS("n1"));
	static const char *const channels[] = {"dns", "web", "mail"};

	for (unsigned i = 0; i < 3; i++)
		ring_gauge_set(
			writer,
			ring_gauge_resolve(segment, "backlog_bytes", RING_LABELS(channels[i])),
			100.0 * i);
	ring_counter_add(writer, restarts, 1);
	ring_state_set(writer, mode, core);
	for (unsigned i = 0; i < VICTIM_SLOTS; i++) {
		ring_tick_at(writer, 1000 + i);
		ring_counter_add(writer, i % 2 ? in : out, i);
		ring_histogram_observe(writer, duration, i / 500.0);
		ring_gauge_set(writer, sessions, i);
	}
	ring_writer_release(writer);
}

static int make_segment(const struct victim *victim)
{
	const struct ring_options options = {
		.name = VICTIM_NAME,
		.dir = victim->dir,
		.core_count = VICTIM_CORES,
		.slot_count = VICTIM_SLOTS,
		.burst_max = VICTIM_BURST,
		.series_spare = 4,
		.metrics_spare = 2,
		.metrics = metrics,
		.metric_count = VICTIM_METRICS,
	};
	struct ring_segment *segment;
	const int error = ring_segment_create(&segment, &options);

	for (unsigned core = 0; error == 0 && core < VICTIM_CORES; core++)
		record(segment, core);
	ring_segment_close(segment);
	return error;
}

static int map_segment(struct victim *victim)
{
	struct stat status;

	victim->fd = openat(victim->dir_fd, VICTIM_NAME, O_RDWR | O_CLOEXEC);
	if (victim->fd < 0 || fstat(victim->fd, &status) != 0)
		return -errno;
	victim->bytes = (size_t)status.st_size;
	void *map = mmap(NULL, victim->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, victim->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	victim->map = map;
	victim->sound = malloc(victim->bytes);
	if (!victim->sound)
		return -ENOMEM;
	memcpy(victim->sound, victim->map, victim->bytes);
	return 0;
}

int victim_open(struct victim *victim)
{
	*victim = (struct victim){.dir = "/dev/shm/ring-hostile-XXXXXX", .dir_fd = -1, .fd = -1};
	if (!mkdtemp(victim->dir))
		return -errno;
	victim->dir_fd = open(victim->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (victim->dir_fd < 0)
		return -errno;
	const int error = make_segment(victim);
	return error ? error : map_segment(victim);
}

static void remove_entries(int dir_fd)
{
	DIR *dir = fdopendir(dir_fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (unlinkat(dir_fd, entry->d_name, 0) != 0)
			unlinkat(dir_fd, entry->d_name, AT_REMOVEDIR);
	if (dir)
		closedir(dir);
}

void victim_close(struct victim *victim)
{
	if (victim->map)
		munmap(victim->map, victim->bytes);
	free(victim->sound);
	if (victim->fd >= 0)
		close(victim->fd);
	if (victim->dir_fd >= 0)
		remove_entries(victim->dir_fd);
	rmdir(victim->dir);
}

void victim_restore(struct victim *victim)
{
	if (ftruncate(victim->fd, (off_t)victim->bytes) == 0)
		memcpy(victim->map, victim->sound, victim->bytes);
}

int victim_copy(const struct victim *victim, const char *name, size_t bytes)
{
	const int fd = openat(victim->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	if (fd < 0)
		return -errno;
	if (write(fd, victim->sound, bytes) == (ssize_t)bytes)
		return fd;
	close(fd);
	return -EIO;
}

const struct ring_header *victim_sound(const struct victim *victim)
{
	return (const struct ring_header *)(const void *)victim->sound;
}

size_t victim_count(const struct victim *victim, enum part part)
{
	const struct ring_header *header = victim_sound(victim);

	switch (part) {
	case PART_METRIC:
		return header->metric_count.bits;
	case PART_SERIES:
		return header->series_count.bits;
	case PART_CORE:
		return header->core_count;
	default:
		return 1;
	}
}

uint8_t *victim_at(const struct victim *victim, enum part part, size_t index)
{
	const struct ring_header *header = victim_sound(victim);

	switch (part) {
	case PART_METRIC:
		return victim->map + header->metrics_offset +
		       index * sizeof(struct ring_metric_entry);
	case PART_SERIES:
		return victim->map + header->series_offset +
		       index * sizeof(struct ring_series_entry);
	case PART_CORE:
		return victim->map + header->cores_offset + index * header->core_stride +
		       header->control_offset;
	default:
		return victim->map;
	}
}

uint8_t *victim_heap(const struct victim *victim, uint32_t offset)
{
	return victim->map + victim_sound(victim)->heap_offset + offset;
}
