/* SPDX-License-Identifier: MIT */
/* Configuration files; see config_file.h. */
#include <stdio.h>
#include <string.h>

#include "config_file.h"

#define NAME_BYTES 64u

struct reading {
	config_file_taker *take;
	void *subject;
	bool seen[OPTIONS_MAX]; /* a.b and a: {b: } are the same */
};

/* A key as it would be on the command line. */
struct place {
	struct reading *reading;
	const struct config_option *option; /* NULL: that of a mapping */
	unsigned value_count;
	char name[NAME_BYTES];
};

static const struct config_option *find_option(const char *name)
{
	for (const struct config_option *option = options; option < options + option_count;
	     option++)
		if (strcmp(option->name, name) == 0)
			return option;
	return NULL;
}

/* Whether options' names go on after it with a dot. */
static bool is_group(const char *name)
{
	const size_t bytes = strlen(name);

	for (const struct config_option *option = options; option < options + option_count;
	     option++)
		if (strncmp(option->name, name, bytes) == 0 && option->name[bytes] == '.')
			return true;
	return false;
}

/* What walk.c says is only about a value; adds whose. */
static bool blame(struct walk *walk, const char *name)
{
	char reason[sizeof walk->reason];

	memcpy(reason, walk->reason, sizeof reason);
	snprintf(walk->reason, sizeof walk->reason, "%s: %.*s", name,
		 (int)(sizeof reason - NAME_BYTES - 2), reason);
	return false;
}

static bool take_value(struct walk *walk, const yaml_node_t *node, void *subject)
{
	struct place *place = subject;
	const struct reading *reading = place->reading;
	const char *value;

	if (!walk_string(walk, node, &value))
		return false;
	if (!value)
		return walk_refuse(walk, node, "needs a value");
	place->value_count++;
	const char *wrong = reading->take(reading->subject, place->option, value,
					  node->start_mark.line + 1);
	return !wrong || walk_refuse(walk, node, "%s", wrong);
}

/* False is what it is without the option. */
static bool take_switch(struct walk *walk, const yaml_node_t *node, const struct place *place)
{
	const struct reading *reading = place->reading;
	bool is_on;

	if (!walk_boolean(walk, node, &is_on))
		return false;
	const char *wrong = is_on ? reading->take(reading->subject, place->option, NULL,
						  node->start_mark.line + 1)
				  : NULL;
	return !wrong || walk_refuse(walk, node, "%s", wrong);
}

static bool take_list(struct walk *walk, const yaml_node_t *node, struct place *place)
{
	if (!walk_list(walk, node, take_value, place))
		return false;
	return place->value_count > 0 || walk_refuse(walk, node, "needs a value");
}

static bool take_option(struct walk *walk, const yaml_node_t *node, struct place *place)
{
	const struct config_option *option = place->option;
	bool *seen = &place->reading->seen[option - options];

	if (option->traits & OPTION_COMMAND_LINE)
		return walk_refuse(walk, walk->key, "belongs on the command line");
	if (*seen)
		return walk_refuse(walk, walk->key, "comes twice");
	*seen = true;
	if (!option->argument)
		return take_switch(walk, node, place);
	return option->traits & OPTION_REPEATS ? take_list(walk, node, place)
					       : take_value(walk, node, place);
}

/* Without what follows a scheme: it may be a URL with a password, in a place where none belongs. */
static bool refuse_key(struct walk *walk, const char *name)
{
	return walk_refuse(walk, walk->key, "%.*s: unknown key", (int)strcspn(name, ":"), name);
}

static bool take_key(struct walk *walk, const char *key, const yaml_node_t *node, void *subject)
{
	const struct place *above = subject;
	struct place place = {.reading = above->reading};
	const int bytes = snprintf(place.name, sizeof place.name, "%s%s%s", above->name,
				   above->name[0] ? "." : "", key);

	if ((size_t)bytes >= sizeof place.name)
		return refuse_key(walk, place.name);
	place.option = find_option(place.name);
	if (place.option)
		return take_option(walk, node, &place) || blame(walk, place.name);
	if (!is_group(place.name))
		return refuse_key(walk, place.name);
	if (node->type == YAML_MAPPING_NODE)
		return walk_entries(walk, node, take_key, &place);
	return walk_entries(walk, node, take_key, &place) || blame(walk, place.name);
}

bool config_file_read(struct walk *walk, const char *text, size_t bytes, config_file_taker *take,
		      void *subject)
{
	struct reading reading = {.take = take, .subject = subject};
	struct place top = {.reading = &reading};
	const yaml_node_t *root;

	if (!walk_load(walk, text, bytes, &root))
		return false;
	/* Not all that was there may be there yet. */
	if (root && root->type == YAML_MAPPING_NODE)
		return walk_entries(walk, root, take_key, &top);
	if (root && !(root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0))
		return walk_refuse(walk, root, "must be a mapping");
	walk->line = 1;
	snprintf(walk->reason, sizeof walk->reason, "is empty; {} sets no option");
	return false;
}
