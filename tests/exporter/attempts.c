/* SPDX-License-Identifier: MIT */
/* Attempts; see attempts.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "attempts.h"

pid_t attempt_parent;
int attempt_listener = -1, attempt_other_listener = -1;
struct sockaddr_in attempt_address;

static int result_of(long value)
{
	return value >= 0 ? 0 : errno;
}

static int open_and_close(const char *path, int flags)
{
	const int fd = open(path, flags, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

int attempt_read_granted(void)
{
	return open_and_close("read/file", O_RDONLY);
}

/* Made since. */
int attempt_read_new(void)
{
	return open_and_close("read/new", O_RDONLY);
}

int attempt_list_granted(void)
{
	return open_and_close("read", O_RDONLY | O_DIRECTORY);
}

int attempt_read_itself(void)
{
	return open_and_close("/proc/self/stat", O_RDONLY);
}

int attempt_read_outside(void)
{
	return open_and_close("outside/file", O_RDONLY);
}

int attempt_read_through_link(void)
{
	return open_and_close("read/link", O_RDONLY);
}

int attempt_read_others(void)
{
	return open_and_close("/proc/1/stat", O_RDONLY);
}

int attempt_write_in_place(void)
{
	return open_and_close("read/file", O_WRONLY);
}

int attempt_append(void)
{
	return open_and_close("read/file", O_RDWR | O_APPEND);
}

int attempt_empty(void)
{
	return open_and_close("read/file", O_RDONLY | O_TRUNC);
}

int attempt_create(void)
{
	return open_and_close("read/created", O_RDONLY | O_CREAT);
}

int attempt_create_nameless(void)
{
	return open_and_close("read", O_RDWR | O_TMPFILE);
}

int attempt_open_by_struct(void)
{
	const uint64_t how[3] = {O_WRONLY, 0, 0};

	return result_of(syscall(SYS_openat2, AT_FDCWD, "read/file", how, sizeof how));
}

int attempt_unlink_granted_for_reading(void)
{
	return result_of(unlink("read/file"));
}

int attempt_rename_granted_for_reading(void)
{
	return result_of(rename("read/file", "read/other"));
}

int attempt_make_directory(void)
{
	return result_of(mkdir("read/directory", 0700));
}

int attempt_make_link(void)
{
	return result_of(symlink("/", "read/made"));
}

int attempt_truncate_path(void)
{
	return result_of(truncate("read/file", 0));
}

int attempt_change_mode(void)
{
	return result_of(chmod("read/file", 0777));
}

int attempt_execute(void)
{
	char *const arguments[] = {"true", NULL};

	return result_of(execve("/bin/true", arguments, arguments + 1));
}

int attempt_make_process(void)
{
	const pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return result_of(pid);
}

static void *nothing(void *argument)
{
	return argument;
}

int attempt_make_thread(void)
{
	pthread_t thread;
	const int error = pthread_create(&thread, NULL, nothing, NULL);

	return error ? error : pthread_join(thread, NULL);
}

int attempt_map_program(void)
{
	const void *map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);

	return map == MAP_FAILED ? errno : 0;
}

int attempt_turn_into_program(void)
{
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return map == MAP_FAILED ? ENOMEM : result_of(mprotect(map, 4096, PROT_READ | PROT_EXEC));
}

int attempt_allocate(void)
{
	void *volume = malloc(8u << 20);
	const int error = volume ? 0 : errno;

	free(volume);
	return error;
}

int attempt_trace(void)
{
	return result_of(ptrace(PTRACE_SEIZE, attempt_parent, 0, 0));
}

int attempt_read_memory_of_parent(void)
{
	char byte;
	const struct iovec own = {&byte, 1}, other = {&attempt_address, 1};

	return result_of(process_vm_readv(attempt_parent, &own, 1, &other, 1, 0));
}

int attempt_signal_parent(void)
{
	return result_of(kill(attempt_parent, 0));
}

int attempt_signal_thread_of_parent(void)
{
	return result_of(tgkill(attempt_parent, attempt_parent, 0));
}

/* By the kernel, once somebody connects: with SIGKILL, if F_SETSIG says so. */
int attempt_have_parent_signalled(void)
{
	const int result = result_of(fcntl(attempt_listener, F_SETOWN, attempt_parent));

	return result ? result : result_of(fcntl(attempt_listener, F_SETOWN, 0));
}

int attempt_slow_parent_down(void)
{
	return result_of(setpriority(PRIO_PROCESS, (id_t)attempt_parent, 0));
}

