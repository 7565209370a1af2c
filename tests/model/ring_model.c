/* SPDX-License-Identifier: MIT */
/*
 * Checks the ring protocol exhaustively: the real ring_take against the real
 * writer of record.h over modelled memory, in every outcome that C11 allows.
 *
 * Each case is one program of the writer on one small ring. A reader opens the
 * ring at any time, also when others have read it before, and makes any number of
 * passes; what every pass brings is held against the promises. The rings are small
 * because only the distance between reader and writer matters (less than a ring,
 * one ring, more), and because nothing is left out.
 *
 * The first violation ends the run with status 1 and the passes that lead there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

#include "promises.h"
#include "states.h"

#define BATCH_MAX 8u

/* How much was explored. A check that explores nothing is a defect. */
struct coverage {
	unsigned long states;
	unsigned long outcomes; /* of single passes */
	unsigned long kept;     /* samples found intact */
	unsigned long dropped;  /* samples overwritten */
};

static const struct ring_case cases[] = {
	{"T4_single_samples_over_two_slots_never_tear", "cccccccccccc", 2, 1, 1},
	{"T4_single_samples_over_four_slots_never_tear", "ccccccccccccc", 4, 1, 4},
	{"T4_reader_of_one_sample_at_a_time_never_tears", "cccccccccccccc", 4, 1, 1},
	{"T4_reader_of_two_samples_at_a_time_never_tears", "ccccccccccc", 4, 1, 2},
	{"T4_bursts_of_two_over_four_slots_never_tear", "[cc][cc][cc][cc][cc][cc][cc]", 4, 2, 4},
	{"T4_bursts_across_a_multiple_never_tear", "c[ccc][ccc][ccc][ccc][ccc]", 8, 4, 8},
	{"T4_bursts_of_four_over_eight_slots_never_tear", "[cccc][cccc][cccc][cc]", 8, 4, 8},
	{"T4_bursts_read_one_sample_at_a_time_never_tear", "[cc][cc][cc][cc][cc][cc]", 4, 2, 1},
	{"T4_long_burst_is_published_in_parts", "[ccccccccc]", 4, 2, 4},
	{"T4_burst_begun_twice_is_published_in_time", "c[c[cc][c[cc]", 4, 2, 4},
	{"T4_short_bursts_between_single_samples_never_tear", "c[c][]c[cc]cc[ccc]", 4, 2, 4},
	{"T4_single_samples_in_a_ring_for_bursts_never_tear", "ccccccccccc", 4, 2, 4},
	{"T4_positions_beyond_32_bits_never_tear", "ccc[cc]cc[cc]", 4, 2, 4, UINT32_MAX - 2},
	{"T4_positions_that_wrap_never_tear", "ccc[cc]cc[cc]", 4, 2, 4, UINT64_MAX - 2},
	{"T4_successor_of_a_killed_writer_never_tears", "ccc[cc]!cc", 2, 1, 1},
	{"T4_successor_in_the_middle_of_a_burst_never_tears", "[cc][cc][cc]![cc][c]", 4, 2, 2},
	{"tallies_are_never_behind_single_samples", "cghcghc", 2, 1, 1, 0, true},
	{"tallies_are_never_behind_bursts", "[cg][hg][ch]", 4, 2, 2, 0, true},
};

static void print_load(const struct model_load *load)
{
	static const char *const fields[] = {"timestamp_ns", "value", "key"};
	const unsigned slot_words = HISTORY_SLOTS * 3;

	if (load->word == 0)
		printf("#   write_pos");
	else if (load->word <= slot_words)
		printf("#   slots[%u].%s", (load->word - 1u) / 3, fields[(load->word - 1u) % 3]);
	else
		printf("#   cells[%u]", load->word - 1u - slot_words);
	printf(" = 0x%llx, store %u of that word, %u known\n",
	       (unsigned long long)model_load_bits(load), load->message, load->oldest);
}

/* Where the passes before came from, then every load of the pass that broke the promise. */
static void print_trace(const struct states *states, size_t index, const struct pass *pass)
{
	size_t load_count;
	const struct model_load *loads = model_loads(&load_count);

	printf("# cursors before, newest first:");
	for (size_t i = index; i != STATES_ORIGIN; i = states->parents[i])
		printf(" %llu", (unsigned long long)states->found[i].cursor);
	printf("\n# the pass:\n");
	for (size_t i = 0; i < load_count; i++)
		print_load(&loads[i]);
	printf("#   written %llu, dropped %llu, kept %zu from out[%zu]\n",
	       (unsigned long long)pass->batch.written, (unsigned long long)pass->batch.dropped,
	       pass->batch.kept, pass->batch.first);
}

