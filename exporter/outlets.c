/* SPDX-License-Identifier: MIT */
/* Alerts and the textfile; see outlets.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "outlets.h"

static int fail(const char *object, const char *reason, int error)
{
	log_failure(object, reason);
	return error;
}

static int create_notify(struct outlets *outlets, const struct config *config, struct watch *watch)
{
	const int error = notify_create(&outlets->notify, &config->notify, watch);

	if (error == -EEXIST)
		return fail("--alert.url", "names one Alertmanager twice", error);
	return error ? fail("--alert.url", strerror(-error), error) : 0;
}

static int probe(struct notify *notify)
{
	char why[LOG_LINE_BYTES_MAX];
	const char *reason;
	const int index = notify_probe(notify, &reason);

	if (index < 0)
		return 0;
	snprintf(why, sizeof why, "%s cannot be told: %s (--alert.allow-unreachable starts anyway)",
		 notify_url_shown(notify, (unsigned)index), reason);
	return fail("--alert.url", why, -EHOSTUNREACH);
}

int outlets_open(struct outlets *outlets, const struct config *config, struct watch *watch)
{
	int error = 0;

	*outlets = (struct outlets){.notify = NULL};
	if (config->notify.url_count > 0 && !config->once)
		error = create_notify(outlets, config, watch);
	if (error)
		return error;
	if (config->only_checks)
		return config->textfile_dir ? textfile_check(config->textfile_dir) : 0;
	if (outlets->notify && !config->may_be_unreachable)
		error = probe(outlets->notify);
	if (error == 0 && config->textfile_dir)
		error = textfile_open(&outlets->textfile, config->textfile_dir,
				      config->page_bytes_max, &config->labels);
	return error;
}

void outlets_close(struct outlets *outlets)
{
	textfile_close(outlets->textfile);
	notify_destroy(outlets->notify);
}

int outlets_start(const struct outlets *outlets, const struct config *config)
{
	int error = outlets->notify ? notify_start(outlets->notify) : 0;

	if (error)
		return fail("alert thread", strerror(-error), error);
	if (outlets->textfile)
		error = textfile_start(outlets->textfile, config->textfile_interval_ns);
	if (!error)
		return 0;
	if (outlets->notify)
		notify_stop(outlets->notify);
	return fail("file thread", strerror(-error), error);
}

void outlets_stop(const struct outlets *outlets)
{
	if (outlets->textfile)
		textfile_stop(outlets->textfile);
	if (outlets->notify)
		notify_stop(outlets->notify);
}
