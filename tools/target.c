/* SPDX-License-Identifier: MIT */
/* From the operand SEGMENT to an open reader, or to the reason why not. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

int target_path(const char *dir, const char *operand, char path[RING_PATH_BYTES])
{
	char resolved[RING_PATH_BYTES];
	int bytes;

	if (strchr(operand, '/')) {
		bytes = snprintf(path, RING_PATH_BYTES, "%s", operand);
	} else {
		const int error = ring_dir_resolve(dir, resolved);
		if (error)
			return error;
		bytes = snprintf(path, RING_PATH_BYTES, "%s/%s", resolved, operand);
	}
	return bytes < 0 || (unsigned)bytes >= RING_PATH_BYTES ? -ENAMETOOLONG : 0;
}

int target_open(struct ring_reader **reader, const char *dir, const char *operand)
{
	char path[RING_PATH_BYTES];
	const int error = target_path(dir, operand, path);

	return error ? error : ring_reader_open(reader, AT_FDCWD, path);
}

const char *target_reason(int result)
{
	static char reason[128];

	if (result < 0)
		return strerror(-result);
	snprintf(reason, sizeof reason, "%s (%s)", ring_verdict_word((enum ring_verdict)result),
		 ring_verdict_text((enum ring_verdict)result));
	return reason;
}

int target_status(int result)
{
	switch (result) {
	case RING_SOUND:
		return TOOL_OK;
	case RING_FORBIDDEN:
	case RING_SYMLINK:
	case RING_FOREIGN_ENDIAN:
	case RING_BAD_VERSION:
	case RING_BAD_FEATURES:
		return TOOL_CANNOT_TELL;
	default:
		return result < 0 ? TOOL_CANNOT_TELL : TOOL_UNSOUND;
	}
}

int target_complain(const char *operand, int result)
{
	tool_message(operand, "%s", target_reason(result));
	return target_status(result);
}

int target_complain_at(const char *dir, const char *operand, int result)
{
	char path[RING_PATH_BYTES];
	const bool known = result < 0 && target_path(dir, operand, path) == 0;

	return target_complain(known ? path : operand, result);
}
