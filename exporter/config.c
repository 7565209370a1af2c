/* SPDX-License-Identifier: MIT */
/* The command line; see config.h. One table makes the parser and the help. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

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
	return config_parse_address(&config->addresses[config->address_count++], value);
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

const char *config_parse_address(struct config_address *address, const char *given)
{
	const char *text = given, *colon = strrchr(given, ':');
	size_t host_bytes = colon ? (size_t)(colon - text) : 0;

	if (!colon)
		return "must be HOST:PORT, :PORT or [V6]:PORT";
	const size_t digits = strspn(colon + 1, "0123456789");
	if (digits == 0 || digits > 5 || colon[1 + digits] != '\0' || atoi(colon + 1) > 65535)
		return "the port must be a number from 0 to 65535";
	if (text[0] == '[') {
		if (host_bytes < 3 || text[host_bytes - 1] != ']')
			return "an IPv6 address must stand in brackets";
		text++;
		host_bytes -= 2;
	} else if (memchr(text, ':', host_bytes)) {
		return "an IPv6 address must stand in brackets";
	}
	if (host_bytes >= sizeof address->host)
		return "the host name is too long";
	address->text = given;
	memcpy(address->host, text, host_bytes);
	address->host[host_bytes] = '\0';
	memcpy(address->port, colon + 1, digits + 1);
	return NULL;
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

enum config_result config_read(struct config *config, int argc, char *const *argv)
{
	struct option table[OPTION_COUNT + 1] = {0};
	enum config_result result = CONFIG_RUN;
	int index = 0, got;

	*config = (struct config){.telemetry_path = "/metrics", .log_level = LOG_INFO};
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
	if (result == CONFIG_RUN && config->address_count == 0)
		config_parse_address(&config->addresses[config->address_count++], ADDRESS_DEFAULT);
	return result;
}
