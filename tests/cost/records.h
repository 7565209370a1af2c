/* SPDX-License-Identifier: MIT */
/*
 * One call of each kind, compiled as a data plane would: optimized, and inlined into a function
 * of its own, whose instructions can be counted. Handle and value come in registers.
 */
#ifndef COST_RECORDS_H
#define COST_RECORDS_H

#include <ring/record.h>

/* The handle's first member is the same in all kinds; the other ones are a histogram's, and loaded
 * as they would be from the caller's memory. A state set has as many states as that has bounds. */
typedef void record_call(struct ring_writer *writer, struct ring_counter handle,
			 const struct ring_histogram *histogram, double value);

record_call record_nothing; /* what calling costs */
record_call record_counter_add;
record_call record_gauge_set;
record_call record_gauge_add;
record_call record_state_set;
record_call record_histogram_observe;
record_call record_tick;

#endif
