/* SPDX-License-Identifier: MIT */
/*
 * Which alerts an Alertmanager gets and when, for every kind of answer. The monitor is a real one;
 * the Alertmanager is what the test answers.
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "replication/delivery.h"

#define SECOND UINT64_C(1000000000)
#define RESEND (60 * SECOND)

struct scene {
	struct monitor *monitor;
	struct delivery delivery;
	struct text batch;
	uint64_t now_ns;
};

static int make(void **state)
{
	struct monitor_config config = monitor_defaults;
	struct scene *scene = test_calloc(1, sizeof *scene);

	config.cooldown_ns = 0;
	scene->monitor = monitor_create(&config);
	delivery_init(&scene->delivery, RESEND);
	text_init(&scene->batch, 1 << 20);
	scene->now_ns = 1000 * SECOND;
	*state = scene;
	return scene->monitor ? 0 : -1;
}

static int unmake(void **state)
{
	struct scene *scene = *state;

	monitor_destroy(scene->monitor);
	delivery_release(&scene->delivery);
	text_release(&scene->batch);
	test_free(scene);
	return 0;
}

/* Followers n0000 to the last before n<end> are so far behind. */
static void set_lag(struct scene *scene, unsigned begin, unsigned end, double seconds)
{
	char name[16];

	scene->now_ns += 1000000; /* as fine as times are told */
	for (unsigned i = begin; i < end; i++) {
		snprintf(name, sizeof name, "n%04u", i);
		assert_int_equal(monitor_register(scene->monitor, name), 0);
		monitor_update(scene->monitor, name, 10, 0, seconds, scene->now_ns);
	}
}

static enum delivery_step step(struct scene *scene)
{
	const struct alert_terms terms = {
		.now_ns = scene->now_ns, .wall_ns = scene->now_ns, .holds_ns = 4 * RESEND};
	enum delivery_step got;
	unsigned looks = 0;

	do {
		got = delivery_step(&scene->delivery, scene->monitor, &terms, &scene->batch);
		assert_true(++looks < 100);
	} while (got == DELIVERY_LOOKS);
	assert_int_equal(scene->batch.error, 0);
	return got;
}

/* Demands a batch, and gives an answer; returns how many alerts it has. */
static unsigned send(struct scene *scene, enum delivery_state answer)
{
	assert_int_equal(step(scene), DELIVERY_SENDS);
	const unsigned count = scene->delivery.alert_count;
	delivery_answer(&scene->delivery, answer, scene->now_ns);
	return count;
}

static void expect_idle(struct scene *scene)
{
	assert_int_equal(step(scene), DELIVERY_IDLE);
}

/* As after a start with nothing to tell. */
static void settle(struct scene *scene)
{
	assert_int_equal(send(scene, DELIVERY_TAKING), 0);
	expect_idle(scene);
}

static void alertmanager_is_tried_at_once_and_each_resend_without_alerts_too(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(scene->delivery.state, DELIVERY_UNTRIED);
	settle(scene);
	assert_int_equal(scene->delivery.state, DELIVERY_TAKING);
	assert_memory_equal(scene->batch.data, "[]", 2);
	scene->now_ns += RESEND - 1;
	expect_idle(scene);
	scene->now_ns++;
	settle(scene);
}

static void change_is_sent_at_once_and_alone(void **state)
{
	struct scene *scene = *state;

	set_lag(scene, 0, 10, 10);
	assert_int_equal(send(scene, DELIVERY_TAKING), 10);
	expect_idle(scene);
	set_lag(scene, 3, 4, 40);
	assert_int_equal(send(scene, DELIVERY_TAKING), 2); /* one ends and one begins */
	set_lag(scene, 3, 4, 0);
	assert_int_equal(send(scene, DELIVERY_TAKING), 1);
	expect_idle(scene);
}

static void alert_of_a_stalled_follower_is_sent_too(void **state)
{
	struct scene *scene = *state;

	settle(scene);
	monitor_register(scene->monitor, "n");
	for (unsigned i = 0; i < 12; i++, scene->now_ns += SECOND)
		monitor_update(scene->monitor, "n", 1000, 0, 0, scene->now_ns);
	assert_int_equal(send(scene, DELIVERY_TAKING), 1);
	assert_non_null(memmem(scene->batch.data, scene->batch.bytes, "\"stalled\"", 9));
}

static void everything_goes_again_after_the_resend_delay(void **state)
{
	struct scene *scene = *state;

	set_lag(scene, 0, 5, 10);
	set_lag(scene, 0, 2, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(send(scene, DELIVERY_TAKING), 5); /* what has ended too */
		expect_idle(scene);
		scene->now_ns += RESEND;
	}
	scene->now_ns += MONITOR_RESOLVED_NS;
	monitor_trim(scene->monitor, scene->now_ns);
	assert_int_equal(send(scene, DELIVERY_TAKING), 3);
}

