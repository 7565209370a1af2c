/* SPDX-License-Identifier: MIT */
/*
 * When alerts begin and end; and that nothing but lag makes one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ring/ring.h>

#include "dice.h"
#include "replication/lag.h"
#include "replication/monitor.h"

#define S UINT64_C(1000000000)

static uint64_t dice;

/* A sample of node "a" at that second: with such a lag in seconds, and moving. */
static const struct monitor_node *at(struct monitor *monitor, uint64_t second, double lag)
{
	monitor_update(monitor, "a", 10 * second + 7, 10 * second, lag, second * S);
	return monitor_find(monitor, "a");
}

static bool is_active(const struct monitor_node *node, enum severity severity)
{
	return node->alerts[severity].raised_ns != 0 && node->alerts[severity].resolved_ns == 0;
}

/* Normal: none is active. */
static enum severity active(const struct monitor_node *node)
{
	enum severity found = SEVERITY_NORMAL;

	for (int i = 0; i < SEVERITY_COUNT; i++) {
		if (is_active(node, (enum severity)i)) {
			assert_int_equal(found, SEVERITY_NORMAL);
			assert_int_not_equal(i, SEVERITY_NORMAL);
			found = (enum severity)i;
		}
	}
	return found;
}

static struct monitor_statistics statistics_of(struct monitor *monitor)
{
	struct monitor_statistics statistics;

	monitor_statistics(monitor, &statistics);
	return statistics;
}

static void M6_change_to_a_severity_raises_an_alert_and_normal_resolves_it(void **state)
{
	const struct monitor_node *node = at(*state, 1, 1);

	assert_int_equal(monitor_version(*state), 0);
	at(*state, 2, 6);
	assert_int_equal(active(node), SEVERITY_WARNING);
	assert_int_equal(node->alerts[SEVERITY_WARNING].raised_ns, 2 * S);
	assert_int_equal(node->alerts[SEVERITY_WARNING].version, 1);
	at(*state, 3, 7);
	assert_int_equal(monitor_version(*state), 1);
	at(*state, 4, 1);
	assert_int_equal(active(node), SEVERITY_NORMAL);
	assert_int_equal(node->alerts[SEVERITY_WARNING].resolved_ns, 4 * S);
	assert_int_equal(node->alerts[SEVERITY_WARNING].version, 2);
	at(*state, 5, 1);
	assert_int_equal(monitor_version(*state), 2);
	assert_int_equal(statistics_of(*state).alerts, 1);
}

static void M6_message_names_severity_entries_and_seconds(void **state)
{
	char message[80];

	monitor_update(*state, "a", 100, 50, 35.06, S);
	const struct monitor_node *node = monitor_find(*state, "a");
	monitor_message(node, SEVERITY_CRITICAL, message, sizeof message);
	assert_string_equal(message, "CRITICAL replication lag: 50 entries, 35.1s behind");
	monitor_message(node, SEVERITY_WARNING, message, sizeof message);
	assert_string_equal(message, "Replication lag warning: 50 entries, 35.1s behind");
	monitor_message(node, SEVERITY_STALLED, message, sizeof message);
	assert_string_equal(message, "Replication STALLED: 50 entries backlog, 35.1s behind");
	monitor_message(node, SEVERITY_NORMAL, message, sizeof message);
	assert_string_equal(message, "Replication lag normal: 50 entries, 35.1s behind");
	monitor_message(node, SEVERITY_NORMAL, message, 12);
	assert_string_equal(message, "Replication");
}

