/* SPDX-License-Identifier: MIT */
/*
 * Addresses: which are one client, how often it may ask, and when it is forgotten.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/un.h>

#include <cmocka.h>

#include "http/clients.h"

#define SECOND_NS UINT64_C(1000000000)

static struct client *find(struct clients *clients, const char *text, uint64_t now_ns)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)now_ns)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)now_ns)};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return clients_find(clients, (const struct sockaddr *)&v4, now_ns);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return clients_find(clients, (const struct sockaddr *)&v6, now_ns);
}

static void client_is_an_address_or_a_network_of_64_bits(void **state)
{
	const struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/x"};
	const struct sockaddr unnamed = {.sa_family = AF_UNIX};
	struct clients clients;

	(void)state;
	assert_int_equal(clients_init(&clients, 4, 0), 0);
	struct client *v4 = find(&clients, "10.0.0.1", 1), *v6 = find(&clients, "2001:db8::1", 1);
	struct client *unix_domain = clients_find(&clients, (const struct sockaddr *)&local, 1);
	assert_ptr_equal(find(&clients, "10.0.0.1", 2), v4);
	assert_ptr_equal(find(&clients, "::ffff:10.0.0.1", 2), v4);
	assert_ptr_equal(find(&clients, "2001:db8::2:3", 2), v6);
	assert_ptr_equal(clients_find(&clients, &unnamed, 2), unix_domain);
	assert_int_equal(clients.count, 3);
	find(&clients, "10.0.0.2", 3);
	find(&clients, "::ffff:10.0.1.1", 3);
	find(&clients, "2001:db8:0:1::1", 3);
	assert_int_equal(clients.count, 6);
	clients_release(&clients);
}

static void client_may_ask_at_its_rate_and_twice_as_often_at_once(void **state)
{
	struct clients clients;

	(void)state;
	assert_int_equal(clients_init(&clients, 4, 10), 0);
	struct client *client = find(&clients, "10.0.0.1", SECOND_NS);
	struct client *other = find(&clients, "10.0.0.2", SECOND_NS);
	for (int i = 0; i < 20; i++)
		assert_true(clients_admit(&clients, client, SECOND_NS));
	assert_false(clients_admit(&clients, client, SECOND_NS));
	assert_true(clients_admit(&clients, other, SECOND_NS));
	assert_false(clients_admit(&clients, client, SECOND_NS + SECOND_NS / 10 - 1000));
	assert_true(clients_admit(&clients, client, SECOND_NS + SECOND_NS / 10 + 1000));
	assert_false(clients_admit(&clients, client, SECOND_NS + SECOND_NS / 10 + 1000));
	for (int i = 0; i < 20; i++)
		assert_true(clients_admit(&clients, client, 100 * SECOND_NS));
	assert_false(clients_admit(&clients, client, 100 * SECOND_NS));
	clients_release(&clients);
}

static void without_a_rate_client_may_always_ask(void **state)
{
	struct clients clients;

	(void)state;
	assert_int_equal(clients_init(&clients, 4, 0), 0);
	for (int i = 0; i < 1000; i++)
		assert_true(clients_admit(&clients, find(&clients, "::1", 1), 1));
	clients_release(&clients);
}

static void another_rate_begins_with_all_that_it_allows(void **state)
{
	static const unsigned rates[] = {3, 1, 5};
	struct clients clients;

	(void)state;
	assert_int_equal(clients_init(&clients, 4, 0), 0);
	struct client *client = find(&clients, "10.0.0.1", SECOND_NS);
	for (unsigned i = 0; i < sizeof rates / sizeof *rates; i++) {
		clients_set_rate(&clients, rates[i]);
		for (unsigned n = 0; n < 2 * rates[i]; n++)
			assert_true(clients_admit(&clients, client, SECOND_NS));
		assert_false(clients_admit(&clients, client, SECOND_NS));
	}
	clients_set_rate(&clients, 0);
	assert_true(clients_admit(&clients, client, SECOND_NS));
	clients_release(&clients);
}

static void only_who_is_not_connected_is_forgotten_the_oldest_first(void **state)
{
	struct clients clients;
	char text[32];

	(void)state;
	assert_int_equal(clients_init(&clients, 2, 1), 0);
	struct client *connected = find(&clients, "10.1.0.0", 1);
	connected->counts[0] = 1;
	for (unsigned i = 1; i < clients.count_max; i++) {
		snprintf(text, sizeof text, "10.1.%u.%u", i >> 8, i & 255);
		find(&clients, text, 1 + i);
	}
	struct client *second = find(&clients, "10.1.0.2", 1000);
	struct client *first = find(&clients, "10.2.0.0", 1001);
	assert_ptr_equal(first, &clients.list[1]); /* the place of 10.1.0.1 */
	assert_ptr_equal(find(&clients, "10.1.0.2", 1002), second);
	assert_ptr_equal(find(&clients, "10.1.0.0", 1002), connected);
	for (size_t i = 0; i < clients.count; i++)
		clients.list[i].counts[1] = 1;
	assert_null(find(&clients, "10.3.0.0", 1003));
	clients_release(&clients);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_is_an_address_or_a_network_of_64_bits),
		cmocka_unit_test(client_may_ask_at_its_rate_and_twice_as_often_at_once),
		cmocka_unit_test(without_a_rate_client_may_always_ask),
		cmocka_unit_test(another_rate_begins_with_all_that_it_allows),
		cmocka_unit_test(only_who_is_not_connected_is_forgotten_the_oldest_first),
	};

	return cmocka_run_group_tests_name("clients", tests, NULL, NULL);
}
