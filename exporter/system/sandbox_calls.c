/* SPDX-License-Identifier: MIT */
/*
 * The seccomp layer; see sandbox_layers.h. What serving needs is listed; what is not fails with
 * EPERM, and the kernel logs it. Only the calls' own words can be judged, not the memory that they
 * point to: where a call has its words there, a filter of its own says that it does not exist, and
 * its caller takes an older one. That is no mishap, and not logged.
 */
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox_layers.h"

#define CALL(name)         SCMP_SYS(name)
#define MASKED(mask, word) SCMP_CMP_MASKED_EQ, (mask), (word)
#define MODE_OF_PROGRAMS   (S_ISUID | S_ISGID | S_ISVTX | S_IXUSR | S_IXGRP | S_IXOTH)

/* Whatever their arguments are: what they do is for this process alone, or goes to descriptors that
 * it has. */
static const int harmless[] = {
	/* memory */
	CALL(brk),
	CALL(madvise),
	CALL(mremap),
	CALL(munmap),
	/* threads */
	CALL(exit),
	CALL(exit_group),
	CALL(futex),
	CALL(getcpu),
	CALL(getpid),
	CALL(gettid),
	CALL(membarrier),
	CALL(restart_syscall),
	CALL(rseq),
	CALL(sched_getaffinity),
	CALL(sched_yield),
	CALL(set_robust_list),
	CALL(sysinfo),
	/* signals */
	CALL(rt_sigaction),
	CALL(rt_sigpending),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(rt_sigtimedwait),
	CALL(sigaltstack),
	/* time and chance */
	CALL(clock_getres),
	CALL(clock_gettime),
	CALL(clock_nanosleep),
	CALL(getrandom),
	CALL(gettimeofday),
	CALL(nanosleep),
	CALL(time),
	/* who we are */
	CALL(getegid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getrlimit),
	CALL(getrusage),
	CALL(getuid),
	CALL(uname),
	/* files that are open, and names */
	CALL(access),
	CALL(close),
	CALL(faccessat),
	CALL(faccessat2),
	CALL(fstat),
	CALL(fstatfs),
	CALL(getdents64),
	CALL(inotify_add_watch),
	CALL(lseek),
	CALL(lstat),
	CALL(newfstatat),
	CALL(pread64),
	CALL(read),
	CALL(readlink),
	CALL(readlinkat),
	CALL(readv),
	CALL(stat),
	CALL(statx),
	CALL(write),
	CALL(writev),
	/* waiting */
	CALL(epoll_create1),
	CALL(epoll_ctl),
	CALL(epoll_pwait),
	CALL(epoll_wait),
	CALL(eventfd2),
	CALL(pipe2),
	CALL(poll),
	CALL(ppoll),
	CALL(pselect6),
	CALL(select),
	/* connections */
	CALL(accept),
	CALL(accept4),
	CALL(getpeername),
	CALL(getsockname),
	CALL(getsockopt),
	CALL(recvfrom),
	CALL(recvmsg),
	CALL(setsockopt),
	CALL(shutdown),
};

/* For files in a directory that is granted for it. */
static const int writing[] = {
	CALL(flock),  CALL(fdatasync), CALL(fsync),     CALL(ftruncate),
	CALL(rename), CALL(renameat),  CALL(renameat2),
};

static const int removing[] = {CALL(unlink), CALL(unlinkat)};

static const int profiling[] = {
	CALL(memfd_create), CALL(mincore),         CALL(msync),           CALL(sendfile),
	CALL(setitimer),    CALL(timerfd_gettime), CALL(timerfd_settime),
};

/* They take a pointer to what they shall do. */
static const int hidden[] = {CALL(clone3), CALL(openat2)};

static int allow_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count && error == 0; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return error;
}

#define ALLOW(filter, calls) allow_all((filter), (calls), sizeof(calls) / sizeof *(calls))

/* One more argument that must be as said. */
static int allow_if(scmp_filter_ctx filter, int call, unsigned argument, uint64_t mask,
		    uint64_t word)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
				SCMP_CMP(argument, MASKED(mask, word)));
}

/* Where nothing is granted for writing, not even Landlock is needed to deny it. */
static int allow_reading(scmp_filter_ctx filter)
{
	const uint64_t mask = O_ACCMODE | O_CREAT | O_TRUNC;
	const int error = allow_if(filter, CALL(openat), 2, mask, O_RDONLY);

	return error ? error : allow_if(filter, CALL(open), 1, mask, O_RDONLY);
}

/* Landlock says where; nothing that is made can be run, by whomever. */
static int allow_making(scmp_filter_ctx filter)
{
	int error = allow_if(filter, CALL(openat), 3, MODE_OF_PROGRAMS, 0);

	if (error == 0)
		error = allow_if(filter, CALL(open), 2, MODE_OF_PROGRAMS, 0);
	return error;
}

static int allow_writing(scmp_filter_ctx filter)
{
	const int error = ALLOW(filter, writing);

	return error ? error : allow_if(filter, CALL(fchmod), 1, MODE_OF_PROGRAMS, 0);
}

/* No program gets into memory, and no process beside this one: threads only. */
static int allow_growing(scmp_filter_ctx filter)
{
	int error = allow_if(filter, CALL(mmap), 2, PROT_EXEC, 0);

	if (error == 0)
		error = allow_if(filter, CALL(mprotect), 2, PROT_EXEC, 0);
	if (error == 0)
		error = allow_if(filter, CALL(clone), 0, CLONE_THREAD, CLONE_THREAD);
	return error;
}

