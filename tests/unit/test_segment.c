/* SPDX-License-Identifier: MIT */
/*
 * Making a segment, and every way in which that can fail without harming the process that
 * wanted it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "workspace.h"

/* Runs body(argument) in a child and demands that it returns 0, or 77 for what cannot be tried. */
static int in_child(int (*body)(void *), void *argument)
{
	int status;
	const pid_t child = fork();

	if (child == 0)
		_exit(body(argument));
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 77))
		fail_msg("child ended with status %#x", (unsigned)status);
	return WEXITSTATUS(status);
}

static void segment_is_one_fully_allocated_file_with_its_mode(void **state)
{
	const struct ring_options options = workspace_options(*state, "file");
	const mode_t umask_before = umask(0777);
	struct ring_segment *segment = workspace_segment(&options);
	struct stat status;

	umask(umask_before);
	assert_int_equal(stat(ring_segment_path(segment), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	assert_true(status.st_blocks * 512 >= status.st_size);
	assert_int_equal(workspace_entries(*state), 1);
	ring_segment_close(segment);
	assert_int_equal(workspace_entries(*state), 1); /* the file stays for its readers */
}

static void no_record_of_the_first_lap_meets_a_page_fault(void **state)
{
	struct ring_options options = workspace_options(*state, "faults");
	struct rusage before, after;

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
	skip(); /* they keep books, on pages of their own */
#endif
	options.slot_count = 65536;
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	const struct ring_counter counter = workspace_packets(segment, "a");
	ring_counter_add(writer, counter, 1);
	getrusage(RUSAGE_SELF, &before);
	for (int i = 0; i < 65536; i++)
		ring_counter_add(writer, counter, 1);
	getrusage(RUSAGE_SELF, &after);
	/* 1.5 MB of slots are 384 pages; a few faults may be the test's own. */
	assert_in_range(after.ru_minflt - before.ru_minflt, 0, 20);
	ring_segment_close(segment);
}

static void lock_tells_the_living_from_the_dead(void **state)
{
	const struct ring_options options = workspace_options(*state, "lock");
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_reader *reader = workspace_reader(segment);

	assert_true(ring_reader_owner_alive(reader));
	ring_segment_close(segment);
	assert_false(ring_reader_owner_alive(reader));
	ring_reader_close(reader);
}

static void lock_of_a_reader_is_no_sign_of_life(void **state)
{
	const struct ring_options options = workspace_options(*state, "read_lock");
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1};
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_reader *reader = workspace_reader(segment);
	const int fd = open(ring_segment_path(segment), O_RDONLY);

	ring_segment_close(segment);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	assert_false(ring_reader_owner_alive(reader));
	close(fd);
	ring_reader_close(reader);
}

static void name_of_a_living_process_is_refused(void **state)
{
	const struct ring_options options = workspace_options(*state, "taken");
	struct ring_segment *segment = workspace_segment(&options), *second;

	assert_int_equal(ring_segment_create(&second, &options), -EBUSY);
	assert_false(ring_segment_is_live(second));
	assert_non_null(strstr(ring_error(), "taken: a live process owns"));
	ring_segment_close(second);
	assert_true(ring_segment_is_live(segment));
	ring_segment_close(segment);
}

static void what_is_no_segment_is_replaced(void **state)
{
	const struct ring_options options = workspace_options(*state, "junk");
	char path[64];

	snprintf(path, sizeof path, "%s/junk", (const char *)*state);
	const int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "junk", 4), 4);
	close(fd);
	struct ring_segment *segment = workspace_segment(&options);
	workspace_record(segment, 1);
	ring_segment_close(segment);
}

static void what_is_no_file_is_left_alone(void **state)
{
	const struct ring_options options = workspace_options(*state, "dir");
	struct ring_segment *segment;
	char path[64];

	snprintf(path, sizeof path, "%s/dir", (const char *)*state);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(ring_segment_create(&segment, &options), -EEXIST);
	assert_non_null(strstr(ring_error(), "no regular file"));
	ring_segment_close(segment);
}

