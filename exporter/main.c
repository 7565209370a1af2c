/* SPDX-License-Identifier: MIT */
/*
 * ring-exporter: the segments of a directory as Prometheus metrics. The main thread starts the
 * others, waits for a signal and stops them.
 *
 *   drain thread   segments ──▶ aggregate ──▶ snapshot      never touches a socket
 *                          ╰──▶ monitor
 *   HTTP thread    snapshot, monitor ──▶ page ──▶ socket
 *   alert thread   monitor ──▶ Alertmanagers                only if there are any
 *   file thread    snapshot ──▶ page ──▶ textfile           only if there is one
 *
 * The HTTP thread has bcrypt computed by another one: see passwords.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collect.h"
#include "config.h"
#include "confine.h"
#include "door.h"
#include "http/serve.h"
#include "outlets.h"
#include "reload.h"
#include "render/render.h"
#include "system/process.h"
#include "system/supervisor.h"

/* Descriptors that segments leave to everything else than connections. */
#define FDS_RESERVED (SERVE_CONNECTIONS_SPARE + LISTEN_SOCKETS_MAX + 32u)

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* while running */
	EXIT_WRONG = 2,  /* could not start as asked */
};

struct exporter {
	const struct config *config;
	struct collect *collect;
	struct door door;
	struct outlets outlets;
	struct traffic traffic;
	struct reload reload;
	struct supervisor supervisor;
	sigset_t signals; /* that the main thread waits for */
};

static int fail(const char *object, const char *reason)
{
	log_failure(object, reason);
	return EXIT_WRONG;
}

static int print_snapshot(const struct config *config)
{
	struct render render;
	struct text text;
	int status = EXIT_FAILED;

	render_init(&render, &config->labels);
	text_init(&text, config->page_bytes_max);
	render_snapshot(&render, &text, FORMAT_TEXT, snapshot_borrow());
	snapshot_return();
	if (text.error)
		fail("stdout", strerror(-text.error));
	else if (fwrite(text.data, 1, text.bytes, stdout) != text.bytes || fflush(stdout) != 0)
		fail("stdout", strerror(errno));
	else
		status = EXIT_OK;
	text_release(&text);
	render_release(&render);
	return status;
}

static int run_once(struct exporter *exporter)
{
	const int error = collect_once(exporter->collect);

	if (error) {
		fail("snapshot", strerror(-error));
		return EXIT_FAILED;
	}
	if (exporter->outlets.textfile) /* it says itself what is wrong */
		return textfile_write(exporter->outlets.textfile) == 0 ? EXIT_OK : EXIT_FAILED;
	return print_snapshot(exporter->config);
}

static const char *reload_now(void *context)
{
	return reload_run(context);
}

/* Until it is one to end by. Meanwhile the service manager is told how we are. */
static int wait_for_signal(struct exporter *exporter, struct serve *serve)
{
	struct supervisor *supervisor = &exporter->supervisor;
	int got;

	do {
		const uint64_t ns = supervisor_look(supervisor, collect_ticks(exporter->collect),
						    serve_turns(serve));
		const struct timespec wait = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
		got = sigtimedwait(&exporter->signals, NULL, &wait);
		if (got == SIGHUP) {
			supervisor_reloading(supervisor, serve_turns(serve));
			serve_reload(serve);
		}
	} while (got < 0 || got == SIGHUP);
	return got;
}

/* Until a signal comes. Returns 0, or a negative errno after a line on stderr. */
static int serve_until_signal(struct exporter *exporter)
{
	const struct config *config = exporter->config;
	const struct answer_options options = {
		.telemetry_path = config->telemetry_path,
		.watch = &exporter->collect->followers.watch,
		.admin_api = config->admin_api,
		.traffic = &exporter->traffic,
		.external_url = config->notify.external_url,
		.start_seconds = process_start_seconds(),
		.lifecycle = config->lifecycle,
		.reload = reload_now,
		.reload_context = &exporter->reload,
		.labels = &config->labels,
		.page_bytes_max = config->page_bytes_max,
		.pprof = exporter->door.pprof,
		.openmetrics_created = config->openmetrics_created,
	};
	struct serve serve;

	reload_limits_of(&exporter->reload, &serve.peers);
	const int error = serve_start(&serve, &exporter->door.listeners, exporter->door.access,
				      &options, &config->limits);
	if (error) {
		fail("HTTP thread", strerror(-error));
		return error;
	}
	const int got = wait_for_signal(exporter, &serve);
	log_event(LOG_INFO, "stopping", "signal", sigabbrev_np(got), NULL);
	supervisor_stopping(&exporter->supervisor);
	serve_stop(&serve);
	return 0;
}