static void M6_cooldown_holds_an_alert_back_and_raises_it_after_if_it_still_holds(void **state)
{
	const struct monitor_node *node = at(*state, 10, 6);

	at(*state, 20, 40);
	assert_int_equal(active(node), SEVERITY_WARNING); /* of something one must hear */
	assert_int_equal(node->suppressed, SEVERITY_CRITICAL);
	at(*state, 69, 40);
	assert_int_equal(active(node), SEVERITY_WARNING);
	at(*state, 70, 40);
	assert_int_equal(active(node), SEVERITY_CRITICAL);
	assert_int_equal(node->alerts[SEVERITY_WARNING].resolved_ns, 70 * S);
	assert_int_equal(node->alerts[SEVERITY_CRITICAL].raised_ns, 70 * S);
	assert_int_equal(node->suppressed, SEVERITY_NORMAL);
	assert_int_equal(statistics_of(*state).alerts, 2);
	assert_int_equal(statistics_of(*state).suppressed, 1);
	/* What comes down is told too, after the next cooldown. */
	at(*state, 100, 6);
	assert_int_equal(active(node), SEVERITY_CRITICAL);
	at(*state, 130, 6);
	assert_int_equal(active(node), SEVERITY_WARNING);
	assert_int_equal(statistics_of(*state).alerts, 3);
}

static void M6_what_does_not_outlast_the_cooldown_is_not_raised(void **state)
{
	const struct monitor_node *node = at(*state, 10, 6);

	at(*state, 11, 40);
	at(*state, 12, 41);
	assert_int_equal(statistics_of(*state).suppressed, 1); /* once for each change */
	at(*state, 13, 6);
	assert_int_equal(node->suppressed, SEVERITY_NORMAL);
	at(*state, 14, 40);
	assert_int_equal(statistics_of(*state).suppressed, 2);
	at(*state, 15, 1);
	assert_int_equal(active(node), SEVERITY_NORMAL);
	at(*state, 16, 6);
	assert_int_equal(active(node), SEVERITY_NORMAL);
	assert_int_equal(statistics_of(*state).suppressed, 3);
	at(*state, 17, 1);
	at(*state, 90, 1);
	assert_int_equal(statistics_of(*state).alerts, 1);
	assert_int_equal(statistics_of(*state).suppressed, 3);
}

static void M6_stalled_follower_raises_one_alert(void **state)
{
	for (uint64_t i = 1; i <= 100; i++)
		monitor_update(*state, "a", 1000 + i, 500, 1, i * S);
	const struct monitor_node *node = monitor_find(*state, "a");
	assert_int_equal(active(node), SEVERITY_STALLED);
	assert_int_equal(node->alerts[SEVERITY_STALLED].raised_ns, 11 * S);
	assert_int_equal(statistics_of(*state).alerts, 1);
}

static void M6_cooldown_is_each_nodes_own(void **state)
{
	monitor_register(*state, "b");
	at(*state, 10, 6);
	monitor_update(*state, "b", 9, 1, 6, 11 * S);
	assert_int_equal(active(monitor_find(*state, "b")), SEVERITY_WARNING);
}

static void alert_waits_for_as_many_breaches_in_a_row(void **state)
{
	struct monitor_config config = monitor_defaults;

	(void)state;
	config.breach_count_min = 3;
	struct monitor *monitor = monitor_create(&config);
	monitor_register(monitor, "a");
	const struct monitor_node *node = at(monitor, 1, 6);
	at(monitor, 2, 40);
	at(monitor, 3, 1);
	at(monitor, 4, 6);
	at(monitor, 5, 6);
	assert_int_equal(active(node), SEVERITY_NORMAL);
	at(monitor, 6, 40);
	assert_int_equal(active(node), SEVERITY_CRITICAL);
	assert_int_equal(statistics_of(monitor).alerts, 1);
	assert_int_equal(statistics_of(monitor).suppressed, 0);
	monitor_destroy(monitor);
}

static void first_catch_up_is_spared_if_so_configured(void **state)
{
	struct monitor_config config = monitor_defaults;

	(void)state;
	config.spares_catch_up = true;
	struct monitor *monitor = monitor_create(&config);
	monitor_register(monitor, "a");
	const struct monitor_node *node = NULL;
	/* A backlog that has just been heard of, with a lag in time that begins with nothing. */
	for (uint64_t i = 0; i < 100; i++)
		monitor_update(monitor, "a", 1000 + i, 11 * i, i < 50 ? (double)i : 100 - (double)i,
			       (i + 1) * S);
	assert_int_equal(statistics_of(monitor).alerts, 0);
	node = at(monitor, 101, 6);
	assert_int_equal(active(node), SEVERITY_WARNING);
	/* Who comes back catches up again. */
	monitor_unregister(monitor, "a", 102 * S);
	monitor_register(monitor, "a");
	at(monitor, 300, 50);
	assert_int_equal(active(monitor_find(monitor, "a")), SEVERITY_NORMAL);
	monitor_destroy(monitor);
}

