/* SPDX-License-Identifier: MIT */
/*
 * When sources are polled, and what becomes of one that hangs, of many at once and of a fork: rows
 * X8 and X6.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "polled.h"

#define PATIENCE_S 20

/* A source whose function takes as long as it is told to. */
struct sluggard {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int is_held; /* its next call does not return before it is let go */
	int is_inside;
	unsigned calls;
	int late_result; /* of a value that it gives after it was let go */
};

static struct sluggard sluggard(int is_held)
{
	return (struct sluggard){.mutex = PTHREAD_MUTEX_INITIALIZER,
				 .changed = PTHREAD_COND_INITIALIZER,
				 .is_held = is_held,
				 .late_result = 1};
}

static enum ring_answer dawdle(struct ring_poll *poll, void *context)
{
	struct sluggard *slow = context;

	ring_poll_gauge(poll, "queue_messages", RING_LABELS("slow"), 1);
	pthread_mutex_lock(&slow->mutex);
	slow->calls++;
	slow->is_inside = 1;
	pthread_cond_broadcast(&slow->changed);
	while (slow->is_held)
		pthread_cond_wait(&slow->changed, &slow->mutex);
	slow->late_result = ring_poll_gauge(poll, "queue_messages", RING_LABELS("slow"), 2);
	slow->is_inside = 0;
	pthread_cond_broadcast(&slow->changed);
	pthread_mutex_unlock(&slow->mutex);
	return RING_ANSWER_ALL;
}

static struct ring_source source_of(const char *name, struct sluggard *slow, unsigned interval_ms)
{
	return (struct ring_source){
		.name = name, .poll = dawdle, .context = slow, .interval_ms = interval_ms};
}

static void let_go(struct sluggard *slow)
{
	pthread_mutex_lock(&slow->mutex);
	slow->is_held = 0;
	pthread_cond_broadcast(&slow->changed);
	pthread_mutex_unlock(&slow->mutex);
}

/* Waits until its function was called that often, or is inside no more. Returns its calls. */
static unsigned await_sluggard(struct sluggard *slow, unsigned calls, int is_outside)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&slow->mutex);
	while (slow->calls < calls || (is_outside && slow->is_inside))
		if (pthread_cond_timedwait(&slow->changed, &slow->mutex, &deadline) != 0)
			fail_msg("%u calls, not %u", slow->calls, calls);
	calls = slow->calls;
	pthread_mutex_unlock(&slow->mutex);
	return calls;
}

/* Waits until a value of the poller's own of the source "source" is in the range. */
static void await_own(struct polled *polled, const char *metric, double least, double most)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	const time_t deadline = time(NULL) + PATIENCE_S;
	double value;

	while (value = polled_own(polled, metric), !(value >= least && value <= most)) {
		if (time(NULL) > deadline)
			fail_msg("%s: %f is not from %f to %f", metric, value, least, most);
		nanosleep(&pause, NULL);
	}
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void X8_source_is_polled_again_after_each_interval(void **state)
{
	struct sluggard slow = sluggard(0);
	const struct ring_source source = source_of("source", &slow, 5);
	struct polled polled;

	polled_open(&polled, *state, "again");
	const double start = now_ms();
	const int result = ring_poller_add(polled.poller, &source);
	assert_true(result == 0 || result == -ETIMEDOUT);
	await_sluggard(&slow, 10, 0);
	/* Nine intervals. */
	assert_true(now_ms() - start >= 44);
	polled_close(&polled);
}

static void X8_source_that_hangs_is_overdue_as_long_as_it_does_and_others_go_on(void **state)
{
	struct sluggard slow = sluggard(1), fast = sluggard(0);
	const struct ring_source hanging = source_of("source", &slow, 20);
	const struct ring_source running = source_of("fast", &fast, 20);
	struct polled polled;

	polled_open(&polled, *state, "hangs");
	assert_int_equal(ring_poller_add(polled.poller, &hanging), -ETIMEDOUT);
	await_own(&polled, "poller_overdue", 1, 1);
	ring_poller_add(polled.poller, &running);
	await_sluggard(&fast, 5, 0);
	assert_int_equal(ring_poller_poll(polled.poller, "source"), -ETIMEDOUT);
	const double by_now = polled_own(&polled, "poller_poll_duration_seconds");
	assert_true(by_now >= 0.02);
	await_own(&polled, "poller_poll_duration_seconds", by_now + 0.02, PATIENCE_S);
	assert_true(polled_own(&polled, "poller_overdue") == 1);
	let_go(&slow);
	await_own(&polled, "poller_overdue", 0, 0);
	assert_true(polled_value(&polled, DEPTH, "slow") == 2);
	polled_close(&polled);
}