static void batches_are_bounded_and_complete(void **state)
{
	struct scene *scene = *state;
	unsigned count, sum = 0, batches = 0;

	/* Three alerts each, so that 64 is no multiple. */
	set_lag(scene, 0, 500, 10);
	set_lag(scene, 0, 500, 40);
	for (; step(scene) == DELIVERY_SENDS; batches++) {
		count = scene->delivery.alert_count;
		assert_in_range(count, 1, DELIVERY_BATCH);
		sum += count;
		delivery_answer(&scene->delivery, DELIVERY_TAKING, scene->now_ns);
	}
	assert_int_equal(sum, 1000);
	assert_in_range(batches, 16, 17);
}

static void no_step_looks_at_all_of_many_nodes(void **state)
{
	struct scene *scene = *state;
	struct alert_terms terms = {.now_ns = scene->now_ns, .wall_ns = 1, .holds_ns = 1};

	set_lag(scene, 0, 2 * DELIVERY_LOOK, 0);
	settle(scene);
	set_lag(scene, 2 * DELIVERY_LOOK - 1, 2 * DELIVERY_LOOK, 10);
	terms.now_ns = scene->now_ns;
	assert_int_equal(delivery_step(&scene->delivery, scene->monitor, &terms, &scene->batch),
			 DELIVERY_LOOKS);
	assert_int_equal(delivery_step(&scene->delivery, scene->monitor, &terms, &scene->batch),
			 DELIVERY_SENDS);
	assert_int_equal(scene->delivery.alert_count, 1);
}

static void pauses_double_up_to_a_minute_and_end_with_a_round_without_failure(void **state)
{
	struct scene *scene = *state;
	uint64_t pause_ns = SECOND;

	settle(scene);
	set_lag(scene, 0, 1, 10);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(send(scene, DELIVERY_FAILING), 1);
		scene->now_ns += pause_ns - 1;
		expect_idle(scene);
		scene->now_ns++;
		pause_ns = 2 * pause_ns < 60 * SECOND ? 2 * pause_ns : 60 * SECOND;
	}
	assert_int_equal(scene->delivery.state, DELIVERY_FAILING);
	assert_int_equal(send(scene, DELIVERY_TAKING), 1);
	assert_int_equal(scene->delivery.state, DELIVERY_TAKING);
	set_lag(scene, 1, 2, 10);
	send(scene, DELIVERY_FAILING);
	scene->now_ns += SECOND;
	assert_int_equal(send(scene, DELIVERY_TAKING), 2);
}

static void batch_that_always_fails_does_not_stand_in_the_way(void **state)
{
	struct scene *scene = *state;
	bool seen[3 * DELIVERY_BATCH] = {false};
	unsigned last = 0;

	set_lag(scene, 0, 3 * DELIVERY_BATCH, 10);
	for (unsigned i = 0; i < 20; i++, scene->now_ns += 61 * SECOND) {
		if (step(scene) != DELIVERY_SENDS)
			continue;
		const bool is_first = memmem(scene->batch.data, scene->batch.bytes, "n0000", 5);
		for (unsigned n = 0; n < 3 * DELIVERY_BATCH && !is_first; n++) {
			char name[16];
			snprintf(name, sizeof name, "n%04u", n);
			if (memmem(scene->batch.data, scene->batch.bytes, name, 5))
				seen[last = n] = true;
		}
		delivery_answer(&scene->delivery, is_first ? DELIVERY_FAILING : DELIVERY_TAKING,
				scene->now_ns);
		assert_int_equal(scene->delivery.state, DELIVERY_FAILING);
	}
	assert_int_not_equal(last, 0);
	for (unsigned n = DELIVERY_BATCH; n < 3 * DELIVERY_BATCH; n++)
		assert_true(seen[n]);
}

static void refused_batch_waits_for_the_resend_without_a_pause(void **state)
{
	struct scene *scene = *state;

	settle(scene);
	set_lag(scene, 0, 1, 10);
	assert_int_equal(send(scene, DELIVERY_REFUSING), 1);
	assert_int_equal(scene->delivery.state, DELIVERY_REFUSING);
	expect_idle(scene);
	set_lag(scene, 1, 2, 10);
	assert_int_equal(send(scene, DELIVERY_TAKING), 1);
	/* That others are taken does not make it well. */
	assert_int_equal(scene->delivery.state, DELIVERY_REFUSING);
	scene->now_ns += RESEND;
	assert_int_equal(send(scene, DELIVERY_TAKING), 2);
	assert_int_equal(scene->delivery.state, DELIVERY_TAKING);
}