static void catch_up_goes_by_the_leader_however_late_and_again_if_it_begins_anew(void **state)
{
	struct monitor_config config = monitor_defaults;

	(void)state;
	config.spares_catch_up = true;
	struct monitor *monitor = monitor_create(&config);
	monitor_register(monitor, "a");
	/* Without a leader it looks fine. */
	monitor_update(monitor, "a", 0, 5, 0, 1 * S);
	monitor_update(monitor, "a", 1000000, 5, 0, 2 * S);
	monitor_update(monitor, "a", 1000000, 500, 50, 3 * S);
	assert_int_equal(statistics_of(monitor).alerts, 0);
	/* The leader will never get there again. */
	monitor_update(monitor, "a", 100, 100, 0, 4 * S);
	monitor_update(monitor, "a", 200, 100, 50, 5 * S);
	assert_int_equal(statistics_of(monitor).alerts, 1);
	monitor_destroy(monitor);
}

static void M7_cleared_alerts_come_back_when_the_severity_changes(void **state)
{
	const struct monitor_node *node = at(*state, 1, 40);

	assert_int_equal(monitor_clear(*state, "nobody", 2 * S), 0);
	assert_int_equal(monitor_clear(*state, "a", 2 * S), 1);
	assert_int_equal(monitor_clear(*state, "a", 2 * S), 0);
	assert_int_equal(active(node), SEVERITY_NORMAL);
	assert_int_equal(node->alerts[SEVERITY_CRITICAL].resolved_ns, 2 * S);
	assert_int_equal(monitor_version(*state), 2);
	at(*state, 100, 40);
	assert_int_equal(active(node), SEVERITY_NORMAL);
	at(*state, 101, 6);
	assert_int_equal(active(node), SEVERITY_WARNING);

	monitor_register(*state, "b");
	monitor_register(*state, "c");
	monitor_update(*state, "b", 9, 1, 6, 102 * S);
	monitor_update(*state, "c", 9, 1, 1, 102 * S);
	assert_int_equal(monitor_clear_all(*state, 103 * S), 2);
	assert_int_equal(monitor_clear_all(*state, 103 * S), 0);
	assert_int_equal(active(node), SEVERITY_NORMAL);
	assert_int_equal(statistics_of(*state).alerts, 3);
}

static void M7_cleared_alert_is_raised_again_if_it_was_worse_meanwhile(void **state)
{
	const struct monitor_node *node = at(*state, 1, 6);

	monitor_clear(*state, "a", 2 * S);
	at(*state, 3, 40); /* in the cooldown */
	at(*state, 4, 6);
	assert_int_equal(active(node), SEVERITY_NORMAL);
	at(*state, 61, 6);
	assert_int_equal(active(node), SEVERITY_WARNING);
	assert_int_equal(statistics_of(*state).alerts, 2);
}

static void node_that_goes_resolves_its_alerts_and_is_remembered_for_them(void **state)
{
	at(*state, 1, 40);
	monitor_unregister(*state, "a", 2 * S);
	const struct monitor_node *node = monitor_next(*state, NULL);
	assert_non_null(node);
	assert_false(node->registered);
	assert_int_equal(active(node), SEVERITY_NORMAL);
	assert_int_equal(node->alerts[SEVERITY_CRITICAL].resolved_ns, 2 * S);
	assert_null(monitor_find(*state, "a"));
	assert_int_equal(statistics_of(*state).nodes, 0);
	assert_int_equal(monitor_clear_all(*state, 3 * S), 0);
	monitor_trim(*state, 2 * S + MONITOR_RESOLVED_NS);
	assert_non_null(monitor_next(*state, NULL));
	monitor_trim(*state, 2 * S + MONITOR_RESOLVED_NS + 1);
	assert_null(monitor_next(*state, NULL));
}

