/* SPDX-License-Identifier: MIT */
/*
 * A UDP forwarder, one thread per core, that libring observes: the example to copy from.
 * Each route is a channel. Every client gets an upstream socket of its own, on which the
 * server's answers find their way back.
 *
 *   udp_forwarder --segment NAME --route dns=127.0.0.1:5300,192.0.2.1:53
 *
 * Adoption is: metrics_create below, ring_writer_claim, ring_tick, ring_burst_begin and
 * ring_burst_end around each batch, and one line for each thing recorded, all of them in
 * forward_worker.c. Nothing else in these files knows of observation.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "forward.h"

#define EXIT_USAGE 2

static const char usage[] =
	"usage: udp_forwarder --segment NAME --route NAME=HOST:PORT,HOST:PORT [option...]\n"
	"  --route NAME=LISTEN,SERVER  forward from LISTEN to SERVER; repeatable\n"
	"  --segment NAME              name of the telemetry segment\n"
	"  --dir DIR                   directory of the segment\n"
	"  --threads N                 one thread per core (default: the cores allowed)\n"
	"  --flows N                   clients per thread (default: 1024)\n"
	"  --idle-ms N                 give up a silent client after this (default: 30000)\n"
	"  --help\n";

__attribute__((format(printf, 2, 3), noreturn)) static void fail(int status, const char *format,
								 ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("udp_forwarder: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(status);
}

/* Resolves `HOST:PORT` or `[HOST]:PORT`. */
static struct address address_parse(const char *text)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
	const char *colon = strrchr(text, ':');
	const bool bracketed = text[0] == '[' && colon && colon[-1] == ']';
	struct addrinfo *found;
	struct address address;
	char host[NI_MAXHOST];

	if (!colon)
		fail(EXIT_USAGE, "%s: not HOST:PORT", text);
	snprintf(host, sizeof host, "%.*s", (int)(colon - text) - 2 * bracketed, text + bracketed);
	const int rc = getaddrinfo(host, colon + 1, &hints, &found);
	if (rc != 0)
		fail(EXIT_USAGE, "%s: %s", text, gai_strerror(rc));
	memcpy(&address.name, found->ai_addr, found->ai_addrlen);
	address.bytes = found->ai_addrlen;
	freeaddrinfo(found);
	return address;
}

static void route_add(struct options *options, const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	char copy[2 * NI_MAXHOST];
	char *server = copy;

	if (options->route_count == ROUTES_MAX)
		fail(EXIT_USAGE, "%s: more than %d routes", text, ROUTES_MAX);
	if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
		fail(EXIT_USAGE, "%s: too long", text);
	const char *name = strsep(&server, "=");
	const char *listen = strsep(&server, ",");
	const size_t bytes = strlen(name);
	if (!listen || !server || bytes == 0 || bytes >= ROUTE_NAME_BYTES ||
	    strspn(name, allowed) != bytes)
		fail(EXIT_USAGE, "%s: not NAME=LISTEN_HOST:PORT,SERVER_HOST:PORT", text);
	struct route *route = &options->routes[options->route_count++];
	memcpy(route->name, name, bytes + 1);
	route->listen = address_parse(listen);
	route->server = address_parse(server);
}

static unsigned number_parse(const char *option, const char *text, unsigned max)
{
	char *end;

	errno = 0;
	const unsigned long value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || value == 0 || value > max)
		fail(EXIT_USAGE, "--%s %s: not a number from 1 to %u", option, text, max);
	return (unsigned)value;
}

static unsigned cores_allowed(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 1;
	const unsigned count = (unsigned)CPU_COUNT(&set);
	return count < THREADS_MAX ? count : THREADS_MAX;
}

enum { ROUTE, SEGMENT, DIR, THREADS, FLOWS, IDLE_MS, HELP };

static const struct option option_table[] = {
	[ROUTE] = {"route", required_argument, NULL, 0},
	[SEGMENT] = {"segment", required_argument, NULL, 0},
	[DIR] = {"dir", required_argument, NULL, 0},
	[THREADS] = {"threads", required_argument, NULL, 0},
	[FLOWS] = {"flows", required_argument, NULL, 0},
	[IDLE_MS] = {"idle-ms", required_argument, NULL, 0},
	[HELP] = {"help", no_argument, NULL, 0},
	{NULL, 0, NULL, 0},
};

static void option_take(struct options *options, int index, const char *value)
{
	const char *name = option_table[index].name;

	switch (index) {
	case ROUTE:
		route_add(options, value);
		break;
	case SEGMENT:
		options->segment = value;
		break;
	case DIR:
		options->dir = value;
		break;
	case THREADS:
		options->thread_count = number_parse(name, value, THREADS_MAX);
		break;
	case FLOWS:
		options->flows_max = number_parse(name, value, 1u << 20);
		break;
	case IDLE_MS:
		options->idle_ms = number_parse(name, value, 1u << 30);
		break;
	default:
		exit(fputs(usage, stdout) < 0);
	}
}

