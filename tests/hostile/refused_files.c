/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "refusals.h"

static bool close_made(int fd)
{
	return fd >= 0 && close(fd) == 0;
}

static bool make_fifo(struct victim *victim, const char *name)
{
	return mkfifoat(victim->dir_fd, name, 0600) == 0;
}

static bool make_directory(struct victim *victim, const char *name)
{
	return mkdirat(victim->dir_fd, name, 0700) == 0;
}

static bool make_socket(struct victim *victim, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const size_t dir_bytes = strlen(victim->dir);

	if (fd < 0 || dir_bytes + 1 + strlen(name) >= sizeof address.sun_path)
		return false;
	stpcpy(stpcpy(stpcpy(address.sun_path, victim->dir), "/"), name);
	const bool made = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	close(fd);
	return made;
}

static bool make_link_to_good_file(struct victim *victim, const char *name)
{
	return symlinkat(VICTIM_NAME, victim->dir_fd, name) == 0;
}

static bool make_link_to_nothing(struct victim *victim, const char *name)
{
	return symlinkat("nothing", victim->dir_fd, name) == 0;
}

static bool make_link_to_itself(struct victim *victim, const char *name)
{
	return symlinkat(name, victim->dir_fd, name) == 0;
}

static bool make_hard_link(struct victim *victim, const char *name)
{
	return linkat(victim->dir_fd, VICTIM_NAME, victim->dir_fd, name, 0) == 0;
}

static bool make_empty(struct victim *victim, const char *name)
{
	return close_made(victim_copy(victim, name, 0));
}

static bool make_one_byte(struct victim *victim, const char *name)
{
	return close_made(victim_copy(victim, name, 1));
}

static bool make_most_of_a_header(struct victim *victim, const char *name)
{
	return close_made(victim_copy(victim, name, sizeof(struct ring_header) - 1));
}

static bool make_header_only(struct victim *victim, const char *name)
{
	return close_made(victim_copy(victim, name, sizeof(struct ring_header)));
}

static bool make_one_byte_short(struct victim *victim, const char *name)
{
	return close_made(victim_copy(victim, name, victim->bytes - 1));
}

static bool make_one_byte_long(struct victim *victim, const char *name)
{
	const int fd = victim_copy(victim, name, victim->bytes);

	return fd >= 0 && pwrite(fd, "", 1, (off_t)victim->bytes) == 1 && close(fd) == 0;
}

/* Header and tables are there, the cores are a hole. */
static bool make_sparse(struct victim *victim, const char *name)
{
	const int fd = victim_copy(victim, name, victim_sound(victim)->cores_offset);

	return fd >= 0 && ftruncate(fd, (off_t)victim->bytes) == 0 && close(fd) == 0;
}

/* As many blocks as the segment needs, but behind its end. */
static bool make_sparse_with_a_tail(struct victim *victim, const char *name)
{
	const int fd = victim_copy(victim, name, victim_sound(victim)->cores_offset);

	return fd >= 0 && fallocate(fd, 0, (off_t)victim->bytes, (off_t)victim->bytes) == 0 &&
	       close(fd) == 0;
}

static bool make_unreadable(struct victim *victim, const char *name)
{
	const int fd = victim_copy(victim, name, victim->bytes);

	return fd >= 0 && fchmod(fd, 0) == 0 && close(fd) == 0;
}

const struct file_refusal file_refusals[] = {
	{"fifo", make_fifo, RING_NOT_REGULAR},
	{"directory", make_directory, RING_NOT_REGULAR},
	{"socket", make_socket, RING_NOT_REGULAR},
	{"symbolic_link_to_a_good_file", make_link_to_good_file, RING_SYMLINK},
	{"symbolic_link_to_nothing", make_link_to_nothing, RING_SYMLINK},
	{"symbolic_link_to_itself", make_link_to_itself, RING_SYMLINK},
	{"hard_link_to_a_good_file", make_hard_link, RING_SOUND},
	{"empty_file", make_empty, RING_TOO_SHORT},
	{"file_of_one_byte", make_one_byte, RING_TOO_SHORT},
	{"file_one_byte_short_of_a_header", make_most_of_a_header, RING_TOO_SHORT},
	{"file_of_a_header_only", make_header_only, RING_TRUNCATED},
	{"file_one_byte_short_of_a_segment", make_one_byte_short, RING_TRUNCATED},
	{"file_one_byte_longer_than_a_segment", make_one_byte_long, RING_SOUND},
	{"file_with_a_hole", make_sparse, RING_SPARSE},
	{"file_with_a_hole_and_a_tail", make_sparse_with_a_tail, RING_SPARSE},
	{"file_without_permission", make_unreadable, RING_FORBIDDEN},
};
const size_t file_refusal_count = sizeof file_refusals / sizeof *file_refusals;