static void starter_sweeps_what_a_dead_one_left_and_nothing_else(void **state)
{
	const struct ring_options options = workspace_options(*state, "swept");
	const char *names[] = {".swept.0123456789abcdef", ".other.0123456789abcdef",
			       ".swept.short"};
	char path[96];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", (const char *)*state, names[i]);
		close(open(path, O_WRONLY | O_CREAT, 0600));
	}
	ring_segment_close(workspace_segment(&options));
	assert_int_equal(workspace_entries(*state), 3);
	snprintf(path, sizeof path, "%s/%s", (const char *)*state, names[0]);
	assert_int_equal(access(path, F_OK), -1);
}

static void bad_options_give_a_noop_handle_and_a_reason(void **state)
{
	const struct ring_options good = workspace_options(*state, "good");
	struct ring_options bad[7];
	struct ring_segment *segment;
	struct ring_metric_def def = {.name = "bad", .kind = RING_COUNTER};

	for (int i = 0; i < 7; i++)
		bad[i] = good;
	bad[0].name = "a/b";
	bad[1].name = NULL;
	bad[2].core_count = 0;
	bad[3].core_count = RING_CORES_MAX + 1;
	bad[4].slot_count = RING_SLOTS_MAX + 1;
	bad[5].burst_max = 5;
	bad[6].metrics = &def;
	bad[6].metric_count = 1;
	for (int i = 0; i < 7; i++) {
		assert_int_equal(ring_segment_create(&segment, &bad[i]), -EINVAL);
		assert_false(ring_segment_is_live(segment));
		assert_string_equal(ring_segment_path(segment), "");
		ring_segment_close(segment);
	}
	assert_int_equal(workspace_entries(*state), 0);
}

/* Everything a data plane does with a handle that is a no-op. */
static void T6_data_plane_runs_on_with_a_noop_handle(void **state)
{
	struct ring_options options = workspace_options(*state, "noop");
	struct ring_segment *segment;

	options.core_count = 0;
	assert_int_equal(ring_segment_create(&segment, &options), -EINVAL);
	assert_int_equal(ring_metric_define(segment, &workspace_metrics[0]), 0);
	assert_int_equal(ring_metric_define(segment, &(struct ring_metric_def){.name = "x"}),
			 -EINVAL);
	assert_int_equal(workspace_packets(segment, "a").key, 0);
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	assert_false(ring_writer_is_live(writer));
	workspace_record(segment, 1);
	ring_writer_release(writer);
	ring_segment_close(segment);
}

static int create_under_file_limit(void *argument)
{
	struct ring_segment *segment;

	setrlimit(RLIMIT_FSIZE, &(struct rlimit){4096, 4096});
	const int result = ring_segment_create(&segment, argument);
	return result == -EFBIG && !ring_segment_is_live(segment) &&
			       strstr(ring_error(), "RLIMIT_FSIZE")
		       ? 0
		       : 1;
}

static void file_size_limit_is_an_error_and_not_a_signal(void **state)
{
	struct ring_options options = workspace_options(*state, "limit");

	in_child(create_under_file_limit, &options);
	assert_int_equal(workspace_entries(*state), 0);
}

enum { CANNOT_TRY = 77 }; /* a container may forbid mounts */

static int create_on_full_tmpfs(void *argument)
{
	struct ring_options options = workspace_options(argument, "full");
	struct ring_segment *segment;
	char data[32];
	int outcomes[2] = {0, 0};

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return CANNOT_TRY;
	/* From far too small to large enough, in steps: refused or created, never a signal. */
	for (int kib = 4; kib <= 4096; kib += kib < 300 ? 44 : 500) {
		snprintf(data, sizeof data, "size=%dk", kib);
		if (mount("tmpfs", argument, "tmpfs", 0, data) != 0)
			return 2;
		const int result = ring_segment_create(&segment, &options);
		if (result != 0 && result != -ENOSPC)
			return 3;
		if (result != 0 &&
		    (!strstr(ring_error(), "cannot allocate") || workspace_entries(argument) != 0))
			return 4;
		outcomes[result == 0]++;
		workspace_record(segment, 1);
		ring_segment_close(segment);
		umount(argument);
	}
	return outcomes[0] > 0 && outcomes[1] > 0 ? 0 : 5;
}

