/* SPDX-License-Identifier: MIT */
/*
 * Gives every file of a fuzz corpus to the fuzz target, as one TAP case each.
 *
 * usage: test_replay DIR
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz_target.h"

#define SECONDS_MAX 60 /* an input that hangs ends the test */
#define BYTES_MAX   (64u << 10)

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int replay(int dir_fd, const char *name)
{
	static uint8_t input[BYTES_MAX];
	const int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	const ssize_t bytes = fd >= 0 ? read(fd, input, sizeof input) : -1;

	if (fd >= 0)
		close(fd);
	return bytes < 0 ? -1 : LLVMFuzzerTestOneInput(input, (size_t)bytes);
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	const char *dir = argc == 2 ? argv[1] : "";
	const int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const int count = scandir(dir, &entries, is_input, alphasort);
	int failed = 0;

	if (dir_fd < 0 || count <= 0) {
		fprintf(stderr, "test_replay: %s: no corpus there\n", dir);
		return 1;
	}
	alarm(SECONDS_MAX);
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		const int result = replay(dir_fd, entries[i]->d_name);
		printf("%s %d - input_%s_is_harmless\n", result ? "not ok" : "ok", i + 1,
		       entries[i]->d_name);
		fflush(stdout);
		failed += result != 0;
		free(entries[i]);
	}
	free(entries);
	close(dir_fd);
	return failed > 0;
}
