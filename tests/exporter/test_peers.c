/* SPDX-License-Identifier: MIT */
/*
 * Connections: their deadlines, and who has to go for whom. Each is one end of a socket pair.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dice.h"
#include "http/peers.h"

#define CONNECTIONS_MAX 8u
#define PAIRS_MAX       32u

struct scene {
	struct peers peers;
	struct peer *list[PAIRS_MAX];
	int ends[PAIRS_MAX][2];
	unsigned count;
};

static int make(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	*state = scene;
	return peers_init(&scene->peers, &(struct peers_limits){CONNECTIONS_MAX, 0});
}

static int unmake(void **state)
{
	struct scene *scene = *state;

	for (unsigned i = 0; i < scene->count; i++) {
		peers_remove(&scene->peers, scene->list[i]);
		close(scene->ends[i][0]);
		close(scene->ends[i][1]);
	}
	for (unsigned phase = 0; phase < CLIENT_PHASES; phase++)
		assert_int_equal(scene->peers.counts[phase], 0);
	peers_release(&scene->peers);
	free(scene);
	return 0;
}

/* A connection from 10.0.0.`host`; returns its index. */
static unsigned come(struct scene *scene, unsigned host, uint64_t now_ns)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_addr = {htonl(0x0a000000 + host)}};
	const unsigned i = scene->count++;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, scene->ends[i]), 0);
	scene->list[i] = peers_add(&scene->peers, scene->ends[i][0],
				   (const struct sockaddr *)&address, now_ns);
	assert_non_null(scene->list[i]);
	return i;
}

static void ask(struct scene *scene, unsigned i, uint64_t now_ns)
{
	assert_true(peers_answer(&scene->peers, scene->list[i], now_ns));
}

static bool is_shut(const struct scene *scene, unsigned i)
{
	char byte;

	return recv(scene->ends[i][1], &byte, 1, MSG_DONTWAIT) == 0;
}

/* Demands that those of the first `count`, and no others, have been shut down. */
static void assert_shut(const struct scene *scene, unsigned count, const char *expected)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(is_shut(scene, i), expected[i] == 'x');
}

static void request_that_is_incomplete_is_shut_down_at_its_deadline_and_not_before(void **state)
{
	struct scene *scene = *state;
	const uint64_t late = PEERS_REQUEST_NS_MAX;

	assert_int_equal(peers_expire(&scene->peers, 0), -1);
	come(scene, 1, 5);
	assert_int_equal(peers_expire(&scene->peers, 5), late / 1000000 + 1);
	assert_int_equal(peers_expire(&scene->peers, 4 + late), 1);
	assert_shut(scene, 1, ".");
	assert_int_equal(peers_expire(&scene->peers, 5 + late), -1);
	assert_shut(scene, 1, "x");
}

static void answer_has_a_deadline_of_its_own(void **state)
{
	struct scene *scene = *state;
	const uint64_t asked = PEERS_REQUEST_NS_MAX - 1, late = asked + PEERS_ANSWER_NS_MAX;

	come(scene, 1, 0);
	ask(scene, 0, asked);
	assert_int_equal(peers_expire(&scene->peers, late - 1), 1);
	assert_shut(scene, 1, ".");
	peers_expire(&scene->peers, late);
	assert_shut(scene, 1, "x");
}

static void answered_request_gives_the_next_one_all_its_time(void **state)
{
	struct scene *scene = *state;

	come(scene, 1, 0);
	come(scene, 1, 1);
	ask(scene, 0, 2);
	peers_wait(&scene->peers, scene->list[0], 3);
	assert_int_equal(peers_expire(&scene->peers, 1 + PEERS_REQUEST_NS_MAX), 1);
	assert_shut(scene, 2, ".x");
}

static void connection_that_is_old_takes_no_further_request(void **state)
{
	struct scene *scene = *state;
	const uint64_t old = PEERS_CONNECTION_NS_MAX;

	for (unsigned i = 0; i < 2; i++) {
		come(scene, 1, 0);
		ask(scene, i, old - 2);
		peers_wait(&scene->peers, scene->list[i], old - 1);
		ask(scene, i, old - 1);
		assert_shut(scene, i + 1, "..");
	}
	peers_wait(&scene->peers, scene->list[0], old);
	assert_shut(scene, 2, "x.");
}

/* Two addresses, so that neither has too many. */
static void come_in_turns(struct scene *scene, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		come(scene, 1 + i % 2, i);
}

static void oldest_incomplete_request_has_to_go(void **state)
{
	struct scene *scene = *state;

	come_in_turns(scene, CONNECTIONS_MAX);
	ask(scene, 0, 20);
	ask(scene, 2, 21);
	peers_wait(&scene->peers, scene->list[2], 22);
	assert_shut(scene, 8, "........");
	come(scene, 3, 23);
	assert_shut(scene, 9, ".x.......");
	come(scene, 3, 24);
	assert_shut(scene, 10, ".x.x......");
	for (unsigned i = 0; i < 4; i++)
		come(scene, 4 + i, 25);
	assert_shut(scene, 14, ".x.xxxxx......");
	assert_int_equal(scene->peers.evicted_count, 6);
}

static void longest_answer_has_to_go_if_most_are_answered(void **state)
{
	struct scene *scene = *state;

	come_in_turns(scene, CONNECTIONS_MAX);
	for (unsigned i = 0; i < 5; i++)
		ask(scene, 4 - i, 20 + i);
	come(scene, 3, 30);
	assert_shut(scene, 9, "....x....");
	come(scene, 3, 31); /* half of them now */
	assert_shut(scene, 10, "....xx....");
}

