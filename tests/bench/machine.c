/* SPDX-License-Identifier: MIT */
/* Processor, clock and disturbances; see machine.h. */
#include "machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "bench.h"

#define CHAIN     4096u /* instructions of a stretch, which takes about a microsecond */
#define STRETCHES 64u

static double clock_ghz[BENCH_ROUNDS_MAX];
static double noise_percent[BENCH_ROUNDS_MAX];
static size_t look_count;
static uint64_t begun_ns;
static unsigned long steal_before;
static struct rusage usage_before;

/* Hundredths of a second that the host kept from this guest, over all its cores. */
static unsigned long steal(void)
{
	unsigned long value = 0;
	FILE *file = fopen("/proc/stat", "r");

	if (!file)
		return 0;
	if (fscanf(file, "cpu %*u %*u %*u %*u %*u %*u %*u %lu", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

/* The text behind `key` in a file of `key : text` lines, or all of its first line. */
static void read_text(const char *path, const char *key, char *text, size_t size)
{
	char line[256];
	FILE *file = fopen(path, "r");

	snprintf(text, size, "unknown");
	if (!file)
		return;
	while (fgets(line, sizeof line, file)) {
		const char *value = line;
		line[strcspn(line, "\n\"\\")] = 0;
		if (key) {
			value = strchr(line, ':');
			if (!value || strncmp(line, key, strlen(key)) != 0)
				continue;
			value += 2;
		}
		snprintf(text, size, "%.*s", (int)size - 1, value);
		break;
	}
	fclose(file);
}

/* A rotation depends on the one before and takes one cycle on everything we know. */
static void run_chain(void)
{
	uint64_t value = 1;

	for (unsigned i = 0; i < CHAIN / 16; i++) {
#define ROTATE                            \
	value = value << 3 | value >> 61; \
	__asm__ __volatile__("" : "+r"(value))
#define ROTATE_4 \
	ROTATE;  \
	ROTATE;  \
	ROTATE;  \
	ROTATE
		ROTATE_4;
		ROTATE_4;
		ROTATE_4;
		ROTATE_4;
#undef ROTATE_4
#undef ROTATE
	}
}

void machine_begin(void)
{
	bench_ticks_per_ns();
	begun_ns = bench_now_ns();
	steal_before = steal();
	getrusage(RUSAGE_SELF, &usage_before);
}

void machine_look(void)
{
	double ns[STRETCHES];

	if (look_count == BENCH_ROUNDS_MAX)
		return;
	for (unsigned i = 0; i < STRETCHES; i++) {
		const uint64_t start = bench_ticks();
		run_chain();
		ns[i] = (double)(bench_ticks() - start) / bench_ticks_per_ns();
	}
	const double median = bench_median(ns, STRETCHES);
	clock_ghz[look_count] = CHAIN / median;
	noise_percent[look_count] = 100 * (ns[STRETCHES - 1] / median - 1);
	look_count++;
}

void machine_end(const char *bench)
{
	struct rusage usage;
	struct utsname system;
	char model[128], governor[64];

	if (look_count > 0) {
		bench_report("machine", "core clock", "GHz", clock_ghz, look_count);
		bench_report("machine", "empty stretch: worst over median", "%", noise_percent,
			     look_count);
	}
	uname(&system);
	getrusage(RUSAGE_SELF, &usage);
	read_text("/proc/cpuinfo", "model name", model, sizeof model);
	read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", NULL, governor,
		  sizeof governor);
	printf("{\"bench\": \"%s\", \"machine\": {\"processor\": \"%s\", \"cores\": %u, ", bench,
	       model, bench_core_count());
	printf("\"kernel\": \"%s %s\", \"compiler\": \"%s\", \"governor\": \"%s\", ",
	       system.release, system.machine, __VERSION__, governor);
	printf("\"ticks_per_ns\": %.4f, \"seconds\": %.3f, ", bench_ticks_per_ns(),
	       (double)(bench_now_ns() - begun_ns) / 1e9);
	printf("\"stolen_ms\": %lu, \"preempted\": %ld}}\n", 10 * (steal() - steal_before),
	       usage.ru_nivcsw - usage_before.ru_nivcsw);
	fflush(stdout);
}
