/* SPDX-License-Identifier: MIT */
/* The drain thread; see collect.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "collect.h"
#include "config.h"
#include "drain/drain.h"

/* With each tick comes a snapshot. The sources take turns in being looked after, each in one tick
 * of ten, so that no tick has to do with all of them. */
#define TICK_NS    UINT64_C(100000000)
#define TURN_COUNT 10u

static void collect_release(struct collect *collect)
{
	followers_destroy(&collect->followers);
	selfstat_destroy(&collect->selfstat);
	aggregate_destroy(collect->data);
	if (collect->stop_fd >= 0)
		close(collect->stop_fd);
}

static int collect_prepare(struct collect *collect, const struct collect_options *options)
{
	int error;

	if (!collect->data)
		return -ENOMEM;
	if (collect->stop_fd < 0)
		return -EMFILE;
	aggregate_shape(collect->data, &options->shape);
	aggregate_limit(collect->data, &options->limits);
	error = selfstat_create(
		&collect->selfstat, collect->data,
		&(struct selfstat_options){.notify = options->notify,
					   .reload = options->reload,
					   .traffic = options->traffic,
					   .textfile = options->textfile,
					   .wall_ns = clock_wall_ns(),
					   .labels = options->shape.labels,
					   .exporter_metrics = options->exporter_metrics});
	return error ? error
		     : followers_create(&collect->followers, options->monitor,
					collect->selfstat.aggregate, collect->data);
}

int collect_open(struct collect *collect, const struct collect_options *options)
{
	const uint64_t now_ns = clock_monotonic_ns();

	*collect = (struct collect){
		.data = aggregate_create(),
		.passed_ns = now_ns,
		.interval_ns = DRAIN_INTERVAL_NS_MIN,
		.unpublished = {[SNAPSHOT_SELF] = true, [SNAPSHOT_DATA] = true},
		.stop_fd = eventfd(0, EFD_CLOEXEC),
	};
	int error = collect_prepare(collect, options);
	if (error) {
		log_failure("drain thread", strerror(-error));
	} else {
		collect->followers.now_ns = now_ns;
		aggregate_set_time(collect->data, clock_wall_ns());
		if (options->native_histograms)
			aggregate_observe_all(collect->data);
		error = attach_open(&collect->attach, options->dir, collect->data,
				    &collect->followers, options->followed_max, now_ns);
		if (error)
			fprintf(stderr, LOG_PROGRAM ": %s\n", ring_error());
	}
	if (error)
		collect_release(collect);
	return error;
}

void collect_close(struct collect *collect)
{
	attach_close(&collect->attach);
	collect_release(collect);
}

static void pass(struct collect *collect, uint64_t now_ns)
{
	const uint64_t elapsed_ns = now_ns - collect->passed_ns;
	uint64_t fill_ns = DRAIN_INTERVAL_NS_MAX;

	for (size_t i = 0; i < collect->attach.source_count; i++) {
		struct source *source = collect->attach.sources[i];
		const int reason = source->reader ? drain_source(source, elapsed_ns, &fill_ns) : 0;
		if (reason)
			source_quarantine(source, reason);
	}
	collect->passed_ns = now_ns;
	collect->interval_ns = drain_interval_ns(collect->interval_ns, fill_ns);
	collect->work.pass_count++;
	collect->work.busy_ns += clock_monotonic_ns() - now_ns;
}

static int view(struct aggregate *aggregate, struct snapshot_values *values)
{
	const int error = aggregate_view(aggregate, &values->catalog, &values->cells);

	values->observed = aggregate_observed(aggregate, &values->observed_count);
	return error;
}

/* After a sample of the followers of so many turns. */
static int publish(struct collect *collect, uint64_t now_ns, unsigned turn_count)
{
	struct snapshot_values values[SNAPSHOT_PART_COUNT] = {{.catalog = NULL}};
	struct aggregate *const parts[SNAPSHOT_PART_COUNT] = {
		[SNAPSHOT_DATA] = collect->data,
		[SNAPSHOT_SELF] = collect->selfstat.aggregate,
	};
	bool any = false;

	aggregate_trim(collect->data, now_ns);
	int error = selfstat_update(&collect->selfstat, &collect->attach);
	for (unsigned i = 0; i < turn_count && error == 0; i++)
		error = followers_tick(&collect->followers, now_ns);
	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT && error == 0; part++) {
		collect->unpublished[part] |= aggregate_changed(parts[part]);
		if (collect->unpublished[part])
			error = view(parts[part], &values[part]);
		any |= collect->unpublished[part];
	}
	if (error == 0 && any)
		error = snapshot_publish(values);
	if (error == 0)
		memset(collect->unpublished, 0, sizeof collect->unpublished);
	return error;
}

