/* SPDX-License-Identifier: MIT */
/*
 * The command line, with the flags that operators know from other Prometheus exporters.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>

#include <ring/layout.h>

#include "access.h"
#include "address.h"
#include "log.h"
#include "peers.h"
#include "replication/monitor.h"
#include "replication/notify.h"
#include "replication/override.h"

#define CONFIG_PROGRAM       "ring-exporter"
#define CONFIG_ADDRESSES_MAX 8u
#define CONFIG_OVERRIDES_MAX 64u

struct config {
	const char *dir; /* NULL: see ring_dir_resolve */
	struct address addresses[CONFIG_ADDRESSES_MAX];
	unsigned address_count;
	unsigned socket_mode;        /* of Unix-domain sockets */
	bool has_socket_mode;        /* else it is the umask's */
	const char *web_config_file; /* NULL: none */
	const char *token_files[ACCESS_TOKEN_FILES_MAX];
	unsigned token_file_count;
	const char *telemetry_path;
	bool disable_exporter_metrics;
	enum log_level log_level;
	enum log_format log_format;
	bool once;
	bool admin_api; /* requests may change state */
	struct peers_limits limits;
	struct monitor_config monitor;
	struct monitor_override overrides[CONFIG_OVERRIDES_MAX];
	char patterns[CONFIG_OVERRIDES_MAX][OVERRIDE_PATTERN_BYTES]; /* of the overrides */
	struct notify_options notify;
	char label_names[NOTIFY_LABELS_MAX][RING_LABEL_KEY_MAX + 1]; /* of the alerts' labels */
	bool may_be_unreachable;                                     /* Alertmanagers at start */
};

enum config_result {
	CONFIG_RUN = 0,
	CONFIG_EXIT = 1,  /* help or version was asked for, and printed */
	CONFIG_WRONG = 2, /* one line on stderr says what */
};

/* Reads argv into `config`, which must stay where it is. What it points to is argv's or its own. */
enum config_result config_read(struct config *config, int argc, char *const *argv);

#endif