int attempt_open_raw_socket(void)
{
	return result_of(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

int attempt_open_packet_socket(void)
{
	return result_of(socket(AF_PACKET, SOCK_DGRAM, 0));
}

int attempt_open_stream_socket(void)
{
	return result_of(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

int attempt_listen_elsewhere(void)
{
	const struct sockaddr_in any = {.sin_family = AF_INET};
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return errno;
	const int error = result_of(bind(fd, (const struct sockaddr *)&any, sizeof any));
	close(fd);
	return error;
}

int attempt_connect_out(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return errno;
	const int error = result_of(
		connect(fd, (const struct sockaddr *)&attempt_address, sizeof attempt_address));
	close(fd);
	return error;
}

/* With a listening socket, as there is always one. */
int attempt_connect_by_sending(void)
{
	const int result = result_of(shutdown(attempt_other_listener, SHUT_RDWR));

	return result ? result
		      : result_of(sendto(attempt_other_listener, "x", 1, MSG_FASTOPEN,
					 (const struct sockaddr *)&attempt_address,
					 sizeof attempt_address));
}

int attempt_open_local_socket(void)
{
	return result_of(socket(AF_UNIX, SOCK_STREAM, 0));
}

/* Each could send to any other. */
int attempt_make_datagram_pair(void)
{
	int pair[2];

	return result_of(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
}

/* Nobody connects: that it says so is as good as a connection. */
int attempt_accept_connection(void)
{
	const int error = result_of(accept4(attempt_listener, NULL, NULL, SOCK_NONBLOCK));

	return error == EAGAIN ? 0 : error;
}

int attempt_make_eventfd(void)
{
	return result_of(eventfd(0, 0));
}

int attempt_mount_something(void)
{
	return result_of(mount("none", "read", "no such kind", 0, NULL));
}

int attempt_load_bpf(void)
{
	union bpf_attr attribute = {.map_type = BPF_MAP_TYPE_ARRAY, 4, 4, 1};

	return result_of(syscall(SYS_bpf, BPF_MAP_CREATE, &attribute, sizeof attribute));
}

int attempt_handle_faults(void)
{
	return result_of(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
}

int attempt_submit_to_a_ring(void)
{
	char parameters[120] = {0};

	return result_of(syscall(SYS_io_uring_setup, 1, parameters));
}

int attempt_enter_namespace(void)
{
	return result_of(unshare(CLONE_NEWUSER));
}

int attempt_keep_keys(void)
{
	return result_of(syscall(SYS_add_key, "user", "ring", "x", 1, -1));
}

int attempt_raise_limits(void)
{
	const struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	return result_of(setrlimit(RLIMIT_CORE, &limit));
}

int attempt_become_somebody(void)
{
	return result_of(setuid(65534));
}

/* But for the one that reads files. */
int attempt_have_capabilities(void)
{
	char status[4096] = "";
	const int fd = open("/proc/self/status", O_RDONLY);
	unsigned long long effective = ~0ull;

	if (fd < 0)
		return 0;
	if (read(fd, status, sizeof status - 1) > 0 && strstr(status, "CapEff:"))
		effective = strtoull(strstr(status, "CapEff:") + 7, NULL, 16);
	close(fd);
	return effective & ~(1ull << CAP_DAC_READ_SEARCH) ? 0 : EPERM;
}

int attempt_type_on_terminal(void)
{
	return result_of(syscall(SYS_ioctl, STDERR_FILENO, 0x5412 /* TIOCSTI */, "x"));
}

int attempt_make_memory_file(void)
{
	const int fd = memfd_create("profile", MFD_CLOEXEC);

	if (fd < 0)
		return errno;
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	const int error = open_and_close(path, O_WRONLY | O_CREAT | O_TRUNC);
	close(fd);
	return error;
}

/* Past what the memory's pages allow. */
int attempt_write_own_code(void)
{
	return open_and_close("/proc/self/mem", O_RDWR);
}

/* It would fail otherwise if it began, as the file is empty. */
int attempt_execute_memory_file(void)
{
	char *const arguments[] = {"true", NULL};
	const int fd = memfd_create("profile", MFD_CLOEXEC);
	const int result = fd < 0 ? errno : result_of(fexecve(fd, arguments, arguments + 1));

	close(fd);
	return result;
}

int attempt_remove_granted(void)
{
	return result_of(unlink("removed/file"));
}

int attempt_write_granted(void)
{
	const int error = open_and_close("written/.new", O_WRONLY | O_CREAT | O_TRUNC);

	return error ? error : result_of(rename("written/.new", "written/new"));
}

int attempt_read_granted_for_removing(void)
{
	return open_and_close("removed/file", O_RDONLY);
}

int attempt_write_granted_for_removing(void)
{
	return open_and_close("removed/new", O_WRONLY | O_CREAT);
}

int attempt_write_beside(void)
{
	return open_and_close("outside/new", O_WRONLY | O_CREAT);
}

int attempt_write_program(void)
{
	return result_of(open("written/program", O_WRONLY | O_CREAT, 0755));
}

int attempt_turn_file_into_program(void)
{
	const int fd = open("written/file", O_RDONLY);
	const int result = fd < 0 ? 0 : result_of(fchmod(fd, 04644));

	close(fd);
	return result;
}

int attempt_move_out(void)
{
	return result_of(rename("written/file", "outside/file"));
}