static void X8_slow_answer_is_recorded_late_and_polls_it_outlasts_are_left_out(void **state)
{
	struct sluggard slow = sluggard(1);
	const struct ring_source source = source_of("source", &slow, 10);
	struct polled polled;

	polled_open(&polled, *state, "slow");
	assert_int_equal(ring_poller_add(polled.poller, &source), -ETIMEDOUT);
	assert_non_null(strstr(ring_error(), "within 10 ms"));
	assert_true(isnan(polled_value(&polled, DEPTH, "slow")));
	await_own(&polled, "poller_poll_duration_seconds", 0.1, PATIENCE_S);
	const double start = now_ms();
	let_go(&slow);
	await_own(&polled, "poller_last_answer_timestamp_seconds", 1, INFINITY);
	assert_true(polled_value(&polled, DEPTH, "slow") == 2);
	const unsigned calls = await_sluggard(&slow, 4, 0);
	assert_true(calls - 1 <= (now_ms() - start) / 10 + 1);
	polled_close(&polled);
}

static void *remove_it(void *poller)
{
	return (void *)(intptr_t)ring_poller_remove(poller, "source");
}

static void X8_source_that_hangs_is_left_behind_and_what_it_still_says_is_not_recorded(void **state)
{
	struct sluggard slow = sluggard(1), other = sluggard(0);
	const struct ring_source hanging = source_of("source", &slow, 10);
	const struct ring_source again = source_of("source", &other, HOUR_MS);
	struct polled polled;
	pthread_t remover;
	void *other_result;

	polled_open(&polled, *state, "left");
	assert_int_equal(ring_poller_add(polled.poller, &hanging), -ETIMEDOUT);
	/* Of two who remove it, one has removed it. */
	assert_int_equal(pthread_create(&remover, NULL, remove_it, polled.poller), 0);
	const int result = ring_poller_remove(polled.poller, "source");
	assert_int_equal(pthread_join(remover, &other_result), 0);
	assert_true(result == -EBUSY || result == -ENOENT);
	assert_int_equal((intptr_t)other_result, result == -EBUSY ? -ENOENT : -EBUSY);
	assert_true(isnan(polled_own(&polled, "poller_overdue")));
	/* The name is free. */
	assert_int_equal(ring_poller_add(polled.poller, &again), 0);
	assert_true(polled_value(&polled, DEPTH, "slow") == 2);
	assert_int_equal(ring_poller_remove(polled.poller, "source"), 0);
	let_go(&slow);
	await_sluggard(&slow, 1, 1);
	assert_int_equal(slow.late_result, 0);
	assert_true(isnan(polled_value(&polled, DEPTH, "slow")));
	assert_int_equal(slow.calls, 1);
	ring_poller_stop(polled.poller); /* its thread may still be about to end */
	ring_reader_close(polled.reader);
	ring_segment_close(polled.segment);
}

static void X8_stop_does_not_wait_for_ever_and_the_segment_may_go(void **state)
{
	struct sluggard slow[2] = {sluggard(1), sluggard(1)};
	struct polled polled;

	polled_open(&polled, *state, "stop");
	for (unsigned i = 0; i < 2; i++) {
		const struct ring_source source = source_of(i ? "b" : "a", &slow[i], 10);
		assert_int_equal(ring_poller_add(polled.poller, &source), -ETIMEDOUT);
	}
	assert_int_equal(ring_poller_stop(polled.poller), -EBUSY);
	assert_non_null(strstr(ring_error(), "still run: 2"));
	assert_true(isnan(polled_value(&polled, DEPTH, "slow")));
	/* The ring is free again. */
	assert_true(ring_writer_is_live(ring_writer_claim(polled.segment, 0)));
	ring_reader_close(polled.reader);
	ring_segment_close(polled.segment);
	for (unsigned i = 0; i < 2; i++) {
		let_go(&slow[i]);
		await_sluggard(&slow[i], 1, 1);
		assert_int_equal(slow[i].late_result, 0);
	}
}

static void name_is_one_of_its_own_and_of_some_bytes(void **state)
{
	static const char *const bad[] = {NULL, "", "\xff",
					  "one of more than 63 bytes, which is "
					  "what a source's name may have at most"};
	char name[RING_POLL_NAME_MAX + 1];
	struct ring_source source = {.name = name};
	struct polled polled;

	polled_open(&polled, *state, "named");
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		const struct ring_source odd = {.name = bad[i]};
		assert_int_equal(ring_poller_add(polled.poller, &odd), -EINVAL);
	}
	for (unsigned i = 0; i < RING_POLL_SOURCES_MAX; i++) {
		snprintf(name, sizeof name, "%063u", i);
		assert_int_equal(ring_poller_add(polled.poller, &source), 0);
		assert_int_equal(ring_poller_add(polled.poller, &source), -EEXIST);
	}
	strcpy(name, "one more");
	assert_int_equal(ring_poller_add(polled.poller, &source), -ENOSPC);
	assert_int_equal(ring_poller_poll(polled.poller, name), -ENOENT);
	polled_close(&polled);
}

