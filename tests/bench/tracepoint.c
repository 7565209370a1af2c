/* SPDX-License-Identifier: MIT */
/*
 * A counter add beside an LTTng-UST tracepoint. Apart from record.c, because the tracer's library
 * brings threads of its own, and needs the session that tracepoint.py makes.
 */
#include "contest.h"
#include "peers.h"
#include "recording.h"

int main(int argc, char **argv)
{
	const struct bench_options options = bench_begin("tracepoint", argc, argv);
	const struct contest contest = {
		.name = "counter",
		.count = RECORDING_COUNT,
		.contenders =
			(const struct contender *const[]){
				&recording_counter,
				&lttng_tracepoint,
				&contest_end,
			},
	};

	contest_run(&contest, &options);
	return bench_end();
}