static int run_threads(struct exporter *exporter)
{
	int error = collect_start(exporter->collect);

	if (error)
		return fail("drain thread", strerror(-error));
	error = outlets_start(&exporter->outlets, exporter->config);
	if (!error) {
		error = serve_until_signal(exporter);
		outlets_stop(&exporter->outlets);
	}
	collect_stop(exporter->collect);
	return error ? EXIT_WRONG : EXIT_OK;
}

static size_t followed_max(const struct config *config)
{
	const size_t fds_max = process_raise_fds();
	const size_t reserved = config->limits.connections_max + FDS_RESERVED;

	if (fds_max <= reserved)
		return 1;
	return fds_max - reserved < ATTACH_FOLLOWED_MAX ? fds_max - reserved : ATTACH_FOLLOWED_MAX;
}

static int collect_and_run(struct exporter *exporter)
{
	const struct config *config = exporter->config;
	const struct collect_options options = {
		.dir = config->dir,
		.followed_max = followed_max(config),
		.exporter_metrics = !config->disable_exporter_metrics,
		.native_histograms = !config->no_native_histograms && !config->once,
		.monitor = &config->monitor,
		.notify = exporter->outlets.notify,
		.textfile = exporter->outlets.textfile,
		.traffic = &exporter->traffic,
		.reload = &exporter->reload,
		.shape = {&config->labels, config->shape_rules, config->shape_rule_count},
		.limits = config->aggregate_limits,
	};

	if (collect_open(exporter->collect, &options) != 0)
		return EXIT_WRONG;
	confine(config, exporter->door.access, exporter->collect->attach.dir);
	const int status = config->once ? run_once(exporter) : run_threads(exporter);
	collect_close(exporter->collect);
	return status;
}

static int run(struct exporter *exporter)
{
	const struct config *config = exporter->config;
	struct watch *watch = &exporter->collect->followers.watch;
	struct door *door = &exporter->door;

	supervisor_open(&exporter->supervisor);
	int error = activation_read(&door->activation);
	/* First, as it may take seconds: who can connect is served at once. */
	if (!error)
		error = outlets_open(&exporter->outlets, config, watch);
	if (!error && !config->once)
		error = door_open(door, config);
	reload_init(&exporter->reload, config, door->access, watch);
	const int status = error ? EXIT_WRONG : collect_and_run(exporter);
	reload_release(&exporter->reload);
	outlets_close(&exporter->outlets);
	door_close(door);
	supervisor_close(&exporter->supervisor);
	return status;
}

/* Everything that is read before there is a socket or a segment. */
static int check(struct exporter *exporter)
{
	int error = outlets_open(&exporter->outlets, exporter->config,
				 &exporter->collect->followers.watch);

	if (!error)
		error = door_open(&exporter->door, exporter->config);
	outlets_close(&exporter->outlets);
	door_close(&exporter->door);
	if (error)
		return EXIT_WRONG;
	if (puts(LOG_PROGRAM ": configuration is sound") < 0 || fflush(stdout) != 0)
		return fail("stdout", strerror(errno));
	return EXIT_OK;
}

/* A descriptor below 3 that is not open would become a socket or a segment, and a log line go
 * there. */
static void fill_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	static struct collect collect; /* large */
	static struct config config;   /* as well */
	struct exporter exporter = {.config = &config, .collect = &collect};

	fill_standard_streams();
	switch (config_read(&config, argc, argv)) {
	case CONFIG_RUN:
		break;
	case CONFIG_EXIT:
		return fflush(stdout) == 0 ? EXIT_OK : fail("stdout", strerror(errno));
	case CONFIG_WRONG:
		return fail(config.fault.object, config.fault.reason);
	}
	log_init(config.log_level, config.log_format);
	if (config.only_checks)
		return check(&exporter);
	/* Before any thread, so that all of them leave these to wait_for_signal. With --once nobody
	 * waits, and signals do what they always do. */
	sigemptyset(&exporter.signals);
	sigaddset(&exporter.signals, SIGINT);
	sigaddset(&exporter.signals, SIGTERM);
	sigaddset(&exporter.signals, SIGHUP);
	if (!config.once)
		pthread_sigmask(SIG_BLOCK, &exporter.signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	const int error = ring_reader_guard();
	if (error)
		return fail("SIGBUS guard", strerror(-error));
	return run(&exporter);
}