/* Asking, not setting. */
static int allow_asking(scmp_filter_ctx filter)
{
	static const uint64_t requests[] = {FIONBIO, FIONREAD, TCGETS};
	int error = allow_if(filter, CALL(prlimit64), 2, UINT64_MAX, 0);

	if (error == 0)
		error = allow_if(filter, CALL(prctl), 0, UINT64_MAX, PR_SET_NAME);
	for (size_t i = 0; i < sizeof requests / sizeof *requests && error == 0; i++)
		error = allow_if(filter, CALL(ioctl), 1, UINT32_MAX, requests[i]);
	return error;
}

/* What can be done to others too, and would end them. */
static int allow_to_ourselves(scmp_filter_ctx filter)
{
	const int error = allow_if(filter, CALL(tgkill), 0, UINT32_MAX, (uint64_t)getpid());

	return error ? error
		     : seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(setpriority), 2,
					SCMP_A0(SCMP_CMP_EQ, PRIO_PROCESS),
					SCMP_A1(SCMP_CMP_EQ, 0));
}

/* Of a descriptor, not F_SETOWN: whom it names gets signals, of any kind. */
static int allow_controlling(scmp_filter_ctx filter)
{
	static const uint64_t commands[] = {F_DUPFD_CLOEXEC, F_GETFD, F_SETFD,
					    F_GETFL,         F_SETFL, F_OFD_GETLK};
	int error = 0;

	for (size_t i = 0; i < sizeof commands / sizeof *commands && error == 0; i++)
		error = allow_if(filter, CALL(fcntl), 1, UINT32_MAX, commands[i]);
	return error;
}

/* A socket that no longer listens could connect by it, which Landlock does not see either. */
static int allow_sending(scmp_filter_ctx filter)
{
	int error = allow_if(filter, CALL(sendto), 3, MSG_FASTOPEN, 0);

	if (error == 0)
		error = allow_if(filter, CALL(sendmsg), 2, MSG_FASTOPEN, 0);
	if (error == 0)
		error = allow_if(filter, CALL(sendmmsg), 3, MSG_FASTOPEN, 0);
	return error;
}

/* None of local servers: some of them run what they are told to. */
static int allow_sockets(scmp_filter_ctx filter)
{
	static const struct {
		uint64_t family, type;
	} kinds[] = {
		{AF_INET, SOCK_STREAM},
		{AF_INET6, SOCK_STREAM},
		{AF_INET, SOCK_DGRAM},
		{AF_INET6, SOCK_DGRAM},
	};
	const uint64_t mask = ~(uint64_t)(SOCK_NONBLOCK | SOCK_CLOEXEC);
	int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(connect), 0);

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && error == 0; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(socket), 2,
					 SCMP_A0(SCMP_CMP_EQ, kinds[i].family),
					 SCMP_A1(MASKED(mask, kinds[i].type)));
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(socketpair), 2,
					 SCMP_A0(SCMP_CMP_EQ, AF_UNIX),
					 SCMP_A1(MASKED(mask, SOCK_STREAM)));
	return error;
}

static unsigned accesses(const struct sandbox_grants *grants)
{
	unsigned all = 0;

	for (unsigned i = 0; i < grants->path_count; i++)
		all |= grants->paths[i].access;
	return all;
}

static int fill(scmp_filter_ctx filter, const struct sandbox_grants *grants)
{
	const unsigned access = accesses(grants);
	const bool writes = access & SANDBOX_WRITE;
	int error = ALLOW(filter, harmless);

	if (error == 0)
		error = ALLOW(filter, hidden); /* by this filter */
	if (error == 0)
		error = writes || grants->may_profile ? allow_making(filter)
						      : allow_reading(filter);
	if (error == 0)
		error = allow_growing(filter);
	if (error == 0)
		error = allow_asking(filter);
	if (error == 0)
		error = allow_to_ourselves(filter);
	if (error == 0)
		error = allow_controlling(filter);
	if (error == 0)
		error = allow_sending(filter);
	if (error == 0 && writes)
		error = allow_writing(filter);
	if (error == 0 && (writes || access & SANDBOX_REMOVE))
		error = ALLOW(filter, removing);
	if (error == 0 && grants->may_connect)
		error = allow_sockets(filter);
	if (error == 0 && grants->may_profile)
		error = ALLOW(filter, profiling);
	return error;
}

/* For all threads there are: looking up a name may have left one. */
static int load(scmp_filter_ctx filter, bool logs)
{
	int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, logs);
	return error ? error : seccomp_load(filter);
}

static int hide_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int error = 0;

	if (!filter)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof hidden / sizeof *hidden && error == 0; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), hidden[i], 0);
	if (error == 0)
		error = load(filter, false);
	seccomp_release(filter);
	return error;
}

static int deny_calls(const struct sandbox_grants *grants)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	if (!filter)
		return -ENOMEM;
	int error = fill(filter, grants);
	if (error == 0)
		error = load(filter, true);
	seccomp_release(filter);
	return error;
}

/* Of several filters the one that denies counts. */
int sandbox_restrict_calls(const struct sandbox_grants *grants)
{
	const int error = hide_calls();

	return error ? error : deny_calls(grants);
}
