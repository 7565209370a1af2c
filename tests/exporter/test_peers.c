/* SPDX-License-Identifier: MIT */
/*
 * Deadlines of connections.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "peers.h"

#define LATE PEERS_REQUEST_NS_MAX

static int is_shut(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void connection_is_shut_down_at_its_deadline_and_not_before(void **state)
{
	struct peers peers;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	peers_init(&peers);
	assert_int_equal(peers_expire(&peers, 0), -1);
	struct peer *peer = peers_add(&peers, ends[0], 5);
	assert_int_equal(peers_expire(&peers, 5), LATE / 1000000 + 1);
	assert_int_equal(peers_expire(&peers, 4 + LATE), 1);
	assert_false(is_shut(ends[1]));
	peers_expire(&peers, 5 + LATE);
	assert_true(is_shut(ends[1]));
	peers_remove(&peers, peer);
	assert_int_equal(peers_expire(&peers, 0), -1);
	close(ends[0]);
	close(ends[1]);
}

static void answered_request_gives_the_next_one_all_its_time(void **state)
{
	struct peers peers;
	struct peer *list[2];
	int first[2], second[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, first), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, second), 0);
	peers_init(&peers);
	list[0] = peers_add(&peers, first[0], 0);
	list[1] = peers_add(&peers, second[0], 1);
	peers_renew(&peers, list[0], 2);
	peers_expire(&peers, 1 + LATE);
	assert_false(is_shut(first[1]));
	assert_true(is_shut(second[1]));
	for (int i = 0; i < 2; i++) {
		peers_remove(&peers, list[i]);
		close(first[i]);
		close(second[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connection_is_shut_down_at_its_deadline_and_not_before),
		cmocka_unit_test(answered_request_gives_the_next_one_all_its_time),
	};

	return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
