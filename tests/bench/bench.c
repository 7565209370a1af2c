/* SPDX-License-Identifier: MIT */
/* Options, cores, time and JSON lines; see bench.h. */
#include "bench.h"

#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "machine.h"

static const char *bench_name;
static bool failed;
static cpu_set_t allowed;

static unsigned rounds_of(const char *text)
{
	char *end;
	const unsigned long rounds = strtoul(text, &end, 10);

	if (*end || rounds == 0 || rounds > BENCH_ROUNDS_MAX) {
		fprintf(stderr, "%s: --rounds %s: not a number from 1 to %u\n", bench_name, text,
			BENCH_ROUNDS_MAX);
		exit(2);
	}
	return (unsigned)rounds;
}

struct bench_options bench_begin(const char *bench, int argc, char **argv)
{
	static const struct option known[] = {
		{"rounds", required_argument, NULL, 'r'},
		{"brief", no_argument, NULL, 'b'},
		{NULL, 0, NULL, 0},
	};
	struct bench_options options = {.rounds = 15};
	int option;

	bench_name = bench;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'r')
			options.rounds = rounds_of(optarg);
		else if (option == 'b')
			options.brief = true;
		else
			exit(2);
	}
	sched_getaffinity(0, sizeof allowed, &allowed);
	bench_pin(0);
	machine_begin();
	return options;
}

int bench_end(void)
{
	machine_end(bench_name);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

bool bench_fail(const char *format, ...)
{
	va_list arguments;

	failed = true;
	fprintf(stderr, "%s: ", bench_name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return false;
}

void bench_skip(const char *name, const char *reason)
{
	printf("{\"bench\": \"%s\", \"case\": \"%s\", \"skipped\": \"%s\"}\n", bench_name, name,
	       reason);
	fflush(stdout);
}

void bench_report_range(const char *name, const char *who, const char *unit, const double *rounds,
			size_t count, struct bench_range range)
{
	printf("{\"bench\": \"%s\", \"case\": \"%s\", \"who\": \"%s\", \"unit\": \"%s\", ",
	       bench_name, name, who, unit);
	printf("\"min\": %.6g, \"max\": %.6g, \"rounds\": [", range.min, range.max);
	for (size_t i = 0; i < count; i++)
		printf("%s%.6g", i ? ", " : "", rounds[i]);
	printf("]}\n");
	fflush(stdout);
}

void bench_report(const char *name, const char *who, const char *unit, const double *rounds,
		  size_t count)
{
	struct bench_range range = {rounds[0], rounds[0]};

	for (size_t i = 1; i < count; i++) {
		range.min = rounds[i] < range.min ? rounds[i] : range.min;
		range.max = rounds[i] > range.max ? rounds[i] : range.max;
	}
	bench_report_range(name, who, unit, rounds, count, range);
}

unsigned bench_core_count(void)
{
	return (unsigned)CPU_COUNT(&allowed);
}

void bench_pin(unsigned core)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && core-- == 0)
			CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof one, &one) != 0)
		bench_fail("a thread cannot be pinned to a core");
}

uint64_t bench_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t bench_ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_ia32_rdtsc();
#else
	return bench_now_ns();
#endif
}

uint64_t bench_ticks_in_order(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_lfence();
	const uint64_t ticks = __builtin_ia32_rdtsc();
	__builtin_ia32_lfence();
	return ticks;
#else
	return bench_now_ns();
#endif
}

double bench_ticks_per_ns(void)
{
	static double ratio;

	if (ratio == 0) {
		const uint64_t ticks = bench_ticks(), start = bench_now_ns();
		while (bench_now_ns() - start < 20000000)
			;
		ratio = (double)(bench_ticks() - ticks) / (double)(bench_now_ns() - start);
	}
	return ratio;
}

static int compare(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

double bench_quantile(double *values, size_t count, double quantile)
{
	qsort(values, count, sizeof *values, compare);
	const size_t index = (size_t)((double)count * quantile);
	return values[index < count ? index : count - 1];
}

double bench_median(double *values, size_t count)
{
	return bench_quantile(values, count, 0.5);
}
