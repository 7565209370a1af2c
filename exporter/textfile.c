/* SPDX-License-Identifier: MIT */
/* Pages as a file; see textfile.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "render/render.h"
#include "render/subset.h"
#include "textfile.h"

/* How soon to look again for the first snapshot. */
#define READY_NS UINT64_C(20000000)

struct textfile {
	const char *dir;
	int dir_fd; /* locked; -1: not there */
	struct filter filter;
	struct subset own; /* what is shown of the exporter's own part */
	struct render render;
	struct text text;
	bool is_failing;
	uint64_t written, failed;
	uint64_t interval_ns;
	int stop_fd;
	pthread_t thread;
};

/* Returns a descriptor, or a negative errno. */
static int find_dir(const char *dir)
{
	const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

static int open_dir(struct textfile *textfile)
{
	const int fd = find_dir(textfile->dir);

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		const int error = errno == EWOULDBLOCK ? -EBUSY : -errno;
		close(fd);
		return error;
	}
	textfile->dir_fd = fd;
	return 0;
}

static void close_dir(struct textfile *textfile)
{
	if (textfile->dir_fd >= 0)
		close(textfile->dir_fd);
	textfile->dir_fd = -1;
}

/* Another directory may have taken its place. */
static int follow_dir(struct textfile *textfile)
{
	struct stat here, there;

	if (textfile->dir_fd >= 0 && fstat(textfile->dir_fd, &here) == 0 &&
	    stat(textfile->dir, &there) == 0 && here.st_dev == there.st_dev &&
	    here.st_ino == there.st_ino)
		return 0;
	close_dir(textfile);
	return open_dir(textfile);
}

static const char *reason_of(int error)
{
	return error == -EBUSY ? "another exporter writes there" : strerror(-error);
}

int textfile_check(const char *dir)
{
	const int fd = find_dir(dir);

	if (fd < 0) {
		log_failure(dir, reason_of(fd));
		return fd;
	}
	close(fd);
	return 0;
}

int textfile_open(struct textfile **opened, const char *dir, size_t page_bytes_max,
		  const struct shape_labels *labels)
{
	struct textfile *textfile = calloc(1, sizeof *textfile);
	int error = textfile ? 0 : -ENOMEM;

	if (!error) {
		textfile->dir = dir;
		textfile->dir_fd = -1;
		textfile->stop_fd = eventfd(0, EFD_CLOEXEC);
		render_init(&textfile->render, labels);
		text_init(&textfile->text, page_bytes_max);
		filter_add(&textfile->filter, "exclude[]", "process");
		error = textfile->stop_fd >= 0 ? open_dir(textfile) : -errno;
	}
	if (!error) {
		*opened = textfile;
		return 0;
	}
	log_failure(dir, reason_of(error));
	textfile_close(textfile);
	return error;
}

void textfile_close(struct textfile *textfile)
{
	if (!textfile)
		return;
	close_dir(textfile);
	if (textfile->stop_fd >= 0)
		close(textfile->stop_fd);
	subset_release(&textfile->own);
	render_release(&textfile->render);
	text_release(&textfile->text);
	free(textfile);
}

/* The snapshot's page, into the text. */
static int render(struct textfile *textfile, const struct snapshot *snapshot)
{
	const struct snapshot_values *own = &snapshot->parts[SNAPSHOT_SELF];
	struct snapshot taken = *snapshot;
	int error = 0;

	if (textfile->own.of != own->catalog)
		error = subset_choose(&textfile->own, &textfile->filter, own->catalog, false);
	if (error == 0)
		error = subset_fill(&textfile->own, own, &taken.parts[SNAPSHOT_SELF]);
	if (error)
		return error;
	text_clear(&textfile->text);
	render_snapshot(&textfile->render, &textfile->text, FORMAT_TEXT, &taken);
	return textfile->text.error;
}

