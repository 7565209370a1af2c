/* SPDX-License-Identifier: MIT */
/* Walks of YAML documents; see walk.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "walk.h"

static bool refuse_text(struct walk *walk, const yaml_parser_t *parser)
{
	walk->line = parser->problem_mark.line + 1;
	snprintf(walk->reason, sizeof walk->reason, "%s",
		 parser->problem ? parser->problem : "out of memory");
	return false;
}

/* Demands that nothing comes after the document. */
static bool is_single(struct walk *walk, yaml_parser_t *parser)
{
	yaml_document_t next;

	if (!yaml_parser_load(parser, &next))
		return refuse_text(walk, parser);
	const yaml_node_t *root = yaml_document_get_root_node(&next);
	if (root)
		walk_refuse(walk, root, "more than one document");
	yaml_document_delete(&next);
	return !root;
}

bool walk_load(struct walk *walk, const char *text, size_t bytes, const yaml_node_t **root)
{
	yaml_parser_t parser;
	bool loaded;

	*walk = (struct walk){.line = 0};
	if (!yaml_parser_initialize(&parser)) {
		snprintf(walk->reason, sizeof walk->reason, "out of memory");
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);
	loaded = yaml_parser_load(&parser, &walk->document) || refuse_text(walk, &parser);
	*root = loaded ? yaml_document_get_root_node(&walk->document) : NULL;
	if (*root)
		loaded = is_single(walk, &parser);
	yaml_parser_delete(&parser);
	return loaded;
}

void walk_release(struct walk *walk)
{
	for (yaml_node_t *node = walk->document.nodes.start; node < walk->document.nodes.top;
	     node++)
		if (node->type == YAML_SCALAR_NODE)
			explicit_bzero(node->data.scalar.value, node->data.scalar.length);
	yaml_document_delete(&walk->document);
}

bool walk_refuse(struct walk *walk, const yaml_node_t *node, const char *format, ...)
{
	va_list values;

	walk->line = node->start_mark.line + 1;
	va_start(values, format);
	vsnprintf(walk->reason, sizeof walk->reason, format, values);
	va_end(values);
	return false;
}

static bool is_nothing(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE &&
	       node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (node->data.scalar.length == 0 ||
		strcmp((const char *)node->data.scalar.value, "~") == 0 ||
		strcmp((const char *)node->data.scalar.value, "null") == 0);
}

bool walk_string(struct walk *walk, const yaml_node_t *node, const char **string)
{
	if (node->type != YAML_SCALAR_NODE)
		return walk_refuse(walk, node, "must be a string");
	if (strlen((const char *)node->data.scalar.value) != node->data.scalar.length)
		return walk_refuse(walk, node, "must not have a NUL");
	*string = is_nothing(node) ? NULL : (const char *)node->data.scalar.value;
	return true;
}

bool walk_boolean(struct walk *walk, const yaml_node_t *node, bool *value)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "n", "y"};
	const char *string;

	if (!walk_string(walk, node, &string))
		return false;
	for (unsigned i = 0; string && i < sizeof words / sizeof *words; i++) {
		if (strcasecmp(string, words[i]) == 0) {
			*value = i % 2 != 0;
			return true;
		}
	}
	return walk_refuse(walk, node, "must be true or false");
}

static yaml_node_t *node_at(struct walk *walk, int index)
{
	return yaml_document_get_node(&walk->document, index);
}

/* Demands that no pair before this one has its key. */
static bool is_new(struct walk *walk, const yaml_node_t *mapping, const yaml_node_pair_t *pair,
		   const char *key)
{
	const yaml_node_pair_t *other = mapping->data.mapping.pairs.start;

	for (; other < pair; other++) {
		const yaml_node_t *node = node_at(walk, other->key);
		if (strcmp((const char *)node->data.scalar.value, key) == 0)
			return walk_refuse(walk, node_at(walk, pair->key), "%s: comes twice", key);
	}
	return true;
}

bool walk_entries(struct walk *walk, const yaml_node_t *node, walk_entry_taker *take, void *subject)
{
	const char *key;

	if (is_nothing(node))
		return true;
	if (node->type != YAML_MAPPING_NODE)
		return walk_refuse(walk, node, "must be a mapping");
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *name = node_at(walk, pair->key);
		if (!walk_string(walk, name, &key))
			return false;
		if (!key)
			return walk_refuse(walk, name, "must have a name");
		if (!is_new(walk, node, pair, key) ||
		    !take(walk, key, node_at(walk, pair->value), subject))
			return false;
	}
	return true;
}

struct known {
	const struct walk_key *keys;
	void *subject;
};

static bool take_known(struct walk *walk, const char *key, const yaml_node_t *value, void *subject)
{
	const struct known *known = subject;

	for (const struct walk_key *one = known->keys; one->name; one++)
		if (strcmp(one->name, key) == 0)
			return one->take(walk, value, (char *)known->subject + one->offset);
	return walk_refuse(walk, value, "%s: unknown key", key);
}

bool walk_mapping(struct walk *walk, const yaml_node_t *node, const struct walk_key *keys,
		  void *subject)
{
	struct known known = {keys, subject};

	return walk_entries(walk, node, take_known, &known);
}

bool walk_list(struct walk *walk, const yaml_node_t *node, walk_taker *take, void *subject)
{
	if (is_nothing(node))
		return true;
	if (node->type != YAML_SEQUENCE_NODE)
		return walk_refuse(walk, node, "must be a list");
	for (const yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++)
		if (!take(walk, node_at(walk, *item), subject))
			return false;
	return true;
}
