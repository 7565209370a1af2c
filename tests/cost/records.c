/* SPDX-License-Identifier: MIT */
/*
 * The calls whose instructions are counted. The build compiles this file with -O2, always.
 */
#include "records.h"

static struct ring_gauge gauge_of(struct ring_counter handle)
{
	return (struct ring_gauge){.key = handle.key};
}

void record_nothing(struct ring_writer *writer, struct ring_counter handle,
		    const struct ring_histogram *histogram, double value)
{
	(void)writer;
	(void)handle;
	(void)histogram;
	(void)value;
}

void record_counter_add(struct ring_writer *writer, struct ring_counter handle,
			const struct ring_histogram *histogram, double value)
{
	(void)histogram;
	(void)value;
	ring_counter_add(writer, handle, 1);
}

void record_gauge_set(struct ring_writer *writer, struct ring_counter handle,
		      const struct ring_histogram *histogram, double value)
{
	(void)histogram;
	ring_gauge_set(writer, gauge_of(handle), value);
}

void record_gauge_add(struct ring_writer *writer, struct ring_counter handle,
		      const struct ring_histogram *histogram, double value)
{
	(void)histogram;
	ring_gauge_add(writer, gauge_of(handle), value);
}

void record_state_set(struct ring_writer *writer, struct ring_counter handle,
		      const struct ring_histogram *histogram, double value)
{
	const struct ring_state set = {handle.key, histogram->bound_count, histogram->reserved};

	ring_state_set(writer, set, (uint32_t)value);
}

void record_histogram_observe(struct ring_writer *writer, struct ring_counter handle,
			      const struct ring_histogram *histogram, double value)
{
	(void)handle;
	ring_histogram_observe(writer, *histogram, value);
}

void record_tick(struct ring_writer *writer, struct ring_counter handle,
		 const struct ring_histogram *histogram, double value)
{
	(void)handle;
	(void)histogram;
	(void)value;
	ring_tick(writer);
}
