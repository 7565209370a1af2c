/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "number.h"

#define EXIT_USAGE  2
#define METRICS_MAX 64

enum { SEGMENT, DIR, INTERVAL, HELP };

static const struct option table[] = {
	[SEGMENT] = {"segment", required_argument, NULL, 0},
	[DIR] = {"dir", required_argument, NULL, 0},
	[INTERVAL] = {"interval-ms", required_argument, NULL, 0},
	[HELP] = {"help", no_argument, NULL, 0},
	{NULL, 0, NULL, 0},
};

_Noreturn void program_refuse(const struct program *program, const char *object, const char *reason)
{
	fprintf(stderr, "%s: %s: %s\n", program->name, object, reason);
	exit(EXIT_USAGE);
}

static sigset_t ending(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	return signals;
}

static unsigned interval_parse(const struct program *program, const char *text)
{
	uint64_t value;

	if (!number_whole(text, 10, &value) || value < 10 || value > 3600000)
		program_refuse(program, "--interval-ms", "not a number from 10 to 3600000");
	return (unsigned)value;
}

int program_options(struct program *program, int argc, char **argv)
{
	const sigset_t signals = ending();
	int result, index;

	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	opterr = 0;
	while ((result = getopt_long(argc, argv, "+", table, &index)) == 0) {
		switch (index) {
		case SEGMENT:
			program->segment = optarg;
			break;
		case DIR:
			program->dir = optarg;
			break;
		case INTERVAL:
			program->interval_ms = interval_parse(program, optarg);
			break;
		default:
			exit(fputs(program->usage, stdout) < 0 || fflush(stdout) != 0);
		}
	}
	if (result != -1)
		program_refuse(program, argv[optind - 1], "unknown option or missing value");
	return optind;
}

/* Without its segment or its poller, such a program has nothing to do. */
void program_open(struct program *program, const struct ring_metric_def *metrics, size_t count)
{
	struct ring_metric_def all[METRICS_MAX + RING_POLLER_METRICS];
	const struct ring_options options = {
		.name = program->segment,
		.dir = program->dir,
		.core_count = 1, /* the poller's */
		.metrics = all,
		.metric_count = count + RING_POLLER_METRICS,
	};

	if (count > METRICS_MAX)
		program_refuse(program, program->segment, "too many metrics");
	memcpy(all, metrics, count * sizeof *all);
	ring_poller_declare(all + count);
	if (ring_segment_create(&program->ring, &options) != 0 ||
	    ring_poller_start(&program->poller, program->ring, 0) != 0)
		program_refuse(program, program->segment, ring_error());
}

void program_poll(struct program *program, struct ring_source source)
{
	source.interval_ms = program->interval_ms;
	const int rc = ring_poller_add(program->poller, &source);
	/* One that is slow at first is polled all the same, and the poller's metrics say it. */
	if (rc != 0 && rc != -ETIMEDOUT)
		program_refuse(program, source.name, ring_error());
}

bool program_told_to_end(int wait_ms)
{
	const sigset_t signals = ending();
	const struct timespec wait = {
		.tv_sec = wait_ms / 1000,
		.tv_nsec = (long)(wait_ms % 1000) * 1000000,
	};

	return sigtimedwait(&signals, NULL, wait_ms < 0 ? NULL : &wait) > 0;
}

int program_close(struct program *program)
{
	/* A source that hangs goes down with the process. */
	if (ring_poller_stop(program->poller) == 0)
		ring_segment_close(program->ring);
	return EXIT_SUCCESS;
}

enum ring_answer voice_answer(struct voice *voice, enum ring_answer answer, const char *reason)
{
	if (!!reason != voice->silent)
		fprintf(stderr, "%s: %s: %.*s\n", voice->program, voice->object,
			(int)strcspn(reason ? reason : "answers again", "\r\n"),
			reason ? reason : "answers again");
	voice->silent = reason != NULL;
	return reason ? RING_ANSWER_NONE : answer;
}
