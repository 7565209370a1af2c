/* SPDX-License-Identifier: MIT */
/* The service manager is told what is so, and nothing else, on a real datagram socket. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "system/supervisor.h"

/* The manager's end, in the abstract namespace, which needs no file. */
static int manager_open(char name[static 64])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t bytes = sizeof address;

	/* The kernel finds a name that is free. */
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address.sun_family), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
	const int name_bytes = (int)(bytes - offsetof(struct sockaddr_un, sun_path)) - 1;
	snprintf(name, 64, "@%.*s", name_bytes, address.sun_path + 1);
	return fd;
}

/* What has come last, or "" if nothing has. */
static const char *heard(int manager)
{
	static char message[256];
	const ssize_t bytes = recv(manager, message, sizeof message - 1, 0);

	message[bytes > 0 ? bytes : 0] = '\0';
	return message;
}

static int start(struct supervisor *supervisor, const char *watchdog_us, const char *watchdog_pid)
{
	char name[64];
	const int manager = manager_open(name);

	setenv("NOTIFY_SOCKET", name, 1);
	if (watchdog_us)
		setenv("WATCHDOG_USEC", watchdog_us, 1);
	if (watchdog_pid)
		setenv("WATCHDOG_PID", watchdog_pid, 1);
	supervisor_open(supervisor);
	assert_true(supervisor->fd >= 0);
	return manager;
}

static void end(struct supervisor *supervisor, int manager)
{
	supervisor_close(supervisor);
	close(manager);
}

static void nobody_is_told_anything_without_a_socket(void **state)
{
	struct supervisor supervisor;

	(void)state;
	supervisor_open(&supervisor);
	assert_int_equal(supervisor.fd, -1);
	assert_true(supervisor_look(&supervisor, 1, 1) > 60 * UINT64_C(1000000000));
	supervisor_reloading(&supervisor, 1);
	supervisor_stopping(&supervisor);
	supervisor_close(&supervisor);
}

static void children_do_not_inherit_it(void **state)
{
	struct supervisor supervisor;
	const int manager = start(&supervisor, "1000000", "1");

	(void)state;
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	assert_int_equal(supervisor.watchdog_ns, 0); /* meant for process 1 */
	end(&supervisor, manager);
}

static void ready_means_that_both_loops_have_begun(void **state)
{
	struct supervisor supervisor;
	const int manager = start(&supervisor, NULL, NULL);

	(void)state;
	supervisor_look(&supervisor, 0, 7);
	supervisor_look(&supervisor, 7, 0);
	assert_string_equal(heard(manager), "");
	supervisor_look(&supervisor, 7, 7);
	assert_string_equal(heard(manager), "READY=1\nSTATUS=Serving");
	supervisor_look(&supervisor, 8, 8);
	assert_string_equal(heard(manager), "");
	supervisor_stopping(&supervisor);
	assert_string_equal(heard(manager), "STOPPING=1\nSTATUS=Finishing requests");
	end(&supervisor, manager);
}

static void a_sign_of_life_needs_both_loops_to_have_gone_on(void **state)
{
	struct supervisor supervisor;
	const int manager = start(&supervisor, "4000000", NULL);

	(void)state;
	assert_int_equal(supervisor_look(&supervisor, 1, 1), 1000000000);
	assert_non_null(strstr(heard(manager), "READY=1"));
	assert_string_equal(heard(manager), "WATCHDOG=1");
	supervisor_look(&supervisor, 2, 1);
	supervisor_look(&supervisor, 1, 2);
	assert_string_equal(heard(manager), "");
	supervisor_look(&supervisor, 2, 2);
	assert_string_equal(heard(manager), "WATCHDOG=1");
	supervisor_look(&supervisor, 2, 3);
	assert_string_equal(heard(manager), "");
	end(&supervisor, manager);
}

static void a_reload_is_over_two_turns_later(void **state)
{
	struct supervisor supervisor;
	const int manager = start(&supervisor, NULL, NULL);
	unsigned long long us = 0;

	(void)state;
	supervisor_look(&supervisor, 1, 1);
	heard(manager);
	supervisor_reloading(&supervisor, 7);
	assert_int_equal(sscanf(heard(manager), "RELOADING=1\nMONOTONIC_USEC=%llu\n", &us), 1);
	assert_true(us > 0);
	supervisor_look(&supervisor, 2, 8);
	assert_string_equal(heard(manager), "");
	supervisor_look(&supervisor, 2, 9);
	assert_non_null(strstr(heard(manager), "READY=1"));
	end(&supervisor, manager);
}

static void signs_of_life_come_though_reloads_never_end(void **state)
{
	struct supervisor supervisor;
	const int manager = start(&supervisor, "4000000", NULL);

	(void)state;
	supervisor_look(&supervisor, 1, 1);
	for (uint64_t turns = 2; turns < 10; turns++) {
		while (*heard(manager)) {
		}
		supervisor_reloading(&supervisor, turns);
		assert_non_null(strstr(heard(manager), "RELOADING=1"));
		supervisor_look(&supervisor, turns, turns);
		assert_string_equal(heard(manager), "WATCHDOG=1");
	}
	end(&supervisor, manager);
}

static void a_manager_that_does_not_read_holds_up_nobody_and_hears_it_later(void **state)
{
	struct supervisor supervisor;
	const int manager = start(&supervisor, NULL, NULL);
	char byte;

	(void)state;
	while (send(supervisor.fd, "", 1, MSG_DONTWAIT) >= 0) {
	}
	assert_int_equal(errno, EAGAIN);
	supervisor_look(&supervisor, 1, 1);
	while (recv(manager, &byte, 1, 0) >= 0) {
	}
	supervisor_look(&supervisor, 1, 1);
	assert_non_null(strstr(heard(manager), "READY=1"));
	end(&supervisor, manager);
}

static void sockets_that_are_none_are_complained_about_once(void **state)
{
	static const char *const names[] = {"relative", "", "@", "/no/such", "vsock:2:9"};
	struct supervisor supervisor;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		supervisor_open(&supervisor);
		assert_int_equal(supervisor.fd, -1);
		assert_null(getenv("NOTIFY_SOCKET"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_told_anything_without_a_socket),
		cmocka_unit_test(children_do_not_inherit_it),
		cmocka_unit_test(ready_means_that_both_loops_have_begun),
		cmocka_unit_test(a_sign_of_life_needs_both_loops_to_have_gone_on),
		cmocka_unit_test(a_reload_is_over_two_turns_later),
		cmocka_unit_test(signs_of_life_come_though_reloads_never_end),
		cmocka_unit_test(a_manager_that_does_not_read_holds_up_nobody_and_hears_it_later),
		cmocka_unit_test(sockets_that_are_none_are_complained_about_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
