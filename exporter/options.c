/* SPDX-License-Identifier: MIT */
/* The table of options, and how each is set; see options.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/size.h"
#include "config.h"
#include "options.h"
#include "selfstat.h"
#include "textfile.h"

#define RESEND_NS_MIN  UINT64_C(1000000000)
#define RESEND_NS_MAX  (UINT64_C(24) * 3600 * 1000000000)
#define PAGE_BYTES_MIN ((size_t)64 << 10)
#define PAGE_BYTES_MAX ((size_t)1 << 30)

#define TEXTFILE_NS_MIN RESEND_NS_MIN
#define TEXTFILE_NS_MAX RESEND_NS_MAX

static const char *set_true(void *field, const char *value)
{
	(void)value;
	*(bool *)field = true;
	return NULL;
}

static const char *set_false(void *field, const char *value)
{
	(void)value;
	*(bool *)field = false;
	return NULL;
}

static const char *set_path(void *field, const char *value)
{
	*(const char **)field = value;
	return *value ? NULL : "must not be empty";
}

static const char *set_nanoseconds(void *field, const char *value)
{
	return duration_parse(value, field);
}

static const char *set_seconds(void *field, const char *value)
{
	return duration_parse_seconds(value, field);
}

/* Alerts end after a few of them, which must not overflow. */
static const char *set_resend(void *field, const char *value)
{
	uint64_t *ns = field;
	const char *reason = duration_parse(value, ns);

	if (!reason && (*ns < RESEND_NS_MIN || *ns > RESEND_NS_MAX))
		return "must be from 1s to 1d";
	return reason;
}

static const char *set_count(void *field, const char *value)
{
	const size_t digits = strspn(value, "0123456789");
	uint32_t *count = field;

	if (digits == 0 || digits > 6 || value[digits] != '\0')
		*count = 0;
	else
		*count = (uint32_t)atoi(value);
	return *count > 0 ? NULL : "must be a number from 1 to 999999";
}

static const char *set_series(void *field, const char *value)
{
	const size_t digits = strspn(value, "0123456789");
	uint32_t *count = field;

	*count = digits > 0 && digits <= 8 && value[digits] == '\0' ? (uint32_t)atoi(value) : 0;
	return *count > 0 ? NULL : "must be a number from 1 to 99999999";
}

static const char *set_retention(void *field, const char *value)
{
	*(uint64_t *)field = 0;
	return strcmp(value, "never") == 0 ? NULL : duration_parse(value, field);
}

static const char *set_page_bytes(void *field, const char *value)
{
	size_t *bytes = field;
	const char *reason = size_parse(value, bytes);

	if (!reason && (*bytes < PAGE_BYTES_MIN || *bytes > PAGE_BYTES_MAX))
		return "must be from 64KiB to 1GiB";
	return reason;
}

static const char *set_label(void *field, const char *value)
{
	struct shape_labels *labels = field;
	const char *reason = shape_label_parse(value, labels);

	if (reason)
		return reason;
	const struct ring_text name = labels->names[labels->count - 1];
	return selfstat_uses_label(name) || followers_use_label(name)
		       ? "has a name that the exporter's own metrics have already"
		       : NULL;
}

static const char *set_shape_rule(void *field, const char *value)
{
	struct config *config = field;

	if (config->shape_rule_count == CONFIG_OVERRIDES_MAX)
		return "given too often";
	return shape_rule_parse(value, &config->shape_rules[config->shape_rule_count++]);
}

/* Neither a disk that is busy all the time nor a file that is taken for current for days. */
static const char *set_textfile_interval(void *field, const char *value)
{
	uint64_t *ns = field;
	const char *reason = duration_parse(value, ns);

	if (!reason && (*ns < TEXTFILE_NS_MIN || *ns > TEXTFILE_NS_MAX))
		return "must be from 1s to 1d";
	return reason;
}

static const char *set_connections(void *field, const char *value)
{
	const char *reason = set_count(field, value);

	return reason || *(uint32_t *)field > PEERS_CONNECTIONS_MAX
		       ? "must be a number from 1 to 1024"
		       : NULL;
}

static const char *set_address(void *field, const char *value)
{
	struct config *config = field;

	if (strcmp(value, "none") == 0) {
		config->listens_nowhere = true;
		return NULL;
	}
	if (config->address_count == CONFIG_ADDRESSES_MAX)
		return "given too often";
	return address_parse(value, &config->addresses[config->address_count++]);
}

static const char *set_profile_address(void *field, const char *value)
{
	return address_parse(value, field);
}

static const char *set_socket_mode(void *field, const char *value)
{
	const size_t digits = strspn(value, "01234567");
	struct config *config = field;

	config->socket_mode = (unsigned)strtoul(value, NULL, 8);
	config->has_socket_mode = true;
	if (value[digits] != '\0' || digits < 3 || digits > 4 || config->socket_mode > 0777)
		return "must be three octal digits, as in 660";
	return NULL;
}

