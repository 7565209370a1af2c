/* SPDX-License-Identifier: MIT */
/* Small files; see file.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"

#define SETTLED_AFTER_NS UINT64_C(1000000000)

static const char *read_all(struct file *file, int fd, size_t room)
{
	while (file->bytes < room) {
		const ssize_t got = read(fd, file->data + file->bytes, room - file->bytes);
		if (got < 0)
			return strerrordesc_np(errno);
		if (got == 0)
			return NULL;
		file->bytes += (size_t)got;
	}
	return "grows while it is read";
}

static const char *read_open(struct file *file, int fd, size_t bytes_max)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return strerrordesc_np(errno);
	if (!S_ISREG(status.st_mode))
		return "is no regular file";
	if ((size_t)status.st_size > bytes_max)
		return "is too large";
	const size_t room = (size_t)status.st_size + 1; /* to see its end */
	*file = (struct file){.data = calloc(1, room + 1), .mode = status.st_mode};
	if (!file->data)
		return strerrordesc_np(ENOMEM);
	const char *wrong = read_all(file, fd, room);
	if (wrong)
		file_forget(file);
	return wrong;
}

const char *file_read(struct file *file, const char *path, size_t bytes_max)
{
	/* A FIFO would wait for its other end. */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return strerrordesc_np(errno);
	const char *wrong = read_open(file, fd, bytes_max);
	close(fd);
	return wrong;
}

void file_forget(struct file *file)
{
	if (file->data)
		explicit_bzero(file->data, file->bytes);
	free(file->data);
	*file = (struct file){.data = NULL};
}

enum file_change file_look(struct file_watch *watch)
{
	const struct stamp now = stamp_follow(watch->path);
	const bool was_settled = watch->is_settled;
	const bool is_same = stamp_is_unchanged(&now, &watch->stamp);
	const uint64_t changed_ns = (uint64_t)now.changed.tv_sec * 1000000000u +
				    (uint64_t)now.changed.tv_nsec;

	watch->stamp = now;
	watch->is_settled = changed_ns + SETTLED_AFTER_NS < clock_wall_ns();
	if (!is_same)
		return FILE_CHANGED;
	return was_settled ? FILE_SAME : FILE_PERHAPS;
}
