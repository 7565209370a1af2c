/* SPDX-License-Identifier: MIT */
/*
 * The configuration: the command line, with the flags that operators know from other Prometheus
 * exporters, and the file that it may name, in which the same options are keys. What is on the
 * command line counts, whatever the file says of that option.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>

#include <ring/layout.h>

#include "access/access.h"
#include "aggregate/aggregate.h"
#include "base/address.h"
#include "base/log.h"
#include "base/walk.h"
#include "http/peers.h"
#include "replication/monitor.h"
#include "replication/notify.h"
#include "replication/override.h"

#define CONFIG_ADDRESSES_MAX 8u
#define CONFIG_OVERRIDES_MAX 64u
#define CONFIG_SETTINGS_MAX  512u

struct config_option;

/* An option as it was given, or as it is when it is not. */
struct config_setting {
	const struct config_option *option;
	const char *value; /* NULL: it takes none */
	size_t line;       /* in the file; 0: not there */
};

/* Why there is no configuration: `object: reason`, for log_failure. */
struct config_fault {
	char object[512];
	char reason[512];
};

#define CONFIG_FAULT_BYTES (sizeof(struct config_fault) + 2) /* in one line */

struct config {
	const char *file; /* NULL: none */
	bool only_checks;
	const char *dir; /* NULL: see ring_dir_resolve */
	struct address addresses[CONFIG_ADDRESSES_MAX];
	unsigned address_count;
	bool needs_activation;          /* sockets that the service manager has opened */
	bool listens_nowhere;           /* asked for as such */
	struct address profile_address; /* its text is NULL: none */
	unsigned socket_mode;           /* of Unix-domain sockets */
	bool has_socket_mode;           /* else it is the umask's */
	const char *web_config_file;    /* NULL: none */
	const char *token_files[ACCESS_TOKEN_FILES_MAX];
	unsigned token_file_count;
	const char *telemetry_path;
	const char *textfile_dir; /* NULL: none */
	uint64_t textfile_interval_ns;
	bool disable_exporter_metrics;
	bool no_native_histograms;
	bool openmetrics_created; /* lines that say when series started */
	enum log_level log_level;
	enum log_format log_format;
	bool once;
	bool has_no_sandbox;
	bool admin_api; /* requests may change state */
	bool lifecycle; /* requests may reload this */
	struct peers_limits limits;
	struct shape_labels labels;
	struct shape_rule shape_rules[CONFIG_OVERRIDES_MAX];
	unsigned shape_rule_count;
	struct aggregate_limits aggregate_limits;
	size_t page_bytes_max;
	struct monitor_config monitor;
	struct monitor_override overrides[CONFIG_OVERRIDES_MAX];
	char patterns[CONFIG_OVERRIDES_MAX][OVERRIDE_PATTERN_BYTES]; /* of the overrides */
	struct notify_options notify;
	char label_names[NOTIFY_LABELS_MAX][RING_LABEL_KEY_MAX + 1]; /* of the alerts' labels */
	bool may_be_unreachable;                                     /* Alertmanagers at start */

	int argc; /* to read it again */
	char *const *argv;
	struct walk walk; /* of the file; its strings */
	struct config_setting settings[CONFIG_SETTINGS_MAX];
	size_t setting_count;
	size_t given_count; /* of them, the first; the others are standards */
	struct config_fault fault;
};

enum config_result {
	CONFIG_RUN = 0,
	CONFIG_EXIT = 1,  /* help or version was asked for, and printed */
	CONFIG_WRONG = 2, /* the fault says what */
};

/* Reads argv, and the file that it names, into `config`, which must stay where it is. What it
 * points to is argv's or its own. Release after CONFIG_RUN. One thread at a time. */
enum config_result config_read(struct config *config, int argc, char *const *argv);
void config_release(struct config *config);

/* On the command line or in the file. */
bool config_is_given(const struct config *config, const char *name);

/* Whether an exporter that runs with the one can go on with the other. If not, `next` has the
 * fault. */
bool config_may_follow(const struct config *now, struct config *next);

#endif
