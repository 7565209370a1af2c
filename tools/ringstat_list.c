/* SPDX-License-Identifier: MIT */
/* ringstat list: every segment of the directory in one line. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "document.h"
#include "owner.h"
#include "ringstat.h"
#include "series.h"
#include "target.h"
#include "text.h"
#include "tool.h"

static const char *dir;
static bool as_json;

static const struct option_def options[] = {
	{.name = "dir", .argument = "DIR", .help = "the segment directory", .text = &dir},
	{.name = "json", .help = "print JSON", .flag = &as_json},
	{0},
};

/* Adds the rings' accounts up; returns a verdict. */
static int sum_accounts(struct ring_reader *reader, struct ring_account *sum)
{
	struct ring_account account;

	*sum = (struct ring_account){0};
	for (uint32_t core = 0; core < ring_reader_header(reader)->core_count; core++) {
		const enum ring_verdict verdict = ring_reader_account(reader, core, &account);
		if (verdict != RING_SOUND)
			return (int)verdict;
		sum->written += account.written;
		sum->dropped += account.dropped;
	}
	return RING_SOUND;
}

static void add_facts(json_t *row, const struct ring_reader *reader, const struct ring_account *sum)
{
	owner_add(row, reader);
	json_object_set_new(row, "cores", json_integer(ring_reader_header(reader)->core_count));
	json_object_set_new(row, "metrics", json_integer(ring_reader_metric_count(reader)));
	json_object_set_new(row, "series", json_integer(series_count(reader)));
	json_object_set_new(row, "written", document_total(sum->written));
	json_object_set_new(row, "dropped", document_total(sum->dropped));
}

/* In the place of a segment's facts, what keeps it from being read. */
static void add_reason(json_t *row, int result)
{
	static const char *const unknown[] = {"pid",    "age_seconds", "cores",  "metrics",
					      "series", "written",     "dropped"};
	const char *reason = result > 0 ? ring_verdict_word((enum ring_verdict)result)
					: strerror(-result);

	json_object_set_new(row, "state", json_string(reason));
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
		json_object_set_new(row, unknown[i], json_null());
}

static void add_row(json_t *rows, int dir_fd, const char *name)
{
	struct ring_reader *reader = NULL;
	struct ring_account sum;
	int result = RING_BAD_FILE_NAME;

	if (ring_segment_name_ok(name, strlen(name)))
		result = ring_reader_open(&reader, dir_fd, name);
	if (result == -ENOENT)
		return; /* gone since the directory was read */
	if (result == 0)
		result = sum_accounts(reader, &sum);
	json_t *row = json_object();
	json_object_set_new(row, "name", document_text(text_of(name)));
	if (result == 0)
		add_facts(row, reader, &sum);
	else
		add_reason(row, result);
	json_array_append_new(rows, row);
	ring_reader_close(reader);
}

/* Files of creators at work begin with a dot. */
static int is_candidate(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Adds the directory's segments, sorted by name. Returns 0 or a negative errno. */
static int add_rows(json_t *rows, const char *path)
{
	struct dirent **entries;
	const int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0)
		return -errno;
	const int count = scandirat(dir_fd, ".", &entries, is_candidate, alphasort);
	const int error = count < 0 ? -errno : 0;
	for (int i = 0; i < count; i++) {
		add_row(rows, dir_fd, entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	close(dir_fd);
	return error;
}

static int run(char **operands)
{
	char path[RING_PATH_BYTES];
	int error = ring_dir_resolve(dir, path);

	(void)operands;
	if (error)
		return target_complain("segment directory", error);
	json_t *rows = json_array();
	error = add_rows(rows, path);
	if (error) {
		json_decref(rows);
		return target_complain(path, error);
	}
	if (as_json) {
		json_t *document = json_object();
		json_object_set_new(document, "version", json_integer(DOCUMENT_VERSION));
		json_object_set_new(document, "dir", document_text(text_of(path)));
		json_object_set_new(document, "segments", rows);
		document_print_json(document);
	} else {
		document_print_table(stdout, rows);
		json_decref(rows);
	}
	return TOOL_OK;
}

const struct ringstat_command ringstat_list = {
	.name = "list",
	.operands = "",
	.summary = "Lists the segments of the directory, sound or not",
	.options = options,
	.run = run,
};
