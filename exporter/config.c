/* SPDX-License-Identifier: MIT */
/* The command line; see config.h. One table makes the parser and the help. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "duration.h"

#define ADDRESS_DEFAULT "127.0.0.1:10750"

/* Sets what the option says; returns NULL, or what is wrong with the value. */
typedef const char *config_setter(struct config *config, const char *value);

static const char *set_dir(struct config *config, const char *value)
{
	config->dir = value;
	return *value ? NULL : "must not be empty";
}

static const char *set_address(struct config *config, const char *value)
{
	if (config->address_count == CONFIG_ADDRESSES_MAX)
		return "given too often";
	return address_parse(value, &config->addresses[config->address_count++]);
}

static const char *set_telemetry_path(struct config *config, const char *value)
{
	config->telemetry_path = value;
	if (value[0] != '/' || strpbrk(value, "?#%\"<>&' ") || strncmp(value, "/-/", 3) == 0)
		return "must start with a slash and be a plain path outside of /-/";
	return value[1] ? NULL : "must not be the root, where the landing page is";
}

static const char *set_disable_exporter_metrics(struct config *config, const char *value)
{
	(void)value;
	config->disable_exporter_metrics = true;
	return NULL;
}

static const char *set_log_level(struct config *config, const char *value)
{
	for (unsigned level = 0; level < LOG_LEVEL_COUNT; level++) {
		if (strcmp(value, log_level_words[level]) == 0) {
			config->log_level = (enum log_level)level;
			return NULL;
		}
	}
	return "must be debug, info, warn or error";
}

static const char *set_log_format(struct config *config, const char *value)
{
	config->log_format = strcmp(value, "json") == 0 ? LOG_JSON : LOG_LOGFMT;
	if (config->log_format == LOG_JSON || strcmp(value, "logfmt") == 0)
		return NULL;
	return "must be logfmt or json";
}

static const char *set_once(struct config *config, const char *value)
{
	(void)value;
	config->once = true;
	return NULL;
}

static const char *set_admin_api(struct config *config, const char *value)
{
	(void)value;
	config->admin_api = true;
	return NULL;
}

static const char *set_seconds(double *seconds, const char *value)
{
	uint64_t ns;
	const char *reason = duration_parse(value, &ns);

	if (!reason)
		*seconds = (double)ns / 1e9;
	return reason;
}

static const char *set_warning(struct config *config, const char *value)
{
	return set_seconds(&config->monitor.thresholds.warning_seconds, value);
}

static const char *set_critical(struct config *config, const char *value)
{
	return set_seconds(&config->monitor.thresholds.critical_seconds, value);
}

/* One `key=duration` of an override, `bytes` long. */
static const char *set_threshold(struct monitor_thresholds *thresholds, const char *text,
				 size_t bytes)
{
	char duration[64];
	const char *equals = memchr(text, '=', bytes);
	const size_t key_bytes = equals ? (size_t)(equals - text) : bytes;
	const bool warning = key_bytes == 7 && memcmp(text, "warning", 7) == 0;
	const bool critical = key_bytes == 8 && memcmp(text, "critical", 8) == 0;

	if (!equals || (!warning && !critical) || bytes - key_bytes > sizeof duration)
		return "after the last colon must be warning=DURATION, critical=DURATION or both, "
		       "with a comma";
	memcpy(duration, equals + 1, bytes - key_bytes - 1);
	duration[bytes - key_bytes - 1] = '\0';
	return set_seconds(warning ? &thresholds->warning_seconds : &thresholds->critical_seconds,
			   duration);
}

/* PATTERN:key=duration,key=duration; the pattern may have colons of its own. */
static const char *set_thresholds(struct config *config, const char *value)
{
	const size_t index = config->monitor.override_count;
	const char *colon = strrchr(value, ':'), *reason = NULL;
	const size_t pattern_bytes = colon ? (size_t)(colon - value) : 0;

	if (pattern_bytes == 0 || pattern_bytes > RING_LABEL_VALUE_MAX)
		return "must be PATTERN:warning=DURATION,critical=DURATION";
	if (index == CONFIG_OVERRIDES_MAX)
		return "given too often";
	struct monitor_override *override = &config->overrides[index];
	memcpy(config->patterns[index], value, pattern_bytes); /* zeros follow */
	override->pattern = config->patterns[index];
	for (const char *part = colon + 1; part && !reason;) {
		const char *comma = strchr(part, ',');
		reason = set_threshold(&override->thresholds, part,
				       comma ? (size_t)(comma - part) : strlen(part));
		part = comma ? comma + 1 : NULL;
	}
	config->monitor.override_count++;
	return reason;
}

