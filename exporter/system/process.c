/* SPDX-License-Identifier: MIT */
/* This process, out of /proc; see process.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

/* The fields of /proc/self/stat from the third on; proc(5) counts from one. */
#define STAT_FORMAT \
	"%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %llu %lu %ld"

/* Reads the beginning of a file of /proc into a string. Returns 0 or a negative errno. */
static int read_text(const char *path, char *text, size_t capacity)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	const ssize_t bytes = read(fd, text, capacity - 1);
	const int error = bytes < 0 ? -errno : 0;
	close(fd);
	text[error ? 0 : bytes] = '\0';
	return error;
}

static int read_stat(struct process_figures *figures, double *start_seconds)
{
	char line[1024];
	unsigned long user, system, virtual_bytes;
	unsigned long long start;
	long pages;
	const int error = read_text("/proc/self/stat", line, sizeof line);

	if (error)
		return error;
	/* The second field is the program's name in parentheses, with anything inside. */
	const char *fields = strrchr(line, ')');
	if (!fields ||
	    sscanf(fields + 2, STAT_FORMAT, &user, &system, &start, &virtual_bytes, &pages) != 5)
		return -EPROTO;
	const double ticks = (double)sysconf(_SC_CLK_TCK);
	figures->cpu_seconds = (double)(user + system) / ticks;
	figures->virtual_bytes = (double)virtual_bytes;
	figures->resident_bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
	*start_seconds = (double)start / ticks;
	return 0;
}

/* When the system started, in seconds since the epoch. Not out of /proc/stat, which a service need
 * not be shown. */
static double boot_seconds(void)
{
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return (double)(now.tv_sec - up.tv_sec) + (double)(now.tv_nsec - up.tv_nsec) / 1e9;
}

/* The field's word in a line of words, counted from 0; -1: there is none. */
static int find_word(const char *line, const char *field)
{
	const size_t bytes = strlen(field);
	int index = 0;

	for (; *line && *line != '\n'; line += strspn(line, " "), index++) {
		if (strncmp(line, field, bytes) == 0 && strchr(" \n", line[bytes]))
			return index;
		line += strcspn(line, " \n");
	}
	return -1;
}

static double word_at(const char *line, int index)
{
	for (; index > 0; index--) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	return strtod(line, NULL);
}

/* Of all IP traffic in the process' network namespace, as other clients count it. */
static bool read_network(struct process_figures *figures)
{
	char text[8192];

	if (read_text("/proc/self/net/netstat", text, sizeof text) != 0)
		return false;
	const char *names = strstr(text, "IpExt: ");
	const char *values = names ? strstr(names + 1, "IpExt: ") : NULL;
	if (!values)
		return false;
	const int received = find_word(names, "InOctets"), sent = find_word(names, "OutOctets");
	if (received < 0 || sent < 0)
		return false;
	figures->received_bytes = word_at(values, received);
	figures->transmitted_bytes = word_at(values, sent);
	return true;
}

static double limit_of(int resource)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)resource, &limit) != 0)
		return 0;
	return (double)limit.rlim_cur; /* none is 2^64 - 1, as in the other clients */
}

static double count_fds(void)
{
	char entries[4096] __attribute__((aligned(8)));
	const int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	double count = 0;
	ssize_t bytes;

	if (fd < 0)
		return 0;
	while ((bytes = getdents64(fd, entries, sizeof entries)) > 0) {
		const struct dirent64 *entry;
		for (ssize_t at = 0; at < bytes; at += entry->d_reclen) {
			entry = (const struct dirent64 *)(const void *)(entries + at);
			count += entry->d_name[0] != '.';
		}
	}
	close(fd);
	return count - 1; /* without the one that counts */
}

int process_read(struct process_figures *figures)
{
	static double boot; /* asked for once, as the wall clock is set */
	double start_seconds = 0;
	const int error = read_stat(figures, &start_seconds);

	if (error)
		return error;
	if (boot == 0)
		boot = boot_seconds();
	figures->start_seconds = boot + start_seconds;
	figures->open_fds = count_fds();
	figures->max_fds = limit_of(RLIMIT_NOFILE);
	figures->virtual_bytes_max = limit_of(RLIMIT_AS);
	figures->has_network = read_network(figures);
	return 0;
}

uint64_t process_start_seconds(void)
{
	struct process_figures figures;
	double start_seconds;

	if (read_stat(&figures, &start_seconds) != 0)
		return 0;
	return (uint64_t)(boot_seconds() + start_seconds);
}

size_t process_raise_fds(void)
{
	struct rlimit limit = {0};

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	const rlim_t before = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
}
