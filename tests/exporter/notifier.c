/* SPDX-License-Identifier: MIT */
/*
 * A monitor that tells Alertmanagers, for the end-to-end tests.
 *
 *   notifier [--resend-ms N] [--label NAME=VALUE] [--external-url URL] URL...
 *
 * Does what it reads line by line, and answers each with a line:
 *
 *   lag COUNT SECONDS   the followers node00000, node00001, ... are so far behind
 *   gone COUNT          and now they are no more
 *   probe               the index and the reason of the first Alertmanager that is not well, or -1
 *   start, stop         how many milliseconds it took
 *   figures             sent, failed and up for each Alertmanager, and its URL as it is shown
 *   rss                 KiB of memory
 */
#include <dlfcn.h>
#include <getopt.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "replication/notify.h"

#define SLOW_HOST "slow.invalid"

static struct watch watched = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static struct notify_options options = {.resend_ns = UINT64_C(60) * 1000000000u};

/* Found before libc's: a name server that does not answer for a while. */
int getaddrinfo(const char *restrict name, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
	typeof(getaddrinfo) *next;

	*(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
	if (strcmp(name, SLOW_HOST) == 0)
		sleep(20);
	return next(name, service, hints, found);
}

static void set_lag(unsigned count, double seconds)
{
	char name[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "node%05u", i);
		pthread_mutex_lock(&watched.mutex);
		monitor_register(watched.monitor, name);
		monitor_update(watched.monitor, name, 1000 + (uint64_t)seconds, 1000, seconds,
			       clock_monotonic_ns());
		pthread_mutex_unlock(&watched.mutex);
	}
}

static void remove_all(unsigned count)
{
	char name[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "node%05u", i);
		pthread_mutex_lock(&watched.mutex);
		monitor_unregister(watched.monitor, name, clock_monotonic_ns());
		pthread_mutex_unlock(&watched.mutex);
	}
}

static void print_figures(const struct notify *notify)
{
	for (unsigned i = 0; i < options.url_count; i++) {
		struct notify_figures figures;
		notify_read(notify, i, &figures);
		printf("%" PRIu64 " %" PRIu64 " %d %s ", figures.sent, figures.failed, figures.up,
		       notify_url_shown(notify, i));
	}
}

static void print_rss(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file || fscanf(file, "%*u %lu", &pages) != 1)
		abort();
	fclose(file);
	printf("%lu", pages * (unsigned long)sysconf(_SC_PAGESIZE) / 1024);
}

static void obey(struct notify *notify, const char *line)
{
	const uint64_t begin_ns = clock_monotonic_ns();
	const char *reason = "";
	unsigned count;
	double seconds;

	if (sscanf(line, "lag %u %lf", &count, &seconds) == 2)
		set_lag(count, seconds);
	else if (sscanf(line, "gone %u", &count) == 1)
		remove_all(count);
	else if (strcmp(line, "probe") == 0)
		printf("%d ", notify_probe(notify, &reason));
	else if (strcmp(line, "start") == 0 && notify_start(notify) != 0)
		abort();
	else if (strcmp(line, "stop") == 0)
		notify_stop(notify);
	else if (strcmp(line, "figures") == 0)
		print_figures(notify);
	else if (strcmp(line, "rss") == 0)
		print_rss();
	printf("%s", reason);
	if (strcmp(line, "start") == 0 || strcmp(line, "stop") == 0)
		printf("%" PRIu64, (clock_monotonic_ns() - begin_ns) / 1000000);
	puts("");
	fflush(stdout);
}

static void read_options(int argc, char **argv)
{
	static const struct option table[] = {{"resend-ms", 1, NULL, 'r'},
					      {"label", 1, NULL, 'l'},
					      {"external-url", 1, NULL, 'e'},
					      {NULL, 0, NULL, 0}};
	int got;

	while ((got = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (got == 'r') {
			options.resend_ns = strtoull(optarg, NULL, 10) * 1000000;
		} else if (got == 'l') {
			struct alert_label *label = &options.labels[options.label_count++];
			label->name = strsep(&optarg, "=");
			label->value = optarg;
		} else if (got == 'e') {
			options.external_url = optarg;
		} else {
			exit(2);
		}
	}
	while (optind < argc)
		options.urls[options.url_count++] = argv[optind++];
}

int main(int argc, char **argv)
{
	struct monitor_config config = monitor_defaults;
	struct notify *notify;
	char line[256];

	config.cooldown_ns = 0;
	read_options(argc, argv);
	watched.monitor = monitor_create(&config);
	if (!watched.monitor || notify_create(&notify, &options, &watched) != 0)
		return 1;
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		obey(notify, line);
	}
	notify_destroy(notify);
	monitor_destroy(watched.monitor);
	return 0;
}