static const char *set_retention(struct config *config, const char *value)
{
	return duration_parse(value, &config->monitor.retention_ns);
}

static const char *set_cooldown(struct config *config, const char *value)
{
	return duration_parse(value, &config->monitor.cooldown_ns);
}

static const char *set_breaches(struct config *config, const char *value)
{
	const size_t digits = strspn(value, "0123456789");

	config->monitor.breach_count_min = (uint32_t)atoi(value);
	if (value[digits] != '\0' || digits > 6 || config->monitor.breach_count_min == 0)
		return "must be a number from 1 to 999999";
	return NULL;
}

static const char *set_spare_catch_up(struct config *config, const char *value)
{
	(void)value;
	config->monitor.spares_catch_up = true;
	return NULL;
}

static const char *set_no_prediction(struct config *config, const char *value)
{
	(void)value;
	config->monitor.predicts = false;
	return NULL;
}

static const char *set_alert_url(struct config *config, const char *value)
{
	struct notify_options *notify = &config->notify;

	if (notify->url_count == NOTIFY_URLS_MAX)
		return "given too often";
	notify->urls[notify->url_count++] = value;
	return notify_url_fault(value);
}

static const char *set_alert_label(struct config *config, const char *value)
{
	struct notify_options *notify = &config->notify;
	const char *equals = strchr(value, '=');
	const size_t name_bytes = equals ? (size_t)(equals - value) : 0;

	if (notify->label_count == NOTIFY_LABELS_MAX)
		return "given too often";
	char *name = config->label_names[notify->label_count];
	if (name_bytes == 0 || name_bytes > RING_LABEL_KEY_MAX || equals[1] == '\0')
		return "must be NAME=VALUE";
	memcpy(name, value, name_bytes); /* zeros follow */
	notify->labels[notify->label_count++] = (struct alert_label){name, equals + 1};
	return alert_label_fault(notify->labels, notify->label_count);
}

static const char *set_alert_resend(struct config *config, const char *value)
{
	return duration_parse(value, &config->notify.resend_ns);
}

static const char *set_alert_unreachable(struct config *config, const char *value)
{
	(void)value;
	config->may_be_unreachable = true;
	return NULL;
}

static const char *set_external_url(struct config *config, const char *value)
{
	config->notify.external_url = value;
	return notify_url_fault(value);
}

static const struct config_option {
	const char *name;
	const char *argument; /* NULL: takes none */
	const char *help;
	config_setter *set; /* NULL: prints and ends */
} options[] = {
	{"dir", "DIR", "directory of the segments [$RING_DIR, /run/ring, ...]", set_dir},
	{"web.listen-address", "HOST:PORT",
	 "address to serve on, repeatable; :PORT for every interface [" ADDRESS_DEFAULT "]",
	 set_address},
	{"web.telemetry-path", "PATH", "path of the metrics [/metrics]", set_telemetry_path},
	{"web.disable-exporter-metrics", NULL, "leave out ring_exporter_* and process_*",
	 set_disable_exporter_metrics},
	{"web.external-url", "URL", "where people reach this exporter, for links in alerts",
	 set_external_url},
	{"web.enable-admin-api", NULL, "let requests change state: clear alerts", set_admin_api},
	{"replication.warning", "DURATION", "lag from which a follower's severity is warning [5s]",
	 set_warning},
	{"replication.critical", "DURATION", "the same for critical [30s]", set_critical},
	{"replication.thresholds", "PATTERN:KEY=DURATION,...",
	 "warning and critical for followers whose names match, repeatable", set_thresholds},
	{"replication.retention", "DURATION", "age of the oldest lag remembered [1h]",
	 set_retention},
	{"replication.cooldown", "DURATION", "time between two alerts about a follower [1m]",
	 set_cooldown},
	{"replication.breaches", "N", "seconds in a row above a threshold before an alert [1]",
	 set_breaches},
	{"replication.spare-catch-up", NULL, "no alert before a follower has caught up once",
	 set_spare_catch_up},
	{"replication.no-prediction", NULL, "do not predict lags", set_no_prediction},
	{"alert.url", "URL", "an Alertmanager to send alerts to, repeatable", set_alert_url},
	{"alert.label", "NAME=VALUE", "label of every alert, repeatable", set_alert_label},
	{"alert.resend", "DURATION", "time after which an alert is sent again [1m]",
	 set_alert_resend},
	{"alert.allow-unreachable", NULL, "start even if an Alertmanager does not answer",
	 set_alert_unreachable},
	{"log.level", "LEVEL", "debug, info, warn or error [info]", set_log_level},
	{"log.format", "FORMAT", "logfmt or json [logfmt]", set_log_format},
	{"once", NULL, "print one exposition on stdout and exit", set_once},
	{"version", NULL, "print the version and exit", NULL},
	{"help", NULL, "print this and exit; also -h", NULL},
};