static const char *set_token_file(void *field, const char *value)
{
	struct config *config = field;

	if (config->token_file_count == ACCESS_TOKEN_FILES_MAX)
		return "given too often";
	return set_path(&config->token_files[config->token_file_count++], value);
}

static const char *set_telemetry_path(void *field, const char *value)
{
	static const char *const taken[] = {"/-/", "/replication", "/sd", "/style.css"};
	/* As they stand in a request, a header and a page: nothing has to be escaped. */
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~!$()*+,;=:@/";

	*(const char **)field = value;
	if (value[0] != '/' || value[strspn(value, plain)] != '\0')
		return "must start with a slash and be a plain path";
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		if (strncmp(value, taken[i], strlen(taken[i])) == 0)
			return "begins like the path of another page";
	return value[1] ? NULL : "must not be the root, where the landing page is";
}

static const char *set_log_level(void *field, const char *value)
{
	for (unsigned level = 0; level < LOG_LEVEL_COUNT; level++) {
		if (strcmp(value, log_level_words[level]) == 0) {
			*(enum log_level *)field = (enum log_level)level;
			return NULL;
		}
	}
	return "must be debug, info, warn or error";
}

static const char *set_log_format(void *field, const char *value)
{
	enum log_format *format = field;

	*format = strcmp(value, "json") == 0 ? LOG_JSON : LOG_LOGFMT;
	if (*format == LOG_JSON || strcmp(value, "logfmt") == 0)
		return NULL;
	return "must be logfmt or json";
}

static const char *set_override(void *field, const char *value)
{
	struct config *config = field;
	const size_t index = config->monitor.override_count;

	if (index == CONFIG_OVERRIDES_MAX)
		return "given too often";
	config->monitor.override_count++;
	return override_parse(value, &config->overrides[index], config->patterns[index]);
}

static const char *set_alert_url(void *field, const char *value)
{
	struct notify_options *notify = field;

	if (notify->url_count == NOTIFY_URLS_MAX)
		return "given too often";
	notify->urls[notify->url_count++] = value;
	return notify_url_fault(value);
}

static const char *set_alert_label(void *field, const char *value)
{
	struct config *config = field;
	struct notify_options *notify = &config->notify;
	const char *equals = strchr(value, '=');
	const size_t name_bytes = equals ? (size_t)(equals - value) : 0;

	if (notify->label_count == NOTIFY_LABELS_MAX)
		return "given too often";
	char *name = config->label_names[notify->label_count];
	if (name_bytes == 0 || equals[1] == '\0')
		return "must be NAME=VALUE";
	if (name_bytes > RING_LABEL_KEY_MAX)
		return "the name is too long";
	memcpy(name, value, name_bytes); /* zeros follow */
	notify->labels[notify->label_count++] = (struct alert_label){name, equals + 1};
	return alert_label_fault(notify->labels, notify->label_count);
}

static const char *set_external_url(void *field, const char *value)
{
	const char *fault = notify_url_fault(value);

	*(const char **)field = value;
	if (fault)
		return fault;
	const char *host = strstr(value, "//") + 2;
	return memchr(host, '@', strcspn(host, "/")) ? "is for all to see: no user, no password"
						     : NULL;
}