static void poller_without_a_ring_is_a_noop(void **state)
{
	struct sluggard slow = sluggard(0);
	const struct ring_source source = source_of("source", &slow, HOUR_MS);
	struct ring_poller *second;
	struct polled polled;

	polled_open(&polled, *state, "claimed");
	assert_int_equal(ring_poller_start(&second, polled.segment, 0), -EBUSY);
	assert_non_null(strstr(ring_error(), "has a writer"));
	assert_int_equal(ring_poller_add(second, &source), 0);
	assert_int_equal(slow.calls, 0);
	assert_int_equal(ring_poller_stop(second), 0);
	assert_int_equal(ring_poller_start(&second, polled.segment, 3), -ENOENT);
	assert_int_equal(ring_poller_start(&second, polled.segment, RING_CORE_ANY), 0);
	assert_int_equal(ring_poller_stop(second), 0);
	polled_close(&polled);
}

static void poller_without_room_for_its_metrics_is_a_noop(void **state)
{
	struct ring_options options = workspace_options(*state, "narrow");
	struct ring_poller *poller;

	options.metrics_spare = 4;
	struct ring_segment *segment = workspace_segment(&options);
	assert_int_equal(ring_poller_start(&poller, segment, 0), -ENOSPC);
	assert_int_equal(ring_poller_stop(poller), 0);
	ring_segment_close(segment);
}

/* Threads whose name begins like that, and how many of them let SIGTERM in. */
static unsigned threads_called(const char *name, unsigned *open)
{
	DIR *tasks = opendir("/proc/self/task");
	char path[300], line[256];
	unsigned count = 0;

	*open = 0;
	for (struct dirent *task; (task = readdir(tasks));) {
		uint64_t blocked = 0;
		int is_called = 0;
		snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
		FILE *status = fopen(path, "r");
		while (status && fgets(line, sizeof line, status)) {
			is_called |= strncmp(line, "Name:\t", 6) == 0 &&
				     strncmp(line + 6, name, strlen(name)) == 0;
			sscanf(line, "SigBlk:\t%" SCNx64, &blocked);
		}
		if (status)
			fclose(status);
		count += (unsigned)is_called;
		*open += is_called && !(blocked >> (15 - 1) & 1);
	}
	closedir(tasks);
	return count;
}

static void threads_have_names_and_leave_signals_to_others(void **state)
{
	struct polled polled;
	unsigned open;

	polled_open(&polled, *state, "threads");
	polled_add(&polled, "source", 0);
	assert_int_equal(threads_called("poll", &open), 2);
	assert_int_equal(open, 0);
	assert_int_equal(threads_called("poll source", &open), 1);
	assert_int_equal(ring_poller_remove(polled.poller, "source"), 0);
	assert_int_equal(threads_called("poll source", &open), 0);
	polled_close(&polled);
	assert_int_equal(threads_called("poll", &open), 0);
}

static enum ring_answer fork_and_say(struct ring_poll *poll, void *context)
{
	int *status = context;
	const pid_t child = fork();

	if (child == 0) {
		ring_poll_gauge(poll, "queue_messages", RING_LABELS("child"), 1);
		ring_poll_restarted(poll);
		_exit(7);
	}
	waitpid(child, status, 0);
	return RING_ANSWER_SOME;
}

