/* SPDX-License-Identifier: MIT */
/*
 * Small files: read whole or not at all, and looked at for changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

/* The tests work in a directory of their own on tmpfs. */
static int make(void **state)
{
	char *folder = strdup("/dev/shm/ring-file-XXXXXX");

	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	*state = folder;
	return 0;
}

static int unmake(void **state)
{
	static const char *const names[] = {"file", "fifo", "link", "a/file", "b/file", "now"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(names[i]);
	rmdir("a");
	rmdir("b");
	assert_int_equal(rmdir(*state), 0);
	free(*state);
	return 0;
}

static void put(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void file_is_read_whole(void **state)
{
	struct file file;

	(void)state;
	put("file", "some text");
	assert_null(file_read(&file, "file", 9));
	assert_int_equal(file.bytes, 9);
	assert_string_equal(file.data, "some text");
	assert_int_equal(file.mode & 0777, 0600);
	file_forget(&file);
	assert_null(file.data);
	put("file", "");
	assert_null(file_read(&file, "file", 0));
	assert_string_equal(file.data, "");
	file_forget(&file);
}

static void what_is_no_small_file_is_refused_at_once(void **state)
{
	struct file file;

	(void)state;
	put("file", "some text");
	assert_string_equal(file_read(&file, "file", 8), "is too large");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_string_equal(file_read(&file, "fifo", 8), "is no regular file");
	assert_string_equal(file_read(&file, ".", 8), "is no regular file");
	assert_string_equal(file_read(&file, "/dev/zero", 8), "is no regular file");
	assert_string_equal(file_read(&file, "no", 8), "No such file or directory");
}

/* Until nothing that happened to the file can be younger than the watch. */
static void settle(struct file_watch *watch)
{
	while (file_look(watch) != FILE_SAME)
		usleep(10000);
}

static void every_change_shows(void **state)
{
	struct file_watch watch = {.path = "file"};

	(void)state;
	put("file", "one");
	assert_int_equal(file_look(&watch), FILE_CHANGED);
	settle(&watch);
	put("file", "two");
	assert_int_equal(file_look(&watch), FILE_CHANGED);
	settle(&watch);
	assert_int_equal(chmod("file", 0400), 0);
	assert_int_equal(file_look(&watch), FILE_CHANGED);
	assert_int_equal(unlink("file"), 0);
	assert_int_equal(file_look(&watch), FILE_CHANGED);
	settle(&watch);
	put("file", "two");
	assert_int_equal(file_look(&watch), FILE_CHANGED);
}

/* Two changes within one step of the file system's clock have one stamp. */
static void what_was_just_changed_may_be_changed_again(void **state)
{
	struct file_watch watch = {.path = "file"};

	(void)state;
	put("file", "one");
	file_look(&watch);
	assert_int_equal(file_look(&watch), FILE_PERHAPS);
	settle(&watch);
	assert_int_equal(file_look(&watch), FILE_SAME);
}

/* As Kubernetes replaces secrets: the link itself stays, one on the way goes elsewhere. */
static void links_are_followed(void **state)
{
	struct file_watch watch = {.path = "link"};
	struct file file;

	(void)state;
	assert_int_equal(mkdir("a", 0700) | mkdir("b", 0700), 0);
	put("a/file", "one");
	put("b/file", "two");
	assert_int_equal(symlink("now/file", "link") | symlink("a", "now"), 0);
	file_look(&watch);
	settle(&watch);
	assert_int_equal(unlink("now") | symlink("b", "now"), 0);
	assert_int_equal(file_look(&watch), FILE_CHANGED);
	assert_null(file_read(&file, "link", 3));
	assert_string_equal(file.data, "two");
	file_forget(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(file_is_read_whole, make, unmake),
		cmocka_unit_test_setup_teardown(what_is_no_small_file_is_refused_at_once, make,
						unmake),
		cmocka_unit_test_setup_teardown(every_change_shows, make, unmake),
		cmocka_unit_test_setup_teardown(what_was_just_changed_may_be_changed_again, make,
						unmake),
		cmocka_unit_test_setup_teardown(links_are_followed, make, unmake),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