static void options_parse(struct options *options, int argc, char **argv)
{
	int result, index;

	*options = (struct options){
		.thread_count = cores_allowed(), .flows_max = 1024, .idle_ms = 30000};
	opterr = 0;
	while ((result = getopt_long(argc, argv, "", option_table, &index)) == 0)
		option_take(options, index, optarg);
	if (result != -1)
		fail(EXIT_USAGE, "%s: unknown option or missing value", argv[optind - 1]);
	if (optind < argc)
		fail(EXIT_USAGE, "%s: unexpected argument", argv[optind]);
	if (!options->segment)
		fail(EXIT_USAGE, "--segment: missing");
	if (options->route_count == 0)
		fail(EXIT_USAGE, "--route: missing");
}

static void route_announce(const struct route *route)
{
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getnameinfo((const struct sockaddr *)&route->listen.name, route->listen.bytes, host,
			sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		fprintf(stderr, "udp_forwarder: %s: listening on %s port %s\n", route->name, host,
			port);
}

static void totals_add(struct totals *sum, const struct totals *part)
{
	for (unsigned i = 0; i < DIRECTION_COUNT; i++) {
		sum->packets[i] += part->packets[i];
		sum->bytes[i] += part->bytes[i];
		for (unsigned j = 0; j < DROP_COUNT; j++)
			sum->drops[i][j] += part->drops[i][j];
	}
}

static void direction_print(const struct totals *totals, enum direction direction)
{
	printf("\"%s\":{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"drops\":{",
	       direction_names[direction], totals->packets[direction], totals->bytes[direction]);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		printf("%s\"%s\":%" PRIu64, i ? "," : "", drop_names[i],
		       totals->drops[direction][i]);
	printf("}}");
}

/* One line of JSON: what the forwarder itself has counted, for comparison with /metrics. */
static void totals_print(const struct options *options, const struct worker *workers)
{
	for (unsigned i = 0; i < options->route_count; i++) {
		struct totals sum = {0};

		for (unsigned core = 0; core < options->thread_count; core++)
			totals_add(&sum, &workers[core].channels[i].totals);
		printf("%s\"%s\":{", i ? "," : "{", options->routes[i].name);
		direction_print(&sum, TO_SERVER);
		putchar(',');
		direction_print(&sum, TO_CLIENT);
		putchar('}');
	}
	puts("}");
}

static void workers_open(struct worker *workers, struct options *options, int stop_fd)
{
	for (unsigned core = 0; core < options->thread_count; core++) {
		int rc = worker_open(&workers[core], options, core, stop_fd);

		if (rc != 0)
			fail(EXIT_FAILURE, "thread %u: %s", core, strerror(-rc));
		for (unsigned i = 0; i < options->route_count; i++) {
			rc = worker_listen(&workers[core], i, &options->routes[i]);
			if (rc != 0)
				fail(EXIT_USAGE, "%s: %s", options->routes[i].name, strerror(-rc));
		}
	}
}

/* Runs the workers until SIGTERM or SIGINT. */
static void forward(struct worker *workers, unsigned count, int stop_fd)
{
	sigset_t signals;
	int signal;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	for (unsigned i = 0; i < count; i++) {
		const int rc = pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]);

		if (rc != 0)
			fail(EXIT_FAILURE, "thread %u: %s", i, strerror(rc));
	}
	sigwait(&signals, &signal);
	eventfd_write(stop_fd, 1);
	for (unsigned i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
}

int main(int argc, char **argv)
{
	struct options options;

	options_parse(&options, argc, argv);
	const int stop_fd = eventfd(0, EFD_CLOEXEC);
	struct worker *workers = calloc(options.thread_count, sizeof *workers);
	if (stop_fd < 0 || !workers)
		fail(EXIT_FAILURE, "start: %s", strerror(errno));
	workers_open(workers, &options, stop_fd);
	struct ring_segment *segment = metrics_create(&options);
	for (unsigned i = 0; i < options.thread_count; i++)
		workers[i].segment = segment;
	for (unsigned i = 0; i < options.route_count; i++)
		route_announce(&options.routes[i]);
	forward(workers, options.thread_count, stop_fd);
	totals_print(&options, workers);

	for (unsigned i = 0; i < options.thread_count; i++)
		worker_close(&workers[i]);
	ring_segment_close(segment);
	close(stop_fd);
	free(workers);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
