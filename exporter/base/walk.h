/* SPDX-License-Identifier: MIT */
/*
 * A YAML document, walked by tables of the keys that are known. Any other key is refused, and a
 * key that comes twice; what is refused says its line. Why not libcyaml:
 * docs/decisions/0009-yaml.md. Pure.
 *
 * Strings stay the document's. A value that is left out (`key:`) is an empty mapping, an empty
 * list, and NULL for a string. An alias is what it stands for; a tag is refused, as it would mean
 * nothing here.
 */
#ifndef WALK_H
#define WALK_H

#include <stdbool.h>
#include <yaml.h>

#define WALK_DEPTH_MAX 32u

struct walk {
	yaml_document_t document;
	const yaml_node_t *key; /* of the entry that is being taken */
	size_t line;            /* of the fault */
	char reason[160];       /* in words; "": there is none */
};

/* Takes one value. Returns false after walk_refuse. */
typedef bool walk_taker(struct walk *walk, const yaml_node_t *value, void *subject);
/* Takes one entry of a mapping whose keys are free. */
typedef bool walk_entry_taker(struct walk *walk, const char *key, const yaml_node_t *value,
			      void *subject);

struct walk_key {
	const char *name; /* NULL ends a table */
	walk_taker *take;
	size_t offset; /* in the mapping's subject, of the taker's */
};

/* Returns false for a text that is no YAML, or too deep, or has several documents, after a fault is
 * noted; the root is NULL for one without any. Release in both cases. */
bool walk_load(struct walk *walk, const char *text, size_t bytes, const yaml_node_t **root);
/* Leaves no string in memory. */
void walk_release(struct walk *walk);

/* Notes the fault; returns false. */
bool walk_refuse(struct walk *walk, const yaml_node_t *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

bool walk_mapping(struct walk *walk, const yaml_node_t *node, const struct walk_key *keys,
		  void *subject);
bool walk_entries(struct walk *walk, const yaml_node_t *node, walk_entry_taker *take,
		  void *subject);
bool walk_list(struct walk *walk, const yaml_node_t *node, walk_taker *take, void *subject);
bool walk_string(struct walk *walk, const yaml_node_t *node, const char **string);
bool walk_boolean(struct walk *walk, const yaml_node_t *node, bool *value);

#endif