static void full_file_system_is_an_error_and_leaves_nothing_behind(void **state)
{
	if (in_child(create_on_full_tmpfs, *state) == CANNOT_TRY)
		skip();
}

/* Adopts with less and less address space, until not even the first allocation works. */
static int create_with_little_memory(void *argument)
{
	struct ring_segment *segment;
	struct rlimit limit;
	int failed = 0;

	getrlimit(RLIMIT_AS, &limit);
	for (rlim_t kib = 32 * 1024; kib > 0; kib -= 64) {
		limit.rlim_cur = kib * 1024;
		setrlimit(RLIMIT_AS, &limit);
		const int result = ring_segment_create(&segment, argument);
		if (result != 0 && result != -ENOMEM)
			return 1;
		failed += result != 0;
		workspace_record(segment, 1);
		ring_segment_close(segment);
	}
	return failed > 0 ? 0 : 2;
}

static void missing_memory_is_an_error_and_loses_no_total(void **state)
{
	struct ring_options options = workspace_options(*state, "memory");

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
	skip(); /* they need terabytes of address space */
#endif
	struct ring_segment *segment = workspace_segment(&options);
	workspace_record(segment, 1000);
	ring_segment_close(segment);
	in_child(create_with_little_memory, &options);
	segment = workspace_segment(&options);
	struct ring_reader *reader = workspace_reader(segment);
	assert_in_range(workspace_value(reader, "test_packets_total", "a", 0), 1000, 1512);
	assert_in_range(ring_reader_header(reader)->owner_count.bits, 2, 514);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static int create_without_permission(void *argument)
{
	struct ring_segment *segment;

	if (setuid(65534) != 0)
		return 1;
	const int result = ring_segment_create(&segment, argument);
	return result == -EACCES && strstr(ring_error(), "ermission denied") ? 0 : 2;
}

static void missing_permission_is_an_error_that_names_the_place(void **state)
{
	struct ring_options options = workspace_options(*state, "denied");

	if (geteuid() != 0)
		skip();
	in_child(create_without_permission, &options);
}

static void missing_directory_is_made_with_its_mode(void **state)
{
	char path[64];
	struct stat status;

	snprintf(path, sizeof path, "%s/made", (const char *)*state);
	const struct ring_options options = workspace_options(path, "x");
	ring_segment_close(workspace_segment(&options));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0750);
	snprintf(path, sizeof path, "%s/made/x/y", (const char *)*state);
	assert_int_equal(ring_dir_open(path), -ENOTDIR);
	assert_non_null(strstr(ring_error(), path));
}

struct family {
	struct ring_segment *segment;
	struct ring_writer *writer;
	struct ring_counter packets;
};

static int record_in_child(void *argument)
{
	struct family *family = argument;

	ring_tick(family->writer);
	ring_burst_end(family->writer); /* the parent had begun one */
	for (int i = 0; i < 100; i++)
		ring_counter_add(family->writer, family->packets, 1);
	if (ring_segment_is_live(family->segment) ||
	    workspace_packets(family->segment, "new").key != 0 ||
	    ring_writer_is_live(ring_writer_claim(family->segment, 1)))
		return 1;
	/* The lock's descriptor is closed already; its number may be another file's by now. */
	const int reused = open("/dev/null", O_RDONLY);
	ring_segment_close(family->segment);
	return fcntl(reused, F_GETFD) >= 0 ? 0 : 2;
}

