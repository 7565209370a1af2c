/* SPDX-License-Identifier: MIT */
/* Walks of YAML documents; see walk.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "walk.h"

/* What is no text at all has an offset instead of a line. */
static size_t line_of(const yaml_parser_t *parser)
{
	const unsigned char *text = parser->input.string.start;
	size_t line = 1;

	if (parser->error != YAML_READER_ERROR)
		return parser->problem_mark.line + 1;
	for (size_t i = 0; i < parser->problem_offset && text + i < parser->input.string.end; i++)
		line += text[i] == '\n';
	return line;
}

static bool refuse_text(struct walk *walk, const yaml_parser_t *parser)
{
	walk->line = line_of(parser);
	snprintf(walk->reason, sizeof walk->reason, "%s",
		 parser->problem ? parser->problem : "out of memory");
	return false;
}

/* Loading takes time with the square of the depth. */
static bool is_shallow(struct walk *walk, yaml_parser_t *parser)
{
	unsigned depth = 0;
	bool goes_on = true;
	yaml_event_t event;

	while (goes_on && depth <= WALK_DEPTH_MAX && yaml_parser_parse(parser, &event)) {
		if (event.type == YAML_MAPPING_START_EVENT ||
		    event.type == YAML_SEQUENCE_START_EVENT)
			depth++;
		else if (event.type == YAML_MAPPING_END_EVENT ||
			 event.type == YAML_SEQUENCE_END_EVENT)
			depth--;
		goes_on = event.type != YAML_STREAM_END_EVENT;
		walk->line = event.start_mark.line + 1;
		yaml_event_delete(&event);
	}
	if (depth > WALK_DEPTH_MAX)
		snprintf(walk->reason, sizeof walk->reason, "is nested too deeply");
	else if (parser->error)
		refuse_text(walk, parser);
	return walk->reason[0] == '\0';
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

/* The document, and no other. */
static bool load(struct walk *walk, yaml_parser_t *parser, const yaml_node_t **root)
{
	if (!yaml_parser_load(parser, &walk->document))
		return refuse_text(walk, parser);
	*root = yaml_document_get_root_node(&walk->document);
	return !*root || is_single(walk, parser);
}

/* The text is read twice: its shape first, then what it says. */
static bool read_text(struct walk *walk, const char *text, size_t bytes, const yaml_node_t **root)
{
	yaml_parser_t parser;

	if (!yaml_parser_initialize(&parser)) {
		snprintf(walk->reason, sizeof walk->reason, "out of memory");
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);
	const bool is_read = root ? load(walk, &parser, root) : is_shallow(walk, &parser);
	yaml_parser_delete(&parser);
	return is_read;
}

bool walk_load(struct walk *walk, const char *text, size_t bytes, const yaml_node_t **root)
{
	*walk = (struct walk){.line = 0};
	*root = NULL;
	return read_text(walk, text, bytes, NULL) && read_text(walk, text, bytes, root);
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

/* Of a node without a tag libyaml says the one that it has by its kind. */
static bool is_tagged(const yaml_node_t *node)
{
	static const char *const tags[] = {
		[YAML_SCALAR_NODE] = YAML_DEFAULT_SCALAR_TAG,
		[YAML_SEQUENCE_NODE] = YAML_DEFAULT_SEQUENCE_TAG,
		[YAML_MAPPING_NODE] = YAML_DEFAULT_MAPPING_TAG,
	};

	return strcmp((const char *)node->tag, tags[node->type]) != 0;
}

static bool is_nothing(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE && !is_tagged(node) &&
	       node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (node->data.scalar.length == 0 ||
		strcmp((const char *)node->data.scalar.value, "~") == 0 ||
		strcmp((const char *)node->data.scalar.value, "null") == 0);
}

/* Demands that it is of that kind, which is said in words. */
static bool expect(struct walk *walk, const yaml_node_t *node, yaml_node_type_t type,
		   const char *words)
{
	if (node->type != type)
		return walk_refuse(walk, node, "must be %s", words);
	if (is_tagged(node))
		return walk_refuse(walk, node, "must not have a tag");
	return true;
}

bool walk_string(struct walk *walk, const yaml_node_t *node, const char **string)
{
	if (!expect(walk, node, YAML_SCALAR_NODE, "a string"))
		return false;
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
	if (!expect(walk, node, YAML_MAPPING_NODE, "a mapping"))
		return false;
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *name = node_at(walk, pair->key);
		if (!walk_string(walk, name, &key))
			return false;
		if (!key)
			return walk_refuse(walk, name, "must have a name");
		if (!is_new(walk, node, pair, key))
			return false;
		walk->key = name;
		if (!take(walk, key, node_at(walk, pair->value), subject))
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
	return walk_refuse(walk, walk->key, "%s: unknown key", key);
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
	if (!expect(walk, node, YAML_SEQUENCE_NODE, "a list"))
		return false;
	for (const yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++)
		if (!take(walk, node_at(walk, *item), subject))
			return false;
	return true;
}