#define OPTION_COUNT (sizeof options / sizeof options[0])
#define LONG_OPTION  1 /* what getopt returns for each of them; no letter */

static void print_help(void)
{
	char left[64];

	puts("usage: " CONFIG_PROGRAM " [OPTION]...\n"
	     "Serves the metrics that data planes record with libring to Prometheus.\n");
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		snprintf(left, sizeof left, "--%s%s%s", options[i].name,
			 options[i].argument ? "=" : "",
			 options[i].argument ? options[i].argument : "");
		printf("  %-34s %s\n", left, options[i].help);
	}
}

static enum config_result wrong(const char *object, const char *reason)
{
	log_failure(object, reason);
	return CONFIG_WRONG;
}

/* The option that getopt has just taken, or an end. */
static enum config_result take(struct config *config, const struct config_option *option)
{
	char object[64];

	if (option->set) {
		const char *reason = option->set(config, optarg);
		snprintf(object, sizeof object, "--%s", option->name);
		return reason ? wrong(object, reason) : CONFIG_RUN;
	}
	if (strcmp(option->name, "version") == 0)
		puts(CONFIG_PROGRAM " " RING_VERSION);
	else
		print_help();
	return CONFIG_EXIT;
}

/* The word that getopt has just refused. */
static enum config_result refuse(char *const *argv)
{
	const char letter[] = {'-', (char)optopt, '\0'};

	/* A short option may stand in the middle of a word; a long one has no letter. */
	return wrong(optopt > LONG_OPTION ? letter : argv[optind - 1],
		     "no such option, or it takes no value");
}

/* What only all flags together tell. */
static enum config_result judge(struct config *config)
{
	const struct monitor_thresholds *standard = &config->monitor.thresholds;

	if (standard->critical_seconds < standard->warning_seconds)
		return wrong("--replication.critical", "must not be below --replication.warning");
	for (size_t i = 0; i < config->monitor.override_count; i++) {
		struct monitor_thresholds *own = &config->overrides[i].thresholds;
		if (own->warning_seconds == 0)
			own->warning_seconds = standard->warning_seconds;
		if (own->critical_seconds == 0)
			own->critical_seconds = standard->critical_seconds;
		if (own->critical_seconds < own->warning_seconds)
			return wrong("--replication.thresholds",
				     "critical must not be below warning");
	}
	return CONFIG_RUN;
}

enum config_result config_read(struct config *config, int argc, char *const *argv)
{
	struct option table[OPTION_COUNT + 1] = {0};
	enum config_result result = CONFIG_RUN;
	int index = 0, got;

	*config = (struct config){
		.telemetry_path = "/metrics",
		.log_level = LOG_INFO,
		.monitor = monitor_defaults,
		.notify = {.resend_ns = UINT64_C(60000000000)},
	};
	config->monitor.overrides = config->overrides;
	for (size_t i = 0; i < OPTION_COUNT; i++)
		table[i] = (struct option){options[i].name, options[i].argument ? 1 : 0, NULL,
					   LONG_OPTION};
	optind = 0; /* starts getopt anew, for tests that read several command lines */
	opterr = 0;
	while (result == CONFIG_RUN && (got = getopt_long(argc, argv, ":h", table, &index)) != -1) {
		if (got == 'h') {
			print_help();
			result = CONFIG_EXIT;
		} else if (got == ':') {
			result = wrong(argv[optind - 1], "needs a value");
		} else if (got == '?') {
			result = refuse(argv);
		} else {
			result = take(config, &options[index]);
		}
	}
	if (result == CONFIG_RUN && optind < argc)
		result = wrong(argv[optind], "takes no arguments, options only");
	if (result == CONFIG_RUN)
		result = judge(config);
	if (result == CONFIG_RUN && config->address_count == 0)
		address_parse(ADDRESS_DEFAULT, &config->addresses[config->address_count++]);
	return result;
}
