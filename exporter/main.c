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
#include <sys/stat.h>
#include <unistd.h>

#include "activation.h"
#include "collect.h"
#include "config.h"
#include "confine.h"
#include "process.h"
#include "render.h"
#include "serve.h"
#include "supervisor.h"
#include "textfile.h"

/* Descriptors that segments leave to everything else than connections. */
#define FDS_RESERVED (SERVE_CONNECTIONS_SPARE + LISTEN_SOCKETS_MAX + 32u)

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* while running */
	EXIT_WRONG = 2,  /* could not start as asked */
};

/* Where requests come in, and which of them; and who opened it. */
struct door {
	struct listen_set listeners;
	struct access *access;
	struct traffic *traffic; /* what comes in */
	struct reload *reload;
	struct supervisor supervisor;
	struct activation activation;
	struct pprof *pprof; /* NULL: no profiles */
};

/* What goes out by itself; NULL: nothing does. */
struct outlets {
	struct notify *notify;
	struct textfile *textfile;
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

static int run_once(struct collect *collect, const struct config *config, struct textfile *textfile)
{
	const int error = collect_once(collect);

	if (error) {
		fail("snapshot", strerror(-error));
		return EXIT_FAILED;
	}
	if (textfile) /* it says itself what is wrong */
		return textfile_write(textfile) == 0 ? EXIT_OK : EXIT_FAILED;
	return print_snapshot(config);
}

/* Until it is one to end by. Meanwhile the service manager is told how we are. */
static int wait_for_signal(const sigset_t *signals, const struct collect *collect,
			   struct serve *serve, struct supervisor *supervisor)
{
	int got;

	do {
		const uint64_t ns = supervisor_look(supervisor, collect_ticks(collect),
						    serve_turns(serve));
		const struct timespec wait = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
		got = sigtimedwait(signals, NULL, &wait);
		if (got == SIGHUP) {
			supervisor_reloading(supervisor, serve_turns(serve));
			serve_reload(serve);
		}
	} while (got < 0 || got == SIGHUP);
	return got;
}

/* Until a signal comes. Returns 0, or a negative errno after a line on stderr. */
static int serve_until_signal(struct collect *collect, const struct config *config,
			      struct door *door, const sigset_t *signals)
{
	const struct answer_options options = {
		.telemetry_path = config->telemetry_path,
		.watch = &collect->followers.watch,
		.admin_api = config->admin_api,
		.traffic = door->traffic,
		.external_url = config->notify.external_url,
		.start_seconds = process_start_seconds(),
		.lifecycle = config->lifecycle,
		.reload = door->reload,
		.labels = &config->labels,
		.page_bytes_max = config->page_bytes_max,
		.pprof = door->pprof,
		.openmetrics_created = config->openmetrics_created,
	};
	struct serve serve;
	const int error = serve_start(&serve, &door->listeners, door->access, &options,
				      &config->limits);

