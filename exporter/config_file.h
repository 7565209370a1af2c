/* SPDX-License-Identifier: MIT */
/*
 * The text of a configuration file: YAML whose keys are the names of the options. A dot in a name
 * may be a mapping within a mapping. Pure.
 *
 *   log.level: debug                      a string, whatever YAML would make of it
 *   web:
 *     enable-admin-api: true              for an option that takes no value
 *     listen-address: [":1", ":2"]        for one that is repeatable, though it be one only
 */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "base/walk.h"
#include "options.h"

#define CONFIG_FILE_BYTES_MAX (256u << 10)

/* Takes an option that the file sets, once for each value of a list; `value` is the document's,
 * or NULL. Returns NULL, or what is wrong with it. */
typedef const char *config_file_taker(void *subject, const struct config_option *option,
				      const char *value, size_t line);

/* Returns false when something is wrong: `walk` has the line, or 0, and the reason, which begins
 * with the key. Release `walk` in both cases, when the values are not needed any more. */
bool config_file_read(struct walk *walk, const char *text, size_t bytes, config_file_taker *take,
		      void *subject);

#endif
