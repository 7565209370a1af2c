/* SPDX-License-Identifier: MIT */
/*
 * What one record costs its core, beside what somebody might use instead.
 */
#include "contest.h"
#include "peers.h"
#include "push.h"
#include "recording.h"

static const struct contest contests[] = {
	{
		.name = "counter",
		.count = RECORDING_COUNT,
		.contenders =
			(const struct contender *const[]){
				&recording_counter,
				&recording_bursts,
				&recording_put,
				&push_contender,
				&prometheus_counter,
				&ck_stack,
				&ck_constant,
				&rte_ring,
				&pcp_counter,
				&contest_end,
			},
	},
	{
		.name = "gauge",
		.count = RECORDING_COUNT,
		.contenders =
			(const struct contender *const[]){
				&recording_gauge,
				&prometheus_gauge,
				&contest_end,
			},
	},
	{
		.name = "histogram",
		.count = RECORDING_COUNT,
		.contenders =
			(const struct contender *const[]){
				&recording_histogram,
				&prometheus_histogram,
				&contest_end,
			},
	},
};

int main(int argc, char **argv)
{
	const struct bench_options options = bench_begin("record", argc, argv);

	for (size_t i = 0; i < sizeof contests / sizeof contests[0]; i++)
		contest_run(&contests[i], &options);
	return bench_end();
}