	if (error) {
		fail("HTTP thread", strerror(-error));
		return error;
	}
	const int got = wait_for_signal(signals, collect, &serve, &door->supervisor);
	log_event(LOG_INFO, "stopping", "signal", sigabbrev_np(got), NULL);
	supervisor_stopping(&door->supervisor);
	serve_stop(&serve);
	return 0;
}

/* Returns 0, or a negative errno after a line on stderr. */
static int start_outlets(const struct outlets *outlets, const struct config *config)
{
	int error = outlets->notify ? notify_start(outlets->notify) : 0;

	if (error) {
		fail("alert thread", strerror(-error));
		return error;
	}
	if (outlets->textfile)
		error = textfile_start(outlets->textfile, config->textfile_interval_ns);
	if (!error)
		return 0;
	fail("file thread", strerror(-error));
	if (outlets->notify)
		notify_stop(outlets->notify);
	return error;
}

static void stop_outlets(const struct outlets *outlets)
{
	if (outlets->textfile)
		textfile_stop(outlets->textfile);
	if (outlets->notify)
		notify_stop(outlets->notify);
}

static int run_threads(struct collect *collect, const struct config *config,
		       const struct outlets *outlets, struct door *door, const sigset_t *signals)
{
	int error = collect_start(collect);

	if (error)
		return fail("drain thread", strerror(-error));
	error = start_outlets(outlets, config);
	if (!error) {
		error = serve_until_signal(collect, config, door, signals);
		stop_outlets(outlets);
	}
	collect_stop(collect);
	return error ? EXIT_WRONG : EXIT_OK;
}

/* NULL with EXIT_OK: there is nobody to notify. */
static int create_notify(struct notify **notify, struct collect *collect,
			 const struct config *config)
{
	*notify = NULL;
	if (config->notify.url_count == 0)
		return EXIT_OK;
	const int error = notify_create(notify, &config->notify, &collect->followers.watch);
	if (error)
		return fail("--alert.url",
			    error == -EEXIST ? "names one Alertmanager twice" : strerror(-error));
	return EXIT_OK;
}

static int open_notify(struct notify **notify, struct collect *collect, const struct config *config)
{
	char why[LOG_LINE_BYTES_MAX];
	const char *reason;
	const int status = config->once ? EXIT_OK : create_notify(notify, collect, config);

	if (status != EXIT_OK || !*notify || config->may_be_unreachable)
		return status;
	const int index = notify_probe(*notify, &reason);
	if (index < 0)
		return EXIT_OK;
	snprintf(why, sizeof why, "%s cannot be told: %s",
		 notify_url_shown(*notify, (unsigned)index), reason);
	return fail("--alert.url", why);
}

static size_t followed_max(const struct config *config)
{
	const size_t fds_max = process_raise_fds();
	const size_t reserved = config->limits.connections_max + FDS_RESERVED;

	if (fds_max <= reserved)
		return 1;
	return fds_max - reserved < ATTACH_FOLLOWED_MAX ? fds_max - reserved : ATTACH_FOLLOWED_MAX;
}

static int collect_and_run(const struct config *config, struct collect *collect,
			   const struct outlets *outlets, struct door *door,
			   const sigset_t *signals)
{
	const struct collect_options options = {
		.dir = config->dir,
		.followed_max = followed_max(config),
		.exporter_metrics = !config->disable_exporter_metrics,
		.native_histograms = !config->no_native_histograms && !config->once,
		.monitor = &config->monitor,
		.notify = outlets->notify,
		.textfile = outlets->textfile,
		.traffic = door->traffic,
		.reload = door->reload,
		.shape = {&config->labels, config->shape_rules, config->shape_rule_count},
		.limits = config->aggregate_limits,
	};
	int status = EXIT_WRONG;

	if (collect_open(collect, &options) == 0) {
		confine(config, door->access, collect->attach.dir);
		status = config->once ? run_once(collect, config, outlets->textfile)
				      : run_threads(collect, config, outlets, door, signals);
		collect_close(collect);
	}
	return status;
}

/* Or only sees whether it could be opened. */
static int open_address(struct door *door, const struct config *config,
			const struct address *address, const struct listen_options *options)
{
	return config->only_checks ? listen_check(address, options)
				   : listen_open(&door->listeners, address, options);
}

/* Those that the service manager has opened, and the others; the standard one only if there are no
 * such. */
static int open_listeners(struct door *door, const struct config *config,
			  const struct listen_options *options)
{
	const struct activation *activation = &door->activation;
	struct listen_set *set = &door->listeners;

	if (config->needs_activation && activation->count == 0 && !config->only_checks)
		return fail("--web.systemd-socket", "the service manager has opened no sockets");
	for (int i = 0; i < (int)activation->count; i++)
		if (listen_adopt(set, ACTIVATION_FD_FIRST + i, activation->names[i], options) != 0)
			return EXIT_WRONG;
	if (activation->count > 0 && !config_is_given(config, "web.listen-address"))
		return EXIT_OK;
	for (unsigned i = 0; i < config->address_count; i++)
		if (open_address(door, config, &config->addresses[i], options) != 0)
			return EXIT_WRONG;
	return EXIT_OK;
}

/* Or only sees whether it could be opened. */
static int open_door(struct door *door, const struct config *config)
{
	const struct access_options options = {config->token_files, config->token_file_count,
					       config->web_config_file};
	const mode_t mask = umask(0);

	umask(mask);
	if (access_open(&door->access, &options) != 0)
		return EXIT_WRONG;
	struct listen_options listening = {
		.is_protected = access_protects(door->access),
		.has_tls = access_has_tls(door->access),
		.unix_mask = config->has_socket_mode ? ~config->socket_mode & 0777 : mask,
	};
	if (open_listeners(door, config, &listening) != 0)
		return EXIT_WRONG;
	if (!config->profile_address.text)
		return EXIT_OK;
	listening.for_profiles = true;
	if (pprof_open(&door->pprof) != 0 ||
	    open_address(door, config, &config->profile_address, &listening) != 0)
		return EXIT_WRONG;
	return EXIT_OK;
}

static void close_door(struct door *door)
{
	listen_close(&door->listeners);
	pprof_close(door->pprof);
	access_close(door->access);
}

static int run(const struct config *config, struct collect *collect, const sigset_t *signals)
{
	struct traffic traffic = {.figures = {0}};
	struct reload reload;
	struct door door = {.traffic = &traffic, .reload = &reload};
	struct outlets outlets = {.notify = NULL};
	int status;

	supervisor_open(&door.supervisor);
	status = activation_read(&door.activation) == 0 ? EXIT_OK : EXIT_WRONG;
	/* First, as it may take seconds: who can connect is served at once. */
	if (status == EXIT_OK)
		status = open_notify(&outlets.notify, collect, config);
	if (status == EXIT_OK && config->textfile_dir &&
	    textfile_open(&outlets.textfile, config->textfile_dir, config->page_bytes_max,
			  &config->labels) != 0)
		status = EXIT_WRONG;
	if (status == EXIT_OK && !config->once)
		status = open_door(&door, config);
	reload_init(&reload, config, door.access, &collect->followers.watch);
	if (status == EXIT_OK)
		status = collect_and_run(config, collect, &outlets, &door, signals);
	reload_release(&reload);
	textfile_close(outlets.textfile);
	notify_destroy(outlets.notify);
	close_door(&door);
	supervisor_close(&door.supervisor);
	return status;
}

/* Everything that is read before there is a socket or a segment. */
static int check(const struct config *config, struct collect *collect)
{
	struct door door = {.access = NULL};
	struct notify *notify = NULL;
	int status = create_notify(&notify, collect, config);

	if (status == EXIT_OK)
		status = open_door(&door, config);
	notify_destroy(notify);
	close_door(&door);
	if (status == EXIT_OK &&
	    (puts(CONFIG_PROGRAM ": configuration is sound") < 0 || fflush(stdout) != 0))
		return fail("stdout", strerror(errno));
	return status;
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
	sigset_t signals;

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
		return check(&config, &collect);
	/* Before any thread, so that all of them leave these to wait_for_signal. With --once nobody
	 * waits, and signals do what they always do. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	if (!config.once)
		pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	const int error = ring_reader_guard();
	if (error)
		return fail("SIGBUS guard", strerror(-error));
	return run(&config, &collect, &signals);
}
