/* SPDX-License-Identifier: MIT */
/* The command line; see config.h. One table makes the parser, the defaults and the help. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "duration.h"

#define RESEND_NS_MIN UINT64_C(1000000000)
#define RESEND_NS_MAX (UINT64_C(24) * 3600 * 1000000000)

/* Sets a field, or what starts there, to a value (NULL if the option takes none). Returns NULL, or
 * what is wrong with the value. */
typedef const char *config_setter(void *field, const char *value);

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

	if (config->address_count == CONFIG_ADDRESSES_MAX)
		return "given too often";
	return address_parse(value, &config->addresses[config->address_count++]);
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
	static const char *const taken[] = {"/-/", "/replication"};

	*(const char **)field = value;
	if (value[0] != '/' || strpbrk(value, "?#%\"<>&' "))
		return "must start with a slash and be a plain path";
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		if (strncmp(value, taken[i], strlen(taken[i])) == 0)
			return "must not begin with /-/ or /replication, where other pages are";
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

/* `standard` is the value of an option that is not given; NULL: see `help`. What sets more than one
 * field, or a list, has no field and takes the whole. */
static const struct config_option {
	const char *name;
	const char *argument; /* NULL: takes none */
	const char *standard;
	const char *help;
	config_setter *set; /* NULL: prints and ends */
	size_t field;
} options[] = {
#define FIELD(member) offsetof(struct config, member)
	{"dir", "DIR", NULL, "directory of the segments [$RING_DIR, /run/ring, ...]", set_path,
	 FIELD(dir)},
	{"web.listen-address", "HOST:PORT", "127.0.0.1:10750",
	 "address, repeatable; :PORT for all; unix:PATH", set_address},
	{"web.socket-mode", "MODE", NULL, "permissions of Unix-domain sockets", set_socket_mode},
	{"web.config.file", "FILE", NULL, "TLS and passwords, as other exporters have them",
	 set_path, FIELD(web_config_file)},
	{"web.token-file", "FILE", NULL, "bearer tokens, of which a request needs one, repeatable",
	 set_token_file},
	{"web.telemetry-path", "PATH", "/metrics", "path of the metrics", set_telemetry_path,
	 FIELD(telemetry_path)},
	{"web.disable-exporter-metrics", NULL, NULL, "leave out ring_exporter_* and process_*",
	 set_true, FIELD(disable_exporter_metrics)},
	{"web.external-url", "URL", NULL, "where people reach this exporter, for links in alerts",
	 set_external_url, FIELD(notify.external_url)},
	{"web.enable-admin-api", NULL, NULL, "let requests change state: clear alerts", set_true,
	 FIELD(admin_api)},
	{"web.max-connections", "N", "128", "connections at once; one address has half of them",
	 set_connections, FIELD(limits.connections_max)},
	{"web.rate-limit", "N", NULL, "requests per second from one address, twice as many at once",
	 set_count, FIELD(limits.rate)},
	{"replication.warning", "DURATION", "5s", "lag from which a follower's severity is warning",
	 set_seconds, FIELD(monitor.thresholds.warning_seconds)},
	{"replication.critical", "DURATION", "30s", "the same for critical", set_seconds,
	 FIELD(monitor.thresholds.critical_seconds)},
	{"replication.thresholds", "PATTERN:KEY=DURATION,...", NULL,
	 "warning and critical for followers whose names match, repeatable", set_override},
	{"replication.retention", "DURATION", "1h", "age of the oldest lag remembered",
	 set_nanoseconds, FIELD(monitor.retention_ns)},
	{"replication.cooldown", "DURATION", "1m", "time between two alerts about a follower",
	 set_nanoseconds, FIELD(monitor.cooldown_ns)},
	{"replication.breaches", "N", "1", "seconds in a row above a threshold before an alert",
	 set_count, FIELD(monitor.breach_count_min)},
	{"replication.spare-catch-up", NULL, NULL, "no alert before a follower has caught up once",
	 set_true, FIELD(monitor.spares_catch_up)},
	{"replication.no-prediction", NULL, NULL, "do not predict lags", set_false,
	 FIELD(monitor.predicts)},
	{"alert.url", "URL", NULL, "an Alertmanager to send alerts to, repeatable", set_alert_url,
	 FIELD(notify)},
	{"alert.label", "NAME=VALUE", NULL, "label of every alert, repeatable", set_alert_label},
	{"alert.resend", "DURATION", "1m", "time after which an alert is sent again", set_resend,
	 FIELD(notify.resend_ns)},
	{"alert.allow-unreachable", NULL, NULL, "start even if an Alertmanager does not answer",
	 set_true, FIELD(may_be_unreachable)},
	{"log.level", "LEVEL", "info", "debug, info, warn or error", set_log_level,
	 FIELD(log_level)},
	{"log.format", "FORMAT", "logfmt", "logfmt or json", set_log_format, FIELD(log_format)},
	{"once", NULL, NULL, "print one exposition on stdout and exit", set_true, FIELD(once)},
	{"version", NULL, NULL, "print the version and exit", NULL},
	{"help", NULL, NULL, "print this and exit; also -h", NULL},
#undef FIELD
};