static void node_that_comes_back_keeps_its_alerts_and_its_cooldown(void **state)
{
	at(*state, 1, 40);
	monitor_unregister(*state, "a", 2 * S);
	assert_int_equal(monitor_register(*state, "a"), 0);
	const struct monitor_node *node = monitor_find(*state, "a");
	assert_int_equal(node->severity, SEVERITY_NORMAL);
	assert_int_equal(node->sample_count, 0);
	assert_int_equal(node->alerts[SEVERITY_CRITICAL].resolved_ns, 2 * S);
	/* Its clock may be another one. */
	monitor_update(*state, "a", 9, 1, 40, S / 2);
	assert_int_equal(node->severity, SEVERITY_CRITICAL);
	at(*state, 60, 40);
	assert_int_equal(active(node), SEVERITY_NORMAL);
	at(*state, 61, 40);
	assert_int_equal(active(node), SEVERITY_CRITICAL);
	/* One that stays forgets what has been over for long, and only that. */
	at(*state, 62, 1);
	at(*state, 200, 6);
	monitor_trim(*state, 62 * S + MONITOR_RESOLVED_NS + 1);
	assert_int_equal(node->alerts[SEVERITY_CRITICAL].raised_ns, 0);
	assert_int_equal(active(node), SEVERITY_WARNING);
}

/* One node's alerts, by the rules of the header. */
struct model {
	const struct monitor_config *config;
	enum severity told;  /* by the last alert, unless all has been well since */
	enum severity shown; /* what is active */
	uint64_t told_ns;
	uint64_t alerts;
	uint32_t breach_count;
	bool heard_of, caught_up;
};

static void model_update(struct model *model, enum severity severity, uint64_t now_ns)
{
	const struct monitor_config *config = model->config;

	if (severity == SEVERITY_NORMAL) {
		model->told = model->shown = SEVERITY_NORMAL;
		model->breach_count = 0;
		model->caught_up = model->heard_of; /* the first time it lacks the newest entries */
		model->heard_of = true;
		return;
	}
	model->heard_of = true;
	model->breach_count++;
	if (severity != model->told && model->shown != model->told)
		model->told = SEVERITY_NORMAL; /* it was cleared, and that is over */
	const bool is_free = model->told_ns == 0 || now_ns - model->told_ns >= config->cooldown_ns;
	const bool is_late = model->caught_up || !config->spares_catch_up;
	if (severity != model->told && model->breach_count >= config->breach_count_min && is_free &&
	    is_late) {
		model->told = model->shown = severity;
		model->told_ns = now_ns;
		model->alerts++;
	}
}

static void live(struct monitor *monitor, const struct monitor_config *config)
{
	static const double lags[] = {1, 6, 40};
	static const enum severity severities[] = {SEVERITY_NORMAL, SEVERITY_WARNING,
						   SEVERITY_CRITICAL};
	struct model model = {.config = config};
	uint64_t second = 1, which = dice_roll(&dice) % 3;

	for (int i = 0; i < 500; i++, second += dice_roll(&dice) % 30) {
		which = dice_roll(&dice) % 4 ? which : dice_roll(&dice) % 3;
		const struct monitor_node *node = at(monitor, second, lags[which]);
		model_update(&model, severities[which], second * S);
		assert_int_equal(active(node), model.shown);
		assert_int_equal(statistics_of(monitor).alerts, model.alerts);
		if (dice_roll(&dice) % 40 == 0) {
			assert_int_equal(monitor_clear(monitor, "a", second * S), model.shown != 0);
			model.shown = SEVERITY_NORMAL;
		}
	}
	assert_true(model.alerts > 0);
}

static void M6_random_severities_keep_the_rules(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		struct monitor_config config = monitor_defaults;
		config.breach_count_min = 1 + (uint32_t)(dice_roll(&dice) % 4);
		config.spares_catch_up = dice_roll(&dice) % 2;
		config.cooldown_ns = dice_roll(&dice) % 100 * S;
		struct monitor *monitor = monitor_create(&config);
		monitor_register(monitor, "a");
		live(monitor, &config);
		monitor_destroy(monitor);
	}
}

