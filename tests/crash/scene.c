/* SPDX-License-Identifier: MIT */
/*
 * Directory, segment, owner and shared words of a crash test.
 */
#include "scene.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define AWAIT_NS UINT64_C(10000000000)

const double scene_bounds[SCENE_BOUNDS] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

static const struct ring_metric_def metrics[] = {
	{.name = "crash_records_total", .help = "Records.", .kind = RING_COUNTER},
	{.name = "crash_level", .help = "Number of the last record.", .kind = RING_GAUGE},
	{
		.name = "crash_size",
		.help = "Numbers of the records.",
		.kind = RING_HISTOGRAM,
		.bounds = scene_bounds,
		.bound_count = SCENE_BOUNDS,
	},
};

int scene_begin(struct scene *scene, unsigned slot_count, unsigned burst_max)
{
	*scene = (struct scene){
		.dir = "/dev/shm/ring-crash-XXXXXX",
		.slot_count = slot_count,
		.burst_max = burst_max,
	};
	return mkdtemp(scene->dir) ? 0 : -errno;
}

void scene_end(struct scene *scene)
{
	DIR *dir = opendir(scene->dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(scene->dir);
	scene->dir[0] = 0;
}

int owner_open(struct owner *owner, const struct scene *scene)
{
	const struct ring_options options = {
		.name = SCENE_NAME,
		.dir = scene->dir,
		.core_count = 1,
		.slot_count = scene->slot_count,
		.burst_max = scene->burst_max,
		.series_spare = 1,
		.metrics_spare = 1,
		.metrics = metrics,
		.metric_count = sizeof metrics / sizeof metrics[0],
	};
	const int error = ring_segment_create(&owner->segment, &options);

	if (error) {
		fprintf(stderr, "%s: %s\n", SCENE_NAME, ring_error());
		return error;
	}
	owner->writer = ring_writer_claim(owner->segment, 0);
	owner->counter = ring_counter_resolve(owner->segment, metrics[0].name, NULL);
	owner->gauge = ring_gauge_resolve(owner->segment, metrics[1].name, NULL);
	owner->histogram = ring_histogram_resolve(owner->segment, metrics[2].name, NULL);
	return ring_writer_is_live(owner->writer) ? 0 : -EBUSY;
}

void owner_close(struct owner *owner)
{
	if (!owner->segment)
		return;
	ring_writer_release(owner->writer);
	ring_segment_close(owner->segment);
	owner->segment = NULL;
}

static int open_dir(const struct scene *scene)
{
	return open(scene->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

struct ring_reader *scene_read(const struct scene *scene)
{
	struct ring_reader *reader = NULL;
	const int dir_fd = open_dir(scene);
	const int result = ring_reader_open(&reader, dir_fd, SCENE_NAME);

	close(dir_fd);
	if (result != 0)
		fprintf(stderr, "%s: cannot be read: %d\n", SCENE_NAME, result);
	return reader;
}

bool scene_is_current(const struct scene *scene, const struct ring_reader *reader)
{
	const int dir_fd = open_dir(scene);
	const int current = ring_reader_is_current(reader, dir_fd, SCENE_NAME);

	close(dir_fd);
	return current != 0;
}

unsigned scene_tallies(struct ring_reader *reader, enum ring_kind kind, uint64_t cells[SCENE_CELLS])
{
	for (uint32_t i = 0; i < ring_reader_series_count(reader); i++) {
		const struct ring_series_info *series = ring_reader_series(reader, i);
		const struct ring_metric_info *metric = ring_reader_metric(reader, series->metric);
		if (metric->kind == kind &&
		    ring_reader_tallies(reader, 0, series->cell, metric->series_cells, cells) ==
			    RING_SOUND)
			return metric->series_cells;
	}
	return 0;
}

struct ring_word *scene_share(void)
{
	void *word = mmap(NULL, sizeof(struct ring_word), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return word == MAP_FAILED ? NULL : word;
}

void scene_unshare(struct ring_word *word)
{
	munmap(word, sizeof *word);
}

bool scene_await(const struct ring_word *word, uint64_t bits)
{
	const uint64_t deadline_ns = scene_now_ns() + AWAIT_NS;

	/* Acquire, from the release of whoever makes it so: what came before is then done. */
	while (ring_load_acquire(word) < bits) {
		if (scene_now_ns() > deadline_ns)
			return false;
		sched_yield();
	}
	return true;
}

uint64_t scene_seed(void)
{
	const char *given = getenv("RING_SEED");
	const uint64_t seed = given ? strtoull(given, NULL, 0) : scene_now_ns();

	printf("# RING_SEED=%" PRIu64 "\n", seed);
	return seed;
}

/* SplitMix64 */
uint64_t scene_random(uint64_t *state)
{
	uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

uint64_t scene_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
