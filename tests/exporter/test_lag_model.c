/* SPDX-License-Identifier: MIT */
/*
 * Random lives of a leader and its follower, told by the module and by a model that forgets
 * nothing: what lag.h promises of the difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <ring/ring.h>

#include "dice.h"
#include "replication/lag.h"

#define S UINT64_C(1000000000)

static uint64_t dice;

/* Everything shipped since the leader began, each with its time. */
#define MODEL_STEPS_MAX 4096u

struct model {
	struct lag_step steps[MODEL_STEPS_MAX]; /* never none */
	bool applied_once[MODEL_STEPS_MAX];
	uint32_t count;
	uint64_t applied;
	uint64_t times_ns[LAG_KIND_COUNT];
	bool recalled[LAG_KIND_COUNT]; /* the newest one was a tally */
	uint64_t longest_ns;           /* age of the oldest step since there was only one */
	uint64_t stale_count;
};

static uint64_t model_shipped(const struct model *model)
{
	return model->steps[model->count - 1].seqno;
}

static void model_ship(struct model *model, uint64_t seqno, uint64_t time_ns)
{
	if (seqno == model_shipped(model))
		return;
	if (seqno < model_shipped(model))
		model->count = 0;
	assert_true(model->count < MODEL_STEPS_MAX);
	model->applied_once[model->count] = false;
	model->steps[model->count++] = (struct lag_step){seqno, time_ns};
}

/* The first step that the follower lacks, of those that it has never had; NULL: none. The newest
 * is remembered even if it had it. */
static const struct lag_step *model_first(struct model *model, uint64_t now_ns)
{
	const struct lag_step *first = NULL, *oldest = NULL;

	for (uint32_t i = 0; i < model->count; i++) {
		if (i + 1 < model->count && model->steps[i].seqno <= model->applied)
			model->applied_once[i] = true;
		if (model->applied_once[i])
			continue;
		oldest = oldest ? oldest : &model->steps[i];
		if (!first && model->steps[i].seqno > model->applied)
			first = &model->steps[i];
	}
	if (!oldest || oldest == &model->steps[model->count - 1])
		model->longest_ns = 0;
	else if (now_ns - oldest->time_ns > model->longest_ns)
		model->longest_ns = now_ns - oldest->time_ns;
	return first;
}

static void compare(const struct lag *lag, struct model *model, uint64_t now_ns)
{
	const struct lag_step *first = model_first(model, now_ns);
	const double exact = first ? (double)(now_ns - first->time_ns) / 1e9 : 0;
	const double part = (double)model->longest_ns / 1e9 / LAG_PARTS;
	int64_t entries;
	double seconds;

	assert_true(lag_entries(lag, &entries) && lag_seconds(lag, now_ns, &seconds));
	assert_int_equal(entries, (int64_t)(model_shipped(model) - model->applied));
	assert_int_equal(lag->stale_count, model->stale_count);
	if (first)
		assert_true(seconds >= 0 && seconds >= exact - part - 1e-9 &&
			    seconds < exact + (double)LAG_STEP_NS / 1e9);
	else
		assert_true(seconds == 0);
}

static bool one_in(uint64_t count)
{
	return dice_roll(&dice) % count == 0;
}

/* Mostly progress; now and then a restart. */
static uint64_t next_shipped(const struct model *model)
{
	return one_in(500) ? dice_roll(&dice) % 5 : model_shipped(model) + dice_roll(&dice) % 3;
}

/* Not ahead of the leader, but now and then; and now and then restored. */
static uint64_t next_applied(const struct model *model, uint64_t pace)
{
	const uint64_t shipped = model_shipped(model);
	const uint64_t applied = model->applied + dice_roll(&dice) % pace;

	if (one_in(500))
		return dice_roll(&dice) % (shipped + 1);
	return applied < shipped || one_in(50) ? applied : shipped;
}

static void live(struct lag *lag, struct model *model, uint64_t now_ns, uint64_t follower_pace)
{
	const enum lag_kind kind = one_in(2) ? LAG_SHIPPED : LAG_APPLIED;
	uint64_t value, time_ns = now_ns;

	value = kind == LAG_SHIPPED ? next_shipped(model) : next_applied(model, follower_pace);
	if (one_in(20) && model->times_ns[kind] > 0) {
		time_ns = model->times_ns[kind] - 1;
		lag_observe(lag, kind, ring_bits_of((double)value), time_ns, now_ns);
		model->stale_count += !model->recalled[kind];
		return;
	}
	model->recalled[kind] = one_in(20);
	if (model->recalled[kind]) { /* read between the value and its time */
		time_ns = model->times_ns[kind];
		value = (kind == LAG_SHIPPED ? model_shipped(model) : model->applied) + 1;
		lag_recall(lag, kind, ring_bits_of((double)value), time_ns, now_ns);
	} else {
		lag_observe(lag, kind, ring_bits_of((double)value), time_ns, now_ns);
	}
	model->times_ns[kind] = time_ns;
	if (kind == LAG_SHIPPED)
		model_ship(model, value, now_ns);
	else
		model->applied = value;
}

static void random_lives_are_told_within_the_bounds(void **state)
{
	(void)state;
	for (int life = 0; life < 300; life++) {
		const uint64_t step_ns_max = UINT64_C(1) << (12 + dice_roll(&dice) % 24);
		struct model model = {.count = 1};
		struct lag lag = {0};
		uint64_t now_ns = 3600 * S, follower_pace = 1;
		lag_observe(&lag, LAG_SHIPPED, ring_bits_of(0), now_ns, now_ns);
		model.steps[0].time_ns = model.times_ns[LAG_SHIPPED] = now_ns;
		for (int i = 0; i < 3000; i++) {
			now_ns += 1 + dice_roll(&dice) % step_ns_max;
			if (one_in(300))
				follower_pace = 1 + dice_roll(&dice) % 5;
			live(&lag, &model, now_ns, follower_pace);
			compare(&lag, &model, now_ns);
		}
	}
}

static int seed(void **state)
{
	(void)state;
	dice = dice_seed();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_lives_are_told_within_the_bounds),
	};

	return cmocka_run_group_tests_name("lag_model", tests, seed, NULL);
}
