/* SPDX-License-Identifier: MIT */
/* The sandbox; see sandbox.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "sandbox_layers.h"

const char *const sandbox_layer_words[SANDBOX_LAYER_COUNT] = {"landlock", "seccomp"};

static bool is_up[SANDBOX_LAYER_COUNT];

void sandbox_grant(struct sandbox_grants *grants, const char *path, unsigned access)
{
	if (grants->path_count == SANDBOX_PATHS_MAX) {
		log_event(LOG_WARN, "too many paths for the sandbox", "path", path, NULL);
		return;
	}
	const int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		grants->paths[grants->path_count++] = (struct sandbox_path){fd, access};
}

static void grant_directory_of(struct sandbox_grants *grants, const char *path, unsigned access)
{
	char directory[PATH_MAX];
	size_t bytes = strlen(path);

	while (bytes > 1 && path[bytes - 1] == '/')
		bytes--;
	const char *slash = memrchr(path, '/', bytes);
	if (!slash)
		sandbox_grant(grants, ".", access);
	else if (slash == path)
		sandbox_grant(grants, path, access);
	else if (snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path) <
		 (int)sizeof directory)
		sandbox_grant(grants, directory, access);
}

void sandbox_grant_around(struct sandbox_grants *grants, const char *path, unsigned access)
{
	char *target = realpath(path, NULL);

	grant_directory_of(grants, path, access);
	if (target && strcmp(target, path) != 0)
		grant_directory_of(grants, target, access);
	free(target);
}

/* All but one, in which is little danger beside Landlock. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	const uint32_t kept = 1u << CAP_DAC_READ_SEARCH;

	if (syscall(SYS_capget, &header, data) != 0 ||
	    ((data[0].permitted & ~kept) == 0 && data[1].permitted == 0))
		return;
	data[0].effective = data[0].permitted &= kept;
	data[1].effective = data[1].permitted = 0;
	data[0].inheritable = data[1].inheritable = 0;
	if (syscall(SYS_capset, &header, data) != 0)
		log_event(LOG_WARN, "capabilities stay", "reason", strerror(errno), NULL);
}

static void note(enum sandbox_layer layer, int error)
{
	is_up[layer] = error == 0;
	if (error)
		log_event(LOG_WARN, "the sandbox lacks a layer", "layer",
			  sandbox_layer_words[layer], "reason", strerror(-error), NULL);
}

static void forget(struct sandbox_grants *grants)
{
	for (unsigned i = 0; i < grants->path_count; i++)
		if (!(grants->paths[i].access & SANDBOX_LASTING))
			close(grants->paths[i].fd);
	grants->path_count = 0;
}

void sandbox_enter(struct sandbox_grants *grants)
{
	if (SANDBOX_IS_INSTRUMENTED) {
		log_event(LOG_DEBUG, "no sandbox, as what measures this build writes files", NULL);
	} else if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		log_event(LOG_WARN, "no sandbox", "reason", strerror(errno), NULL);
	} else {
		note(SANDBOX_LANDLOCK, sandbox_restrict_files(grants));
		drop_capabilities();
		note(SANDBOX_SECCOMP, sandbox_restrict_calls(grants));
	}
	forget(grants);
}

bool sandbox_has(enum sandbox_layer layer)
{
	return is_up[layer];
}