static void X6_child_of_a_fork_polls_nothing(void **state)
{
	struct sluggard slow = sluggard(0);
	const struct ring_source source = source_of("slow", &slow, 1);
	int status = 0;
	const struct ring_source forks = {
		.name = "forks", .poll = fork_and_say, .context = &status, .interval_ms = HOUR_MS};
	struct polled polled;

	polled_open(&polled, *state, "fork");
	polled_add(&polled, "source", 0);
	ring_poller_add(polled.poller, &source);
	for (int i = 0; i < 20; i++) {
		const pid_t child = fork();
		if (child == 0) {
			alarm(PATIENCE_S);
			const int result = ring_poller_add(polled.poller, &source) |
					   ring_poller_poll(polled.poller, "none") |
					   ring_poller_remove(polled.poller, "none") |
					   ring_poller_stop(polled.poller);
			_exit(result == 0 ? 7 : 1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(WEXITSTATUS(status), 7);
	}
	status = 0;
	assert_int_equal(ring_poller_add(polled.poller, &forks), 0);
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_true(isnan(polled_value(&polled, DEPTH, "child")));
	polled_close(&polled);
}

#define CROWD 16u

struct member {
	unsigned number;
	uint64_t total;
};

static enum ring_answer say_a_little(struct ring_poll *poll, void *context)
{
	struct member *member = context;
	char name[16];

	member->total++;
	snprintf(name, sizeof name, "m%u", member->number);
	ring_poll_counter(poll, "queue_sent_total", RING_LABELS(name), member->total);
	if (member->total % 3 != 0)
		ring_poll_gauge(poll, "queue_messages", RING_LABELS(name), 1);
	return member->total % 5 == 0 ? RING_ANSWER_SOME : RING_ANSWER_ALL;
}

static void *poll_by_hand(void *poller)
{
	for (unsigned i = 0; i < 100; i++)
		ring_poller_poll(poller, i % 2 ? "m0" : "m1");
	return NULL;
}

/* Sources come, answer and go at any time, and what they have counted is what is shown. */
static void X8_many_sources_at_once_are_all_counted(void **state)
{
	struct member members[CROWD];
	struct polled polled;
	pthread_t hand;
	char name[16];
	uint64_t sum = 0;

	polled_open(&polled, *state, "crowd");
	for (unsigned i = 0; i < CROWD; i++) {
		members[i] = (struct member){.number = i};
		snprintf(name, sizeof name, "m%u", i);
		const struct ring_source source = {.name = name,
						   .poll = say_a_little,
						   .context = &members[i],
						   .interval_ms = i == 0 ? HOUR_MS : i};
		const int result = ring_poller_add(polled.poller, &source);
		assert_true(result == 0 || result == -ETIMEDOUT);
		if (i == 0)
			assert_int_equal(pthread_create(&hand, NULL, poll_by_hand, polled.poller),
					 0);
	}
	assert_int_equal(ring_poller_remove(polled.poller, "m3"), 0);
	assert_int_equal(pthread_join(hand, NULL), 0);
	assert_int_equal(ring_poller_stop(polled.poller), 0);
	assert_true(members[0].total >= 50);
	uint64_t shown = polled_total(&polled, "_other");
	for (unsigned i = 0; i < CROWD; i++) {
		snprintf(name, sizeof name, "m%u", i);
		assert_true(isnan(polled_value(&polled, DEPTH, name)));
		sum += members[i].total;
		/* Two have places of their own. */
		const uint64_t total = polled_total(&polled, name);
		shown += total == UINT64_MAX ? 0 : total;
	}
	assert_int_equal(shown, sum);
	assert_true(isnan(polled_value(&polled, DEPTH, "_other")));
	ring_reader_close(polled.reader);
	ring_segment_close(polled.segment);
}

static enum ring_answer say_own_depth(struct ring_poll *poll, void *context)
{
	ring_poll_gauge(poll, "queue_messages", RING_LABELS(context), 1);
	return RING_ANSWER_ALL;
}

/* What the one forgets is not what the other shows, though both have a source of that name. */
static void two_pollers_of_a_segment_do_not_disturb_each_other(void **state)
{
	char a[] = "a", b[] = "b";
	const struct ring_source first = {
		.name = "source", .poll = say_own_depth, .context = a, .interval_ms = HOUR_MS};
	const struct ring_source second = {
		.name = "source", .poll = say_own_depth, .context = b, .interval_ms = HOUR_MS};
	struct ring_poller *other;
	struct polled polled;

	polled_open(&polled, *state, "two");
	assert_int_equal(ring_poller_start(&other, polled.segment, RING_CORE_ANY), 0);
	assert_int_equal(ring_poller_add(polled.poller, &first), 0);
	assert_int_equal(ring_poller_add(other, &second), 0);
	assert_int_equal(ring_poller_stop(other), 0);
	assert_true(polled_value(&polled, DEPTH, "a") == 1);
	assert_true(isnan(polled_value(&polled, DEPTH, "b")));
	assert_int_equal(ring_poller_poll(polled.poller, "source"), 0);
	assert_true(polled_own(&polled, "poller_overdue") == 0);
	polled_close(&polled);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(X8_source_is_polled_again_after_each_interval),
		TEST(X8_source_that_hangs_is_overdue_as_long_as_it_does_and_others_go_on),
		TEST(X8_slow_answer_is_recorded_late_and_polls_it_outlasts_are_left_out),
		TEST(X8_source_that_hangs_is_left_behind_and_what_it_still_says_is_not_recorded),
		TEST(X8_stop_does_not_wait_for_ever_and_the_segment_may_go),
		TEST(name_is_one_of_its_own_and_of_some_bytes),
		TEST(poller_without_a_ring_is_a_noop),
		TEST(poller_without_room_for_its_metrics_is_a_noop),
		TEST(threads_have_names_and_leave_signals_to_others),
		TEST(X6_child_of_a_fork_polls_nothing),
		TEST(X8_many_sources_at_once_are_all_counted),
		TEST(two_pollers_of_a_segment_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests_name("poller", tests, NULL, NULL);
}
