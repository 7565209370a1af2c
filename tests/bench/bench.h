/* SPDX-License-Identifier: MIT */
/*
 * What every benchmark program needs: options, a core of its own, time, and results as JSON
 * lines on stdout, which bench.py collects and judges. One line per measurement,
 *
 *   {"bench": ..., "case": ..., "who": ..., "unit": ..., "rounds": [...]}
 *
 * and a last one about the machine. A round's value is already a median; figures of one case are
 * paired round by round, so all who take part in it report as many.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_ROUNDS_MAX 1000u

struct bench_options {
	unsigned rounds;
	bool brief; /* the shortest stretches that still check everything */
};

/* Reads the command line, pins the calling thread to the first core allowed to it and prepares
 * the account of the machine. Ends the program on a bad option. */
struct bench_options bench_begin(const char *bench, int argc, char **argv);

/* Prints what was noticed of the machine since; returns the program's exit status: 0, or 1 if
 * anything was said by bench_fail. */
int bench_end(void);

/* A result that must not count: says why on stderr. Returns false. */
bool bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Why a case is left out on this machine. */
void bench_skip(const char *name, const char *reason);

/* Prints one measurement. The values are reordered by nobody: one per round. */
void bench_report(const char *name, const char *who, const char *unit, const double *rounds,
		  size_t count);

/* The same with the least and the greatest value behind the medians. */
struct bench_range {
	double min, max;
};
void bench_report_range(const char *name, const char *who, const char *unit, const double *rounds,
			size_t count, struct bench_range range);

/* How many cores there are to pin to, and pinning the calling thread to one of them. */
unsigned bench_core_count(void);
void bench_pin(unsigned core);

uint64_t bench_now_ns(void); /* CLOCK_MONOTONIC */

/* The cheapest clock there is, and how many of its ticks make a nanosecond. */
uint64_t bench_ticks(void);
double bench_ticks_per_ns(void);

/* The same clock, read when everything before has been done and before anything behind it begins.
 */
uint64_t bench_ticks_in_order(void);

/* Reorders the values. */
double bench_median(double *values, size_t count);
double bench_quantile(double *values, size_t count, double quantile);

/* Makes the compiler believe that the value is used, or was made, in an unknown way. */
#define BENCH_USE(value) __asm__ __volatile__("" : "+r"(value) : : "memory")

#endif