/* Looks after every `step`th source, from `first` on. */
static void look_after_some(struct collect *collect, size_t first, size_t step)
{
	for (size_t i = first; i < collect->attach.source_count; i += step) {
		struct source *source = collect->attach.sources[i];
		const int reason = source->reader ? drain_look_after(source) : 0;
		if (reason)
			source_quarantine(source, reason);
	}
}

static int try_to_publish(struct collect *collect, uint64_t now_ns, unsigned turn_count)
{
	const int error = publish(collect, now_ns, turn_count);

	if (error && !collect->starved)
		log_event(LOG_ERROR, "no memory for a snapshot, the last one stays", NULL);
	collect->starved = error != 0;
	return error;
}

/* After a pass. Seldom: as long as nothing else changes, the page stays. */
static void update_exporter(struct collect *collect)
{
	collect->work.drained_ns = clock_wall_ns();
	selfstat_update_exporter(&collect->selfstat, &collect->work);
}

static void tick(struct collect *collect, uint64_t now_ns)
{
	/* Relaxed: only this thread writes it. */
	const uint64_t count = __atomic_load_n(&collect->tick_count, __ATOMIC_RELAXED);
	const size_t turn = count % TURN_COUNT;

	collect->ticked_ns = now_ns;
	look_after_some(collect, turn, TURN_COUNT);
	if (turn == 0)
		update_exporter(collect);
	try_to_publish(collect, now_ns, 1);
	/* Release, to the acquire of collect_ticks: with the first tick comes the first snapshot.
	 */
	__atomic_store_n(&collect->tick_count, count + 1, __ATOMIC_RELEASE);
}

uint64_t collect_ticks(const struct collect *collect)
{
	/* Acquire, from the release in tick: who has seen the first one finds its snapshot. */
	return __atomic_load_n(&collect->tick_count, __ATOMIC_ACQUIRE);
}

int collect_once(struct collect *collect)
{
	const uint64_t now_ns = clock_monotonic_ns();

	pass(collect, now_ns);
	look_after_some(collect, 0, 1);
	update_exporter(collect);
	return try_to_publish(collect, now_ns, FOLLOWERS_TURNS);
}

/* Waits for the time of the next pass, or for news. Returns whether to go on. */
static bool wait_for_work(const struct collect *collect)
{
	const struct attach *attach = &collect->attach;
	/* A look in progress is in a hurry, yet takes turns with the rings. */
	const uint64_t wait_ns = attach_is_looking(attach) ? DRAIN_INTERVAL_NS_MIN
							   : collect->interval_ns;
	/* Below a second by drain.h, so it is all nanoseconds. */
	const struct timespec wait = {.tv_nsec = (long)wait_ns};
	struct pollfd fds[] = {
		{.fd = collect->stop_fd, .events = POLLIN},
		/* No more news while there is some, or a flood of it would set the pace. */
		{.fd = attach->news ? -1 : attach->inotify_fd, .events = POLLIN},
	};

	return ppoll(fds, 2, &wait, NULL) <= 0 || !fds[0].revents;
}

static void *collect_run(void *argument)
{
	struct collect *collect = argument;

	pthread_setname_np(pthread_self(), "drain");
	do {
		const uint64_t now_ns = clock_monotonic_ns();
		collect->followers.now_ns = now_ns;
		aggregate_set_time(collect->data, clock_wall_ns());
		attach_update(&collect->attach, now_ns);
		pass(collect, now_ns);
		if (now_ns - collect->ticked_ns >= TICK_NS)
			tick(collect, now_ns);
	} while (wait_for_work(collect));
	return NULL;
}

int collect_start(struct collect *collect)
{
	return -pthread_create(&collect->thread, NULL, collect_run, collect);
}

void collect_stop(struct collect *collect)
{
	eventfd_write(collect->stop_fd, 1);
	pthread_join(collect->thread, NULL);
}
