/* SPDX-License-Identifier: MIT */
/*
 * What was observed of two segments that live as they like: nothing ever falls, and at rest all is
 * there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ring/record.h>

#include "dice.h"
#include "observing.h"
#include "workspace.h"

#define ROUNDS 400u

/* Two segments with the same series, the data planes of which do what they like. */
struct plane {
	struct ring_options options;
	struct ring_segment *segment;
	struct ring_writer *writers[2];
};

static void plane_open(struct plane *plane)
{
	plane->segment = workspace_segment(&plane->options);
	for (uint32_t core = 0; core < 2; core++)
		plane->writers[core] = ring_writer_claim(plane->segment, core);
}

static void plane_close(struct plane *plane)
{
	for (uint32_t core = 0; core < 2; core++) {
		ring_burst_end(plane->writers[core]);
		ring_writer_release(plane->writers[core]);
	}
	ring_segment_close(plane->segment);
}

static void plane_act(struct plane *plane, uint64_t *dice)
{
	static const double values[] = {0,    0.0005, 0.001, 0.003, 0.01, 0.02,
					0.05, 0.1,    0.3,   40,    -1};
	struct ring_writer *writer = plane->writers[dice_roll(dice) % 2];
	const struct ring_histogram histogram = observing_latency(plane->segment);

	switch (dice_roll(dice) % 8) {
	case 0:
		ring_burst_begin(writer);
		break;
	case 1:
		ring_burst_end(writer);
		break;
	case 2:
		ring_counter_add(writer, workspace_packets(plane->segment, "a"), 1);
		break;
	default:
		for (uint64_t n = 1 + dice_roll(dice) % (dice_roll(dice) % 8 ? 3 : 30); n > 0; n--)
			ring_histogram_observe(
				writer, histogram,
				values[dice_roll(dice) % (sizeof values / sizeof *values)]);
	}
}

/* Something is published, and something is not. */
static void plane_hurry(struct plane *plane)
{
	for (uint32_t core = 0; core < 2; core++) {
		ring_counter_add(plane->writers[core], workspace_packets(plane->segment, "a"), 1);
		ring_burst_end(plane->writers[core]);
		ring_burst_begin(plane->writers[core]);
		ring_histogram_observe(plane->writers[core], observing_latency(plane->segment),
				       0.05);
	}
}

/* As itself, or as a successor. */
static void plane_restart(struct plane *plane, uint64_t *dice)
{
	plane_close(plane);
	if (dice_roll(dice) % 2)
		plane->options.slot_count = plane->options.slot_count == 8 ? 16 : 8;
	plane_open(plane);
}

/* Everything published, drained and settled. */
static void come_to_rest(struct following *following, struct plane *planes)
{
	for (unsigned i = 0; i < 2; i++)
		for (uint32_t core = 0; core < 2; core++)
			ring_burst_end(planes[i].writers[core]);
	following_step(following);
	observing_fall_silent(following);
}

/* No burst is open for as long as a second. */
static void look_after_busy(struct following *following, struct plane *planes)
{
	plane_hurry(&planes[0]);
	plane_hurry(&planes[1]);
	observing_look_after(following);
}

static void nothing_falls_and_all_is_there_at_rest(void **state)
{
	struct following *following = *state;
	uint64_t dice = dice_seed(), base[OBSERVING_BUCKETS];
	struct plane planes[2] = {{.options = workspace_options(following->dir, "p")},
				  {.options = workspace_options(following->dir, "q")}};

	for (unsigned i = 0; i < 2; i++) {
		plane_open(&planes[i]);
		for (unsigned n = 0; n < 20; n++)
			plane_act(&planes[i], &dice);
	}
	come_to_rest(following, planes);
	struct shown before = observing_look(following);
	for (uint32_t i = 0; i < OBSERVING_BUCKETS; i++)
		base[i] = before.cells[1 + i] - before.view.buckets[i];
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct plane *plane = &planes[dice_roll(&dice) % 2];
		const uint64_t roll = dice_roll(&dice) % 16;
		for (uint64_t n = dice_roll(&dice) % 6; n > 0; n--)
			plane_act(plane, &dice);
		if (roll == 0)
			plane_restart(plane, &dice);
		if (roll < 3)
			come_to_rest(following, planes);
		else if (roll < 10)
			following_drain(following);
		else if (roll < 12)
			look_after_busy(following, planes);
		struct shown now = observing_look(following);
		observing_expect_agreement(&now);
		observing_expect_grown(&before, &now);
		if (roll < 3)
			observing_expect_all_but(&now, base);
		for (uint32_t i = 0; i < OBSERVING_BUCKETS; i++)
			assert_true(roll > 11 || now.cells[1 + i] >= now.view.buckets[i] + base[i]);
		observing_forget(&before);
		before = now;
	}
	observing_forget(&before);
	for (unsigned i = 0; i < 2; i++)
		plane_close(&planes[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_falls_and_all_is_there_at_rest,
						observing_make, following_remove),
	};

	return cmocka_run_group_tests_name("observe_lives", tests, NULL, NULL);
}
