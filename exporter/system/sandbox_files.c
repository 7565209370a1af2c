/* SPDX-License-Identifier: MIT */
/*
 * The Landlock layer; see sandbox_layers.h. The C library has no functions for it, and Debian's
 * headers end with its second version; what newer kernels have is used where it is there.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox_layers.h"

#define GET_VERSION  1u
#define PATH_BENEATH 1

enum {
	EXECUTE = 1u << 0,
	WRITE_FILE = 1u << 1,
	READ_FILE = 1u << 2,
	READ_DIR = 1u << 3,
	REMOVE_FILE = 1u << 5,
	MAKE_FILE = 1u << 8,
	ALL_OF_VERSION_1 = (1u << 13) - 1,
	REFER = 1u << 13,     /* version 2 */
	TRUNCATE = 1u << 14,  /* 3 */
	IOCTL_DEV = 1u << 15, /* 5 */
};

enum { BIND_TCP = 1u << 0, CONNECT_TCP = 1u << 1 };        /* 4 */
enum { ABSTRACT_UNIX_SOCKET = 1u << 0, SIGNAL = 1u << 1 }; /* 6 */

/* As the kernel has them; an older one takes the beginning. */
struct ruleset {
	uint64_t files, network, scope;
};

struct path_rule {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* All that this version can deny. */
static struct ruleset deny_all(int version, bool may_connect)
{
	struct ruleset ruleset = {.files = ALL_OF_VERSION_1};

	if (version >= 2)
		ruleset.files |= REFER;
	if (version >= 3)
		ruleset.files |= TRUNCATE;
	if (version >= 4)
		ruleset.network = may_connect ? BIND_TCP : BIND_TCP | CONNECT_TCP;
	if (version >= 5)
		ruleset.files |= IOCTL_DEV;
	if (version >= 6)
		ruleset.scope = SIGNAL | (may_connect ? 0 : ABSTRACT_UNIX_SOCKET);
	return ruleset;
}

static size_t bytes_known(int version)
{
	return version >= 6 ? sizeof(struct ruleset) : version >= 4 ? 16 : 8;
}

static uint64_t rights(unsigned access, bool is_directory)
{
	uint64_t allowed = 0;

	if (access & (SANDBOX_READ | SANDBOX_WRITE))
		allowed |= READ_FILE | (is_directory ? READ_DIR : 0);
	if (access & SANDBOX_WRITE)
		allowed |= WRITE_FILE | TRUNCATE | (is_directory ? MAKE_FILE | REMOVE_FILE : 0);
	if ((access & SANDBOX_REMOVE) && is_directory)
		allowed |= REMOVE_FILE;
	return allowed;
}

static int allow(int ruleset_fd, const struct ruleset *ruleset, const struct sandbox_path *path)
{
	struct stat status;

	if (fstat(path->fd, &status) != 0)
		return -errno;
	const struct path_rule rule = {
		.allowed = rights(path->access, S_ISDIR(status.st_mode)) & ruleset->files,
		.fd = path->fd,
	};
	if (rule.allowed == 0)
		return 0;
	return syscall(SYS_landlock_add_rule, ruleset_fd, PATH_BENEATH, &rule, 0) == 0 ? 0 : -errno;
}

int sandbox_restrict_files(const struct sandbox_grants *grants)
{
	const int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, GET_VERSION);

	if (version < 0)
		return -errno;
	const struct ruleset ruleset = deny_all(version, grants->may_connect);
	const int fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, bytes_known(version), 0);
	if (fd < 0)
		return -errno;
	int error = 0;
	for (unsigned i = 0; i < grants->path_count && error == 0; i++)
		error = allow(fd, &ruleset, &grants->paths[i]);
	if (error == 0 && syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		error = -errno;
	close(fd);
	return error;
}