static void state_gets_better_only_with_a_full_round(void **state)
{
	struct scene *scene = *state;

	set_lag(scene, 0, 2 * DELIVERY_BATCH, 10);
	send(scene, DELIVERY_FAILING);
	for (unsigned i = 0; i < 2; i++) { /* the rest of a round, and a full one */
		scene->now_ns += 2 * SECOND;
		while (step(scene) == DELIVERY_SENDS) {
			assert_int_equal(scene->delivery.state, DELIVERY_FAILING);
			delivery_answer(&scene->delivery, DELIVERY_REFUSING, scene->now_ns);
		}
	}
	assert_int_equal(scene->delivery.state, DELIVERY_REFUSING);
}

/* What an Alertmanager has been told of the random test's followers. */
struct told {
	char starts[32];
	bool holds;
};

#define FOLLOWERS 200u

static void take(struct scene *scene, struct told told[][SEVERITY_COUNT])
{
	json_t *batch = json_loadb(scene->batch.data, scene->batch.bytes, 0, NULL), *alert;
	char now[32] = "";
	struct text text;
	size_t i;

	text_init(&text, sizeof now);
	text_time(&text, scene->now_ns);
	memcpy(now, text.data, text.bytes);
	text_release(&text);
	assert_non_null(batch);
	json_array_foreach (batch, i, alert) {
		const char *follower, *severity, *starts, *ends;
		unsigned at = SEVERITY_NORMAL;
		assert_int_equal(json_unpack(alert, "{s:{s:s,s:s},s:s,s:s}", "labels", "follower",
					     &follower, "severity", &severity, "startsAt", &starts,
					     "endsAt", &ends),
				 0);
		while (strcmp(severity_words[at], severity) != 0)
			at++;
		struct told *one = &told[atoi(follower + 1)][at];
		snprintf(one->starts, sizeof one->starts, "%s", starts);
		one->holds = strcmp(ends, now) > 0;
	}
	json_decref(batch);
}

static void expect_all_told(struct scene *scene, struct told told[][SEVERITY_COUNT])
{
	const struct monitor_node *node = NULL;
	struct text starts;

	text_init(&starts, 100);
	while ((node = monitor_next(scene->monitor, node ? node->name : NULL)) != NULL) {
		for (int i = 0; i < SEVERITY_COUNT; i++) {
			const struct told *one = &told[atoi(node->name + 1)][i];
			if (node->alerts[i].raised_ns == 0)
				continue;
			text_clear(&starts);
			text_time(&starts, node->alerts[i].raised_ns);
			assert_memory_equal(one->starts, starts.data, starts.bytes);
			assert_int_equal(one->holds, node->alerts[i].resolved_ns == 0);
		}
	}
	text_release(&starts);
}

/* Whenever there is nothing to send, every alert has been told as it is, or was refused. */
static void nothing_is_lost_under_random_answers_and_changes(void **state)
{
	static const double lags[] = {0, 10, 40};
	static struct told told[FOLLOWERS][SEVERITY_COUNT];
	struct scene *scene = *state;
	uint64_t seed = dice_seed();
	unsigned checks = 0;

	for (unsigned i = 0; i < 5000; i++) {
		const unsigned n = (unsigned)(dice_roll(&seed) % FOLLOWERS);
		const unsigned count = (unsigned)(dice_roll(&seed) % (FOLLOWERS - n));
		if (dice_roll(&seed) % 4 == 0)
			set_lag(scene, n, n + count, lags[dice_roll(&seed) % 3]);
		scene->now_ns += dice_roll(&seed) % 10 * SECOND;
		enum delivery_step got = step(scene);
		if (got == DELIVERY_IDLE) /* there may be news since the round that has ended */
			got = step(scene);
		if (got == DELIVERY_SENDS) {
			const unsigned answer = dice_roll(&seed) % 8;
			if (answer != 0)
				take(scene, told);
			delivery_answer(&scene->delivery,
					answer == 0   ? DELIVERY_FAILING
					: answer == 1 ? DELIVERY_REFUSING
						      : DELIVERY_TAKING,
					scene->now_ns);
		} else if (scene->now_ns >= scene->delivery.paused_until_ns) {
			expect_all_told(scene, told);
			checks++;
		}
	}
	assert_true(checks > 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(alertmanager_is_tried_at_once_and_each_resend_without_alerts_too),
		TEST(change_is_sent_at_once_and_alone),
		TEST(alert_of_a_stalled_follower_is_sent_too),
		TEST(everything_goes_again_after_the_resend_delay),
		TEST(batches_are_bounded_and_complete),
		TEST(no_step_looks_at_all_of_many_nodes),
		TEST(pauses_double_up_to_a_minute_and_end_with_a_round_without_failure),
		TEST(batch_that_always_fails_does_not_stand_in_the_way),
		TEST(refused_batch_waits_for_the_resend_without_a_pause),
		TEST(state_gets_better_only_with_a_full_round),
		TEST(nothing_is_lost_under_random_answers_and_changes),
	};

	return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
