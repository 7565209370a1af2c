/* SPDX-License-Identifier: MIT */
/*
 * What can and cannot be done in the sandbox, tried: a child enters it as the exporter does, does
 * everything once and leaves what came of it in memory that it shares with us.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "attempts.h"
#include "system/sandbox_layers.h"

#define NOT_TRIED    (-1)
#define ATTEMPT_MAX  64u
#define LAYERS       ATTEMPT_MAX /* where it stands whether they are up */
#define COUNT(array) (sizeof(array) / sizeof *(array))

static char folder[] = "/dev/shm/ring-test-XXXXXX"; /* each test's own */

struct attempt {
	const char *name;
	int (*run)(void);
};

#define ATTEMPT(name)                 \
	{                             \
#name, attempt_##name \
	}

static const struct attempt needed[] = {
	ATTEMPT(read_granted), ATTEMPT(read_new), ATTEMPT(list_granted), ATTEMPT(read_itself),
	ATTEMPT(make_thread),  ATTEMPT(allocate), ATTEMPT(make_eventfd), ATTEMPT(accept_connection),
};

static const struct attempt forbidden[] = {
	ATTEMPT(read_outside),
	ATTEMPT(read_through_link),
	ATTEMPT(read_others),
	ATTEMPT(write_in_place),
	ATTEMPT(append),
	ATTEMPT(empty),
	ATTEMPT(create),
	ATTEMPT(create_nameless),
	ATTEMPT(open_by_struct),
	ATTEMPT(unlink_granted_for_reading),
	ATTEMPT(make_directory),
	ATTEMPT(rename_granted_for_reading),
	ATTEMPT(make_link),
	ATTEMPT(truncate_path),
	ATTEMPT(change_mode),
	ATTEMPT(make_process),
	ATTEMPT(map_program),
	ATTEMPT(turn_into_program),
	ATTEMPT(trace),
	ATTEMPT(read_memory_of_parent),
	ATTEMPT(signal_parent),
	ATTEMPT(signal_thread_of_parent),
	ATTEMPT(have_parent_signalled),
	ATTEMPT(slow_parent_down),
	ATTEMPT(open_raw_socket),
	ATTEMPT(open_packet_socket),
	ATTEMPT(open_stream_socket),
	ATTEMPT(listen_elsewhere),
	ATTEMPT(connect_out),
	ATTEMPT(connect_by_sending),
	ATTEMPT(open_local_socket),
	ATTEMPT(make_datagram_pair),
	ATTEMPT(mount_something),
	ATTEMPT(load_bpf),
	ATTEMPT(handle_faults),
	ATTEMPT(submit_to_a_ring),
	ATTEMPT(enter_namespace),
	ATTEMPT(keep_keys),
	ATTEMPT(raise_limits),
	ATTEMPT(become_somebody),
	ATTEMPT(have_capabilities),
	ATTEMPT(type_on_terminal),
	ATTEMPT(make_memory_file),
	ATTEMPT(remove_granted),
	ATTEMPT(write_granted),
	ATTEMPT(write_own_code),
	ATTEMPT(execute), /* the last one, as nothing would come after it */
};