static void one_address_has_half_of_the_connections(void **state)
{
	struct scene *scene = *state;

	come(scene, 1, 0);
	for (unsigned i = 0; i < 6; i++)
		come(scene, 2, 1 + i);
	assert_shut(scene, 7, ".xx....");
	ask(scene, 3, 10);
	come(scene, 2, 11);
	assert_shut(scene, 8, ".xx.x...");
	come(scene, 1, 12);
	assert_shut(scene, 9, ".xx.x....");
}

static void who_is_gone_comes_back_in_no_way(void **state)
{
	struct scene *scene = *state;

	come(scene, 1, 0);
	peers_evict(&scene->peers);
	assert_false(peers_evict(&scene->peers));
	ask(scene, 0, 1);
	peers_wait(&scene->peers, scene->list[0], 2);
	assert_int_equal(peers_expire(&scene->peers, 3), -1);
}

static void reader_keeps_its_memory_for_a_while(void **state)
{
	struct scene *scene = *state;

	come(scene, 1, 0);
	ask(scene, 0, 1);
	peers_evict_reader(&scene->peers, PEERS_ANSWER_NS_MIN);
	assert_shut(scene, 1, ".");
	peers_evict_reader(&scene->peers, 1 + PEERS_ANSWER_NS_MIN);
	assert_shut(scene, 1, "x");
	peers_evict_reader(&scene->peers, 1 + PEERS_ANSWER_NS_MIN);
}

static void held_answer_has_neither_deadline_nor_to_go_and_then_all_its_time(void **state)
{
	struct scene *scene = *state;
	const uint64_t late = 3 * PEERS_ANSWER_NS_MAX;

	come_in_turns(scene, CONNECTIONS_MAX);
	for (unsigned i = 0; i < 5; i++)
		ask(scene, i, 20 + i);
	peers_hold(&scene->peers, scene->list[0]);
	peers_hold(&scene->peers, scene->list[0]);
	come(scene, 3, 30);
	assert_shut(scene, 9, ".x.......");
	peers_evict_reader(&scene->peers, 22 + PEERS_ANSWER_NS_MIN);
	assert_shut(scene, 9, ".xx......");
	peers_expire(&scene->peers, late);
	assert_shut(scene, 9, ".xxxxxxxx");
	assert_int_equal(scene->peers.counts[PEER_ANSWERED], 1);
	peers_go_on(&scene->peers, scene->list[0], late);
	assert_int_equal(peers_expire(&scene->peers, late + PEERS_ANSWER_NS_MAX - 1), 1);
	assert_shut(scene, 1, ".");
	peers_expire(&scene->peers, late + PEERS_ANSWER_NS_MAX);
	assert_shut(scene, 1, "x");
	peers_hold(&scene->peers, scene->list[0]);
	assert_int_equal(scene->peers.counts[PEER_ANSWERED], 0);
}

static void at_the_end_who_waits_has_to_go(void **state)
{
	struct scene *scene = *state;

	come_in_turns(scene, 4);
	ask(scene, 1, 5);
	peers_evict_waiting(&scene->peers);
	assert_shut(scene, 4, "x.xx");
	assert_int_equal(scene->peers.counts[PEER_ANSWERED], 1);
}

/* Whatever happens: no more than may be, the newest is there, and an address has its half. */
static void limits_hold_whatever_happens(void **state)
{
	struct scene *scene = *state;
	uint64_t dice = dice_seed();

	for (uint64_t now_ns = 1; now_ns < 20000; now_ns++) {
		const uint64_t roll = dice_roll(&dice);
		const unsigned i = (unsigned)(roll >> 8) % PAIRS_MAX;
		if (scene->count < PAIRS_MAX) {
			come(scene, (unsigned)(roll >> 4) % 5, now_ns);
			assert_false(is_shut(scene, scene->count - 1));
		} else if (roll % 4 == 0) {
			unmake(state);
			make(state);
			scene = *state;
		} else if (roll % 4 == 1) {
			peers_answer(&scene->peers, scene->list[i], now_ns);
		} else {
			peers_wait(&scene->peers, scene->list[i], now_ns);
		}
		const unsigned *counts = scene->peers.counts;
		assert_true(counts[PEER_WAITING] + counts[PEER_ANSWERED] <= CONNECTIONS_MAX);
		for (size_t j = 0; j < scene->peers.clients.count; j++) {
			counts = scene->peers.clients.list[j].counts;
			assert_true(counts[PEER_WAITING] + counts[PEER_ANSWERED] <=
				    CONNECTIONS_MAX / 2);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(request_that_is_incomplete_is_shut_down_at_its_deadline_and_not_before),
		TEST(answer_has_a_deadline_of_its_own),
		TEST(answered_request_gives_the_next_one_all_its_time),
		TEST(connection_that_is_old_takes_no_further_request),
		TEST(oldest_incomplete_request_has_to_go),
		TEST(longest_answer_has_to_go_if_most_are_answered),
		TEST(one_address_has_half_of_the_connections),
		TEST(who_is_gone_comes_back_in_no_way),
		TEST(reader_keeps_its_memory_for_a_while),
		TEST(held_answer_has_neither_deadline_nor_to_go_and_then_all_its_time),
		TEST(at_the_end_who_waits_has_to_go),
		TEST(limits_hold_whatever_happens),
	};

	return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