static int render_newest(struct textfile *textfile)
{
	const struct snapshot *snapshot = snapshot_borrow();
	const int error = snapshot ? render(textfile, snapshot) : -EAGAIN;

	snapshot_return();
	return error;
}

static int write_all(int fd, const char *data, size_t bytes)
{
	while (bytes > 0) {
		const ssize_t written = write(fd, data, bytes);
		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0) {
			data += written;
			bytes -= (size_t)written;
		}
	}
	return 0;
}

/* A killed exporter may have left one; a link that somebody has put there is not followed. */
static int write_new(int dir_fd, const struct text *text)
{
	unlinkat(dir_fd, TEXTFILE_NEW_NAME, 0);
	const int fd = openat(dir_fd, TEXTFILE_NEW_NAME,
			      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	/* For a collector of another user, whatever the umask is. */
	int error = fchmod(fd, 0644) == 0 ? 0 : -errno;
	if (!error)
		error = write_all(fd, text->data, text->bytes);
	/* Not synced: after a crash of the machine these are values of another time. */
	if (close(fd) != 0 && !error)
		error = -errno;
	return error;
}

static int replace(struct textfile *textfile)
{
	int error = follow_dir(textfile);

	if (error)
		return error;
	error = write_new(textfile->dir_fd, &textfile->text);
	if (!error &&
	    renameat(textfile->dir_fd, TEXTFILE_NEW_NAME, textfile->dir_fd, TEXTFILE_NAME) != 0)
		error = -errno;
	if (error)
		unlinkat(textfile->dir_fd, TEXTFILE_NEW_NAME, 0);
	return error;
}

/* Says what has changed. */
static void report(struct textfile *textfile, int error)
{
	if (error && !textfile->is_failing)
		log_event(LOG_ERROR, "textfile cannot be written", "dir", textfile->dir, "reason",
			  reason_of(error), NULL);
	else if (!error && textfile->is_failing)
		log_event(LOG_INFO, "textfile is written again", "dir", textfile->dir, NULL);
	textfile->is_failing = error != 0;
	/* relaxed: a count by itself, stored by one thread at a time. */
	__atomic_fetch_add(error ? &textfile->failed : &textfile->written, 1, __ATOMIC_RELAXED);
}

int textfile_write(struct textfile *textfile)
{
	int error = render_newest(textfile);

	if (error == -EAGAIN)
		return error;
	if (!error)
		error = replace(textfile);
	report(textfile, error);
	return error;
}

/* Returns whether to go on. */
static bool wait_ns(const struct textfile *textfile, uint64_t ns)
{
	const struct timespec time = {.tv_sec = (time_t)(ns / 1000000000),
				      .tv_nsec = (long)(ns % 1000000000)};
	struct pollfd stop = {.fd = textfile->stop_fd, .events = POLLIN};

	return ppoll(&stop, 1, &time, NULL) <= 0;
}

static void *run(void *argument)
{
	struct textfile *textfile = argument;
	uint64_t pause_ns;

	pthread_setname_np(pthread_self(), "textfile");
	do
		pause_ns = textfile_write(textfile) == -EAGAIN ? READY_NS : textfile->interval_ns;
	while (wait_ns(textfile, pause_ns));
	return NULL;
}

int textfile_start(struct textfile *textfile, uint64_t interval_ns)
{
	textfile->interval_ns = interval_ns;
	return -pthread_create(&textfile->thread, NULL, run, textfile);
}

void textfile_stop(struct textfile *textfile)
{
	eventfd_write(textfile->stop_fd, 1);
	pthread_join(textfile->thread, NULL);
}

void textfile_read(const struct textfile *textfile, struct textfile_figures *figures)
{
	/* relaxed: counts by themselves; a page more or less is all that differs. */
	figures->written = __atomic_load_n(&textfile->written, __ATOMIC_RELAXED);
	figures->failed = __atomic_load_n(&textfile->failed, __ATOMIC_RELAXED);
}