const struct config_option options[] = {
#define FIELD(member) offsetof(struct config, member)
	{"config.file", "FILE", NULL, "these options as YAML; those given here win", set_path,
	 FIELD(file), OPTION_COMMAND_LINE},
	{"config.check", NULL, NULL, "read everything, say whether it is sound, and exit", set_true,
	 FIELD(only_checks), OPTION_COMMAND_LINE},
	{"dir", "DIR", NULL, "directory of the segments [$RING_DIR, /run/ring, ...]", set_path,
	 FIELD(dir)},
	{"web.listen-address", "HOST:PORT", "127.0.0.1:10750",
	 "repeatable; :PORT for all; unix:PATH; none", set_address, .traits = OPTION_REPEATS},
	{"web.systemd-socket", NULL, NULL, "start only if the service manager has opened sockets",
	 set_true, FIELD(needs_activation)},
	{"web.profile-address", "HOST:PORT", NULL,
	 "address of /debug/pprof/, profiles of the exporter itself", set_profile_address,
	 FIELD(profile_address)},
	{"web.socket-mode", "MODE", NULL, "permissions of Unix-domain sockets", set_socket_mode},
	{"web.config.file", "FILE", NULL, "TLS and passwords, as other exporters have them",
	 set_path, FIELD(web_config_file)},
	{"web.token-file", "FILE", NULL, "bearer tokens, of which a request needs one, repeatable",
	 set_token_file, .traits = OPTION_REPEATS},
	{"web.telemetry-path", "PATH", "/metrics", "path of the metrics", set_telemetry_path,
	 FIELD(telemetry_path)},
	{"web.openmetrics-created", NULL, NULL, "say in OpenMetrics when series started: _created",
	 set_true, FIELD(openmetrics_created)},
	{"web.disable-exporter-metrics", NULL, NULL, "leave out ring_exporter_* and process_*",
	 set_true, FIELD(disable_exporter_metrics)},
	{"web.external-url", "URL", NULL,
	 "where this exporter is reached, for links in alerts and /sd", set_external_url,
	 FIELD(notify.external_url)},
	{"web.enable-admin-api", NULL, NULL, "let requests change state: clear alerts", set_true,
	 FIELD(admin_api)},
	{"web.enable-lifecycle", NULL, NULL, "let requests reload the configuration", set_true,
	 FIELD(lifecycle)},
	{"web.max-connections", "N", "128", "connections at once; one address has half of them",
	 set_connections, FIELD(limits.connections_max)},
	{"web.rate-limit", "N", NULL, "requests per second from one address, twice as many at once",
	 set_count, FIELD(limits.rate), OPTION_RELOADS},
	{"label", "NAME=VALUE", NULL, "label of every series, repeatable", set_label, FIELD(labels),
	 OPTION_REPEATS},
	{"metrics.override", "PATTERN:KEY=VALUE,...", NULL,
	 "how metrics whose names match are shown, repeatable", set_shape_rule,
	 .traits = OPTION_REPEATS},
	{"metrics.no-native-histograms", NULL, NULL, "leave out what takes time to make of samples",
	 set_true, FIELD(no_native_histograms)},
	{"series.retention", "DURATION", "never", "time after which series of vanished segments go",
	 set_retention, FIELD(aggregate_limits.retention_ns)},
	{"limit.series", "N", "1000000", "series of all segments together", set_series,
	 FIELD(aggregate_limits.series_max)},
	{"limit.page-bytes", "SIZE", "256MiB", "size of the page of metrics", set_page_bytes,
	 FIELD(page_bytes_max)},
	{"textfile", "DIR", NULL, "write " TEXTFILE_NAME " there for node_exporter", set_path,
	 FIELD(textfile_dir)},
	{"textfile-interval", "DURATION", "15s", "time between two pages there",
	 set_textfile_interval, FIELD(textfile_interval_ns)},
	{"replication.warning", "DURATION", "5s", "lag from which a follower's severity is warning",
	 set_seconds, FIELD(monitor.thresholds.warning_seconds), OPTION_RELOADS},
	{"replication.critical", "DURATION", "30s", "the same for critical", set_seconds,
	 FIELD(monitor.thresholds.critical_seconds), OPTION_RELOADS},
	{"replication.thresholds", "PATTERN:KEY=DURATION,...", NULL,
	 "warning and critical for followers whose names match, repeatable", set_override,
	 .traits = OPTION_REPEATS | OPTION_RELOADS},
	{"replication.retention", "DURATION", "1h", "age of the oldest lag remembered",
	 set_nanoseconds, FIELD(monitor.retention_ns), OPTION_RELOADS},
	{"replication.cooldown", "DURATION", "1m", "time between two alerts about a follower",
	 set_nanoseconds, FIELD(monitor.cooldown_ns), OPTION_RELOADS},
	{"replication.breaches", "N", "1", "seconds in a row above a threshold before an alert",
	 set_count, FIELD(monitor.breach_count_min), OPTION_RELOADS},
	{"replication.spare-catch-up", NULL, NULL, "no alert before a follower has caught up once",
	 set_true, FIELD(monitor.spares_catch_up), OPTION_RELOADS},
	{"replication.no-prediction", NULL, NULL, "do not predict lags", set_false,
	 FIELD(monitor.predicts), OPTION_RELOADS},
	{"alert.url", "URL", NULL, "an Alertmanager to send alerts to, repeatable", set_alert_url,
	 FIELD(notify), OPTION_REPEATS},
	{"alert.label", "NAME=VALUE", NULL, "label of every alert, repeatable", set_alert_label,
	 .traits = OPTION_REPEATS},
	{"alert.resend", "DURATION", "1m", "time after which an alert is sent again", set_resend,
	 FIELD(notify.resend_ns)},
	{"alert.allow-unreachable", NULL, NULL, "start even if an Alertmanager does not answer",
	 set_true, FIELD(may_be_unreachable)},
	{"log.level", "LEVEL", "info", "debug, info, warn or error", set_log_level,
	 FIELD(log_level), OPTION_RELOADS},
	{"log.format", "FORMAT", "logfmt", "logfmt or json", set_log_format, FIELD(log_format)},
	{"no-sandbox", NULL, NULL, "keep being able to open files and make processes", set_true,
	 FIELD(has_no_sandbox)},
	{"once", NULL, NULL, "print one exposition, or write the textfile, and exit", set_true,
	 FIELD(once), OPTION_COMMAND_LINE},
	{"version", NULL, NULL, "print the version and exit", NULL, .traits = OPTION_COMMAND_LINE},
	{"help", NULL, NULL, "print this and exit; also -h", NULL, .traits = OPTION_COMMAND_LINE},
#undef FIELD
};

const size_t option_count = sizeof options / sizeof options[0];

static_assert(sizeof options / sizeof options[0] <= OPTIONS_MAX, "there is room for all");