/* One second in the exporter: what is recorded, and what the monitor is told of it. */
static void pass(struct monitor *monitor, struct lag *lag, uint64_t now_ns)
{
	int64_t entries;
	double seconds;

	if (!lag_entries(lag, &entries) || !lag_seconds(lag, now_ns, &seconds))
		return;
	assert_true(seconds >= 0);
	monitor_update(monitor, "a", (uint64_t)lag->records[LAG_SHIPPED].value,
		       (uint64_t)lag->records[LAG_APPLIED].value, seconds, now_ns);
}

static void record(struct lag *lag, enum lag_kind kind, uint64_t value, uint64_t time_ns)
{
	lag_observe(lag, kind, ring_bits_of((double)value), time_ns, time_ns);
}

static void healthy_follower_raises_no_alert_whatever_happens_to_the_clocks(void **state)
{
	struct lag lag = {0};
	uint64_t now_ns = 100 * S, shipped = 1000000;

	record(&lag, LAG_APPLIED, shipped, now_ns); /* before its leader */
	for (int i = 0; i < 5000; i++) {
		const uint64_t event = dice_roll(&dice) % 100;
		if (event == 0)
			now_ns += 3600 * S; /* suspended; or nobody had anything to say */
		else if (event == 1)
			shipped = 0; /* a new leader */
		else
			shipped += dice_roll(&dice) % 1000;
		record(&lag, LAG_SHIPPED, shipped, now_ns);
		pass(*state, &lag, now_ns);
		record(&lag, LAG_APPLIED, shipped, now_ns + S / 2);
		if (event == 2) /* from another core, late */
			lag_observe(&lag, LAG_APPLIED, ring_bits_of(0), now_ns, now_ns + S / 2);
		if (event == 3) /* from a clock that is ahead */
			lag_observe(&lag, LAG_SHIPPED, ring_bits_of((double)shipped), UINT64_MAX,
				    now_ns + S / 2);
		pass(*state, &lag, now_ns + S / 2);
		pass(*state, &lag, now_ns + S / 4); /* a step back */
		now_ns += S;
	}
	assert_int_equal(statistics_of(*state).alerts, 0);
	assert_int_equal(statistics_of(*state).suppressed, 0);
	assert_true(lag.stale_count > 0);
}

static int open_monitor(void **state)
{
	struct monitor *monitor = monitor_create(&monitor_defaults);

	*state = monitor;
	return monitor_register(monitor, "a");
}

static int close_monitor(void **state)
{
	monitor_destroy(*state);
	return 0;
}

static int seed(void **state)
{
	(void)state;
	dice = dice_seed();
	return 0;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_monitor, close_monitor)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(M6_change_to_a_severity_raises_an_alert_and_normal_resolves_it),
		TEST(M6_message_names_severity_entries_and_seconds),
		TEST(M6_cooldown_holds_an_alert_back_and_raises_it_after_if_it_still_holds),
		TEST(M6_what_does_not_outlast_the_cooldown_is_not_raised),
		TEST(M6_stalled_follower_raises_one_alert),
		TEST(M6_cooldown_is_each_nodes_own),
		cmocka_unit_test(alert_waits_for_as_many_breaches_in_a_row),
		cmocka_unit_test(first_catch_up_is_spared_if_so_configured),
		cmocka_unit_test(
			catch_up_goes_by_the_leader_however_late_and_again_if_it_begins_anew),
		TEST(M7_cleared_alerts_come_back_when_the_severity_changes),
		TEST(M7_cleared_alert_is_raised_again_if_it_was_worse_meanwhile),
		TEST(node_that_goes_resolves_its_alerts_and_is_remembered_for_them),
		TEST(node_that_comes_back_keeps_its_alerts_and_its_cooldown),
		cmocka_unit_test(M6_random_severities_keep_the_rules),
		TEST(healthy_follower_raises_no_alert_whatever_happens_to_the_clocks),
	};

	return cmocka_run_group_tests_name("alert", tests, seed, NULL);
}