#define OPTION_COUNT (sizeof options / sizeof options[0])
#define LONG_OPTION  1 /* what getopt returns for each of them; no letter */
#define HELP_COLUMN  36

static void print_help(void)
{
	puts("usage: " CONFIG_PROGRAM " [OPTION]...\n"
	     "Serves the metrics that data planes record with libring to Prometheus.\n");
	for (const struct config_option *option = options; option < options + OPTION_COUNT;
	     option++) {
		const int column = printf("  --%s%s%s", option->name, option->argument ? "=" : "",
					  option->argument ? option->argument : "");
		if (column < HELP_COLUMN)
			printf("%*s%s", HELP_COLUMN - column, "", option->help);
		else
			printf("\n%*s%s", HELP_COLUMN, "", option->help);
		if (option->standard)
			printf(" [%s]", option->standard);
		puts("");
	}
}

static enum config_result wrong(const char *object, const char *reason)
{
	log_failure(object, reason);
	return CONFIG_WRONG;
}

/* A word that makes no sense, without what it gives a value to, or what follows a scheme: it may
 * be a URL with a password in a place that we do not know. */
static enum config_result wrong_word(const char *word, const char *reason)
{
	char shown[128];

	snprintf(shown, sizeof shown, "%.*s", (int)strcspn(word, "=:"), word);
	return wrong(shown, reason);
}

/* The word that getopt has just refused, or we. */
static enum config_result refuse(const char *word)
{
	const char letter[] = {'-', (char)optopt, '\0'};

	/* A short option may stand in the middle of a word; a long one has no letter. */
	return wrong_word(optopt > LONG_OPTION ? letter : word,
			  "no such option, or it takes no value");
}

/* The option that getopt has just taken, whose value may be the next word. */
static const char *word_taken(char *const *argv)
{
	return optarg && optarg == argv[optind - 1] ? argv[optind - 2] : argv[optind - 1];
}

/* getopt also takes the beginning of a name, which another option may have tomorrow. */
static bool is_whole(const char *name, const char *word)
{
	const size_t bytes = strlen(name);

	return strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, bytes) == 0 &&
	       (word[2 + bytes] == '=' || word[2 + bytes] == '\0');
}

static enum config_result set(struct config *config, const struct config_option *option,
			      const char *value)
{
	char object[64];
	const char *reason = option->set((char *)config + option->field, value);

	snprintf(object, sizeof object, "--%s", option->name);
	return reason ? wrong(object, reason) : CONFIG_RUN;
}

static enum config_result print(const struct config_option *option)
{
	if (strcmp(option->name, "version") == 0)
		puts(CONFIG_PROGRAM " " RING_VERSION);
	else
		print_help();
	return CONFIG_EXIT;
}

/* All options and no more; `given` says which. */
static enum config_result read_options(struct config *config, int argc, char *const *argv,
				       bool *given)
{
	struct option table[OPTION_COUNT + 1] = {0};
	enum config_result result = CONFIG_RUN;
	int index = 0, got;

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
			result = refuse(argv[optind - 1]);
		} else if (!is_whole(options[index].name, word_taken(argv))) {
			result = refuse(word_taken(argv));
		} else if (!options[index].set) {
			result = print(&options[index]);
		} else {
			result = set(config, &options[index], optarg);
			given[index] = true;
		}
	}
	if (result == CONFIG_RUN && optind < argc)
		result = wrong_word(argv[optind], "takes no arguments, options only");
	return result;
}

/* What only all options together tell. */
static enum config_result judge(struct config *config)
{
	const struct monitor_thresholds *standard = &config->monitor.thresholds;
	const char *fault = monitor_thresholds_fault(standard);
	char reason[sizeof config->patterns[0] + 128];

	if (fault)
		return wrong("--replication.critical", fault);
	for (size_t i = 0; i < config->monitor.override_count; i++) {
		fault = override_complete(&config->overrides[i], standard);
		if (!fault)
			continue;
		snprintf(reason, sizeof reason, "%s: %s", config->patterns[i], fault);
		return wrong("--replication.thresholds", reason);
	}
	return CONFIG_RUN;
}

enum config_result config_read(struct config *config, int argc, char *const *argv)
{
	bool given[OPTION_COUNT] = {false};

	*config = (struct config){.monitor = monitor_defaults};
	config->monitor.overrides = config->overrides;
	enum config_result result = read_options(config, argc, argv, given);
	for (size_t i = 0; i < OPTION_COUNT && result == CONFIG_RUN; i++)
		if (options[i].standard && !given[i])
			result = set(config, &options[i], options[i].standard);
	return result == CONFIG_RUN ? judge(config) : result;
}
