/* SPDX-License-Identifier: MIT */
/* CPU profiles; see profiler.h. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "profiler.h"

#define LIBRARY "libprofiler.so.0"

/* Files to write at once, other signals, timers of another kind. */
static void forget_orders(void)
{
	static const char *const names[] = {
		"CPUPROFILE",
		"CPUPROFILESIGNAL",
		"CPUPROFILE_USE_PID",
		"CPUPROFILE_REALTIME",
		"CPUPROFILE_FREQUENCY",
		"CPUPROFILE_PER_THREAD_TIMERS",
		"CPUPROFILE_TIMER_SIGNAL",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
}

const char *profiler_open(struct profiler *profiler)
{
	*profiler = (struct profiler){.fd = -1};
	forget_orders();
	/* For good: it has a signal handler. */
	void *library = dlopen(LIBRARY, RTLD_NOW);
	if (!library)
		return "needs gperftools' " LIBRARY ", which cannot be loaded";
	*(void **)&profiler->start = dlsym(library, "ProfilerStart");
	*(void **)&profiler->stop = dlsym(library, "ProfilerStop");
	profiler->nowhere = fopen("/dev/null", "we");
	if (profiler->start && profiler->stop && profiler->nowhere)
		return NULL;
	profiler_close(profiler);
	return "cannot do with this version of gperftools' " LIBRARY;
}

void profiler_close(struct profiler *profiler)
{
	if (profiler->fd >= 0)
		close(profiler_stop(profiler));
	if (profiler->nowhere)
		fclose(profiler->nowhere);
	*profiler = (struct profiler){.fd = -1};
}

int profiler_start(struct profiler *profiler)
{
	char path[32];
	const int fd = memfd_create("profile", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* The library wants a path, and here is one of memory. */
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	errno = EAGAIN;
	if (!profiler->start(path)) {
		const int error = -errno;
		close(fd);
		return error;
	}
	profiler->fd = fd;
	return 0;
}

int profiler_stop(struct profiler *profiler)
{
	FILE *const log = stderr;
	const int fd = profiler->fd;

	/* It has a line to say, which is none of a log's. Log lines do not come this way. */
	stderr = profiler->nowhere;
	profiler->stop();
	stderr = log;
	profiler->fd = -1;
	return fd;
}
