/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

#define SEGMENT_MODE    0640
#define INTERRUPTED_MAX 64 /* tries at one allocation under a storm of signals */

static int set_lock(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};

	return fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : -errno;
}

bool ring_file_is_named(int fd, int dir_fd, const char *name)
{
	struct stat named, opened;

	return fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &opened) == 0 &&
	       named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

static int judge_and_lock(int fd, const char *name)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return ring_fail(errno, "%s: cannot look at the file: %s", name, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return ring_fail(EEXIST, "%s: what has that name is no regular file", name);
	const int error = set_lock(fd);
	if (error == -EAGAIN || error == -EACCES)
		return ring_fail(EBUSY, "%s: a live process owns the segment of that name", name);
	if (error)
		return ring_fail(-error, "%s: cannot lock the file: %s", name, strerror(-error));
	return 0;
}

int ring_file_lock_name(int *fd, int dir_fd, const char *name)
{
	const int opened = openat(dir_fd, name,
				  O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	*fd = -1;
	if (opened < 0 && errno == ENOENT)
		return 0;
	if (opened < 0)
		return ring_fail(errno, "%s: cannot open the file of that name: %s", name,
				 strerror(errno));
	const int error = judge_and_lock(opened, name);
	if (error)
		close(opened);
	else
		*fd = opened;
	return error;
}

int ring_file_make(int dir_fd, const struct ring_header *header,
		   char temporary[RING_TEMPORARY_BYTES])
{
	const uint8_t *u = header->uuid;

	snprintf(temporary, RING_TEMPORARY_BYTES, ".%s.%02x%02x%02x%02x%02x%02x%02x%02x",
		 header->name, u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7]);
	const int fd = openat(dir_fd, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			      SEGMENT_MODE);
	if (fd < 0)
		return ring_fail(errno, "%s: cannot make the file: %s", header->name,
				 strerror(errno));
	return fd;
}

int ring_file_lock(int fd, const char *name)
{
	const int error = set_lock(fd);

	/* Another starter's sweep takes it for left behind. */
	if (error == -EAGAIN || error == -EACCES)
		return RING_FILE_LOST;
	if (error)
		return ring_fail(-error, "%s: cannot lock the file: %s", name, strerror(-error));
	return 0;
}

/* Beyond RLIMIT_FSIZE the kernel would send SIGXFSZ, which ends the process. */
static int check_limit(const char *name, uint64_t bytes)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	    bytes > limit.rlim_cur)
		return ring_fail(EFBIG, "%s: needs %llu bytes, RLIMIT_FSIZE allows %llu", name,
				 (unsigned long long)bytes, (unsigned long long)limit.rlim_cur);
	return 0;
}

int ring_file_allocate(int fd, const char *name, uint64_t bytes)
{
	int error = check_limit(name, bytes);

	if (error)
		return error;
	/* fchmod: the mode is the format's promise to readers, whatever the umask. */
	if (fchmod(fd, SEGMENT_MODE) != 0)
		return ring_fail(errno, "%s: cannot set the mode: %s", name, strerror(errno));
	error = EINTR;
	for (int i = 0; i < INTERRUPTED_MAX && error == EINTR; i++)
		error = posix_fallocate(fd, 0, (off_t)bytes);
	if (error)
		return ring_fail(error, "%s: cannot allocate %llu bytes: %s", name,
				 (unsigned long long)bytes, strerror(error));
	return 0;
}

/* The two change places, so that what was replaced can be looked at: it must be the file that the
 * caller holds the lock of. If somebody removed that one, and another starter took the name, it is
 * a live process's, and gets its name back. */
static int exchange(int dir_fd, const char *temporary, const char *name, int replaced)
{
	if (renameat2(dir_fd, temporary, dir_fd, name, RENAME_EXCHANGE) != 0)
		return -errno;
	if (!ring_file_is_named(replaced, dir_fd, temporary)) {
		renameat2(dir_fd, temporary, dir_fd, name, RENAME_EXCHANGE);
		return -ENOENT;
	}
	unlinkat(dir_fd, temporary, 0);
	return 0;
}

static int rename_file(int dir_fd, const char *temporary, const char *name, unsigned flags)
{
	return renameat2(dir_fd, temporary, dir_fd, name, flags) == 0 ? 0 : -errno;
}

int ring_file_publish(int dir_fd, const char *temporary, const char *name, int replaced)
{
	int error;

	if (replaced < 0)
		error = rename_file(dir_fd, temporary, name, RENAME_NOREPLACE);
	else
		error = exchange(dir_fd, temporary, name, replaced);
	if (error == -EINVAL && replaced >= 0) /* a file system that cannot exchange */
		error = rename_file(dir_fd, temporary, name, 0);
	if (error == -EEXIST || error == -ENOENT)
		return RING_FILE_LOST;
	if (error)
		return ring_fail(-error, "%s: cannot publish: %s", name, strerror(-error));
	return 0;
}

static bool is_temporary_of(const char *found, const char *name)
{
	const size_t bytes = strlen(name);

	return found[0] == '.' && strncmp(found + 1, name, bytes) == 0 && found[1 + bytes] == '.' &&
	       strlen(found) == 1 + bytes + 1 + 16;
}

void ring_file_sweep(int dir_fd, const char *name)
{
	const int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && (entry = readdir(dir))) {
		if (!is_temporary_of(entry->d_name, name))
			continue;
		const int left = openat(dir_fd, entry->d_name,
					O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (left >= 0 && set_lock(left) == 0 &&
		    ring_file_is_named(left, dir_fd, entry->d_name))
			unlinkat(dir_fd, entry->d_name, 0);
		if (left >= 0)
			close(left);
	}
	if (dir)
		closedir(dir);
}
