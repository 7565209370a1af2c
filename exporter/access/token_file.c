/* SPDX-License-Identifier: MIT */
/* Token files; see token_file.h. */
#include <errno.h>

#include "base/log.h"
#include "token_file.h"

/* Room for 16 of the longest. */
#define BYTES_MAX (32u << 10)

/* Returns NULL, or what is wrong; then nothing has changed. */
static const char *load(struct token_file *file)
{
	struct token_set tokens;
	struct file text;
	const char *wrong = file_read(&text, file->watch.path, BYTES_MAX);

	if (wrong)
		return wrong;
	wrong = text.mode & S_IRWXO ? "is open to everybody: chmod o= it"
				    : token_set_read(&tokens, text.data, text.bytes);
	file_forget(&text);
	if (!wrong)
		file->tokens = tokens;
	return wrong;
}

int token_file_open(struct token_file *file, const char *path)
{
	*file = (struct token_file){.watch = {.path = path}};
	file_look(&file->watch);
	const char *wrong = load(file);
	if (!wrong)
		return 0;
	log_failure(path, wrong);
	return -EINVAL;
}

void token_file_refresh(struct token_file *file)
{
	const enum file_change change = file_look(&file->watch);

	if (change == FILE_SAME)
		return;
	const char *before = file->wrong;
	file->wrong = load(file);
	if (change == FILE_PERHAPS && file->wrong == before)
		return; /* said already */
	if (file->wrong)
		log_event(LOG_ERROR, "the tokens stay as they were", "file", file->watch.path,
			  "reason", file->wrong, NULL);
	else
		log_event(LOG_INFO, "tokens read", "file", file->watch.path, NULL);
}
