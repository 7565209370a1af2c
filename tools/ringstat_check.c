/* SPDX-License-Identifier: MIT */
/*
 * ringstat check: looks at everything a reader can look at and says whether it is
 * sound. Of a live ring one lap is judged; what comes after is the next check's.
 */
#include <limits.h>
#include <stdio.h>

#include "ringstat.h"
#include "series.h"
#include "target.h"
#include "text.h"
#include "tool.h"

#define CHECK_BATCH 512u

/* Expected results of a check besides the verdicts: the samples name what is not there. */
#define CHECK_BAD_SAMPLE RING_VERDICT_COUNT

static const char *dir;

static const struct option_def options[] = {
	{.name = "dir", .argument = "DIR", .help = "the segment directory", .text = &dir},
	{0},
};

static int check_ring(struct ring_reader *reader, uint32_t core)
{
	struct ring_sample samples[CHECK_BATCH];
	struct ring_account account;
	int result = (int)ring_reader_account(reader, core, &account);
	uint64_t left = ring_reader_header(reader)->slot_count;
	size_t count = 1;

	while (result == RING_SOUND && left > 0 && count > 0) {
		const size_t max = left < CHECK_BATCH ? (size_t)left : CHECK_BATCH;
		result = (int)ring_reader_drain(reader, core, samples, max, &count);
		/* After the samples, so that the series of each of them is known by now. */
		if (result == RING_SOUND)
			result = (int)ring_reader_refresh(reader);
		for (size_t i = 0; i < count && result == RING_SOUND; i++)
			if (ring_reader_series_of(reader, &samples[i]) < 0 &&
			    !ring_reader_is_history(reader, &samples[i]))
				result = CHECK_BAD_SAMPLE;
		left -= count;
	}
	return result;
}

static int check_tallies(struct ring_reader *reader)
{
	const uint32_t core_count = ring_reader_header(reader)->core_count;
	uint64_t cells[RING_SERIES_CELLS_MAX];
	int result = RING_SOUND;

	for (uint32_t i = 0; i < ring_reader_series_count(reader) && result == RING_SOUND; i++)
		result = (int)series_read(reader, i, 0, core_count, cells);
	return result;
}

static int check(const char *operand)
{
	struct ring_reader *reader;
	int result = target_open(&reader, dir, operand);

	if (result)
		return result;
	for (uint32_t i = 0; i < ring_reader_header(reader)->core_count && result == 0; i++)
		result = check_ring(reader, i);
	if (result == 0)
		result = check_tallies(reader);
	ring_reader_close(reader);
	return result;
}

/* Prints the line of one segment; returns its exit status. */
static int report(const char *operand, int result)
{
	static const char *const words[] = {"sound", "damaged", "cannot tell"};
	const int status = result == CHECK_BAD_SAMPLE ? TOOL_UNSOUND : target_status(result);

	text_print(stdout, text_of(operand));
	printf(": %s", words[status]);
	if (result == CHECK_BAD_SAMPLE)
		printf(": bad_sample (a sample names a series that is not in the table)");
	else if (result != RING_SOUND)
		printf(": %s", target_reason(result));
	putchar('\n');
	return status;
}

static int run(char **operands)
{
	int worst = TOOL_OK;

	/* One that is damaged for certain outweighs one that cannot be judged. */
	for (; *operands; operands++) {
		const int status = report(*operands, check(*operands));
		if (status != TOOL_OK && worst != TOOL_UNSOUND)
			worst = status;
	}
	return worst;
}

const struct ringstat_command ringstat_check = {
	.name = "check",
	.operands = "SEGMENT...",
	.summary = "Says of each segment whether it is sound, as the exit status does",
	.options = options,
	.operand_min = 1,
	.operand_max = INT_MAX,
	.run = run,
};