static void make_file(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static int place_open(void **state)
{
	static const char *const directories[] = ATTEMPT_DIRECTORIES;
	socklen_t bytes = sizeof attempt_address;
	char file[32];

	(void)state;
	memcpy(strrchr(folder, '-'), "-XXXXXX", 8);
	if (!mkdtemp(folder) || chdir(folder) != 0)
		return -1;
	for (size_t i = 0; i < COUNT(directories); i++) {
		snprintf(file, sizeof file, "%s/file", directories[i]);
		if (mkdir(directories[i], 0700) != 0)
			return -1;
		make_file(file);
	}
	if (symlink("../outside/file", "read/link") != 0)
		return -1;
	attempt_parent = getpid();
	attempt_address = (struct sockaddr_in){.sin_family = AF_INET,
					       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	attempt_listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	attempt_other_listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(attempt_listener, (const struct sockaddr *)&attempt_address,
		 sizeof attempt_address) != 0 ||
	    listen(attempt_listener, 8) != 0 || listen(attempt_other_listener, 8) != 0)
		return -1;
	return getsockname(attempt_listener, (struct sockaddr *)&attempt_address, &bytes);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status, (void)kind, (void)where;
	return remove(path);
}

static int place_close(void **state)
{
	(void)state;
	close(attempt_listener);
	close(attempt_other_listener);
	return chdir("/") == 0 ? nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

/* Enters the sandbox, or a part of it. Returns false if the kernel has it not. */
typedef bool enter_function(struct sandbox_grants *grants);

static bool enter(struct sandbox_grants *grants)
{
	sandbox_enter(grants);
	return sandbox_has(SANDBOX_LANDLOCK) && sandbox_has(SANDBOX_SECCOMP);
}

static bool enter_files_alone(struct sandbox_grants *grants)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && sandbox_restrict_files(grants) == 0;
}

static bool enter_calls_alone(struct sandbox_grants *grants)
{
	return sandbox_restrict_calls(grants) == 0;
}

static bool stay_outside(struct sandbox_grants *grants)
{
	return grants->path_count > 0;
}

static void try_in_child(enter_function *into, struct sandbox_grants *grants,
			 const struct attempt *attempts, size_t count, int *results)
{
	sandbox_grant(grants, "/proc/self", SANDBOX_READ | SANDBOX_LASTING);
	results[LAYERS] = into(grants);
	raise(SIGSTOP); /* so that something is made since */
	for (size_t i = 0; i < count; i++)
		results[i] = attempts[i].run();
	_exit(0);
}

static void try_all(enter_function *into, struct sandbox_grants *grants,
		    const struct attempt *attempts, size_t count, int results[ATTEMPT_MAX])
{
	const size_t bytes = (ATTEMPT_MAX + 1) * sizeof *results;
	int *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	assert_true(shared != MAP_FAILED && count <= ATTEMPT_MAX);
	for (size_t i = 0; i < count; i++)
		shared[i] = NOT_TRIED;
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		try_in_child(into, grants, attempts, count, shared);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	make_file("read/newer");
	assert_int_equal(rename("read/newer", "read/new"), 0);
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	const bool has_layers = shared[LAYERS];
	memcpy(results, shared, count * sizeof *shared);
	munmap(shared, bytes);
	if (!has_layers)
		skip(); /* the kernel has not all of it */
}

/* What the exporter has without Alertmanagers and Unix-domain sockets. */
static struct sandbox_grants usual_grants(void)
{
	struct sandbox_grants grants = {.path_count = 0};

	sandbox_grant_around(&grants, "read/file", SANDBOX_READ);
	return grants;
}

static void expect(enter_function *into, struct sandbox_grants *grants,
		   const struct attempt *attempts, size_t count, bool can)
{
	int results[ATTEMPT_MAX];

	try_all(into, grants, attempts, count, results);
	for (size_t i = 0; i < count; i++) {
		const int result = results[i];
		const bool is_denied = result == EPERM || result == EACCES || result == ENOSYS;
		if (can ? result != 0 : !is_denied)
			fail_msg("%s: %d, %s", attempts[i].name, result, strerror(result));
	}
}

#define EXPECT(into, grants, can, ...)                                      \
	do {                                                                \
		static const struct attempt attempts[] = {__VA_ARGS__};     \
		expect((into), (grants), attempts, COUNT(attempts), (can)); \
	} while (0)

static void what_serving_needs_can_be_done(void **state)
{
	struct sandbox_grants grants = usual_grants();

	(void)state;
	expect(enter, &grants, needed, COUNT(needed), true);
}

static void nothing_else_can_be_done(void **state)
{
	struct sandbox_grants grants = usual_grants();

	(void)state;
	expect(enter, &grants, forbidden, COUNT(forbidden), false);
}

static void all_of_it_is_the_sandboxs_doing(void **state)
{
	struct sandbox_grants grants = usual_grants();

	(void)state;
	EXPECT(stay_outside, &grants, true, ATTEMPT(read_outside), ATTEMPT(read_through_link),
	       ATTEMPT(write_in_place), ATTEMPT(append), ATTEMPT(create), ATTEMPT(create_nameless),
	       ATTEMPT(open_by_struct), ATTEMPT(make_directory), ATTEMPT(make_link),
	       ATTEMPT(change_mode), ATTEMPT(make_process), ATTEMPT(map_program),
	       ATTEMPT(turn_into_program), ATTEMPT(signal_parent), ATTEMPT(signal_thread_of_parent),
	       ATTEMPT(have_parent_signalled), ATTEMPT(slow_parent_down),
	       ATTEMPT(open_stream_socket), ATTEMPT(listen_elsewhere), ATTEMPT(connect_out),
	       ATTEMPT(connect_by_sending), ATTEMPT(open_local_socket), ATTEMPT(make_datagram_pair),
	       ATTEMPT(make_memory_file), ATTEMPT(write_program), ATTEMPT(write_own_code),
	       ATTEMPT(remove_granted), ATTEMPT(write_granted));
}

static void files_are_kept_from_it_by_landlock_alone(void **state)
{
	struct sandbox_grants grants = usual_grants();

	(void)state;
	EXPECT(enter_files_alone, &grants, false, ATTEMPT(read_outside), ATTEMPT(read_through_link),
	       ATTEMPT(read_others), ATTEMPT(write_in_place), ATTEMPT(append), ATTEMPT(empty),
	       ATTEMPT(create), ATTEMPT(create_nameless), ATTEMPT(open_by_struct),
	       ATTEMPT(unlink_granted_for_reading), ATTEMPT(rename_granted_for_reading),
	       ATTEMPT(make_directory), ATTEMPT(make_link), ATTEMPT(truncate_path), ATTEMPT(trace),
	       ATTEMPT(signal_parent), ATTEMPT(listen_elsewhere), ATTEMPT(connect_out),
	       ATTEMPT(execute));
}

static void calls_are_kept_from_it_by_seccomp_alone(void **state)
{
	struct sandbox_grants grants = usual_grants();

	(void)state;
	EXPECT(enter_calls_alone, &grants, false, ATTEMPT(write_in_place), ATTEMPT(append),
	       ATTEMPT(empty), ATTEMPT(create), ATTEMPT(create_nameless), ATTEMPT(open_by_struct),
	       ATTEMPT(unlink_granted_for_reading), ATTEMPT(rename_granted_for_reading),
	       ATTEMPT(make_directory), ATTEMPT(make_link), ATTEMPT(truncate_path),
	       ATTEMPT(change_mode), ATTEMPT(make_process), ATTEMPT(map_program),
	       ATTEMPT(turn_into_program), ATTEMPT(trace), ATTEMPT(read_memory_of_parent),
	       ATTEMPT(signal_parent), ATTEMPT(signal_thread_of_parent),
	       ATTEMPT(have_parent_signalled), ATTEMPT(slow_parent_down),
	       ATTEMPT(connect_by_sending), ATTEMPT(open_raw_socket), ATTEMPT(open_stream_socket),
	       ATTEMPT(mount_something), ATTEMPT(load_bpf), ATTEMPT(handle_faults),
	       ATTEMPT(submit_to_a_ring), ATTEMPT(enter_namespace), ATTEMPT(keep_keys),
	       ATTEMPT(raise_limits), ATTEMPT(type_on_terminal), ATTEMPT(make_memory_file),
	       ATTEMPT(execute));
}

static void connections_are_made_if_granted_and_none_is_waited_for(void **state)
{
	struct sandbox_grants grants = usual_grants();

	(void)state;
	grants.may_connect = true;
	EXPECT(enter, &grants, true, ATTEMPT(open_stream_socket), ATTEMPT(connect_out));
	grants = usual_grants();
	grants.may_connect = true;
	EXPECT(enter, &grants, false, ATTEMPT(open_raw_socket), ATTEMPT(open_packet_socket),
	       ATTEMPT(listen_elsewhere), ATTEMPT(open_local_socket), ATTEMPT(make_datagram_pair),
	       ATTEMPT(execute));
}

static void files_are_removed_where_that_is_granted(void **state)
{
	struct sandbox_grants grants = usual_grants();

	(void)state;
	sandbox_grant(&grants, "removed", SANDBOX_REMOVE);
	EXPECT(enter, &grants, false, ATTEMPT(write_granted_for_removing),
	       ATTEMPT(read_granted_for_removing), ATTEMPT(unlink_granted_for_reading));
	grants = usual_grants();
	sandbox_grant(&grants, "removed", SANDBOX_REMOVE);
	EXPECT(enter, &grants, true, ATTEMPT(remove_granted));
}

static void files_are_written_where_that_is_granted(void **state)
{
	struct sandbox_grants grants = usual_grants();

	(void)state;
	sandbox_grant(&grants, "written", SANDBOX_WRITE);
	EXPECT(enter, &grants, true, ATTEMPT(write_granted));
	grants = usual_grants();
	sandbox_grant(&grants, "written", SANDBOX_WRITE);
	EXPECT(enter, &grants, false, ATTEMPT(write_beside), ATTEMPT(move_out),
	       ATTEMPT(write_in_place), ATTEMPT(create), ATTEMPT(empty), ATTEMPT(create_nameless),
	       ATTEMPT(open_by_struct), ATTEMPT(make_link), ATTEMPT(write_program),
	       ATTEMPT(turn_file_into_program), ATTEMPT(execute));
}

static void a_profile_is_written_to_memory_and_to_no_file(void **state)
{
	struct sandbox_grants grants = usual_grants();

	(void)state;
	grants.may_profile = true;
	EXPECT(enter, &grants, true, ATTEMPT(make_memory_file));
	grants = usual_grants();
	grants.may_profile = true;
	EXPECT(enter, &grants, false, ATTEMPT(write_in_place), ATTEMPT(create),
	       ATTEMPT(write_beside), ATTEMPT(write_own_code), ATTEMPT(map_program),
	       ATTEMPT(execute_memory_file), ATTEMPT(execute));
}

static void what_a_link_leads_to_may_be_replaced_too(void **state)
{
	struct sandbox_grants grants = {.path_count = 0};

	(void)state;
	assert_int_equal(mkdir("links", 0700), 0);
	assert_int_equal(symlink("../read/file", "links/file"), 0);
	sandbox_grant_around(&grants, "links/file", SANDBOX_READ);
	EXPECT(enter, &grants, true, ATTEMPT(read_granted), ATTEMPT(read_new));
}

int main(void)
{
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_open, place_close)
	const struct CMUnitTest tests[] = {
		IN_PLACE(what_serving_needs_can_be_done),
		IN_PLACE(nothing_else_can_be_done),
		IN_PLACE(all_of_it_is_the_sandboxs_doing),
		IN_PLACE(files_are_kept_from_it_by_landlock_alone),
		IN_PLACE(calls_are_kept_from_it_by_seccomp_alone),
		IN_PLACE(connections_are_made_if_granted_and_none_is_waited_for),
		IN_PLACE(files_are_removed_where_that_is_granted),
		IN_PLACE(files_are_written_where_that_is_granted),
		IN_PLACE(a_profile_is_written_to_memory_and_to_no_file),
		IN_PLACE(what_a_link_leads_to_may_be_replaced_too),
	};
#undef IN_PLACE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