static void child_of_a_fork_writes_nowhere_and_keeps_no_lock(void **state)
{
	const struct ring_options options = workspace_options(*state, "family");
	struct family family = {.segment = workspace_segment(&options)};
	struct ring_reader *reader = workspace_reader(family.segment);
	int hold[2], ready[2];
	char byte;

	family.writer = ring_writer_claim(family.segment, 0);
	family.packets = workspace_packets(family.segment, "a");
	ring_burst_begin(family.writer);
	ring_counter_add(family.writer, family.packets, 1);
	in_child(record_in_child, &family);
	ring_burst_end(family.writer);
	assert_int_equal(workspace_value(reader, "test_packets_total", "a", 0), 1);
	ring_counter_add(family.writer, family.packets, 1);
	assert_int_equal(workspace_value(reader, "test_packets_total", "a", 0), 2);
	/* A child that outlives its parent's segment does not keep it alive. */
	assert_int_equal(pipe(hold) | pipe(ready), 0);
	const pid_t child = fork();
	if (child == 0) {
		close(hold[1]);
		_exit(write(ready[1], "r", 1) == 1 && read(hold[0], &byte, 1) == 0 ? 0 : 1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	ring_segment_close(family.segment);
	assert_false(ring_reader_owner_alive(reader));
	close(hold[1]);
	close(hold[0]);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	ring_reader_close(reader);
}

static int create_in_child(void *argument)
{
	const struct ring_options options = workspace_options(argument, "child");
	struct ring_segment *segment;

	if (ring_segment_create(&segment, &options) != 0)
		return 1;
	workspace_record(segment, 7);
	ring_segment_close(segment);
	return 0;
}

static void child_of_a_fork_can_make_a_segment_of_its_own(void **state)
{
	const struct ring_options options = workspace_options(*state, "parent");
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_reader *reader = NULL;
	char path[64];

	workspace_record(segment, 1);
	in_child(create_in_child, *state);
	snprintf(path, sizeof path, "%s/child", (const char *)*state);
	assert_int_equal(ring_reader_open(&reader, AT_FDCWD, path), 0);
	assert_int_equal(workspace_value(reader, "test_packets_total", "a", 0), 7);
	ring_reader_close(reader);
	ring_segment_close(segment);
}

static int open_squatted_directory(void *argument)
{
	char path[RING_PATH_BYTES];

	(void)argument;
	unsetenv("RING_DIR");
	unsetenv("XDG_RUNTIME_DIR");
	if (mkdir("/dev/shm/ring-64999", 0777) != 0 || setuid(64999) != 0 ||
	    ring_dir_resolve("/dev/shm/ring-64999", path) != 0)
		return 1;
	return ring_dir_open(path) == -EPERM && strstr(ring_error(), "alone") ? 0 : 2;
}

/* Anybody can make the fallback directory of somebody else. */
static void fallback_directory_that_another_user_made_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	rmdir("/dev/shm/ring-64999"); /* of a run that failed */
	in_child(open_squatted_directory, NULL);
	assert_int_equal(rmdir("/dev/shm/ring-64999"), 0);
}

static void directory_follows_flag_then_environment_then_custom(void **state)
{
	char path[RING_PATH_BYTES];

	(void)state;
	setenv("RING_DIR", "/from/environment", 1);
	assert_int_equal(ring_dir_resolve("/from/flag", path), 0);
	assert_string_equal(path, "/from/flag");
	assert_int_equal(ring_dir_resolve(NULL, path), 0);
	assert_string_equal(path, "/from/environment");
	unsetenv("RING_DIR");
	assert_int_equal(ring_dir_resolve(NULL, path), 0);
	if (geteuid() == 0)
		assert_string_equal(path, "/run/ring");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(segment_is_one_fully_allocated_file_with_its_mode),
		TEST(no_record_of_the_first_lap_meets_a_page_fault),
		TEST(lock_tells_the_living_from_the_dead),
		TEST(lock_of_a_reader_is_no_sign_of_life),
		TEST(name_of_a_living_process_is_refused),
		TEST(what_is_no_segment_is_replaced),
		TEST(what_is_no_file_is_left_alone),
		TEST(starter_sweeps_what_a_dead_one_left_and_nothing_else),
		TEST(bad_options_give_a_noop_handle_and_a_reason),
		TEST(T6_data_plane_runs_on_with_a_noop_handle),
		TEST(file_size_limit_is_an_error_and_not_a_signal),
		TEST(full_file_system_is_an_error_and_leaves_nothing_behind),
		TEST(missing_memory_is_an_error_and_loses_no_total),
		TEST(missing_permission_is_an_error_that_names_the_place),
		TEST(missing_directory_is_made_with_its_mode),
		TEST(child_of_a_fork_writes_nowhere_and_keeps_no_lock),
		TEST(child_of_a_fork_can_make_a_segment_of_its_own),
		TEST(fallback_directory_that_another_user_made_is_refused),
		TEST(directory_follows_flag_then_environment_then_custom),
	};

	return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