/* Readers that open the ring, whatever position they see: before the first position, or at the
 * oldest sample that is intact. None knows anything of what others have read. */
static void open_readers(const struct ring_case *c, struct states *states)
{
	static const struct model_thread stranger;
	const uint64_t intact = c->slot_count - c->burst_max;

	states_add(states, &(struct state){stranger, c->first_pos}, STATES_ORIGIN);
	model_read(&stranger);
	do {
		/* Acquire, from ring_publish: the cursor must not be ahead of the next load. */
		const uint64_t written = ring_load_acquire(&history_memory.core.write_pos);
		struct state opened = {*model_reader(), c->first_pos};
		states_add(states, &opened, STATES_ORIGIN);
		if (written - c->first_pos > intact)
			opened.cursor = written - intact;
		states_add(states, &opened, STATES_ORIGIN);
	} while (model_read_next());
}

/* One pass in one outcome. Moves `state` on; returns the promise broken, or NULL. */
static const char *run_pass(const struct ring_case *c, const struct history *history,
			    struct state *state, struct pass *pass)
{
	static struct ring_sample out[BATCH_MAX];

	pass->cursor = state->cursor;
	pass->at_rest = model_knows_last(&history_memory.core.write_pos);
	pass->out = out;
	pass->batch = ring_take(&history_memory.core.write_pos, history_memory.slots, c->slot_count,
				c->burst_max, state->cursor, out, c->batch_max);
	if (c->tallies)
		for (size_t i = 0; i < HISTORY_CELLS; i++)
			/* relaxed: that the re-check in ring_take orders these is the promise. */
			pass->cells[i] = ring_load_relaxed(&history_memory.cells[i]);
	if (model_strayed())
		return "the reader stored, or a word outside the ring was touched";
	state->cursor += pass->batch.dropped + pass->batch.kept;
	state->thread = *model_reader();
	return promises_judge(c, history, pass);
}

/* Every outcome of every pass from one state. Returns the promise broken, or NULL. */
static const char *explore_state(const struct ring_case *c, const struct history *history,
				 struct states *states, size_t index, struct coverage *coverage)
{
	const struct state from = states->found[index];

	model_read(&from.thread);
	do {
		struct state to = from;
		struct pass pass = {0};
		const char *broken = run_pass(c, history, &to, &pass);
		if (broken) {
			printf("# %s: %s\n", c->name, broken);
			print_trace(states, index, &pass);
			return broken;
		}
		states_add(states, &to, index);
		coverage->outcomes++;
		coverage->kept += pass.batch.kept;
		coverage->dropped += pass.batch.dropped;
	} while (model_read_next());
	return NULL;
}

/* All of one case, with the writer's death after each of its stores if it has one. */
static const char *explore_case(const struct ring_case *c, struct coverage *coverage)
{
	const char *broken = NULL;
	bool died = true;

	for (size_t stores = 0; died && !broken; stores++) {
		struct history history;
		struct states states = {0};
		died = history_write(&history, c, stores);
		open_readers(c, &states);
		for (size_t i = 0; i < states.count && !broken; i++)
			broken = explore_state(c, &history, &states, i, coverage);
		coverage->states += states.count;
		states_free(&states);
	}
	return broken;
}

int main(void)
{
	const size_t case_count = sizeof cases / sizeof cases[0];

	printf("1..%zu\n", case_count);
	for (size_t i = 0; i < case_count; i++) {
		struct coverage seen = {0};
		const char *broken = explore_case(&cases[i], &seen);
		printf("# %lu states, %lu outcomes, %lu samples kept, %lu dropped\n", seen.states,
		       seen.outcomes, seen.kept, seen.dropped);
		if (!broken && (seen.kept == 0 || seen.dropped == 0))
			broken = "nothing was explored";
		printf("%sok %zu - %s\n", broken ? "not " : "", i + 1, cases[i].name);
		fflush(stdout);
		if (broken)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
